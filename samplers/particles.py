"""Arithmetic on positions: a tensor, or a list of tensors, with chain axes.

A position of `chain_ndims` = 1 has shape [chains, *event] in each of its
tensors; with `chain_ndims` = 0 the whole structure is one chain (the weights
of a network). Reductions run over event axes and over the tensors of the
structure, never over chains.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.compiler.tf2xla.python import xla

import errors
from samplers import seeds


def convert(position: Any, chain_ndims: int) -> Any:
    """The position as tensors, checked.

    Raises:
      InputError: a tensor is not floating or lacks the chain axis.
    """
    position = tf.nest.map_structure(tf.convert_to_tensor, position)
    for tensor in tf.nest.flatten(position):
        if not tensor.dtype.is_floating:
            raise errors.InputError(
                f"position of dtype {tensor.dtype.name} cannot move: "
                "pass float32 or float64"
            )
        if tensor.shape.rank is not None and tensor.shape.rank < chain_ndims:
            raise errors.InputError(
                f"position of shape {tensor.shape} has no chain axis: pass "
                "[chains, *event], or chain_ndims=0 for a single chain"
            )
    return position


def dtype_of(position: Any) -> Any:
    """The dtype in which a position's energies and scalars are kept."""
    return tf.nest.flatten(position)[0].dtype


def positive(name: str, value: Any) -> Any:
    """`value`, unless it is no number, or a Python number not positive.

    Raises:
      InputError: text, None, or a number that is zero, negative or NaN.
    """
    if value is None or isinstance(value, str | bool):
        raise errors.InputError(
            f"{name} {value!r} is not a number: choose one above 0"
        )
    if isinstance(value, int | float) and not value > 0:
        raise errors.InputError(
            f"{name} {value} is not positive: choose a number above 0"
        )
    return value


def not_negative(name: str, value: Any) -> Any:
    """`value`, unless it is no number, or a Python number below zero.

    Raises:
      InputError: text, None, or a number that is negative or NaN.
    """
    if value is None or isinstance(value, str | bool):
        raise errors.InputError(
            f"{name} {value!r} is not a number: choose 0 (none) or above"
        )
    if isinstance(value, int | float) and not value >= 0:
        raise errors.InputError(
            f"{name} {value} is negative: choose 0 (none) or a number above"
        )
    return value


def scalar(value: Any, dtype: Any) -> tf.Tensor:
    """`value` as a tensor of `dtype`, from numbers, arrays or tensors.

    `tf.cast` alone would take Python's numbers through float32.
    """
    if isinstance(value, int | float | list | tuple | np.ndarray | np.generic):
        return tf.convert_to_tensor(np.asarray(value), dtype)
    return tf.cast(value, dtype)


def over_event(value: Any, tensor: Any) -> tf.Tensor:
    """`value` (a scalar, or one number a chain) shaped to scale `tensor`."""
    value = tf.cast(value, tensor.dtype)
    if value.shape.rank == 0:
        return value
    ones = [1] * (tensor.shape.rank - value.shape.rank)
    return tf.reshape(value, [*tf.unstack(tf.shape(value)), *ones])


def combine(fn: Callable[..., Any], *positions: Any) -> Any:
    """`fn` on each tensor of positions of equal structure."""
    return tf.nest.map_structure(fn, *positions)


def axpy(scale: Any, x: Any, y: Any) -> Any:
    """`scale * x + y`, with one scale for all or one a chain."""
    return combine(lambda a, b: over_event(scale, a) * a + b, x, y)


def scaled(scale: Any, x: Any) -> Any:
    """`scale * x`, with one scale for all or one a chain."""
    return combine(lambda a: over_event(scale, a) * a, x)


