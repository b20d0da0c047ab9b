"""The densities of a latent-space energy-based prior, as pure functions."""

import math
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class Density(NamedTuple):
    """p(z) ~ exp(-E(z)) N(z; 0, s0^2) and p(x | z) = N(x; g(z), s^2).

    Attributes:
        energy_net: E, [B, latent] -> [B], in nats; low is likely. The papers
            write f = -E.
        generator: g, [B, latent] -> [B, ...], in the units of x.
        latent_dim: size of a code z.
        prior_sigma: s0.
        sigma: s, in the units of x.
    """

    energy_net: Callable[[tf.Tensor], tf.Tensor]
    generator: Callable[[tf.Tensor], tf.Tensor]
    latent_dim: int
    prior_sigma: float
    sigma: float

    def prior_energy(self, codes: tf.Tensor) -> tf.Tensor:
        """E(z) + |z|^2 / (2 s0^2): -log p(z) up to a constant, [B]."""
        square = tf.reduce_sum(tf.square(codes), -1)
        return self.energy_net(codes) + square / (2.0 * self.prior_sigma**2)

    def log_likelihood(self, x: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """Log p(x | z) without its constant: -|x - g(z)|^2 / (2 s^2), [B]."""
        error = tf.square(x - self.generator(codes))
        axes = list(range(1, error.shape.rank))
        return -tf.reduce_sum(error, axes) / (2.0 * self.sigma**2)

    def posterior_energy(self, x: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
        """The energy of codes on p(z | x): -log p(z | x) up to a constant."""
        return self.prior_energy(codes) - self.log_likelihood(x, codes)

    def log_constant(self, size: int) -> float:
        """The constant of log p(x | z), for x of `size` numbers."""
        return -size * (math.log(self.sigma) + 0.5 * math.log(2.0 * math.pi))
