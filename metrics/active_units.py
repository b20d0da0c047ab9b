"""How many latent dimensions a model uses (Aliahmadi 2026, A.5.2)."""

import tensorflow as tf


def active_units(codes: tf.Tensor, threshold: float = 0.01) -> tf.Tensor:
    """Number of latent dimensions whose variance exceeds the threshold.

    Args:
        codes: [n, latent], a code (for a VAE: the posterior mean) per image.
        threshold: variance above which a dimension counts, in squared units
            of the codes. The scale of an autoencoder's codes is free, so the
            threshold separates only where a prior fixes the scale.

    Returns:
        int32 scalar.
    """
    variance = tf.math.reduce_variance(codes, axis=0)
    return tf.reduce_sum(tf.cast(variance > threshold, tf.int32))
