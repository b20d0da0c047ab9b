"""Convolutional encoder and decoder bodies (Aliahmadi 2026, A.5.3).

The paper's are for 64 x 64 faces: four convolutions of stride 2 with 32, 64,
128 and 256 filters and a linear layer; back through 1024 = 4 x 4 x 64 units
and transposed convolutions of strides 4, 4 and 1. Here images may have any
size: the decoder makes sides of the next multiple of 16 and keeps the centre.
"""

from collections.abc import Sequence

import keras

from layers import initializers

_FILTERS = (32, 64, 128, 256)
_REDUCTION = 16
# At least the largest stride, so that the transposed layers leave no holes.
_KERNEL = 4


def conv_encoder(
    shape: Sequence[int], outputs: int, seed: int
) -> keras.Sequential:
    """Four strided convolutions and a linear layer.

    Args:
        shape: (height, width, channels).
        outputs: size of the last, linear, layer.
        seed: seed of the weights.

    Returns:
        A built network [B, H, W, C] -> [B, outputs].
    """
    body = [keras.layers.Input(tuple(shape))]
    for index, filters in enumerate(_FILTERS):
        body.append(
            keras.layers.Conv2D(
                filters,
                _KERNEL,
                strides=2,
                padding="same",
                activation="relu",
                kernel_initializer=initializers.glorot(seed, index),
            )
        )
    body.append(keras.layers.Flatten())
    body.append(
        keras.layers.Dense(
            outputs,
            kernel_initializer=initializers.glorot(seed, len(_FILTERS)),
        )
    )
    return keras.Sequential(body, name="encoder")


def conv_decoder(
    shape: Sequence[int], latent_dim: int, seed: int
) -> keras.Sequential:
    """A dense layer and three transposed convolutions, the last one linear.

    Args:
        shape: (height, width, channels).
        latent_dim: size of a code.
        seed: seed of the weights.

    Returns:
        A built network [B, latent_dim] -> [B, H, W, C], linear.
    """
    height, width = (-(-side // _REDUCTION) for side in shape[:2])
    first = len(_FILTERS) + 1
    body = [
        keras.layers.Input((latent_dim,)),
        keras.layers.Dense(
            height * width * 64,
            activation="relu",
            kernel_initializer=initializers.glorot(seed, first),
        ),
        keras.layers.Reshape((height, width, 64)),
    ]
    widths = ((64, 4, "relu"), (32, 4, "relu"), (shape[2], 1, None))
    for index, (filters, stride, activation) in enumerate(widths):
        body.append(
            keras.layers.Conv2DTranspose(
                filters,
                _KERNEL,
                strides=stride,
                padding="same",
                activation=activation,
                kernel_initializer=initializers.glorot(seed, first + 1 + index),
            )
        )
    beyond = [-side % _REDUCTION for side in shape[:2]]
    if any(beyond):
        edges = tuple((size // 2, size - size // 2) for size in beyond)
        body.append(keras.layers.Cropping2D(edges))
    return keras.Sequential(body, name="decoder")
