"""The gradients of the log-evidence, from samples held constant.

    d log p(x) / d alpha = E_prior[dE/d alpha] - E_posterior[dE/d alpha]
    d log p(x) / d beta  = E_posterior[d log p(x | z) / d beta]

(Raj 2024, Eqs. 6 and 7) for the prior's weights alpha and the generator's
beta. The functions return gradients of -log p(x), to minimise. From codes at
all temperatures the second has three estimates, which `weighted_codes`
describes.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

import losses
from samplers.tempering import Ending
from zoo.latent_prior.density import Density

GENERATOR = ("posterior", "trapezoid", "covariance")


def of_prior(
    density: Density, posterior: tf.Tensor, prior: tf.Tensor, variables: Any
) -> tuple[list, tf.Tensor]:
    """The gradient that moves the prior towards the posterior's codes.

    Args:
        density: its E is differentiated.
        posterior: codes from p(z | x), [B, latent].
        prior: codes from p(z), [B', latent].
        variables: of E.

    Returns:
        gradients like `variables`, and the mean of E over the posterior's
        codes less that over the prior's, in nats.
    """
    with tf.GradientTape() as tape:
        gap = tf.reduce_mean(density.energy_net(posterior))
        gap -= tf.reduce_mean(density.energy_net(prior))
    return dense(tape, gap, variables), gap


def of_generator(
    density: Density,
    x: tf.Tensor,
    codes: tf.Tensor,
    weights: Any,
    variables: Any,
) -> tuple[list, tf.Tensor]:
    """The gradient of -weights log p(x | codes), averaged over images.

    Args:
        density: its log p(x | z) is differentiated.
        x: [B, ...].
        codes: [B, latent], constants.
        weights: [B], constants.
        variables: of g.

    Returns:
        gradients like `variables`, and what they are of, [], without the
        constant of log p(x | z).
    """
    with tf.GradientTape() as tape:
        values = density.log_likelihood(x, codes)
        loss = -tf.reduce_mean(weights * values)
    return dense(tape, loss, variables), loss


def of_generator_by_all(
    density: Density,
    x: tf.Tensor,
    codes: tf.Tensor,
    weights: Any,
    variables: Any,
) -> list:
    """The sum of `of_generator` over n codes of each image.

    One after the other, so that memory stays flat.

    Args:
        density: its log p(x | z) is differentiated.
        x: [B, ...].
        codes: [n, B, latent], constants.
        weights: [n, B], constants, which sum to 1 over n.
        variables: of g.

    Returns:
        gradients like `variables`.
    """

    def body(i: Any, totals: list) -> tuple[Any, list]:
        found, _ = of_generator(density, x, codes[i], weights[i], variables)
        return i + 1, [a + b for a, b in zip(totals, found, strict=True)]

    if codes.shape[0] == 1:
        return of_generator(density, x, codes[0], weights[0], variables)[0]
    _, gradients = tf.while_loop(
        lambda i, totals: i < tf.shape(codes)[0],
        body,
        (tf.constant(0), [tf.zeros(v.shape) for v in variables]),
    )
    return gradients


def at_endings(
    density: Density, x: tf.Tensor, ladder: Any, variables: Any
) -> Callable[[Any, tf.Tensor], Ending]:
    """The "trapezoid" of `weighted_codes`, while the chains run.

    The evaluation that the generator learns from is the one that the chains of
    the next temperature start with.

    Args:
        density: its log p(x | z) is differentiated.
        x: [B, ...].
        ladder: [N_t].
        variables: of g.

    Returns:
        an `ending` of samplers.tempering.temper, which sums to gradients like
        `variables`.
    """
    rungs = tf.cast(losses.trapezoid_weights(ladder), x.dtype)

    def ending(index: Any, codes: tf.Tensor) -> Ending:
        with tf.GradientTape() as tape:
            tape.watch(codes)
            values = density.log_likelihood(x, codes)
        slope, *gradients = dense(tape, values, [codes, *variables])
        # Over all images, whose sum `values` are taken for.
        weight = -rungs[index] / tf.cast(tf.shape(x)[0], x.dtype)
        return Ending(values, slope, [weight * g for g in gradients])

    return ending


def weighted_codes(
    kind: str,
    ladder: Any,
    samples: tf.Tensor,
    log_likelihood: tf.Tensor,
    rule: str,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Which draws the generator learns from, and how much each counts.

    "posterior": the last draw at t = 1 alone (Fisher's identity), without
        bias where the chains have converged.
    "trapezoid": the derivative of the trapezoid at constant samples (the
        thesis's). It is not the gradient of log p(x): that the power
        posteriors move with the weights is left out (24 % of it, on a
        linear-Gaussian model of 2 codes).
    "covariance": the derivative of the integral by the rule, with that part
        from the covariance of the draws; the error of the quadrature stays,
        draws along one chain are alike (3 % off there, of 30 draws), and few
        make it noisy.

    Args:
        kind: one of GENERATOR.
        ladder: [N_t].
        samples: [N_t, draws, B, latent], constants.
        log_likelihood: log p(x | z) of them, [N_t, draws, B], constants; of
            "covariance" alone.
        rule: of "covariance", see losses.thermodynamic_integral.

    Returns:
        codes [n, B, latent], and weights [n, B] for `of_generator_by_all`,
        which sum to 1 over n.
    """
    last = slice(-1, None)
    if kind == "posterior":
        samples = samples[last, last]
        weights = tf.ones_like(samples[:, :, :, 0])
    elif kind == "trapezoid":
        samples = samples[:, last]
        rungs = losses.trapezoid_weights(ladder)[:, tf.newaxis, tf.newaxis]
        each = tf.ones_like(samples[:, :, :, 0])
        weights = tf.cast(rungs, each.dtype) * each
    else:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(log_likelihood)
            evidence = losses.thermodynamic_surrogate(
                ladder, log_likelihood, rule=rule
            )
        (weights,) = dense(tape, evidence, [log_likelihood])
    # One static number: a single code needs no loop.
    number = samples.shape[:2].num_elements()
    batch, latent = tf.unstack(tf.shape(samples))[2:]
    return (
        tf.ensure_shape(
            tf.reshape(samples, [number, batch, latent]),
            [number, *samples.shape[2:]],
        ),
        tf.reshape(weights, [number, batch]),
    )


def dense(tape: tf.GradientTape, loss: Any, variables: list) -> list:
    """Gradients as tensors: zeros where the loss does not depend."""
    return [
        tf.zeros(v.shape) if g is None else tf.convert_to_tensor(g)
        for v, g in zip(variables, tape.gradient(loss, variables), strict=True)
    ]
