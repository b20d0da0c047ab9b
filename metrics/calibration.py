"""Whether probabilities and intervals say how often they are right."""

from typing import Any

import tensorflow as tf

import errors


def expected_calibration_error(
    probabilities: Any, labels: Any, bins: int = 15
) -> tf.Tensor:
    """Mean gap between confidence and accuracy (Naeini et al. 2015).

    Examples are put into bins of equal width by the probability of their
    likeliest class; the gaps of the bins are averaged by their size.

    Args:
        probabilities: [n, classes], rows that sum to 1.
        labels: int [n], from 0.
        bins: number of bins. Few examples a bin bias the estimate upwards.

    Returns:
        Scalar in [0, 1]; 0 for a calibrated classifier and many examples.

    Raises:
        InputError: shapes that do not fit, or no bins.
    """
    p = tf.convert_to_tensor(probabilities)
    labels = tf.cast(labels, tf.int64)
    if p.shape.rank != 2 or labels.shape.rank != 1 or bins < 1:
        raise errors.InputError(
            f"probabilities of shape {p.shape}, labels of shape "
            f"{labels.shape} and bins={bins}: pass [n, classes], [n] and at "
            "least 1 bin"
        )
    confidence = tf.reduce_max(p, 1)
    right = tf.cast(tf.equal(tf.argmax(p, 1), labels), p.dtype)
    index = tf.cast(tf.math.ceil(confidence * bins), tf.int32) - 1
    index = tf.clip_by_value(index, 0, bins - 1)
    # Size times gap is the sum of the differences.
    gaps = tf.math.unsorted_segment_sum(confidence - right, index, bins)
    return tf.reduce_sum(tf.abs(gaps)) / tf.cast(tf.shape(p)[0], p.dtype)


def coverage(
    mean: Any, spread: Any, targets: Any, level: float = 0.9
) -> tf.Tensor:
    """Share of targets in the central interval of a normal prediction.

    Args:
        mean: [n, ...].
        spread: likewise, the standard deviation of the prediction, noise of
            the targets included.
        targets: likewise.
        level: what the share should be, in (0, 1).

    Returns:
        Scalar in [0, 1]; `level` for a calibrated normal prediction.

    Raises:
        InputError: shapes that differ, or a level out of range.
    """
    mean = tf.convert_to_tensor(mean)
    spread = tf.cast(spread, mean.dtype)
    targets = tf.cast(targets, mean.dtype)
    if not mean.shape == spread.shape == targets.shape:
        raise errors.InputError(
            f"mean, spread and targets of shapes {mean.shape}, {spread.shape} "
            f"and {targets.shape} differ: pass one number each for a target"
        )
    if not 0.0 < level < 1.0:
        raise errors.InputError(
            f"level={level} is no share: choose a number between 0 and 1"
        )
    width = tf.sqrt(tf.cast(2.0, mean.dtype))
    width *= tf.math.erfinv(tf.cast(level, mean.dtype))
    inside = tf.abs(targets - mean) <= width * spread
    return tf.reduce_mean(tf.cast(inside, mean.dtype))
