"""The energy of an encoder's weights, and its evaluators.

U(encoder; decoder, images) is the mean squared reconstruction error over
pixels and images (Aliahmadi 2026, section 3.1).
"""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from samplers import energies, minibatches


def values(network: keras.Model) -> list[tf.Tensor]:
    """The weights of a network as tensors."""
    return [tf.convert_to_tensor(w.value) for w in network.variables]


def codes(
    encoder: keras.Model, weights: Sequence[tf.Tensor], images: tf.Tensor
) -> tf.Tensor:
    """What an encoder with these weights makes of images: [B, latent]."""
    outputs = encoder.stateless_call([], list(weights), images)
    return tf.cast(outputs[0], tf.float32)


def energy(
    encoder: keras.Model,
    decoder: keras.Model,
    encoder_weights: Sequence[tf.Tensor],
    decoder_weights: Sequence[tf.Tensor],
    images: tf.Tensor,
) -> tf.Tensor:
    """Mean squared error, a scalar in squared units of the images."""
    z = codes(encoder, encoder_weights, images)
    outputs = decoder.stateless_call(list(decoder_weights), [], z)
    output = tf.sigmoid(tf.cast(outputs[0], tf.float32))
    return tf.reduce_mean(tf.square(output - images))


def gathering(
    encoder: keras.Model,
    decoder: keras.Model,
    decoder_weights: Sequence[tf.Tensor],
) -> energies.Evaluator:
    """Energy of a batch, with the decoder's gradients as `aux`.

    One backward pass gives both: the force on the encoder and the gradient
    that the decoder averages over the trajectory.
    """

    def fn(position, seed, batch):
        del seed
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(position)
            tape.watch(decoder_weights)
            value = energy(encoder, decoder, position, decoder_weights, batch)
        gradients: Any = tape.gradient(
            value,
            (position, decoder_weights),
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        return energies.Evaluation(value, gradients[0], gradients[1])

    return energies.Evaluator(fn)


def sampling(
    encoder: keras.Model,
    decoder: keras.Model,
    decoder_weights: Sequence[tf.Tensor],
    images: tf.Tensor,
    batch_size: int,
) -> energies.Evaluator:
    """Energy of a minibatch that is drawn from `images` by the step's seed."""

    def minibatch_energy(position, seed):
        batch = minibatches.drawn(seed, images, batch_size)
        return energy(encoder, decoder, position, decoder_weights, batch)

    return energies.seeded(minibatch_energy)
