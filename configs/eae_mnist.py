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
    config = experiment.config(
        arg,
        ("quick", "paper"),
        data="mnist",
        batch_size=32,
        model=experiment.entropic(
            latent_dim=64,
            hidden_units=(512, 256),
            temperature=3e-9,
            step_size=2.0,
            encoder_steps=312,
            members=20,
            member_interval=250,
            batch_size=32,
        ),
        training={"steps": 250, "report_every": 10, "images_every": 50},
    )
    # One train step, one decoder update.
    config.data.block = 312
    if arg == "quick":
        config.training.update({"steps": 100, "images_every": 100})
    if arg == "paper":
        config.model.update(
            {"step_size": 1.0, "encoder_steps": 3126, "member_interval": 500}
        )
        # Six blocks for one decoder update; 250 updates.
        config.data.block = 521
        config.training.update(
            {
                "steps": 1500,
                "report_every": 30,
                "checkpoint_every": 30,
                "images_every": 300,
            }
        )
    return config.lock()
