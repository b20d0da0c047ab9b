"""Latent-space energy-based prior on CelebA, 64 x 64.

Sources: Raj 2024, Table 4; Pang 2020 (":pang").

    python train.py --config=configs/lebm_celeba.py --workdir=runs/celeba

and --download once, for the data. Not yet run on them: no test_mse and no time
on 2 cores is claimed; the time grows with the square of `filters`.
"""

import ml_collections

from configs import latent


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "" or mle, ti, pang, quick."""
    return latent.config(
        arg,
        "celeb_a",
        model={"latent_dim": 80, "filters": 64},
        pang={"energy_units": (200, 200), "energy_slope": 0.2},
        quick={"filters": 4},
        image_size=64,
    )
