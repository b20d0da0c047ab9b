"""Population Monte Carlo: exchanges between neighbouring temperatures.

A chain that is stuck in one mode at t = 1 gets out through the prior: the
chains of a ladder trade places, and the hot ones move freely (Geyer 1991;
Calderhead 2009).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import ladders, particles, power_posteriors, seeds
from samplers.kernel import Kernel


class State(NamedTuple):
    """What an exchanging population carries.

    Attributes:
      inner: State of the kernel inside.
      count: int32 [], how many steps were made.
    """

    inner: Any
    count: Any

    @property
    def position(self) -> Any:
        """[N_t * chains, *event], temperature by temperature."""
        return self.inner.position

    @property
    def aux(self) -> Any:
        """What the kernel inside knows at the position, () if nothing."""
        return getattr(self.inner, "aux", ())


class Info(NamedTuple):
    """What a step of the population reports.

    Attributes:
      energy: [N_t * chains], at the position after the exchanges.
      acceptance: [N_t * chains], of the kernel inside; 1 if it has none.
      exchange: [N_t - 1, chains], the probability with which each pair of
        neighbours was exchanged; 0 where the pair was not tried.
      tried: bool [N_t - 1], whether it was.
      inner: Info of the kernel inside.
    """

    energy: Any
    acceptance: Any
    exchange: Any
    tried: Any
    inner: Any


def exchanging(
    kernel: Kernel,
    ladder: Any,
    log_likelihood_fn: Callable[[Any], Any],
    every: int = 1,
) -> Kernel:
    """Adds exchanges between neighbours to a kernel of all temperatures.

    After every `every`-th step the pairs (0, 1), (2, 3), ... and the next
    time the pairs (1, 2), (3, 4), ... trade positions with the probability
    min(1, exp((t_i - t_j) (l_j - l_i))), l = log p(x|z). This leaves the
    product of all power posteriors invariant if the kernel does. Velocities
    are drawn afresh at an exchange.

    Args:
      kernel: of [N_t * chains] chains, temperature by temperature, whose
        energies are U_0(z) - t l(z), each with its own t.
      ladder: [N_t].
      log_likelihood_fn: l, [N_t * chains, *event] -> [N_t * chains]; not
        evaluated again after a move on a `power_posteriors.energy`.
      every: steps between exchanges.

    Returns:
      A Kernel; `init` as that of the kernel inside.

    Raises:
      InputError: no ladder, or `every` below 1.
    """
    ladder = ladders.check(ladder)
    if every < 1:
        raise errors.InputError(
            f"every={every} never exchanges: choose at least 1 step"
        )

    def init(position: Any, seed: Any = None, batch: Any = None) -> State:
        return State(kernel.init(position, seed, batch), tf.constant(0))

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        move_seed, swap_seed, start_seed = seeds.split(seed, 3)
        inner, info = kernel.step(move_seed, state.inner, batch)
        count = state.count + 1
        nodes = tf.cast(ladder, particles.dtype_of(inner.position))
        pairs = tf.size(nodes) - 1
        even = tf.equal((count // every) % 2, 1)
        lower = tf.equal(tf.range(pairs) % 2, 0)
        due = tf.equal(count % every, 0)
        tried = due & tf.equal(lower, even)

        def exchanged() -> Any:
            found = power_posteriors.log_likelihood(
                log_likelihood_fn, inner, info
            )
            source, probability = _partners(swap_seed, nodes, found, tried)
            position = particles.combine(
                lambda x: tf.gather(x, source), inner.position
            )
            return kernel.init(position, start_seed, batch), probability

        def alone() -> Any:
            chains = tf.size(inner.energy) // (pairs + 1)
            return inner, tf.zeros([pairs, chains], nodes.dtype)

        if every == 1:
            inner, probability = exchanged()
        else:
            inner, probability = tf.cond(due, exchanged, alone)
        acceptance = getattr(info, "acceptance", tf.ones_like(info.energy))
        return (
            State(inner, count),
            Info(inner.energy, acceptance, probability, tried, info),
        )

    return Kernel(init, step)


def _partners(
    seed: Any, nodes: Any, log_likelihood: Any, tried: Any
) -> tuple[Any, Any]:
    """Where each chain's new position comes from, and the probabilities.

    Args:
      seed: int32[2], or int32[N_t * chains, 2].
      nodes: [N_t].
      log_likelihood: [N_t * chains].
      tried: bool [N_t - 1], no two neighbours both.

    Returns:
      (source, probability): int32 [N_t * chains] and [N_t - 1, chains].
    """
    count = tf.size(nodes)
    values = tf.reshape(log_likelihood, [count, -1])
    steps = (nodes[1:] - nodes[:-1])[:, tf.newaxis]
    # An infinite likelihood on both sides gives NaN: never taken.
    log_ratio = -steps * (values[1:] - values[:-1])
    probability = tf.exp(tf.minimum(log_ratio, 0.0))
    valid = tried[:, tf.newaxis] & ~tf.math.is_nan(log_ratio)
    probability = tf.where(valid, probability, tf.zeros_like(probability))
    shape = tf.shape(probability)
    if seed.shape.rank == 2:
        # A pair has the seed of its lower chain.
        size = tf.reduce_prod(shape)
        flat = seeds.uniform(seed[:size], [size], probability.dtype)
        u = tf.reshape(flat, shape)
    else:
        u = seeds.uniform(seed, shape, probability.dtype)
    up = tf.cast(u < probability, tf.int32)
    none = tf.zeros_like(up[:1])
    # +1 for the lower chain of an exchanged pair, -1 for the upper.
    shift = tf.concat([up, none], 0) - tf.concat([none, up], 0)
    chains = tf.shape(values)[1]
    own = tf.reshape(tf.range(count * chains), [count, chains])
    return tf.reshape(own + shift * chains, [-1]), probability