def dot(x: Any, y: Any, chain_ndims: int) -> tf.Tensor:
    """Inner product of each chain: shape [chains], or [] for one chain."""
    dtype = dtype_of(x)
    parts = [
        tf.cast(
            tf.reduce_sum(a * b, axis=list(range(chain_ndims, a.shape.rank))),
            dtype,
        )
        for a, b in zip(tf.nest.flatten(x), tf.nest.flatten(y), strict=True)
    ]
    return parts[0] if len(parts) == 1 else tf.add_n(parts)


def half_squares(x: Any, chain_ndims: int) -> list[tf.Tensor]:
    """Half the squared norm of each tensor of each chain, [chains] or []."""
    dtype = dtype_of(x)
    if chain_ndims:
        return [
            tf.cast(0.5 * dot(a, a, chain_ndims), dtype)
            for a in tf.nest.flatten(x)
        ]
    if seeds.under_xla():
        return [0.5 * tf.cast(whole(a * a), dtype) for a in tf.nest.flatten(x)]
    # One pass over the weights, where a product and a sum take two.
    return [tf.cast(tf.nn.l2_loss(a), dtype) for a in tf.nest.flatten(x)]


def whole(tensor: Any) -> tf.Tensor:
    """The sum of all numbers of a tensor, [].

    XLA's own sum is a tree on one thread, which took longer than the gradient
    of a layer; its products use every core.
    """
    width = tensor.shape[-1] if tensor.shape.rank else None
    if width is None or tensor.shape.rank == 1 or not seeds.under_xla():
        return tf.reduce_sum(tensor)
    rows = tf.reshape(tensor, [-1, width])
    return tf.reduce_sum(tf.linalg.matvec(rows, tf.ones([width], rows.dtype)))


def summed(tensor: Any, chain_ndims: int) -> tf.Tensor:
    """The sum of the numbers of each chain, [chains] or []."""
    if chain_ndims:
        return tf.reduce_sum(
            tensor, list(range(chain_ndims, tensor.shape.rank))
        )
    return whole(tensor)


def once(position: Any) -> Any:
    """The position itself, which XLA computes before anything it is used for.

    XLA would compute it anew in each place, from inputs that it then copies
    at every turn of a loop.
    """
    if not seeds.under_xla() or tf.executing_eagerly():
        return position

    @tf.custom_gradient
    def barrier(*tensors: Any) -> Any:
        return xla.optimization_barrier(*tensors), lambda *upstream: upstream

    tensors = barrier(*tf.nest.flatten(position))
    return tf.nest.pack_sequence_as(position, tf.nest.flatten(tensors))


def sizes(position: Any, chain_ndims: int) -> tf.Tensor:
    """How many numbers each tensor of a chain has, [tensors]."""
    dtype = dtype_of(position)
    counts = []
    for tensor in tf.nest.flatten(position):
        size = tensor.shape[chain_ndims:].num_elements()
        if size is None:
            size = tf.reduce_prod(tf.shape(tensor)[chain_ndims:])
        counts.append(tf.cast(size, dtype))
    return tf.stack(counts)


def normal_like(seed: Any, position: Any) -> Any:
    """Standard normal numbers in the structure of a position."""
    tensors = tf.nest.flatten(position)
    own = [seed] if len(tensors) == 1 else seeds.split(seed, len(tensors))
    drawn = []
    for tensor, tensor_seed in zip(tensors, own, strict=True):
        shape = tensor.shape
        if not shape.is_fully_defined():
            shape = tf.shape(tensor)
        drawn.append(seeds.normal(tensor_seed, shape, tensor.dtype))
    return tf.nest.pack_sequence_as(position, drawn)


def select(accept: Any, new: Any, old: Any) -> Any:
    """Per chain, `new` where `accept` and `old` elsewhere (any structure)."""

    def choose(a: Any, b: Any) -> Any:
        ones = [1] * (a.shape.rank - accept.shape.rank)
        shape = [*tf.unstack(tf.shape(accept)), *ones] if ones else None
        mask = accept if shape is None else tf.reshape(accept, shape)
        return tf.where(mask, a, b)

    return tf.nest.map_structure(choose, new, old)
