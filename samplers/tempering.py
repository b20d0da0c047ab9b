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
from typing import Any

import tensorflow as tf

import errors
from samplers import ladders, particles, seeds
from samplers.kernel import Kernel
from samplers.rungs import Ending, Plan, Tempered, all_at_once, one_by_one

__all__ = ["Ending", "Tempered", "rows", "temper"]


def temper(
    kernel_at: Callable[..., Kernel],
    ladder: Any,
    position: Any,
    *,
    seed: Any,
    num_steps: Any,
    keep: int = 1,
    log_likelihood_fn: Callable[[Any], Any] | None = None,
    ending: Callable[[Any, Any], Ending] | None = None,
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
      ending: `ending(index, position) -> Ending` of the last draws of a
        temperature, for a caller who learns from them: its likelihoods are
        then taken, and the chains of the next temperature start from its
        gradient, by `kernel_at(t, index, below)` with its Ending, None at
        t = 0; see `power_posteriors.evaluated`. One after the other only.
      batched: whether all temperatures run in one batch.
      exchange_every: with `batched`, steps between exchanges of neighbouring
        temperatures, see `exchange`; 0 for none. Needs the log-likelihood,
        and an exact kernel to leave the power posteriors invariant.
      differentiable: keep the gradient through the chains.

    Returns:
      Tempered.

    Raises:
      InputError: no ladder, a `keep` outside [1, num_steps], exchanges
        without `batched` or without a log-likelihood, or an `ending` without a
        log-likelihood or beside `batched` or `differentiable`.
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
    if ending and (batched or differentiable or not log_likelihood_fn):
        raise errors.InputError(
            "ending needs one temperature after the other, log_likelihood_fn, "
            "and no gradient: leave out batched and differentiable"
        )
    plan = Plan(
        kernel_at,
        log_likelihood_fn,
        ending,
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
        fn = _compiled(plan, seeds.under_xla())
    else:
        fn = functools.partial(_run_of(plan), plan)
    return fn(ladder, start, seed, num_steps)


def _run_of(plan: Plan) -> Callable[..., Tempered]:
    return all_at_once if plan.batched else one_by_one


@functools.lru_cache(maxsize=16)
def _compiled(plan: Plan, jit_compile: bool) -> Callable[..., Tempered]:
    run = functools.partial(_run_of(plan), plan)
    return seeds.compiled(run, jit_compile)


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
