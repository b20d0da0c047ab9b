"""Power posteriors: chains at every inverse temperature of a ladder.

p_t(z) ~ p(z) p(x|z)^t, so U_t(z) = U_0(z) - t log p(x|z): the prior at t = 0
and the posterior at t = 1 (Friel 2008; Raj 2024, Eq. 21). For example, with
data x [B, pixels] and one chain for each of them:

    ladder = ladders.power_law(10, 3.0)

    def log_likelihood(z):  # [rows]; rows is B, or N_t * B in one batch
        error = tempering.rows(x, z) - decode(z)
        return -tf.reduce_sum(error**2, -1) / (2 * sigma**2)

    def kernel_at(t, index):
        return metropolis.metropolis_hastings(
            langevin.langevin(
                power_posteriors.energy(prior_energy, log_likelihood, t),
                step_sizes.at(t, 0.3, stiffness=90.0),
            )
        )

    tempered = tempering.temper(
        kernel_at, ladder, z, seed=seeds.seed(0), num_steps=20, keep=10,
        log_likelihood_fn=log_likelihood,
    )
    tempered.samples         # [10, 10, B, latent]
    tempered.log_likelihood  # [10, 10, B]
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import exchange, ladders, particles, power_posteriors, seeds
from samplers.chain import run
from samplers.kernel import Kernel
from samplers.observers import total, trace


class Tempered(NamedTuple):
    """Chains of all temperatures, t = 0 first.

    Attributes:
      position: [N_t, chains, *event], the last ones, or a structure of such.
      samples: [N_t, keep, chains, *event], the last `keep`, oldest first.
      log_likelihood: [N_t, keep, chains], at the samples, or without the
        last ones [N_t, keep - 1, chains]; () without a function for it.
      acceptance: [N_t], mean over steps and chains of the probability with
        which a move is taken; 1 for kernels without a Metropolis test.
    """

    position: Any
    samples: Any
    log_likelihood: Any
    acceptance: Any


def temper(
    kernel_at: Callable[[Any, Any], Kernel],
    ladder: Any,
    position: Any,
    *,
    seed: Any,
    num_steps: Any,
    keep: int = 1,
    log_likelihood_fn: Callable[[Any], Any] | None = None,
    last_likelihood: bool = True,
    batched: bool = False,
    exchange_every: int = 0,
    differentiable: bool = False,
) -> Tempered:
    """Runs chains at every temperature of a ladder.

    One temperature after the other, from t = 0 upwards, each from where the
    one before ended; or all in one batch from the same start. In equal steps
    the first is the more accurate, since a chain need only follow a small
    change of its target, and on a CPU it is no slower.

    Inside a `tf.function` all of it becomes part of its graph. Called
    eagerly, it is compiled on first use for each `kernel_at` (by XLA under
    `with seeds.xla(True)`), so keep that function.

    Args:
      kernel_at: `kernel_at(t, index) -> Kernel` for U_t. One after the other,
        t is a scalar in the dtype of the position and `index` an int32
        scalar, its place on the ladder; in one batch both are [N_t * chains],
        a number a chain, temperature by temperature.
      ladder: [N_t], see `ladders`.
      position: [chains, *event], where the chains start; exact draws from the
        prior are best. Or a structure of such tensors.
      seed: int32[2], or int32[chains, 2] for one a chain.
      num_steps: at each temperature; an integer or a scalar tensor.
      keep: how many of the last positions to keep, at most `num_steps`.
      log_likelihood_fn: log p(x|z), [rows, *event] -> [rows], without t. Not
        evaluated again where a kernel moves on a `power_posteriors.energy`
        of t > 0, which has just done so.
      last_likelihood: whether `log_likelihood` covers the last draw of each
        temperature too. False leaves its evaluation, the last one of a
        Langevin chain, to a caller who makes it anyway.
      batched: whether all temperatures run in one batch.
      exchange_every: with `batched`, steps between exchanges of neighbouring
        temperatures, see `exchange`; 0 for none. Needs the log-likelihood,
        and an exact kernel to leave the power posteriors invariant.
      differentiable: keep the gradient through the chains.

    Returns:
      Tempered.

    Raises:
      InputError: no ladder, a `keep` outside [1, num_steps], or exchanges
        without `batched` or without a log-likelihood.
    """
    ladder = ladders.check(ladder)
    steps = tf.get_static_value(num_steps)
    if keep < 1 or (steps is not None and keep > steps):
        raise errors.InputError(
            f"keep={keep} does not fit num_steps={steps}: choose at least 1 "
            "and at most the number of steps"
        )
    if exchange_every and not (batched and log_likelihood_fn):
        raise errors.InputError(
            f"exchange_every={exchange_every} needs all temperatures at once "
            "and their likelihoods: pass batched=True and log_likelihood_fn"
        )
    build = _Plan(
        kernel_at,
        log_likelihood_fn,
        last_likelihood,
        keep,
        batched,
        exchange_every,
        differentiable,
    )
    start = particles.convert(position, 1)
    num_steps = tf.convert_to_tensor(num_steps, tf.int32)
    ladder = tf.cast(ladder, particles.dtype_of(start))
    seed = tf.convert_to_tensor(seed)
    if tf.executing_eagerly():
        jit = seeds.under_xla()
        return _compiled(build, jit)(ladder, start, seed, num_steps)
    return _run(build, ladder, start, seed, num_steps)


class _Plan(NamedTuple):
    """What the graph is built from, beside tensors."""

    kernel_at: Callable[[Any, Any], Kernel]
    log_likelihood_fn: Any
    last_likelihood: bool
    keep: int
    batched: bool
    exchange_every: int
    differentiable: bool


@functools.lru_cache(maxsize=16)
def _compiled(plan: _Plan, jit_compile: bool) -> Callable[..., Tempered]:
    return seeds.compiled(functools.partial(_run, plan), jit_compile)


def _run(
    plan: _Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> Tempered:
    fn = _all_at_once if plan.batched else _one_by_one
    samples, log_likelihood, acceptance = fn(
        plan, ladder, start, seed, num_steps
    )

    last = particles.combine(lambda x: x[:, -1], samples)
    tempered = Tempered(last, samples, log_likelihood, acceptance)
    if plan.differentiable:
        return tempered
    # Stops at the inner loop already; a tape must not see the outer one.
    return tf.nest.map_structure(tf.stop_gradient, tempered)


def _chains(
    plan: _Plan, kernel: Kernel, start: Any, seed: Any, num_steps: Any
) -> tuple[Any, Any, Any, Any]:
    """The end of the chains, what is kept, and their acceptance [rows]."""
    first_seed, run_seed = seeds.split(seed, 2)

    def kept(state: Any, info: Any) -> Any:
        fn, likelihood = plan.log_likelihood_fn, ()
        if fn is not None:
            likelihood = power_posteriors.log_likelihood(fn, state, info)
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
    one = tf.nest.map_structure(lambda x: x[tf.newaxis], kept(state, info))
    samples, likelihood, late = tf.nest.map_structure(
        lambda *parts: _sized(tf.concat(parts, 0), plan.keep),
        *kept_before,
        one,
    )
    if not (plan.last_likelihood or plan.log_likelihood_fn is None):
        # Not cut from the whole, which would need the last one all the same.
        likelihood = kept_before[0][1] if kept_before else none[tf.newaxis][:0]
        likelihood = _sized(likelihood, plan.keep - 1)
    summed += tf.reduce_sum(late, 0)
    acceptance = summed / tf.cast(num_steps, summed.dtype)
    return state.position, samples, likelihood, acceptance


def _acceptance(info: Any) -> Any:
    if hasattr(info, "acceptance"):
        return info.acceptance
    return tf.ones_like(info.energy)


def _one_by_one(
    plan: _Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> tuple[Any, Any, Any]:
    count = ladder.shape[0] or tf.size(ladder)

    def rung(i: Any, t: Any, position: Any) -> Any:
        kernel = plan.kernel_at(t, i)
        own = seeds.fold_in(seed, i)
        end, *kept, acceptance = _chains(plan, kernel, position, own, num_steps)
        return end, (*kept, tf.reduce_mean(acceptance))

    # The first on its own: at a t that is 0 for certain, the graph has no
    # likelihood to move by.
    position, first = rung(0, tf.zeros([], ladder.dtype), start)
    arrays = tf.nest.map_structure(
        lambda x: tf.TensorArray(
            x.dtype, size=count, element_shape=x.shape
        ).write(0, x),
        first,
    )

    def body(i: Any, position: Any, arrays: Any) -> Any:
        position, values = rung(i, ladder[i], position)
        arrays = tf.nest.map_structure(
            lambda array, value: array.write(i, value), arrays, values
        )
        return i + 1, position, arrays

    _, _, arrays = tf.while_loop(
        lambda i, position, arrays: i < count,
        body,
        (tf.constant(1), position, arrays),
        maximum_iterations=count if plan.differentiable else None,
    )
    return tf.nest.map_structure(
        lambda array: _sized(array.stack(), ladder.shape[0]), arrays
    )


def _all_at_once(
    plan: _Plan, ladder: Any, start: Any, seed: Any, num_steps: Any
) -> tuple[Any, Any, Any]:
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
        shape = [x.shape[0], count, chains, *x.shape[2:]]
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


def rows(x: Any, like: Any) -> Any:
    """Data repeated, as a whole, to as many rows as the chains have.

    Args:
      x: [chains, ...].
      like: a tensor [N_t * chains, ...] or [chains, ...], e.g. positions.

    Returns:
      [N_t * chains, ...], temperature by temperature, or x itself.

    Raises:
      InputError: the rows are no multiple of the data's.
    """
    have, want = x.shape[0], like.shape[0]
    if have is not None and want is not None:
        if have == want:
            return x
        if want % have:
            raise errors.InputError(
                f"{want} rows are no multiple of the {have} of the data: run "
                "one chain for each of them at every temperature"
            )
    times = tf.shape(like)[0] // tf.shape(x)[0]
    ones = tf.ones([x.shape.rank - 1], tf.int32)
    repeated = tf.tile(x, tf.concat([[times], ones], 0))
    return tf.ensure_shape(repeated, [want, *x.shape[1:]])
