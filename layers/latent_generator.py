"""From a code to an image by transposed convolutions (Raj 2024, Table 6)."""

from collections.abc import Sequence

import keras

import errors
from layers import initializers
from layers.transposed_convolution import Conv2DTranspose

# The first layer makes a side of 4 to 7 pixels; each further one doubles it.
_SMALLEST = 4
# The first layer has 16 `filters`; each further one half as many.
_WIDEST = 16


def latent_generator(
    image_shape: Sequence[int],
    latent_dim: int,
    filters: int = 64,
    slope: float = 0.2,
    seed: int = 0,
) -> keras.Sequential:
    """A network of transposed convolutions; the last layer is linear.

    One layer spreads the code, an image of one pixel, over the smallest side,
    4 x 4 for powers of two; the others double the side by kernels of 4 x 4
    with stride 2, down to the channels of the image:

        32 x 32: 16, 8, 4 x filters, channels
        64 x 64: 16, 8, 4, 2 x filters, channels
        28 x 28: 16, 8 x filters, channels, from 7 x 7

    Those are the sizes of the thesis's Table 6 as its code has them; the table
    prints one doubling more than the images have. Padding is with zeros, and
    every layer has a bias, as in that code; but the code also scales and shifts
    each channel after every layer (batch normalisation that takes no statistics
    of the batch), which neither the table nor this network does. Pang 2020's
    for SVHN is filters=32.

    Args:
        image_shape: (height, width, channels). The shorter side is 4, 5, 6 or
            7 doubled once or more, the longer one divisible by as many twos.
        latent_dim: size of a code.
        filters: a sixteenth of the first layer's, at least 1.
        slope: of the leaky ReLUs below zero.
        seed: seed of the weights.

    Returns:
        A built network [B, latent_dim] -> [B, H, W, C]. The model bounds its
        outputs, by tanh or otherwise.

    Raises:
        errors.InputError: an image size that doubling does not reach.
    """
    doublings = _check_sides(image_shape)
    height, width = (side >> doublings for side in image_shape[:2])
    body = [
        keras.layers.Input((latent_dim,)),
        # A transposed convolution of one pixel, as a product: a third of the
        # time on a CPU.
        keras.layers.Dense(
            height * width * _WIDEST * filters,
            kernel_initializer=initializers.glorot(seed, 0),
        ),
        keras.layers.Reshape((height, width, _WIDEST * filters)),
    ]
    for index in range(1, doublings + 1):
        last = index == doublings
        body.append(keras.layers.LeakyReLU(negative_slope=slope))
        body.append(
            Conv2DTranspose(
                image_shape[2] if last else max(1, _WIDEST * filters >> index),
                kernel_initializer=initializers.glorot(seed, index),
            )
        )
    return keras.Sequential(body, name="latent_generator")


def _check_sides(image_shape: Sequence[int]) -> int:
    """How often the first layer's sides double; raises where they cannot."""
    sides = tuple(image_shape[:2])
    doublings = _doublings(sides)
    if doublings:
        return doublings
    fitting = sides
    while not _doublings(fitting):
        step = 2 ** max(1, _halvings(min(fitting)))
        fitting = tuple(
            max(2 * _SMALLEST, -(-side // step) * step) for side in fitting
        )
    raise errors.InputError(
        f"image_shape={tuple(image_shape)} cannot be generated: its sides must "
        f"be 4, 5, 6 or 7 pixels doubled once or more; resize the images to "
        f"{fitting[0]} x {fitting[1]}"
    )


def _halvings(side: int) -> int:
    """How often a side can be halved before it falls below the smallest."""
    return max(0, (side // _SMALLEST).bit_length() - 1)


def _doublings(sides: Sequence[int]) -> int:
    """0 where the sides cannot be made."""
    times = _halvings(min(sides))
    return 0 if any(side % 2**times for side in sides) else times
