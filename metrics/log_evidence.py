"""Importance-weighted estimate of log p(x), with its error."""

import tensorflow as tf


def importance_weighted(
    log_weights: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """log-mean-exp of importance weights, and its standard error.

    Args:
        log_weights: [n, B], log p(x, z) - log q(z | x) of n draws from q.

    Returns:
        estimate [B], biased low by about half the squared error, and standard
        error [B] by the delta method: sd(w) / (mean(w) sqrt(n)). The error is
        itself only as good as the largest weights seen.
    """
    number = tf.cast(tf.shape(log_weights)[0], log_weights.dtype)
    estimate = tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(number)
    relative = tf.exp(log_weights - estimate)
    variance = tf.reduce_sum(tf.square(relative - 1.0), axis=0)
    variance /= tf.maximum(number - 1.0, 1.0)
    return estimate, tf.sqrt(variance / number)
