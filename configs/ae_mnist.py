"""Plain autoencoder on MNIST: the baseline.

Source: the baseline of Aliahmadi 2026, with the same dense body.

    python train.py --config=configs/ae_mnist.py --workdir=runs/ae_mnist

Measured on 2 shared cores, start-up included: 51 s, test_mse 0.0042.
":quick": 12 s, test_mse 0.0137.
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
            "name": "autoencoder",
            "latent_dim": 64,
            "body": "dense",
            "hidden_units": (512, 256),
            "loss": "mse",
            "bandwidth": 0.1,
        }
    )
    config.data = ml_collections.ConfigDict(
        {
            "name": "mnist",
            "batch_size": 128,
            "block": config_dict.placeholder(int),
            "image_size": config_dict.placeholder(int),
        }
    )
    config.optimizer = ml_collections.ConfigDict(
        {"name": "adam", "learning_rate": 1e-3}
    )
    config.training = ml_collections.ConfigDict(
        {
            "steps": 4000,
            "report_every": 200,
            "checkpoint_every": 200,
            "images_every": 1000,
            "steps_per_execution": 20,
            "eval_batch_size": 250,
            "jit_compile": True,
            "mixed_precision": False,
        }
    )
    if arg == "quick":
        config.training.update(
            {"steps": 400, "report_every": 200, "images_every": 400}
        )
    return config.lock()
