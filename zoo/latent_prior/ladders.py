"""Ladders of temperatures that follow what chains of a model see."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import losses
from samplers import ladders
from zoo.latent_prior.tempering import nodes_of

MEASURED = ("equalised", "fixed_variance")
# Each measures at the nodes that the one before placed.
_ROUNDS = 3


def placed(
    name: str, num: int, log_likelihood_at: Callable[[np.ndarray], Any]
) -> np.ndarray:
    """Places the nodes of a ladder by likelihoods at the nodes of another.

    From the power law with p = 3, in three rounds.

    Args:
        name: one of MEASURED, see samplers.ladders.
        num: N_t.
        log_likelihood_at: ladder [N_t] -> log p(x | z) [N_t, draws, B].

    Returns:
        float64 [N_t].

    Raises:
        errors.InputError: N_t below 2, or chains that never moved.
    """
    ladder = nodes_of({"num": num})
    for _ in range(_ROUNDS):
        values = log_likelihood_at(ladder)
        if name == "equalised":
            each = losses.summed_divergence(ladder, values)
            ladder = ladders.equalised(ladder, tf.reduce_mean(each, 1))
        else:
            each = tf.math.reduce_variance(values, 1)
            ladder = ladders.fixed_variance(
                num, ladder, tf.reduce_mean(each, 1)
            )
    return ladder
