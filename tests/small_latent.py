"""A small latent-space energy-based prior, and images for it."""

from typing import Any

import numpy as np

import zoo

IMAGES = np.random.default_rng(0).random((6, 8, 8, 1), np.float32)
TI = {"estimator": "ti", "ladder": {"num": 4, "p": 3.0}}


def build(**changes: Any) -> Any:
    """The model; dense, because convolutions take longest to trace."""
    arguments = {
        "data": zoo.DataSpec("image", (8, 8, 1), len(IMAGES)),
        "latent_dim": 3,
        "body": "dense",
        "hidden_units": [8],
        "energy_units": [8],
        "prior_steps": 5,
        "posterior_steps": 5,
    }
    return zoo.build("latent_energy_prior", **{**arguments, **changes})
