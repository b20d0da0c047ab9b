"""Entropic autoencoder on MNIST.

Source: Aliahmadi 2026, Algorithm 1 with K = 3126 (":paper": 250 decoder
updates). The default takes twice the time step and K = 312, a tenth of the
encoder steps.

    python train.py --config=configs/eae_mnist.py --workdir=runs/eae_mnist

Measured on 2 cores that had other work too, start-up included: 326 s,
test_mse 0.0060; ":quick" (100 updates): 95 s, test_mse 0.0080. The error is
that of the mean reconstruction of 20 encoders; the paper reports 0.026.
":paper" is 781,500 encoder steps, ten times those of the default: 1,655 s,
test_mse 0.0064 (as a part of reproductions/eae_table1.py).
"""

import ml_collections

from configs import experiment


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "", "quick" or "paper"."""
    return experiment.config(
        arg,
        {
            "model": {"name": "entropic_autoencoder", "step_size": 2.0},
            "data": {"name": "mnist"},
            "training": {
                "steps": 250,
                "report_every": 10,
                "images_every": 50,
                "jit_compile": True,
            },
        },
        quick={"training": {"steps": 100, "images_every": 100}},
        paper={
            "model": {
                "step_size": 1.0,
                "encoder_steps": 3126,
                "member_interval": 500,
            },
            # An update takes six train steps of 521 encoder steps.
            "training": {
                "steps": 1500,
                "report_every": 30,
                "images_every": 300,
            },
        },
    )
