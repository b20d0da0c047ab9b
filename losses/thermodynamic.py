"""The thermodynamic integral: log p(x) from chains at every temperature.

log p(x) = int_0^1 E_t[log p(x|z)] dt over the power posteriors
p_t(z) ~ p(z) p(x|z)^t (Friel 2008; Calderhead 2009; Raj 2024, Eq. 20).

    integral = thermodynamic_integral(ladder, tempered.log_likelihood)
    integral.log_evidence, integral.standard_error  # [B], nats

With samples that are constants the derivative of the integral's estimate
with respect to the likelihood's parameters is sum_i w_i E_i[grad l], which is
not the gradient of log p(x): p_t depends on the parameters as well.
`thermodynamic_surrogate` has that part too, and

    loss = -tf.reduce_mean(thermodynamic_surrogate(
        ladder, log_likelihood, -prior_energy))

gives a tape the gradients of -log p(x) for both networks. The third way is
Fisher's identity, the mean of grad l over the samples at t = 1 alone.
"""

from typing import Any, NamedTuple

import tensorflow as tf

import errors
from losses import gaussians
from samplers import ladders


class Thermodynamic(NamedTuple):
    """The parts of the integral, each [B], in nats.

    Attributes:
      log_evidence: log p(x) by the rule: the trapezoid, and with it the
        variance correction or `kl_weight` times the KL correction.
      trapezoid: sum_i dt_i (E_{i-1} + E_i) / 2, with E_i = E_{t_i}[l].
      kl_correction: sum_i (KL(p_{i-1}||p_i) - KL(p_i||p_{i-1})) / 2 between
        Gaussians fitted to the samples; 0 without samples.
      variance_correction: -sum_i dt_i^2 (V_i - V_{i-1}) / 12, with
        V_i = Var_{t_i}(l); 0 for a single draw.
      standard_error: of log_evidence, from the draws alone: what the rule
        leaves out is not in it. NaN for a single draw, which shows none.
    """

    log_evidence: Any
    trapezoid: Any
    kl_correction: Any
    variance_correction: Any
    standard_error: Any


def thermodynamic_integral(
    ladder: Any,
    log_likelihood: Any,
    samples: Any = None,
    *,
    rule: str = "corrected",
    kl_weight: float = 0.0,
    covariance: str = "diagonal",
    pooled: bool = False,
    block: int = 1,
) -> Thermodynamic:
    """The trapezoidal rule over a ladder, and its corrections.

    With the exact divergences the trapezoid plus the KL correction is exact
    at every ladder (Calderhead 2009; the sum of them, as Raj 2024 prints it
    in Eqs. 24 and 27, gives only the right Riemann sum, an upper bound).
    Gaussians fitted to samples are a guess at them. The variance correction
    (Friel 2014) needs no guess: dE/dt = V, so both ends of an interval give
    the slope of the integrand, and its error is of the order dt^4. It is for
    ladders that are fine where E bends; with a long first step it overshoots
    by more than it mends, and power laws with p < 1 want "trapezoid". (On the
    linear-Gaussian model of the tests, 11 nodes: trapezoid -1.04 and
    corrected +0.09 nats at p = 3, but -166 and +2542 at p = 0.1.)

    Args:
      ladder: [N_t], see `samplers.ladders`.
      log_likelihood: [N_t, draws, B], l = log p(x|z) of draws from p_t.
      samples: [N_t, draws, B, latent], the draws; for the KL correction.
      rule: "corrected" for the variance correction, or "trapezoid".
      kl_weight: eta, the weight of the KL correction under "trapezoid"; 1 is
        the formula's.
      covariance: of the fitted Gaussians, "diagonal" or "full"; the full one
        needs more draws than latents.
      pooled: one Gaussian a temperature for the draws of all data together,
        as Raj 2024's code has it, in place of one for each. The standard
        error takes its KL correction as a constant.
      block: how many successive draws belong to one chain. The standard
        error comes from the spread of their averages, so that it counts the
        correlation along a chain and across temperatures.

    Returns:
      Thermodynamic.

    Raises:
      InputError: shapes that do not fit, an unknown rule, too few draws for
        what is asked, a negative `kl_weight`, or one beside "corrected",
        which would correct the same error twice.
    """
    ladder, log_likelihood = _checked(ladder, log_likelihood, rule)
    draws = log_likelihood.shape[1]
    if kl_weight < 0:
        raise errors.InputError(
            f"kl_weight={kl_weight} is negative: choose 0 (none) or above; 1 "
            "is the formula's"
        )
    if kl_weight and rule == "corrected":
        raise errors.InputError(
            f"kl_weight={kl_weight} beside rule='corrected' corrects the same "
            "error twice: choose rule='trapezoid' or kl_weight=0"
        )
    if kl_weight and samples is None:
        raise errors.InputError(
            f"kl_weight={kl_weight} without samples: pass the draws "
            "[N_t, draws, B, latent]"
        )
    if block < 1 or draws % block:
        raise errors.InputError(
            f"block={block} does not divide {draws} draws: pass the number "
            "that each chain gave"
        )
    if samples is not None:
        samples = tf.convert_to_tensor(samples)
        _check_samples(samples, log_likelihood, covariance, pooled)

    def parts(weights: Any, values: Any, drawn: Any) -> tuple[Any, ...]:
        trapezoid, variance = _integral(ladder, values, weights)
        kl = tf.zeros_like(trapezoid)
        if drawn is not None:
            kl += _kl_correction(drawn, weights, covariance == "full", pooled)
        if rule == "corrected":
            whole = trapezoid + variance
        else:
            whole = trapezoid
            if kl_weight:
                whole += tf.cast(kl_weight, kl.dtype) * kl
        return whole, trapezoid, kl, variance

    even = tf.ones_like(log_likelihood[0]) / draws
    whole, trapezoid, kl, variance = parts(even, log_likelihood, samples)
    error = _standard_error(parts, even, log_likelihood, samples, block, pooled)
    return Thermodynamic(whole, trapezoid, kl, variance, error)


