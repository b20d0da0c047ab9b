"""Entropic autoencoder on scikit-learn's 8x8 digits.

Source: Aliahmadi 2026, Algorithm 1; sizes and temperature are ours, for 8x8
images: 600 decoder updates, each from 100 encoder steps.

    python train.py --config=configs/eae_digits.py --workdir=runs/eae_digits

Measured on 2 shared cores, start-up included: 35 s, test_mse 0.0094 (mean of
10 encoders); the samples read as digits. ":quick": 18 s, test_mse 0.0186.
Fewer latents or more updates memorise: 8 latents and 1000 updates give 0.0218.
"""

import ml_collections
from ml_collections import config_dict

from configs import arguments


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or "quick"."""
    arguments.check(arg, ("quick",))
    config = ml_collections.ConfigDict()
    config.seed = 0
    config.model = ml_collections.ConfigDict(
        {
            "name": "entropic_autoencoder",
            "latent_dim": 16,
            "body": "dense",
            "hidden_units": (128, 64),
            "temperature": 1e-08,
            "step_size": 1.0,
            "chain_length": 30,
            "encoder_steps": 100,
            "members": 10,
            "member_interval": 100,
            "batch_size": 64,
            "bandwidth": 0.1,
        }
    )
    config.data = ml_collections.ConfigDict(
        {
            "name": "digits",
            "batch_size": 64,
            "block": 100,
            "image_size": config_dict.placeholder(int),
        }
    )
    config.optimizer = ml_collections.ConfigDict(
        {"name": "adam", "learning_rate": 1e-3}
    )
    config.training = ml_collections.ConfigDict(
        {
            "steps": 600,
            "report_every": 20,
            "checkpoint_every": 20,
            "images_every": 300,
            "steps_per_execution": 1,
            "eval_batch_size": 250,
            "jit_compile": True,
            "mixed_precision": False,
        }
    )
    if arg == "quick":
        config.training.update(
            {"steps": 40, "report_every": 20, "images_every": 40}
        )
    return config.lock()
