"""Encoder and decoder bodies by name, for examples of any shape."""

from collections.abc import Sequence

import keras

import errors
from layers import conv_stacks, dense_stacks

_BODIES = ("conv", "dense")


def encoder(
    body: str,
    shape: Sequence[int],
    outputs: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """A network [B, *shape] -> [B, outputs].

    Args:
        body: "dense", for any shape, or "conv", for images of any size.
        shape: of one example.
        outputs: number of outputs, linear.
        hidden_units: hidden sizes of the dense body; the convolutional one
            has its own and does not read them.
        seed: seed of the weights.

    Raises:
        errors.InputError: the body is unknown or does not fit the shape.
    """
    _check(body, shape)
    if body == "conv":
        return conv_stacks.conv_encoder(shape, outputs, seed)
    return dense_stacks.dense_encoder(shape, outputs, hidden_units, seed)


def decoder(
    body: str,
    shape: Sequence[int],
    latent_dim: int,
    hidden_units: Sequence[int],
    seed: int,
) -> keras.Sequential:
    """A network [B, latent_dim] -> [B, *shape], linear; see `encoder`."""
    _check(body, shape)
    if body == "conv":
        return conv_stacks.conv_decoder(shape, latent_dim, seed)
    return dense_stacks.dense_decoder(shape, latent_dim, hidden_units, seed)


def _check(body: str, shape: Sequence[int]) -> None:
    if body not in _BODIES:
        raise errors.InputError(
            f"body={body!r} is unknown: {errors.nearest(body, _BODIES)}"
        )
    if body == "conv" and len(shape) != 3:
        raise errors.InputError(
            f"body='conv' does not fit examples of shape {tuple(shape)}: it "
            "takes images (height, width, channels); take body='dense'"
        )
