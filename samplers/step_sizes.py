"""Step sizes of chains at several temperatures."""

from typing import Any

import tensorflow as tf


def at(t: Any, first: Any, stiffness: Any) -> Any:
    """h_t = h_0 / (1 + t k): shorter steps where the likelihood is stiff.

    Args:
      t: inverse temperature, a tensor of any shape.
      first: h_0, of the prior, in units of position squared over energy.
      stiffness: k, the largest curvature of -log p(x|z) over the prior's;
        for x ~ N(W z, s^2) and z ~ N(0, 1) the largest eigenvalue of
        W^T W / s^2.

    Returns:
      A tensor like t.
    """
    return first / (1.0 + t * stiffness)


def adjusted(
    step_sizes: Any, acceptance: Any, target: float = 0.7, rate: float = 1.0
) -> Any:
    """Step sizes nearer to an acceptance, one a temperature: one round.

    Between calls of `tempering.temper`, whose kernel takes
    `tf.gather(step_sizes, index)`: adapting within a run would change what it
    leaves invariant.

    Args:
      step_sizes: [N_t].
      acceptance: [N_t], from `tempering.Tempered`.
      target: the mean acceptance wanted, 0.6 to 0.8 for MALA.
      rate: how much log h moves for a whole unit of acceptance. Let it fall
        like 1 / sqrt(round) for step sizes that settle.

    Returns:
      [N_t], h exp(rate (acceptance - target)).
    """
    change = acceptance - tf.cast(target, acceptance.dtype)
    return step_sizes * tf.exp(tf.cast(rate, change.dtype) * change)
