"""Reconstruction errors per example."""

import tensorflow as tf


def squared_error(images: tf.Tensor, reconstruction: tf.Tensor) -> tf.Tensor:
    """Mean squared error of every example.

    Args:
        images: [B, ...].
        reconstruction: [B, ...], the same shape.

    Returns:
        [B], the mean over all axes but the first, in squared units of the
        images.
    """
    difference = tf.square(images - reconstruction)
    return tf.reduce_mean(difference, axis=tf.range(1, tf.rank(difference)))
