"""How the models of the zoo declare what they serve."""

import inspect
from collections.abc import Callable

import tensorflow as tf

from zoo.base import LatentGenerator


def seed_spec() -> tf.TensorSpec:
    """One seed (seed, row) per sample."""
    return tf.TensorSpec([None, 2], tf.int32)


def scalar_spec() -> tf.TensorSpec:
    """One number per row."""
    return tf.TensorSpec([None], tf.float32)


def image_spec(image_shape: tuple) -> tf.TensorSpec:
    """One image per row."""
    return tf.TensorSpec([None, *image_shape], tf.float32)


def code_spec(latent_dim: int) -> tf.TensorSpec:
    """One code per row."""
    return tf.TensorSpec([None, latent_dim], tf.float32)


def option(value: tf.Tensor) -> tf.Tensor:
    """An option [B] of a served generation: 0 where it is below.

    `generate` refuses such numbers. A server merges the rows of several
    requests, and a refusal in the graph would fail them all.
    """
    return tf.maximum(value, 0.0)


def function(body: Callable[..., dict], *specs: tf.TensorSpec):
    """A graph-mode tf.function of `body`.

    Args:
        body: tensors in, dict of tensors out; the names of its parameters
            become those of the signature's inputs.
        *specs: one per parameter.
    """
    named = [
        tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in zip(
            inspect.signature(body).parameters, specs, strict=True
        )
    ]
    # XLA functions are refused by a server in its default setting.
    return tf.function(
        body, input_signature=named, autograph=False, jit_compile=False
    )


def latent_functions(model: LatentGenerator, latent_dim: int) -> dict:
    """What all latent models serve alike: generate, decode, interpolate."""
    image = image_spec(model.image_shape)

    def generate(seed):
        return {"samples": model.generate_rows(seed)}

    def decode(z):
        return {"x": model.decode(z)}

    def interpolate(x0, x1, alpha):
        return {"x": model.interpolate(x0, x1, alpha)}

    return {
        "generate": function(generate, seed_spec()),
        "decode": function(decode, code_spec(latent_dim)),
        "interpolate": function(interpolate, image, image, scalar_spec()),
    }


def bank_functions(
    model: LatentGenerator, latent_dim: int, reconstruct: Callable[..., dict]
) -> dict:
    """What models that generate from a latent bank serve.

    Args:
        model: its `generate_rows` takes a bandwidth.
        latent_dim: size of a code.
        reconstruct: the body of that signature, x -> dict.
    """
    image = image_spec(model.image_shape)

    def generate_with(seed, bandwidth):
        width = option(bandwidth)
        return {"samples": model.generate_rows(seed, bandwidth=width)}

    def encode(x):
        return {"z": model.encode(x)}

    return {
        **latent_functions(model, latent_dim),
        "generate_with": function(generate_with, seed_spec(), scalar_spec()),
        "reconstruct": function(reconstruct, image),
        "encode": function(encode, image),
    }
