"""Stochastic layers whose noise is handed in by seed."""

import keras
import tensorflow as tf

from samplers import seeds


@keras.saving.register_keras_serializable("thermozoo")
class GaussianSample(keras.layers.Layer):
    """A reparameterised draw from a diagonal Gaussian (Hjorth-Jensen 2025).

    z = mean + exp(log_variance / 2) * noise, so that gradients reach the mean
    and the variance.
    """

    def call(
        self, mean: tf.Tensor, log_variance: tf.Tensor, seed: tf.Tensor
    ) -> tf.Tensor:
        """Draws one code per row.

        Args:
            mean: [B, latent].
            log_variance: [B, latent].
            seed: int32[2]; the same seed gives the same noise.

        Returns:
            [B, latent].
        """
        noise = seeds.normal(seed, tf.shape(mean), mean.dtype)
        return mean + tf.exp(0.5 * log_variance) * noise
