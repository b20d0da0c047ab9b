"""Kernel distance between two sets of features (KID; Binkowski 2018)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import errors
from metrics.estimate import Estimate

KERNELS = ("polynomial", "rbf")
# Rows that the median distance is taken over.
_MEDIAN_ROWS = 1000
_Kernel = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def polynomial_mmd(features: tf.Tensor, others: tf.Tensor) -> tf.Tensor:
    """Unbiased squared MMD under the kernel (x.y / d + 1)^3.

    Args:
        features: [n, d], n at least 2.
        others: [m, d], m at least 2.

    Returns:
        float64 scalar. Its mean is 0 where both come from one distribution,
        so a draw may be negative.
    """
    return _mmd(features, others, _polynomial)


def rbf_mmd(features: Any, others: Any, length_scale: float) -> tf.Tensor:
    """Unbiased squared MMD under the kernel exp(-|x - y|^2 / (2 l^2)).

    Args:
        features: [n, d], n at least 2.
        others: [m, d], m at least 2.
        length_scale: l, in the units of the features.

    Returns:
        float64 scalar, as `polynomial_mmd`.
    """
    return _mmd(features, others, _rbf(length_scale))


def median_distance(features: Any) -> float:
    """Median distance of two rows, over the first 1000: a length scale."""
    x = tf.cast(features[:_MEDIAN_ROWS], tf.float64)
    squares = _squared_distances(x, x).numpy()
    upper = squares[np.triu_indices(len(squares), 1)]
    return float(np.median(np.sqrt(upper)))


def kid(
    features,
    others,
    block_size: int = 1000,
    *,
    kernel: str = "polynomial",
    length_scale: float | None = None,
) -> Estimate:
    """KID: the mean of the squared MMD over disjoint blocks of rows.

    The rows must be in random order; rows beyond the last whole block of the
    shorter set are left out. As no row is used twice, the blocks are
    independent and their spread gives the error. It is unbiased at every
    size, so there is nothing to extrapolate.

    Args:
        features: [n, d].
        others: [m, d], the real ones.
        block_size: rows of a block, at least 2.
        kernel: "polynomial" (cubic) or "rbf".
        length_scale: of the RBF kernel; by default the median distance
            between rows of `others`.

    Returns:
        The estimate, and its standard error over blocks; with a single block
        the error is NaN.

    Raises:
        InputError: the shorter set does not fill a block, or an unknown
            kernel.
    """
    blocks = min(len(features), len(others)) // max(block_size, 1)
    if block_size < 2 or blocks < 1:
        raise errors.InputError(
            f"block_size={block_size} must be at least 2 and at most the "
            f"{min(len(features), len(others))} rows: give a smaller one"
        )
    if kernel not in KERNELS:
        raise errors.InputError(
            f"kernel={kernel!r} is unknown: choose one of {', '.join(KERNELS)}"
        )
    if kernel == "polynomial":
        function = _polynomial
    else:
        if length_scale is None:
            length_scale = median_distance(others)
        function = _rbf(length_scale)
    values = np.array(
        [
            float(_mmd(features[rows], others[rows], function, paired=True))
            for rows in (
                slice(i * block_size, (i + 1) * block_size)
                for i in range(blocks)
            )
        ]
    )
    spread = float(np.std(values, ddof=1)) if blocks > 1 else float("nan")
    return Estimate(float(np.mean(values)), spread / blocks**0.5)


def _mmd(
    features: Any, others: Any, kernel: _Kernel, paired: bool = False
) -> tf.Tensor:
    x = tf.cast(features, tf.float64)
    y = tf.cast(others, tf.float64)
    within = _off_diagonal_mean(kernel(x, x)) + _off_diagonal_mean(kernel(y, y))
    # Without the pairs (x_i, y_i) it stays unbiased, and a set against itself
    # is 0 instead of less (the U-statistic of Gretton 2012).
    mean = _off_diagonal_mean if paired else tf.reduce_mean
    return within - 2.0 * mean(kernel(x, y))


def _polynomial(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.shape(x)[1], x.dtype)
    return (tf.matmul(x, y, transpose_b=True) / size + 1.0) ** 3


def _rbf(length_scale: float) -> _Kernel:
    if not length_scale > 0.0:
        raise errors.InputError(
            f"length_scale={length_scale} must be a positive number: give a "
            "distance between features"
        )

    def kernel(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return tf.exp(-0.5 * _squared_distances(x, y) / length_scale**2)

    return kernel


def _squared_distances(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    products = tf.matmul(x, y, transpose_b=True)
    squares = tf.reduce_sum(tf.square(x), 1)[:, None]
    squares += tf.reduce_sum(tf.square(y), 1)
    # Rounding may leave less than zero.
    return tf.maximum(squares - 2.0 * products, 0.0)


def _off_diagonal_mean(kernel: tf.Tensor) -> tf.Tensor:
    number = tf.cast(tf.shape(kernel)[0], kernel.dtype)
    total = tf.reduce_sum(kernel) - tf.linalg.trace(kernel)
    return total / (number * (number - 1.0))
