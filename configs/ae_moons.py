"""Plain autoencoder on two half moons in the plane: data that are no images.

Source: the toy of many papers; one latent follows both arcs as well as a line
can.

    python train.py --config=configs/ae_moons.py --workdir=runs/ae_moons

Measured on 2 busy cores, start-up included: 31 s, test_mse 0.0117.
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
                "name": "autoencoder",
                "latent_dim": 1,
                "hidden_units": (64, 64),
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
