"""Gaussians fitted to weighted draws, and the divergences between them."""

from typing import Any

import tensorflow as tf


def fitted(draws: Any, weights: Any, full: bool) -> tuple[tf.Tensor, tf.Tensor]:
    """Means and unbiased covariances.

    Args:
      draws: [..., draws, B, latent].
      weights: [draws, B], which sum to 1 over draws.
      full: whether the covariances have their off-diagonal entries.

    Returns:
      (mean, covariance): [..., B, latent], and [..., B, latent, latent] or
      the variances [..., B, latent].
    """
    count = tf.cast(tf.shape(draws)[-3], draws.dtype)
    shares = weights[..., tf.newaxis]
    mean = tf.reduce_sum(shares * draws, -3)
    centred = draws - tf.expand_dims(mean, -3)
    unbiased = count / (count - 1.0)
    if full:
        covariance = tf.einsum(
            "...kbi,...kbj->...bij", shares * centred, centred
        )
    else:
        covariance = tf.reduce_sum(shares * tf.square(centred), -3)
    return mean, unbiased * covariance


def diagonal_kl(mean: Any, variance: Any, mean_2: Any, variance_2: Any) -> Any:
    """KL(N(mean, variance) || N(mean_2, variance_2)), [...] in nats.

    Args:
      mean: [..., latent].
      variance: [..., latent].
      mean_2: [..., latent].
      variance_2: [..., latent].
    """
    ratio = variance / variance_2
    shift = tf.square(mean - mean_2) / variance_2
    return 0.5 * tf.reduce_sum(ratio - 1.0 - tf.math.log(ratio) + shift, -1)


def full_kl(mean: Any, covariance: Any, mean_2: Any, covariance_2: Any) -> Any:
    """KL(N(mean, covariance) || N(mean_2, covariance_2)), [...] in nats.

    Args:
      mean: [..., latent].
      covariance: [..., latent, latent], positive definite.
      mean_2: [..., latent].
      covariance_2: [..., latent, latent], positive definite.
    """
    root, root_2 = (
        tf.linalg.cholesky(covariance),
        tf.linalg.cholesky(covariance_2),
    )
    # tr(C_2^-1 C) and the shift's square as squares of whitened vectors.
    shift = (mean - mean_2)[..., tf.newaxis]
    white = tf.linalg.triangular_solve(root_2, tf.concat([root, shift], -1))
    squares = tf.reduce_sum(tf.square(white), [-2, -1])
    diagonals = [tf.linalg.diag_part(r) for r in (root, root_2)]
    volumes = [tf.reduce_sum(tf.math.log(d), -1) for d in diagonals]
    size = tf.cast(tf.shape(mean)[-1], mean.dtype)
    return 0.5 * (squares - size) + volumes[1] - volumes[0]
