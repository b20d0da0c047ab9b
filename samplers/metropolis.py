"""The Metropolis-Hastings test around another kernel."""

from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import particles, seeds
from samplers.kernel import Kernel


class Info(NamedTuple):
    """What a Metropolis-Hastings step reports.

    Attributes:
      energy: [chains], at the position kept.
      acceptance: [chains], the probability with which the proposal is taken.
      accepted: bool [chains], whether it was.
      proposal: Info of the inner kernel at the proposed position.
    """

    energy: Any
    acceptance: Any
    accepted: Any
    proposal: Any


def metropolis_hastings(kernel: Kernel) -> Kernel:
    """Makes a proposal kernel exact by accepting or rejecting its moves.

    `metropolis_hastings(langevin.langevin(energy_fn, step_size))` is MALA
    (Roberts and Tweedie 1996).

    Args:
      kernel: a kernel with `log_acceptance`, whose State has an `energy`.

    Returns:
      A Kernel with the inner kernel's State. Proposals with a NaN ratio are
      rejected.

    Raises:
      InputError: the kernel's energy is stochastic, or it has no proposal
        density.
    """
    log_ratio = kernel.log_acceptance
    if log_ratio is None:
        raise errors.InputError(
            "kernel has no acceptance ratio, because its energy is stochastic "
            "or its proposal has no density: wrap langevin.langevin of a "
            "deterministic energy"
        )

    def step(seed: Any, state: Any, batch: Any = None) -> tuple[Any, Info]:
        proposal_seed, test_seed = seeds.split(seed, 2)
        proposed, proposal = kernel.step(proposal_seed, state, batch)
        log_alpha = log_ratio(state, proposed)
        u = seeds.uniform(test_seed, tf.shape(log_alpha), log_alpha.dtype)
        accepted = tf.math.log(u) < log_alpha
        # A NaN ratio fails the comparison above; report it as never taken.
        alpha = tf.exp(tf.minimum(log_alpha, 0.0))
        alpha = tf.where(tf.math.is_nan(log_alpha), tf.zeros_like(alpha), alpha)
        kept = particles.select(accepted, proposed, state)
        return kept, Info(kept.energy, alpha, accepted, proposal)

    return Kernel(kernel.init, step)
