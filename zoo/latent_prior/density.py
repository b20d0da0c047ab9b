"""The pieces of a latent-space energy-based prior, as functions of tensors."""

import math
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf


class LatentModel(NamedTuple):
    """p(z) ~ exp(-E(z)) N(z; 0, s0^2) and p(x | z) = N(x; g(z), s^2).

    Attributes:
      tilt: E, [B, latent] -> [B], in nats; low is likely. The papers' f is -E.
      generator: g, [B, latent] -> [B, ...], in the units of x.
      prior_sigma: s0.
      sigma: s, in the units of x.
    """

    tilt: Callable[[tf.Tensor], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    prior_sigma: float
    sigma: float

    def prior_energy(self, codes: tf.Tensor) -> tf.Tensor:
        """E(z) + |z|^2 / (2 s0^2): -log p(z) up to a constant, [B]."""
        square = tf.reduce_sum(tf.square(codes), -1)
        return self.tilt(codes) + square / (2.0 * self.prior_sigma**2)

    def log_likelihood(self, x: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Log p(x | z) without its constant: -|x - g(z)|^2 / (2 s^2), [B]."""
        error = tf.square(x - self.generator(codes))
        axes = list(range(1, error.shape.rank))
        return -tf.reduce_sum(error, axes) / (2.0 * self.sigma**2)

    def log_normaliser(self, size: int) -> float:
        """The constant of log p(x | z), for x of `size` numbers."""
        return -size * (math.log(self.sigma) + 0.5 * math.log(2.0 * math.pi))


def of_networks(
    tilt: keras.Model, decoder: keras.Model, prior_sigma: float, sigma: float
) -> LatentModel:
    """The model of two networks; g is the tanh of the decoder's output.

    Each network is a tf.function of its own: chains within chains trace it a
    dozen times, and tracing Keras's layers is what takes long.
    """
    return LatentModel(
        tf.function(
            lambda z: tf.cast(tilt(z), tf.float32)[:, 0], autograph=False
        ),
        tf.function(
            lambda z: tf.tanh(tf.cast(decoder(z), tf.float32)), autograph=False
        ),
        prior_sigma,
        sigma,
    )
