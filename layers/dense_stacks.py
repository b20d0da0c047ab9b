"""Dense encoder and decoder bodies, mirrored (Aliahmadi 2026, A.5.2)."""

import math
from collections.abc import Sequence

import keras

from layers import initializers


def dense_encoder(
    shape: Sequence[int],
    outputs: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """Flattens an example and maps it through ReLU layers to `outputs` numbers.

    Args:
        shape: of one example.
        outputs: size of the last, linear, layer.
        hidden_units: sizes of the hidden layers, from the example inwards.
        seed: seed of the weights.

    Returns:
        A built network [B, *shape] -> [B, outputs].
    """
    body = [keras.layers.Input(tuple(shape)), keras.layers.Flatten()]
    for index, units in enumerate(hidden_units):
        body.append(
            keras.layers.Dense(
                units,
                activation="relu",
                kernel_initializer=initializers.glorot(seed, index),
            )
        )
    body.append(
        keras.layers.Dense(
            outputs,
            kernel_initializer=initializers.glorot(seed, len(hidden_units)),
        )
    )
    return keras.Sequential(body, name="encoder")


def dense_decoder(
    shape: Sequence[int],
    latent_dim: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """The mirror of `dense_encoder`; the last layer is linear.

    Args:
        shape: of one example.
        latent_dim: size of a code.
        hidden_units: the encoder's, from the example inwards.
        seed: seed of the weights.

    Returns:
        A built network [B, latent_dim] -> [B, *shape].
    """
    first = len(hidden_units) + 1
    body = [keras.layers.Input((latent_dim,))]
    for index, units in enumerate(reversed(hidden_units)):
        body.append(
            keras.layers.Dense(
                units,
                activation="relu",
                kernel_initializer=initializers.glorot(seed, first + index),
            )
        )
    body.append(
        keras.layers.Dense(
            math.prod(shape),
            kernel_initializer=initializers.glorot(
                seed, first + len(hidden_units)
            ),
        )
    )
    body.append(keras.layers.Reshape(tuple(shape)))
    return keras.Sequential(body, name="decoder")
