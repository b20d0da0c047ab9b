"""Kernel distance between two sets of features (KID; Binkowski 2018)."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Kid(NamedTuple):
    """An estimate and its standard error, floats."""

    estimate: float
    standard_error: float


def polynomial_mmd(features: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Unbiased squared MMD under the kernel (x.y / d + 1)^3.

    Args:
        features: [n, d], n at least 2.
        others: [m, d], m at least 2.

    Returns:
        float64 scalar. Its mean is 0 where both come from one distribution,
        so a draw may be negative.
    """
    x = tf.cast(features, tf.float64)
    y = tf.cast(others, tf.float64)
    within = _off_diagonal_mean(_kernel(x, x)) + _off_diagonal_mean(
        _kernel(y, y)
    )
    return within - 2.0 * tf.reduce_mean(_kernel(x, y))


def kid(features, others, block_size: int = 1000) -> Kid:
    """KID: the mean of `polynomial_mmd` over disjoint blocks of rows.

    The rows must be in random order; rows beyond the last whole block of the
    shorter set are left out. As no row is used twice, the blocks are
    independent and their spread gives the error.

    Args:
        features: [n, d].
        others: [m, d].
        block_size: rows of a block, at least 2.

    Returns:
        The estimate, and its standard error over blocks; with a single block
        the error is NaN.

    Raises:
        ValueError: the shorter set does not fill a block.
    """
    blocks = min(len(features), len(others)) // block_size
    if block_size < 2 or blocks < 1:
        raise ValueError(
            f"block_size={block_size} must be at least 2 and at most the "
            f"{min(len(features), len(others))} rows: give a smaller one"
        )
    values = np.array(
        [
            float(polynomial_mmd(features[rows], others[rows]))
            for rows in (
                slice(i * block_size, (i + 1) * block_size)
                for i in range(blocks)
            )
        ]
    )
    spread = float(np.std(values, ddof=1)) if blocks > 1 else float("nan")
    return Kid(float(np.mean(values)), spread / blocks**0.5)


def _kernel(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.shape(x)[1], x.dtype)
    return (tf.matmul(x, y, transpose_b=True) / size + 1.0) ** 3


def _off_diagonal_mean(kernel: tf.Tensor) -> tf.Tensor:
    number = tf.cast(tf.shape(kernel)[0], kernel.dtype)
    total = tf.reduce_sum(kernel) - tf.linalg.trace(kernel)
    return total / (number * (number - 1.0))
