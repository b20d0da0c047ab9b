"""Encoder and decoder bodies by name."""

from collections.abc import Sequence

import keras

import errors
from layers import conv_stacks, dense_stacks

BODIES = ("conv", "dense")
_MULTIPLE = 16


def check_body(body: str, image_shape: Sequence[int]) -> None:
    """Raises InputError where `body` is unknown or does not fit the image."""
    if body not in BODIES:
        raise errors.InputError(
            f"body={body!r} is unknown: choose one of {', '.join(BODIES)}"
        )
    sides = tuple(image_shape[:2])
    if body == "conv" and any(side % _MULTIPLE for side in sides):
        fitting = tuple(-(-side // _MULTIPLE) * _MULTIPLE for side in sides)
        raise errors.InputError(
            f"image_shape={tuple(image_shape)} does not fit body='conv', whose "
            f"sides must be multiples of {_MULTIPLE}: resize the images to "
            f"{fitting[0]} x {fitting[1]} or take body='dense'"
        )


def encoder(
    body: str,
    image_shape: Sequence[int],
    outputs: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """A network [B, H, W, C] -> [B, outputs].

    Args:
        body: "dense" or "conv".
        image_shape: (height, width, channels).
        outputs: number of outputs, linear.
        hidden_units: hidden sizes of the dense body; the convolutional one
            has its own and does not read them.
        seed: seed of the weights.

    Raises:
        errors.InputError: the body is unknown or does not fit the image.
    """
    check_body(body, image_shape)
    if body == "conv":
        return conv_stacks.conv_encoder(image_shape, outputs, seed)
    return dense_stacks.dense_encoder(image_shape, outputs, hidden_units, seed)


def decoder(
    body: str,
    image_shape: Sequence[int],
    latent_dim: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """A network [B, latent_dim] -> [B, H, W, C] of logits; see `encoder`."""
    check_body(body, image_shape)
    if body == "conv":
        return conv_stacks.conv_decoder(image_shape, latent_dim, seed)
    return dense_stacks.dense_decoder(
        image_shape, latent_dim, hidden_units, seed
    )
