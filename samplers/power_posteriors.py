"""Energies of power posteriors, U_t(z) = U_0(z) - t log p(x|z)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from samplers import energies


class Aux(NamedTuple):
    """What an evaluation of U_t found on its way.

    Attributes:
      log_likelihood: [chains], log p(x|z) at the position.
    """

    log_likelihood: Any


def energy(
    prior_energy_fn: Callable[[Any], Any],
    log_likelihood_fn: Callable[[Any], Any],
    t: Any,
) -> energies.Evaluator:
    """U_t, with an Aux, so that nobody evaluates log p(x|z) a second time.

    At a t that is 0 when the graph is built, the likelihood, often the
    expensive part, is not asked for, and there is no Aux.

    Args:
      prior_energy_fn: U_0, [chains, *event] -> [chains].
      log_likelihood_fn: log p(x|z), likewise.
      t: a scalar or a tensor [chains].
    """
    known = tf.get_static_value(t)
    if known is not None and not np.any(known):
        return energies.deterministic(prior_energy_fn)

    def tempered(position: Any) -> tuple[Any, Aux]:
        found = log_likelihood_fn(position)
        return prior_energy_fn(position) - t * found, Aux(found)

    return energies.with_aux(tempered)


def evaluated(log_likelihood: Any, gradient: Any) -> Callable[[Any], Any]:
    """Log p(x|z) at one place where it was evaluated, as a function of z.

    For the `init` of a kernel whose chains start there, with
    `kernel._replace(init=...)`, so that nobody evaluates it a second time. At
    any other z it would be wrong.

    Args:
      log_likelihood: [chains].
      gradient: of it in z, [chains, *event].
    """

    @tf.custom_gradient
    def fn(position: Any) -> Any:
        del position

        def back(upstream: Any) -> Any:
            ones = [1] * (gradient.shape.rank - 1)
            return tf.reshape(upstream, [-1, *ones]) * gradient

        return tf.identity(log_likelihood), back

    return fn


def log_likelihood(
    log_likelihood_fn: Callable[[Any], Any], state: Any, info: Any
) -> Any:
    """Log p(x|z) at where a step ended, [chains], from the step if it knows.

    Args:
      log_likelihood_fn: evaluated where it does not: at t = 0, for kernels of
        other energies, and for those that may end elsewhere than at their last
        evaluation and do not carry its aux along.
      state: State after the step; an `aux` in it is that of its position.
      info: the step's Info.
    """
    for holder in (state, info):
        aux = getattr(holder, "aux", ())
        if isinstance(aux, Aux):
            return aux.log_likelihood
    return log_likelihood_fn(state.position)
