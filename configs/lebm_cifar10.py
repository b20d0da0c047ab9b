"""Latent-space energy-based prior on CIFAR-10, 32 x 32.

Sources: Raj 2024, Table 5; Pang 2020 (":pang").

    python train.py --config=configs/lebm_cifar10.py --workdir=runs/cifar10

and --download once, for the data. Not yet run on them: no test_mse and no time
on 2 cores is claimed; the time grows with the square of `filters`.
"""

import ml_collections

from configs import latent


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "", mle, ti, pang or quick."""
    return latent.config(
        arg,
        "cifar10",
        model={"latent_dim": 100, "filters": 64, "posterior_steps": 40},
        quick={"filters": 4, "posterior_steps": 20},
    )
