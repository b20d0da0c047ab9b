"""Variational autoencoder on two half moons in the plane.

Source: the toy of many papers. The standard deviation of the likelihood is the
noise of the points about the arcs.

    python train.py --config=configs/vae_moons.py --workdir=runs/vae_moons

Measured on 2 busy cores, start-up included: 32 s, test_mse 0.0028.
":quick" takes a fifth of the steps.
"""

import ml_collections

from configs import experiment


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return experiment.config(
        arg,
        {
            "model": {
                "name": "variational_autoencoder",
                "latent_dim": 2,
                "hidden_units": (64, 64),
                "likelihood": "gaussian",
            },
            "data": {"name": "toy2d/moons", "batch_size": 128},
            "training": {
                "steps": 4000,
                "report_every": 400,
                "images_every": 2000,
                "steps_per_execution": 20,
                "jit_compile": True,
            },
        },
        quick={"training": {"steps": 800, "images_every": 800}},
    )
