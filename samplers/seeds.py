"""Random numbers as pure functions of an explicit `int32[2]` seed.

Every draw of the repository goes through this module (and `row_seeds` for
numbers that belong to one row of a batch). The generator is named at every
draw, because the default is up to 300 times slower under XLA: Threefry where
XLA compiles, Philox elsewhere. The two give different numbers, so results
repeat bit for bit within one of the modes only.

Derive seeds with `split` and `fold_in`, never by adding to one: runs whose
seeds are neighbours would share most of their numbers.

`split`, `fold_in`, `uniform` and `normal` also take `int32[B, 2]`, one seed a
chain: what they give for a chain then depends on its own seed alone, and so
does the chain that a kernel runs from it, whatever the others in its batch.
"""

import contextlib
import contextvars
import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

import errors
from samplers.row_seeds import (
    row_fold_in,
    row_normal,
    row_uniform,
    rows,
    threefry,
)

__all__ = [
    "compiled",
    "fold_in",
    "normal",
    "permuted",
    "row_fold_in",
    "row_normal",
    "row_uniform",
    "rows",
    "seed",
    "split",
    "threefry",
    "under_xla",
    "uniform",
    "xla",
]

# TensorFlow's type stubs lack parts of these.
_RAW: Any = tf.raw_ops
_RANDOM: Any = tf.random
# Numbers of the generators in TensorFlow.
_PHILOX, _THREEFRY = 1, 2
_UNDER_XLA = contextvars.ContextVar("under_xla", default=False)
# Salts of draws with one seed a chain.
_UNIFORM, _NORMAL = -1, -2


@contextlib.contextmanager
def xla(enabled: bool) -> Iterator[None]:
    """Tells the draws traced inside whether XLA will compile them.

    `compiled` sets this for what it traces; set it by hand where something
    else compiles, as `keras.Model.compile(jit_compile=True)` does. Around an
    eager call of `samplers.run` it makes that call compile with XLA.
    """
    token = _UNDER_XLA.set(bool(enabled))
    try:
        yield
    finally:
        _UNDER_XLA.reset(token)


def under_xla() -> bool:
    """Whether draws traced here are meant for XLA."""
    return _UNDER_XLA.get()


def compiled(fn: Callable[..., Any], jit_compile: bool) -> Any:
    """A `tf.function` of `fn` whose draws suit the compiler that runs it.

    Args:
      fn: any function of tensors.
      jit_compile: True for XLA, False for graph mode.

    Returns:
      The compiled function.
    """

    @functools.wraps(fn)
    def traced(*args: Any, **kwargs: Any) -> Any:
        with xla(jit_compile):
            return fn(*args, **kwargs)

    return tf.function(traced, autograph=False, jit_compile=jit_compile)


def _compiles() -> bool:
    # Eager draws run outside XLA whatever is said, and lack Threefry.
    return under_xla() and not tf.executing_eagerly()


def _draw(operation: Any, seed: Any, shape: Any, dtype: Any) -> tf.Tensor:
    """What tf.random draws, in a fifth of its nodes.

    It writes the scrambling of a seed out, node by node at every draw: the
    graph of a chain was mostly that, and took as long to trace.
    """
    if _compiles():
        # The two words of the seed are the key.
        key = tf.reshape(tf.bitcast(seed, tf.uint64), [1])
        counter, generator = tf.constant([0], tf.uint64), _THREEFRY
    else:
        key, counter = _RAW.StatelessRandomGetKeyCounter(seed=seed)
        generator = _PHILOX
    return operation(
        shape=tf.convert_to_tensor(shape, dtype_hint=tf.int32),
        key=key,
        counter=counter,
        alg=generator,
        dtype=dtype,
    )


def _by_row(seed: Any) -> bool:
    return tf.convert_to_tensor(seed).shape.rank == 2


