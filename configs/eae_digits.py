"""Entropic autoencoder on scikit-learn's 8x8 digits.

Source: Aliahmadi 2026, Algorithm 1; sizes and temperature are ours, for 8x8
images: 600 decoder updates, each from 100 encoder steps.

    python train.py --config=configs/eae_digits.py --workdir=runs/eae_digits

Measured on 2 shared cores, start-up included: 35 s, test_mse 0.0093 (mean of
10 encoders); the samples read as digits. ":quick": 18 s, test_mse 0.0186.
Fewer latents or more updates memorise: 8 latents and 1000 updates give 0.0218.
"""

import ml_collections

from configs import experiment


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return experiment.config(
        arg,
        {
            "model": {
                "name": "entropic_autoencoder",
                "latent_dim": 16,
                "hidden_units": (128, 64),
                "temperature": 1e-8,
                "encoder_steps": 100,
                "members": 10,
                "member_interval": 100,
                "batch_size": 64,
            },
            "data": {"name": "digits", "batch_size": 64},
            "training": {
                "steps": 600,
                "report_every": 20,
                "images_every": 300,
                "jit_compile": True,
            },
        },
        quick={"training": {"steps": 40, "images_every": 40}},
    )
