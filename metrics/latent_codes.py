"""What a set of latent codes holds, beyond the variance of each dimension."""

from collections.abc import Callable

import tensorflow as tf
from sklearn import neighbors


def permutation_sensitivity(
    decode: Callable[[tf.Tensor], tf.Tensor],
    codes: tf.Tensor,
    images: tf.Tensor,
    order: tf.Tensor,
) -> tf.Tensor:
    """How much the error grows when one latent is shuffled over the images.

    Unlike a variance it does not depend on the scale of the codes: a latent
    that the decoder ignores scores 0.

    Args:
        decode: maps codes [n, latent] to images.
        codes: [n, latent].
        images: [n, ...], what the codes should decode to.
        order: int [n], a permutation of the rows.

    Returns:
        [latent], MSE with the latent permuted over the MSE without, less 1.
    """
    codes = tf.convert_to_tensor(codes)
    shuffled = tf.gather(codes, order)
    latents = len(codes[0])

    def error(altered: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(decode(altered) - images))

    grown = [
        error(tf.where(tf.range(latents) == index, shuffled, codes))
        for index in range(latents)
    ]
    return tf.stack(grown) / error(codes) - 1.0


def participation_ratio(codes: tf.Tensor) -> tf.Tensor:
    """(tr C)^2 / tr C^2 of the covariance: how many directions carry it.

    Args:
        codes: [n, latent].

    Returns:
        Scalar from 1 (a line) to `latent` (a sphere); NaN for constant codes.
    """
    centred = codes - tf.reduce_mean(codes, axis=0)
    covariance = tf.matmul(centred, centred, transpose_a=True)
    # A common factor of the covariance cancels; this one avoids overflow.
    covariance /= tf.linalg.trace(covariance)
    return 1.0 / tf.reduce_sum(tf.square(covariance))


def class_share(codes: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Share of each latent's variance that lies between the classes.

    Args:
        codes: [n, latent].
        labels: int [n], from 0.

    Returns:
        [latent], 0 where all classes have one mean and 1 where the class
        fixes the latent; NaN for a constant latent.
    """
    labels = tf.cast(labels, tf.int32)
    means = tf.math.unsorted_segment_mean(
        codes, labels, tf.reduce_max(labels) + 1
    )
    between = tf.math.reduce_variance(tf.gather(means, labels), axis=0)
    return between / tf.math.reduce_variance(codes, axis=0)


def ks_to_normal(values: tf.Tensor) -> tf.Tensor:
    """Kolmogorov-Smirnov distance of each column to its fitted normal.

    The normal has the column's mean and variance, so values that are normal
    score about 0.6 / sqrt(n), less than an unfitted normal would.

    Args:
        values: [n, d].

    Returns:
        [d], from 0 to 1; NaN for a constant column.
    """
    values = tf.sort(tf.cast(values, tf.float64), axis=0)
    mean, variance = tf.nn.moments(values, axes=[0])
    scaled = (values - mean) / tf.sqrt(2.0 * variance)
    expected = 0.5 * (1.0 + tf.math.erf(scaled))
    number = tf.cast(tf.shape(values)[0], tf.float64)
    rank = tf.range(number, dtype=tf.float64)[:, None]
    above = (rank + 1.0) / number - expected
    below = expected - rank / number
    return tf.reduce_max(tf.maximum(above, below), axis=0)


def knn_accuracy(codes, labels, test_codes, test_labels, neighbours=5) -> float:
    """Share of test codes whose nearest neighbours vote for their label.

    Args:
        codes: [n, latent], with their labels [n].
        labels: int [n].
        test_codes: [m, latent].
        test_labels: int [m].
        neighbours: how many vote, by Euclidean distance.

    Returns:
        Accuracy in [0, 1].
    """
    classifier = neighbors.KNeighborsClassifier(neighbours)
    classifier.fit(codes, labels)
    return float(classifier.score(test_codes, test_labels))
