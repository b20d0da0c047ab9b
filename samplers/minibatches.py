"""Minibatches that a step's seed draws, for chains on weights."""

from typing import Any

import tensorflow as tf

from samplers import seeds


def drawn(seed: tf.Tensor, data: Any, batch_size: int) -> Any:
    """Rows of `data`, with replacement, as a pure function of the seed.

    Args:
        seed: int32[2].
        data: structure of tensors [N, ...] of one length N.
        batch_size: how many rows.

    Returns:
        Like `data`, tensors [batch_size, ...].
    """
    number = tf.shape(tf.nest.flatten(data)[0])[0]
    uniform = seeds.uniform(seed, [batch_size])
    index = tf.cast(uniform * tf.cast(number, tf.float32), tf.int32)
    # Rounding can reach N.
    index = tf.minimum(index, number - 1)
    return tf.nest.map_structure(lambda rows: tf.gather(rows, index), data)
