"""Energies of power posteriors, U_t(z) = U_0(z) - t log p(x|z)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from samplers import energies


class Aux(NamedTuple):
    """What an evaluation of U_t found on its way.

    Attributes:
      log_likelihood: [chains], log p(x|z) at the position; 0 if not known.
      known: bool [], whether it was computed.
    """

    log_likelihood: Any
    known: Any


def energy(
    prior_energy_fn: Callable[[Any], Any],
    log_likelihood_fn: Callable[[Any], Any],
    t: Any,
) -> energies.Evaluator:
    """U_t, with an Aux, so that nobody evaluates log p(x|z) a second time.

    Where all t are 0 the likelihood, often the expensive part, is not asked
    for.

    Args:
      prior_energy_fn: U_0, [chains, *event] -> [chains].
      log_likelihood_fn: log p(x|z), likewise.
      t: a scalar or a tensor [chains].
    """

    def tempered(position: Any) -> tuple[Any, Aux]:
        found = log_likelihood_fn(position)
        whole = prior_energy_fn(position) - t * found
        return whole, Aux(found, tf.constant(True))

    def prior(position: Any) -> tuple[Any, Aux]:
        whole = prior_energy_fn(position)
        return whole, Aux(tf.zeros_like(whole), tf.constant(False))

    with_likelihood, without = map(energies.with_aux, (tempered, prior))

    def fn(*given: Any) -> energies.Evaluation:
        return tf.cond(
            tf.reduce_any(t > 0.0),
            lambda: with_likelihood.fn(*given),
            lambda: without.fn(*given),
        )

    return energies.Evaluator(fn, stochastic=False)


def log_likelihood(
    log_likelihood_fn: Callable[[Any], Any], position: Any, info: Any
) -> Any:
    """Log p(x|z) at where a step ended, [chains], from the step if it knows.

    Args:
      log_likelihood_fn: evaluated where it does not: at t = 0, for kernels of
        other energies, and for those that may end elsewhere than at their last
        evaluation (a Metropolis test, exchanges), whose Info has no aux.
      position: [chains, *event], after the step.
      info: the step's Info.
    """
    aux = getattr(info, "aux", ())
    if not isinstance(aux, Aux):
        return log_likelihood_fn(position)
    return tf.cond(
        aux.known,
        lambda: aux.log_likelihood,
        lambda: log_likelihood_fn(position),
    )
