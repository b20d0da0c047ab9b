"""The chains of a ladder, one temperature after the other or all at once."""

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


class Tempered(NamedTuple):
    """Chains of all temperatures, t = 0 first.

    Attributes:
      position: [N_t, chains, *event], the last ones, or a structure of such.
      samples: [N_t, keep, chains, *event], the last `keep`, oldest first.
      log_likelihood: [N_t, keep, chains], at the samples; () without a
        function for it.
      acceptance: [N_t], mean over steps and chains of the probability with
        which a move is taken; 1 for kernels without a Metropolis test.
      total: the sum of all that `ending` gave to sum; () without it.
    """

    position: Any
    samples: Any
    log_likelihood: Any
    acceptance: Any
    total: Any = ()


class _Ended(NamedTuple):
    """Chains of one kernel after their last step, and what they left.

    `before` is what is kept of earlier steps, empty or one structure, and
    `summed` [rows] the acceptance of the steps before these.
    """

    state: Any
    info: Any
    before: list
    summed: Any


def _chains(
    plan: Plan, kernel: Kernel, start: Any, seed: Any, num_steps: Any
) -> _Ended:
    first_seed, run_seed = seeds.split(seed, 2)

    def kept(state: Any, info: Any) -> Any:
        likelihood = _likelihood(plan, state, info)
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
    before = []
    if plan.keep > 1:
        state, several = part(state, plan.keep - 1, early, trace(kept))
        before.append(several)
    # Outside of the loops, so that a graph leaves out what only a further
    # step would need: the gradient at the end.
    state, info = kernel.step(seeds.fold_in(run_seed, num_steps - 1), state)
    return _Ended(state, info, before, summed)


def _kept(
    plan: Plan, ended: _Ended, likelihood: Any, num_steps: Any
) -> tuple[Any, Any, Any]:
    """The samples and their likelihoods, [keep, ...], and the acceptance."""
    one = tf.nest.map_structure(
        lambda x: x[tf.newaxis],
        (ended.state.position, likelihood, _acceptance(ended.info)),
    )
    samples, likelihood, late = tf.nest.map_structure(
        lambda *parts: _sized(tf.concat(parts, 0), plan.keep),
        *ended.before,
        one,
    )
    summed = ended.summed + tf.reduce_sum(late, 0)
    return samples, likelihood, summed / tf.cast(num_steps, summed.dtype)


def _likelihood(plan: Plan, state: Any, info: Any) -> Any:
    fn = plan.log_likelihood_fn
    if fn is None:
        return ()
    return power_posteriors.log_likelihood(fn, state, info)


def _acceptance(info: Any) -> Any:
    if hasattr(info, "acceptance"):
        return info.acceptance
    return tf.ones_like(info.energy)


def one_by_one(
    plan: Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> Tempered:
    """From t = 0 upwards."""
    count = ladder.shape[0] or tf.size(ladder)

    def rung(i: Any, position: Any, below: Any, arrays: Any) -> Any:
        # The first on its own: at a t that is 0 for certain, the graph has no
        # likelihood to move by.
        t = tf.zeros([], ladder.dtype) if below is None else ladder[i]
        own = () if plan.ending is None else (below,)
        kernel = plan.kernel_at(t, i, *own)
        ended = _chains(
            plan, kernel, position, seeds.fold_in(seed, i), num_steps
        )
        if plan.ending is None:
            found = Ending(_likelihood(plan, ended.state, ended.info), ())
        else:
            found = plan.ending(i, ended.state.position)
        samples, likelihood, acceptance = _kept(
            plan, ended, found.log_likelihood, num_steps
        )
        values = (samples, likelihood, tf.reduce_mean(acceptance))
        if below is None:
            arrays = tf.nest.map_structure(
                lambda x: tf.TensorArray(
                    x.dtype, size=count, element_shape=x.shape
                ),
                values,
            )
        else:
            summed = tf.nest.map_structure(tf.add, below.summand, found.summand)
            found = found._replace(summand=summed)
        arrays = tf.nest.map_structure(
            lambda array, value: array.write(i, value), arrays, values
        )
        position = particles.combine(lambda x: x[-1], samples)
        return i + 1, position, found, arrays

    _, _, ended, arrays = tf.while_loop(
        lambda i, position, below, arrays: i < count,
        rung,
        rung(0, _unsized(start), None, None),
        maximum_iterations=count if plan.differentiable else None,
    )
    samples, *others = tf.nest.map_structure(
        lambda array: _sized(array.stack(), ladder.shape[0]), arrays
    )
    return _tempered(plan, samples, *others, ended.summand)


def all_at_once(
    plan: Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> Tempered:
    """All from the same start."""
    start = _unsized(start)
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
    ended = _chains(plan, kernel, start, seed, num_steps)
    likelihood = _likelihood(plan, ended.state, ended.info)
    *kept, acceptance = _kept(plan, ended, likelihood, num_steps)

    def apart(x: Any) -> Any:
        """[keep, N_t * chains, ...] as [N_t, keep, chains, ...]."""
        shape = [plan.keep, count, chains, *x.shape[2:]]
        order = [1, 0, *range(2, len(shape))]
        return tf.transpose(tf.reshape(x, shape), order)

    samples, likelihood = tf.nest.map_structure(apart, tuple(kept))
    by_rung = tf.reshape(acceptance, [count, chains])
    return _tempered(plan, samples, likelihood, tf.reduce_mean(by_rung, 1))


def _tempered(plan: Plan, samples: Any, *others: Any) -> Tempered:
    last = particles.combine(lambda x: x[:, -1], samples)
    tempered = Tempered(last, samples, *others)
    if plan.differentiable:
        return tempered
    # Stops at the inner loop already; a tape must not see the outer one.
    return tf.nest.map_structure(tf.stop_gradient, tempered)


def _unsized(start: Any) -> Any:
    """A start in a graph without its static number of chains.

    Where TensorFlow can tell that a graph's memory is large, it rewrites sums
    in loops within loops to temporary variables, may leave them behind, and
    fails when the graph runs again ("AlreadyExistsError").
    """
    if seeds.under_xla():
        return start
    return particles.combine(
        lambda x: tf.raw_ops.PlaceholderWithDefault(
            input=x, shape=[None, *x.shape[1:]]
        ),
        start,
    )


def _sized(x: Any, length: Any) -> Any:
    """X with the length that a loop in a graph has forgotten."""
    return tf.ensure_shape(x, [length, *x.shape[1:]])


def _flat(x: Any) -> Any:
    """[N_t, chains, ...] as [N_t * chains, ...]."""
    return tf.reshape(x, tf.concat([[-1], tf.shape(x)[2:]], 0))
