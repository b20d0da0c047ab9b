"""Latent-space energy-based prior on SVHN, 32 x 32.

Sources: Raj 2024, which has no table for this set: latent_dim and filters are
our choice, the rest is as in its Table 4. Pang 2020 (":pang").

    python train.py --config=configs/lebm_svhn.py --workdir=runs/svhn

and --download once, for the data. Not yet run on them: no test_mse and no time
on 2 cores is claimed; the time grows with the square of `filters`.
"""

import ml_collections

from configs import latent


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "", mle, ti, pang or quick."""
    return latent.config(
        arg,
        "svhn_cropped",
        model={"latent_dim": 100, "filters": 64},
        quick={"filters": 4},
        pang={"filters": 32},
        # All that are not held out for validation.
        pang_images=61_048,
    )
