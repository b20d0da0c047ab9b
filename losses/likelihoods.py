"""Log-likelihoods of an image given a decoder's output, per example."""

import math

import tensorflow as tf


def _sum_events(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(values, axis=tf.range(1, tf.rank(values)))


def bernoulli_log_likelihood(images: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Minus the cross-entropy, summed over pixels, in nats.

    For binary images it is a log-likelihood; for grey values in (0, 1) it is
    the usual surrogate, whose normalisation is not one.

    Args:
        images: [B, ...] in [0, 1].
        logits: [B, ...].

    Returns:
        [B].
    """
    return -_sum_events(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=images, logits=logits)
    )


def gaussian_log_likelihood(
    images: tf.Tensor, mean: tf.Tensor, sigma: tf.Tensor | float
) -> tf.Tensor:
    """Log N(images; mean, sigma^2), summed over pixels, in nats.

    Args:
        images: [B, ...].
        mean: [B, ...].
        sigma: standard deviation per pixel, a positive scalar.

    Returns:
        [B].
    """
    sigma = tf.convert_to_tensor(sigma, images.dtype)
    scaled = (images - mean) / sigma
    constant = 0.5 * math.log(2.0 * math.pi)
    return _sum_events(-0.5 * tf.square(scaled) - tf.math.log(sigma) - constant)