def thermodynamic_surrogate(
    ladder: Any,
    log_likelihood: Any,
    prior_log_density: Any = None,
    *,
    rule: str = "corrected",
) -> Any:
    """An estimate of log p(x) that a tape differentiates rightly.

    d E_t[l] = E_t[dl] + Cov_t(l, t dl + d log p(z)): the plain derivative and
    the part of the samples' law, from the same draws.

    Args:
      ladder: [N_t].
      log_likelihood: [N_t, draws, B], of constant samples.
      prior_log_density: [N_t, draws, B], log p(z) of the same samples without
        its normalisation, e.g. minus the prior energy; None if it has no
        parameters.
      rule: as in `thermodynamic_integral`.

    Returns:
      [B] in nats; the value is that of the rule.

    Raises:
      InputError: as `thermodynamic_integral`, or a single draw, which has no
        covariance.
    """
    ladder, log_likelihood = _checked(ladder, log_likelihood, rule)
    draws = log_likelihood.shape[1]
    if draws < 2:
        raise errors.InputError(
            "one draw has no covariance: keep 2 or more a temperature"
        )
    t = tf.cast(ladder, log_likelihood.dtype)[:, tf.newaxis, tf.newaxis]
    log_density = t * log_likelihood
    if prior_log_density is not None:
        log_density += prior_log_density
    # Weights that are even, and whose derivative is that of a reweighting
    # of the draws; the factor makes covariances of few draws unbiased.
    change = log_density - tf.stop_gradient(log_density)
    weights = tf.nn.softmax(draws / (draws - 1) * change, axis=1)
    trapezoid, variance = _integral(ladder, log_likelihood, weights)
    return trapezoid + variance if rule == "corrected" else trapezoid


def trapezoid_weights(ladder: Any) -> Any:
    """float64 [N_t]: the trapezoid is sum_i w_i E_i, and sum_i w_i = 1.

    Raises:
      InputError: no ladder.
    """
    steps = _steps(ladders.check(ladder))
    return 0.5 * (tf.pad(steps, [[1, 0]]) + tf.pad(steps, [[0, 1]]))


def summed_divergence(ladder: Any, log_likelihood: Any) -> Any:
    """KL(p_{i-1}||p_i) + KL(p_i||p_{i-1}) = dt_i (E_i - E_{i-1}) in nats.

    An identity for any model, so that no density need be fitted. For
    `samplers.ladders.equalised`.

    Args:
      ladder: [N_t].
      log_likelihood: [N_t, draws, B].

    Returns:
      [N_t - 1, B]; estimates, so noise can make some negative.

    Raises:
      InputError: shapes that do not fit.
    """
    ladder, values = _checked(ladder, log_likelihood, "trapezoid")
    means = tf.reduce_mean(values, 1)
    steps = tf.cast(_steps(ladder), means.dtype)[:, tf.newaxis]
    return steps * (means[1:] - means[:-1])


def _steps(ladder: Any) -> Any:
    nodes = tf.convert_to_tensor(ladder, tf.float64)
    return nodes[1:] - nodes[:-1]


