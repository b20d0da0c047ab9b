"""The parts of a latent-space energy-based prior, from its arguments.

Each function takes a LatentEnergyPrior, whose arguments are its attributes.
"""

from typing import Any

import keras
import tensorflow as tf

import layers
from samplers import seeds
from zoo.latent_prior.chains import Chain, Codes
from zoo.latent_prior.density import Density
from zoo.latent_prior.integral import Integral
from zoo.latent_prior.tempering import Tempering, nodes_of

# Salt of the generator's weights: the layers of E count from 0 too.
_GENERATOR = 1


def energy_net(model: Any) -> keras.Sequential:
    """E, a network of codes [B, latent] with outputs [B, 1]."""
    return layers.latent_energy(
        model.latent_dim, model.energy_units, model.energy_slope, model.seed
    )


def decoder(model: Any) -> keras.Sequential:
    """The generator, whose last layer is linear."""
    words = seeds.fold_in(seeds.seed(model.seed), _GENERATOR)
    seed = int(words[0]) & 0x7FFFFFFF
    shape, latent_dim = model.data.shape, model.latent_dim
    if model.body == "conv":
        return layers.latent_generator(
            shape, latent_dim, model.filters, seed=seed
        )
    return layers.decoder("dense", shape, latent_dim, model.hidden_units, seed)


def persistent_codes(model: Any) -> layers.PersistentCodes | None:
    """Where the chains of the training images go on from; None: nowhere."""
    if not model.persistent:
        return None
    return layers.PersistentCodes(
        model.data.num_examples,
        model.latent_dim,
        model.prior_sigma,
        model.seed,
    )


def codes(model: Any) -> Codes:
    """The densities of both networks, and the chains on them."""
    return Codes(
        _density(model),
        Chain(model.dynamics, model.prior_steps, model.prior_step_size),
        _posterior_chain(model),
    )


def integral(model: Any) -> Integral:
    """How the thermodynamic integral is taken, with estimator="ti"."""
    tempering = Tempering(
        nodes_of(model.ladder),
        _posterior_chain(model),
        model.stiffness,
        model.draws,
        model.batched,
        model.exchange_every,
    )
    return Integral(
        tempering,
        model.rule,
        model.kl_weight,
        model.generator_gradient,
        model.prior_gradient,
    )


def _posterior_chain(model: Any) -> Chain:
    return Chain(
        model.dynamics, model.posterior_steps, model.posterior_step_size
    )


def _density(model: Any) -> Density:
    """On the scale of [-1, 1]: g is the tanh of the decoder's output.

    Each network is a tf.function of its own: chains within chains trace it a
    dozen times, and tracing the layers of Keras takes most of the time.
    """
    energy_net, decoder = model.energy_net, model.decoder
    return Density(
        tf.function(
            lambda z: tf.cast(energy_net(z), tf.float32)[:, 0], autograph=False
        ),
        tf.function(
            lambda z: tf.tanh(tf.cast(decoder(z), tf.float32)), autograph=False
        ),
        model.latent_dim,
        model.prior_sigma,
        model.sigma,
    )
