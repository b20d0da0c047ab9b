"""The evidence lower bound and its parts (Hjorth-Jensen 2025)."""

import math
from typing import NamedTuple

import tensorflow as tf


class Elbo(NamedTuple):
    """The parts of the negative bound, each [B], in nats.

    loss = reconstruction + beta * kl; for beta = 1 the bound on log p(x) is
    -loss.
    """

    loss: tf.Tensor
    reconstruction: tf.Tensor
    kl: tf.Tensor


def gaussian_kl(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), summed over the last axis.

    Args:
        mean: [B, latent].
        log_variance: [B, latent].

    Returns:
        [B] in nats, never negative.
    """
    # expm1 keeps the small values of a collapsed posterior exact.
    excess = tf.math.expm1(log_variance) - log_variance
    return 0.5 * tf.reduce_sum(tf.square(mean) + excess, axis=-1)


def elbo(
    log_likelihood: tf.Tensor, kl: tf.Tensor, beta: tf.Tensor | float = 1.0
) -> Elbo:
    """Puts the negative bound together.

    Args:
        log_likelihood: [B], log p(x | z) of one draw of z.
        kl: [B], the divergence of the posterior from the prior.
        beta: weight of the divergence.
    """
    reconstruction = -log_likelihood
    return Elbo(reconstruction + beta * kl, reconstruction, kl)


def standard_normal_log_density(z: tf.Tensor) -> tf.Tensor:
    """Log N(z; 0, 1), summed over the last axis, in nats."""
    constant = 0.5 * math.log(2.0 * math.pi)
    return tf.reduce_sum(-0.5 * tf.square(z) - constant, axis=-1)