def _checked(ladder: Any, log_likelihood: Any, rule: str) -> tuple[Any, Any]:
    ladder = ladders.check(ladder)
    values: Any = tf.convert_to_tensor(log_likelihood)
    if values.shape.rank != 3 or values.shape[1] is None:
        raise errors.InputError(
            f"log_likelihood of shape {values.shape} is not [N_t, draws, B]: "
            "keep a fixed number of draws a temperature"
        )
    if not values.shape[:1].is_compatible_with(ladder.shape):
        raise errors.InputError(
            f"log_likelihood of shape {values.shape} does not fit a ladder of "
            f"{ladder.shape[0]} nodes: pass one row a node"
        )
    if rule not in ("corrected", "trapezoid"):
        raise errors.InputError(
            f"rule {rule!r} is unknown: choose 'corrected' or 'trapezoid'"
        )
    if rule == "corrected" and values.shape[1] < 2:
        raise errors.InputError(
            "rule='corrected' needs variances, and one draw has none: keep 2 "
            "or more a temperature, or choose rule='trapezoid'"
        )
    return ladder, values


def _integral(ladder: Any, values: Any, weights: Any) -> tuple[Any, Any]:
    """The trapezoid and its variance correction, [B].

    Args:
      ladder: [N_t].
      values: [N_t, draws, B].
      weights: [draws, B] or [N_t, draws, B], which sum to 1 over draws.
    """
    draws = values.shape[1]
    steps = tf.cast(_steps(ladder), values.dtype)[:, tf.newaxis]
    means = tf.reduce_sum(weights * values, 1)
    trapezoid = tf.reduce_sum(0.5 * steps * (means[1:] + means[:-1]), 0)
    if draws < 2:
        return trapezoid, tf.zeros_like(trapezoid)
    squares = weights * tf.square(values - means[:, tf.newaxis])
    variances = draws / (draws - 1) * tf.reduce_sum(squares, 1)
    difference = variances[1:] - variances[:-1]
    return trapezoid, -tf.reduce_sum(steps**2 * difference, 0) / 12.0


def _check_samples(
    samples: Any, log_likelihood: Any, covariance: str, pooled: bool
) -> None:
    if covariance not in ("diagonal", "full"):
        raise errors.InputError(
            f"covariance {covariance!r} is unknown: choose 'diagonal' or 'full'"
        )
    shape = samples.shape
    if shape.rank != 4 or not shape[:3].is_compatible_with(
        log_likelihood.shape
    ):
        raise errors.InputError(
            f"samples of shape {shape} do not fit log_likelihood of shape "
            f"{log_likelihood.shape}: pass [N_t, draws, B, latent]"
        )
    draws = shape[1] * (shape[2] or 1) if pooled else shape[1]
    needed = shape[3] + 1 if covariance == "full" else 2
    if draws < needed:
        raise errors.InputError(
            f"{draws} draws are too few for a {covariance} covariance of "
            f"{shape[3]} latents: keep {needed} or more, or leave out samples"
        )


def _kl_correction(samples: Any, weights: Any, full: bool, pooled: bool) -> Any:
    """Half the sum of the differences of both divergences, [B] or [1]."""
    if pooled:
        shape = tf.shape(samples)
        size = samples.shape[1] * (samples.shape[2] or shape[2])
        samples = tf.reshape(samples, [shape[0], size, 1, samples.shape[3]])
        batch = tf.cast(tf.shape(weights)[-1], weights.dtype)
        weights = tf.reshape(weights / batch, [size, 1])
    mean, covariance = gaussians.fitted(samples, weights, full)
    divergence = gaussians.full_kl if full else gaussians.diagonal_kl
    lower = mean[:-1], covariance[:-1]
    upper = mean[1:], covariance[1:]
    difference = divergence(*lower, *upper) - divergence(*upper, *lower)
    return 0.5 * tf.reduce_sum(difference, 0)


def _standard_error(
    parts: Any, even: Any, values: Any, samples: Any, block: int, pooled: bool
) -> Any:
    """The infinitesimal jackknife: how the result leans on each draw.

    Its derivative by a draw's weight, at all temperatures together, is that
    draw's influence; the spread of the influences is that of the result.
    """
    values = tf.stop_gradient(values)
    if samples is not None:
        samples = None if pooled else tf.stop_gradient(samples)
    weights = tf.stop_gradient(even)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        whole = parts(weights, values, samples)[0]
    influence = tape.gradient(whole, weights)
    blocks = even.shape[0] // block
    influence = tf.reshape(influence, [blocks, block, -1])
    means = tf.reduce_mean(influence, 1)
    variance = tf.math.reduce_variance(means, 0)
    if blocks < 2:
        return variance * float("nan")
    return tf.stop_gradient(tf.sqrt(variance / (blocks - 1)))