def _drawn_by_row(
    draw: Callable[..., tf.Tensor], seed: Any, shape: Any, salt: int, dtype: Any
) -> tf.Tensor:
    shape = tf.convert_to_tensor(shape, tf.int32)
    flat = draw(seed, [tf.reduce_prod(shape[1:])], salt)
    return tf.reshape(tf.cast(flat, dtype), shape)


def seed(value: int) -> tf.Tensor:
    """The seed `int32[2]` of a Python integer of 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise errors.InputError(
            f"seed {value!r} is not an integer: pass a whole number, e.g. 0"
        )
    if not -(2**63) <= value < 2**64:
        raise errors.InputError(
            f"seed {value} does not fit 64 bits: choose one of at least 0 "
            "and below 2^64"
        )
    words = [(value >> 32) & 0xFFFFFFFF, value & 0xFFFFFFFF]
    signed = [word - (1 << 32) if word >> 31 else word for word in words]
    return tf.constant(signed, tf.int32)


def split(seed: Any, n: int) -> list[tf.Tensor]:
    """`n` independent seeds, each `int32[2]` (or like `seed`), from one."""
    if _by_row(seed):
        return [row_fold_in(seed, index) for index in range(n)]
    draw = _RAW.StatelessRandomUniformFullIntV2
    return tf.unstack(_draw(draw, seed, [n, 2], tf.int32), n)


def fold_in(seed: Any, data: Any) -> tf.Tensor:
    """The seed `int32[2]` that belongs to the integer `data` under `seed`.

    From `int32[B, 2]` it gives as many.
    """
    if _by_row(seed):
        return row_fold_in(seed, data)
    word = _draw(_RAW.StatelessRandomUniformFullIntV2, seed, [], tf.int32)
    return tf.stack([word, tf.cast(data, tf.int32)])


def uniform(seed: Any, shape: Any, dtype: Any = tf.float32) -> tf.Tensor:
    """Uniform numbers in [0, 1) of the given shape."""
    if _by_row(seed):
        return _drawn_by_row(row_uniform, seed, shape, _UNIFORM, dtype)
    return _draw(_RAW.StatelessRandomUniformV2, seed, shape, dtype)


def normal(seed: Any, shape: Any, dtype: Any = tf.float32) -> tf.Tensor:
    """Standard normal numbers of the given shape."""
    if _by_row(seed):
        return _drawn_by_row(row_normal, seed, shape, _NORMAL, dtype)
    if _compiles():
        return _draw(_RAW.StatelessRandomNormalV2, seed, shape, dtype)
    # Outside XLA the Box-Muller transform of whole tensors takes half the
    # time of TensorFlow's own normal, which works number by number.
    static = tf.get_static_value(shape)
    if static is None:
        size = tf.reduce_prod(shape)
    else:
        size = math.prod(int(length) for length in static)
    half = (size + 1) // 2
    first, second = tf.unstack(uniform(seed, tf.stack([2, half]), dtype))
    radius = tf.sqrt(-2.0 * tf.math.log1p(-first))
    angle = (2.0 * math.pi) * second
    pairs = tf.concat([radius * tf.cos(angle), radius * tf.sin(angle)], axis=0)
    return tf.reshape(pairs[:size], shape)


def permuted(index: Any, seed: Any, size: Any) -> tf.Tensor:
    """Where a random permutation of `range(size)` sends `index`.

    The permutation is evaluated point by point, so that the order of a data
    set is a function of (seed, position) and needs no buffer. Runs on the
    host, outside XLA.

    Args:
      index: integer tensor of any shape, values in [0, size).
      seed: int32[2]; one permutation for each.
      size: length of the permutation.

    Returns:
      A tensor like `index`.
    """
    index = tf.convert_to_tensor(index)
    shuffled = _RANDOM.experimental.index_shuffle(
        tf.reshape(index, [-1]),
        tf.cast(seed, tf.int32),
        tf.cast(size, index.dtype) - 1,
    )
    return tf.reshape(shuffled, tf.shape(index))
