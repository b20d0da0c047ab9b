"""Plain autoencoder on MNIST: the baseline.

Source: the baseline of Aliahmadi 2026, with the same dense body.

    python train.py --config=configs/ae_mnist.py --workdir=runs/ae_mnist

Measured on 2 shared cores, start-up included: 51 s, test_mse 0.0042.
":quick": 12 s, test_mse 0.0137.
"""

import ml_collections

from configs import experiment


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return experiment.config(
        arg,
        {
            "model": {
                "name": "autoencoder",
            },
            "data": {"name": "mnist", "batch_size": 128},
            "training": {
                "steps": 4000,
                "report_every": 200,
                "images_every": 1000,
                "steps_per_execution": 20,
                "jit_compile": True,
            },
        },
        quick={"training": {"steps": 400, "images_every": 400}},
    )
