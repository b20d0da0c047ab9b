"""Latent-space energy-based prior on CelebA, 64 x 64.

Sources: Raj 2024, Table 4; Pang 2020 (":pang"), whose script for SVHN names
CelebA too: 40,000 images, and the generator with a layer more.

    python train.py --config=configs/lebm_celeba.py --workdir=runs/celeba

and --download once, for the data. Not yet run on them: no test_mse and no time
on 2 cores is claimed; the time grows with the square of `filters`.
"""

import ml_collections

from configs import latent


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "", mle, ti, pang or quick."""
    return latent.config(
        arg,
        "celeb_a",
        model={"latent_dim": 80, "filters": 64},
        quick={"filters": 4},
        pang={"latent_dim": 100, "filters": 32},
        pang_images=40_000,
        image_size=64,
    )
