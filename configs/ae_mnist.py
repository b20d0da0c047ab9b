"""Plain autoencoder on MNIST: the baseline.

Source: the baseline of Aliahmadi 2026, with the same dense body.

    python train.py --config=configs/ae_mnist.py --workdir=runs/ae_mnist

Measured on 2 shared cores, start-up included: 51 s, test_mse 0.0042.
":quick": 12 s, test_mse 0.0137.
"""

import ml_collections

from configs import baselines


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return baselines.autoencoder(
        arg, data="mnist", latent_dim=64, hidden_units=(512, 256)
    )
