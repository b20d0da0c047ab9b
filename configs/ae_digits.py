"""Plain autoencoder on scikit-learn's 8x8 digits: the baseline.

Source: the baseline of Aliahmadi 2026; sizes are ours, for 8x8 images.

    python train.py --config=configs/ae_digits.py --workdir=runs/ae_digits

Measured on 2 shared cores, start-up included: 12 s, test_mse 0.0130.
":quick": 7 s, test_mse 0.0179.
"""

import ml_collections

from configs import baselines


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return baselines.autoencoder(
        arg, data="digits", latent_dim=8, hidden_units=(128, 64), steps=2000
    )
