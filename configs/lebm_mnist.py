"""Latent-space energy-based prior on MNIST.

Sources: Raj 2024, which has no table for this set: latent_dim and filters are
our choice, the rest is as in its Table 4. Pang 2020 (":pang").

    python train.py --config=configs/lebm_mnist.py:quick --workdir=runs/lebm

":quick" (filters=4, 1,200 steps): test_mse 0.0063 on 500 test images, at codes
drawn by 20 Langevin steps each (seed 1: 0.0053); over half of its samples are
digits to the eye. 176 s of processor time in all; 124 s on 2 idle cores. At a
third of the prior's rate KID (of a small ConvNet's features) is .127 and .042
with two seeds, at the one here .102 and .033, +- .02 and .01. The
others were not run to their end.
"""

import ml_collections

from configs import latent


def get_config(arg: str = "") -> ml_collections.ConfigDict:
    """Returns the locked config; `arg` is "", mle, ti, pang or quick."""
    return latent.config(
        arg,
        "mnist",
        model={"latent_dim": 32, "filters": 16},
        quick={"filters": 4},
    )
