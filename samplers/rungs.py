"""The chains of a ladder, one temperature after the other or all at once."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from samplers import exchange, particles, power_posteriors, seeds
from samplers.chain import run
from samplers.kernel import Kernel
from samplers.observers import total, trace


class Ending(NamedTuple):
    """What a caller evaluates where the chains of a temperature end.

    Attributes:
      log_likelihood: [chains], log p(x|z).
      gradient: of it, like the position.
      summand: a structure of tensors, to sum over temperatures.
    """

    log_likelihood: Any
    gradient: Any
    summand: Any = ()


class Plan(NamedTuple):
    """What the graph is built from, beside tensors: see tempering.temper."""

    kernel_at: Callable[..., Kernel]
    log_likelihood_fn: Any
    ending: Callable[[Any, Any], Ending] | None
    keep: int
    batched: bool
    exchange_every: int
    differentiable: bool


def _chains(
    plan: Plan,
    kernel: Kernel,
    start: Any,
    seed: Any,
    num_steps: Any,
    ending: Callable[[Any], Ending] | None = None,
) -> tuple[Any, Any, Any, Any]:
    """The Ending of the chains, what is kept, and their acceptance [rows]."""
    first_seed, run_seed = seeds.split(seed, 2)

    def likelihood_of(state: Any, info: Any) -> Any:
        fn = plan.log_likelihood_fn
        if fn is None:
            return ()
        return power_posteriors.log_likelihood(fn, state, info)

    def kept(state: Any, info: Any) -> Any:
        likelihood = likelihood_of(state, info)
        return state.position, likelihood, _acceptance(info)

    def part(state: Any, steps: Any, first: Any, observer: Any) -> Any:
        return run(
            kernel,
            state,
            seed=run_seed,
            num_steps=steps,
            first_step=first,
            observer=observer,
            differentiable=plan.differentiable,
        )

    state = kernel.init(start, first_seed)
    early = num_steps - plan.keep
    leaf: Any = tf.nest.flatten(start)[0]
    none = tf.zeros([leaf.shape[0] or tf.shape(leaf)[0]], leaf.dtype)
    state, summed = part(
        state, early, 0, total(lambda state, info: _acceptance(info), none)
    )
    kept_before = []
    if plan.keep > 1:
        state, several = part(state, plan.keep - 1, early, trace(kept))
        kept_before.append(several)
    # Outside of the loops, so that a graph leaves out what only a further
    # step would need: the gradient at the end.
    state, info = kernel.step(seeds.fold_in(run_seed, num_steps - 1), state)
    if ending is None:
        found = Ending(likelihood_of(state, info), ())
    else:
        found = ending(state.position)
    one = tf.nest.map_structure(
        lambda x: x[tf.newaxis],
        (state.position, found.log_likelihood, _acceptance(info)),
    )
    samples, likelihood, late = tf.nest.map_structure(
        lambda *parts: _sized(tf.concat(parts, 0), plan.keep),
        *kept_before,
        one,
    )
    summed += tf.reduce_sum(late, 0)
    return found, samples, likelihood, summed / tf.cast(num_steps, none.dtype)


def _acceptance(info: Any) -> Any:
    if hasattr(info, "acceptance"):
        return info.acceptance
    return tf.ones_like(info.energy)


def one_by_one(
    plan: Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> tuple[Any, Any, Any, Any]:
    """From t = 0 upwards: what Tempered has, but for `position`."""
    count = ladder.shape[0] or tf.size(ladder)

    def rung(i: Any, t: Any, position: Any, below: Any) -> Any:
        if plan.ending is None:
            kernel, ending = plan.kernel_at(t, i), None
        else:
            kernel = plan.kernel_at(t, i, below)
            ending = functools.partial(plan.ending, i)
        found, samples, likelihood, acceptance = _chains(
            plan,
            kernel,
            position,
            seeds.fold_in(seed, i),
            num_steps,
            ending,
        )
        values = (samples, likelihood, tf.reduce_mean(acceptance))
        return particles.combine(lambda x: x[-1], samples), found, values

    # The first on its own: at a t that is 0 for certain, the graph has no
    # likelihood to move by.
    position, below, first = rung(0, tf.zeros([], ladder.dtype), start, None)
    arrays = tf.nest.map_structure(
        lambda x: tf.TensorArray(
            x.dtype, size=count, element_shape=x.shape
        ).write(0, x),
        first,
    )

    def body(i: Any, position: Any, below: Any, arrays: Any) -> Any:
        position, found, values = rung(i, ladder[i], position, below)
        arrays = tf.nest.map_structure(
            lambda array, value: array.write(i, value), arrays, values
        )
        summed = tf.nest.map_structure(tf.add, below.summand, found.summand)
        return i + 1, position, found._replace(summand=summed), arrays

    _, _, ended, arrays = tf.while_loop(
        lambda i, position, below, arrays: i < count,
        body,
        (tf.constant(1), position, below, arrays),
        maximum_iterations=count if plan.differentiable else None,
    )
    stacked = tf.nest.map_structure(
        lambda array: _sized(array.stack(), ladder.shape[0]), arrays
    )
    return *stacked, ended.summand


def all_at_once(
    plan: Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> tuple[Any, Any, Any]:
    """All from the same start: what Tempered has, but for both ends."""
    count = ladder.shape[0] or tf.size(ladder)
    first = tf.nest.flatten(start)[0]
    chains = first.shape[0] or tf.shape(first)[0]
    index = tf.repeat(tf.range(count), chains)
    kernel = plan.kernel_at(tf.gather(ladder, index), index)
    if seed.shape.rank == 2:
        seed = seeds.fold_in(tf.tile(seed, [count, 1]), index)
    if plan.exchange_every:
        kernel = exchange.exchanging(
            kernel, ladder, plan.log_likelihood_fn, plan.exchange_every
        )
    start = particles.combine(
        lambda x: tf.repeat(x[tf.newaxis], count, 0), start
    )
    start = particles.combine(_flat, start)
    _, *kept, acceptance = _chains(plan, kernel, start, seed, num_steps)

    def apart(x: Any) -> Any:
        """[keep, N_t * chains, ...] as [N_t, keep, chains, ...]."""
        shape = [plan.keep, count, chains, *x.shape[2:]]
        order = [1, 0, *range(2, len(shape))]
        return tf.transpose(tf.reshape(x, shape), order)

    samples, likelihood = tf.nest.map_structure(apart, tuple(kept))
    by_rung = tf.reshape(acceptance, [count, chains])
    return samples, likelihood, tf.reduce_mean(by_rung, 1)


def _sized(x: Any, length: Any) -> Any:
    """X with the length that a loop in a graph has forgotten."""
    return tf.ensure_shape(x, [length, *x.shape[1:]])


def _flat(x: Any) -> Any:
    """[N_t, chains, ...] as [N_t * chains, ...]."""
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
