"""Plain autoencoder on scikit-learn's 8x8 digits: the baseline.

Source: the baseline of Aliahmadi 2026; sizes are ours, for 8x8 images.

    python train.py --config=configs/ae_digits.py --workdir=runs/ae_digits

Measured on 2 shared cores, start-up included: 12 s, test_mse 0.0130.
":quick": 7 s, test_mse 0.0179.
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
                "latent_dim": 8,
                "hidden_units": (128, 64),
            },
            "data": {"name": "digits", "batch_size": 128},
            "training": {
                "steps": 2000,
                "report_every": 200,
                "images_every": 1000,
                "steps_per_execution": 20,
                "jit_compile": True,
            },
        },
        quick={"training": {"steps": 400, "images_every": 400}},
    )
