"""Random numbers that belong to one row: Threefry-2x32 on whole tensors.

A server merges and splits batches as it likes, so a sample must depend on its
own seed alone and not on its place in the batch. TensorFlow has no stateless
generator with one seed a row; this is one (Salmon et al. 2011, 20 rounds),
written with bitwise operations that run eagerly, in graphs and under XLA, and
give the same bits in all three.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

import errors

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA
# `row_fold_in` takes the last value of the second counter word, which no draw
# reaches.
_FOLD = 0xFFFFFFFF
# TensorFlow's type stubs lack it.
_ANY_SHAPE: Any = None


def rows(seed: int, n: Any) -> tf.Tensor:
    """One seed a row: `[[seed, 0], [seed, 1], ...]`, int32[n, 2]."""
    if not -(2**31) <= seed < 2**31:
        raise errors.InputError(
            f"seed {seed} does not fit 32 bits: choose one in [0, 2147483647]"
        )
    index = tf.range(n, dtype=tf.int32)
    return tf.stack([tf.fill(tf.shape(index), tf.constant(seed)), index], 1)


def threefry(key: Sequence[Any], counter: Sequence[Any]) -> list[tf.Tensor]:
    """Threefry-2x32 with 20 rounds.

    Args:
      key: two uint32 tensors.
      counter: two uint32 tensors that broadcast against the key.

    Returns:
      Two uint32 tensors of random bits.
    """
    words = [tf.convert_to_tensor(word, tf.uint32) for word in (*key, *counter)]
    shape = functools.reduce(
        tf.broadcast_static_shape, [word.shape for word in words]
    )
    bits = _rounds(*words)
    return [tf.ensure_shape(word, shape) for word in bits]


# One function of any shape, called and never inlined: in graphs of hundreds
# of draws the rounds were nine nodes of ten, and exporting took a minute.
@functools.partial(
    tf.function,
    input_signature=[tf.TensorSpec(_ANY_SHAPE, tf.uint32)] * 4,
    autograph=False,
    experimental_attributes={"_noinline": True},
)
def _rounds(k0: Any, k1: Any, c0: Any, c1: Any) -> list[tf.Tensor]:
    parity = tf.bitwise.bitwise_xor(k0, k1)
    parity = tf.bitwise.bitwise_xor(parity, tf.constant(_PARITY, tf.uint32))
    keys = (k0, k1, parity)
    x0, x1 = c0 + k0, c1 + k1
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = tf.bitwise.bitwise_xor(_rotate(x1, rotation), x0)
        x0 = x0 + keys[(block + 1) % 3]
        x1 = x1 + keys[(block + 2) % 3] + tf.constant(block + 1, tf.uint32)
    return [x0, x1]


def _rotate(x: tf.Tensor, bits: int) -> tf.Tensor:
    left = tf.bitwise.left_shift(x, tf.constant(bits, tf.uint32))
    right = tf.bitwise.right_shift(x, tf.constant(32 - bits, tf.uint32))
    return tf.bitwise.bitwise_or(left, right)


def _key(row_seeds: Any) -> list[tf.Tensor]:
    words = tf.bitcast(tf.cast(row_seeds, tf.int32), tf.uint32)
    return tf.unstack(words, num=2, axis=1)


def _unit_pairs(row_seeds: Any, pairs: int, salt: int) -> list[tf.Tensor]:
    """Two tensors [B, pairs] of uniform float32 in [0, 1)."""
    key = [tf.expand_dims(word, 1) for word in _key(row_seeds)]
    index = tf.cast(tf.range(pairs), tf.uint32)[tf.newaxis]
    word = tf.constant(salt & 0xFFFFFFFF, tf.uint32)
    bits = threefry(key, [tf.fill([1, pairs], word), index])
    # 24 bits fill the mantissa exactly: no rounding up to 1.
    shift = tf.constant(8, tf.uint32)
    return [
        tf.cast(tf.bitwise.right_shift(word, shift), tf.float32) * 2.0**-24
        for word in bits
    ]


def _shaped(pair: Sequence[Any], shape: Sequence[int], size: int) -> tf.Tensor:
    flat = tf.concat(list(pair), axis=1)[:, :size]
    return tf.reshape(flat, [-1, *shape])


def row_uniform(row_seeds: Any, shape: Sequence[int], salt: int) -> tf.Tensor:
    """Uniform numbers in [0, 1), a function of (row seed, salt) alone.

    Args:
      row_seeds: int32[B, 2].
      shape: static shape of one row's numbers.
      salt: integer; another salt gives independent numbers.

    Returns:
      float32[B, *shape].
    """
    size = math.prod(shape)
    pair = _unit_pairs(row_seeds, (size + 1) // 2, salt)
    return _shaped(pair, shape, size)


def row_normal(row_seeds: Any, shape: Sequence[int], salt: int) -> tf.Tensor:
    """Standard normal numbers, a function of (row seed, salt) alone.

    Args:
      row_seeds: int32[B, 2].
      shape: static shape of one row's numbers.
      salt: integer; another salt gives independent numbers.

    Returns:
      float32[B, *shape].
    """
    size = math.prod(shape)
    u0, u1 = _unit_pairs(row_seeds, (size + 1) // 2, salt)
    radius = tf.sqrt(-2.0 * tf.math.log1p(-u0))
    angle = (2.0 * math.pi) * u1
    pair = [radius * tf.cos(angle), radius * tf.sin(angle)]
    return _shaped(pair, shape, size)


def row_fold_in(row_seeds: Any, data: Any) -> tf.Tensor:
    """New row seeds int32[B, 2] that belong to the integer(s) `data`.

    Args:
      row_seeds: int32[B, 2].
      data: an integer or int32[B].
    """
    key = _key(row_seeds)
    data = tf.bitcast(tf.cast(data, tf.int32), tf.uint32)
    data = tf.broadcast_to(data, tf.shape(key[0]))
    words = threefry(key, [data, tf.constant(_FOLD, tf.uint32)])
    return tf.bitcast(tf.stack(words, axis=1), tf.int32)
