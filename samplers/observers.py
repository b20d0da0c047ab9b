"""What is kept of a chain while it runs.

An observer is three functions that the chain loop calls. It sees every step's
State and Info and keeps what it wants; `run` returns its result.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import seeds


class Like(NamedTuple):
    """What `fn(state, info)` will look like, for any such `fn`.

    Attributes:
      specs: `specs(fn)`, a structure of tf.TensorSpec.
      zeros: `zeros(fn)`, a structure of zeros. Where an axis is not known
        before the graph runs, a step is spent on its length.
    """

    specs: Callable[[Callable[..., Any]], Any]
    zeros: Callable[[Callable[..., Any]], Any]


class Observer(NamedTuple):
    """A streaming summary of a chain.

    Attributes:
      init: `init(like, num_steps) -> carry`, see Like.
      update: `update(carry, i, state, info) -> carry`, after step i = 0, 1...
        of this run.
      result: `result(carry) -> observed`.
    """

    init: Callable[[Like, Any], Any]
    update: Callable[[Any, Any, Any, Any], Any]
    result: Callable[[Any], Any]


class Moments(NamedTuple):
    """Mean and variance over the steps of a run.

    Attributes:
      mean: like the observed quantity.
      variance: likewise; the mean squared deviation (divided by the count).
      count: [], how many steps were seen.
    """

    mean: Any
    variance: Any
    count: Any


def trace(fn: Callable[[Any, Any], Any], every: int = 1) -> Observer:
    """Stacks `fn(state, info)` of every `every`-th step.

    Args:
      fn: gives a tensor or a structure of them.
      every: steps between records; the first is taken after `every` steps.

    Returns:
      An observer whose result has tensors [num_steps // every, ...].
    """
    if every < 1:
        raise errors.InputError(
            f"every={every} keeps nothing: choose at least 1 step"
        )

    def init(like: Like, num_steps: Any) -> Any:
        # The last record may stay unfinished: it is not in the result.
        size = -(-num_steps // every)
        arrays = tf.nest.map_structure(
            lambda spec: tf.TensorArray(
                spec.dtype, size=size, element_shape=spec.shape
            ),
            like.specs(fn),
        )
        return arrays, num_steps // every

    def update(carry: Any, i: Any, state: Any, info: Any) -> Any:
        arrays, whole = carry

        def write() -> Any:
            return tf.nest.map_structure(
                lambda array, value: array.write(i // every, value),
                arrays,
                fn(state, info),
            )

        # XLA would copy all records through a branch, at every step; writing
        # a record anew until its last step copies that one alone.
        if every == 1 or seeds.under_xla():
            return write(), whole
        due = (i + 1) % every == 0
        return tf.cond(due, write, lambda: arrays), whole

    def result(carry: Any) -> Any:
        arrays, whole = carry
        return tf.nest.map_structure(
            lambda array: array.stack()[:whole], arrays
        )

    return Observer(init, update, result)


def moments(fn: Callable[[Any, Any], Any]) -> Observer:
    """Mean and variance of `fn(state, info)` over steps, in constant memory.

    Welford's recursion (1962): it subtracts the mean before it squares, so
    that a large mean does not swamp a small variance in float32.

    Args:
      fn: gives a floating tensor or a structure of them.

    Returns:
      An observer whose result is `Moments`.
    """

    def init(like: Like, num_steps: Any) -> Any:
        del num_steps
        start = like.zeros(fn)
        return (tf.zeros([], tf.int32), start, start)

    def update(carry: Any, i: Any, state: Any, info: Any) -> Any:
        del i
        count, mean, squares = carry
        value = fn(state, info)
        count += 1
        new_mean = tf.nest.map_structure(
            lambda x, m: m + (x - m) / tf.cast(count, m.dtype), value, mean
        )
        squares = tf.nest.map_structure(
            lambda x, m, n, s: s + (x - m) * (x - n),
            value,
            mean,
            new_mean,
            squares,
        )
        return count, new_mean, squares

    def result(carry: Any) -> Moments:
        count, mean, squares = carry
        variance = tf.nest.map_structure(
            lambda s: s / tf.cast(tf.maximum(count, 1), s.dtype), squares
        )
        return Moments(mean, variance, count)

    return Observer(init, update, result)


def total(fn: Callable[[Any, Any], Any], initial: Any = None) -> Observer:
    """The sum of `fn(state, info)` over steps.

    Args:
      fn: gives a tensor or a structure of them.
      initial: what the sum starts from, in the same structure; zero if None.

    Returns:
      An observer whose result has the structure of `fn(state, info)`.
    """

    def init(like: Like, num_steps: Any) -> Any:
        del num_steps
        if initial is None:
            return like.zeros(fn)
        return tf.nest.map_structure(tf.convert_to_tensor, initial)

    def update(carry: Any, i: Any, state: Any, info: Any) -> Any:
        del i
        return tf.nest.map_structure(tf.add, carry, fn(state, info))

    return Observer(init, update, lambda carry: carry)
