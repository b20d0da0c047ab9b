"""Variational autoencoder on MNIST.

Source: Hjorth-Jensen 2025; the dense body of the other MNIST configs.

    python train.py --config=configs/vae_mnist.py --workdir=runs/vae_mnist

Measured on 2 shared cores, start-up included: 32 s, test_mse 0.0108.
":quick": 14 s, test_mse 0.0251.
"""

import ml_collections

from configs import baselines


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    return baselines.variational(
        arg, data="mnist", latent_dim=32, hidden_units=(512, 256)
    )
