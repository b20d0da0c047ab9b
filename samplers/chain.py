"""The one loop that runs chains."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import errors
from samplers import seeds
from samplers.kernel import Kernel
from samplers.observers import Like, Observer


def run(
    kernel: Kernel,
    state: Any,
    *,
    seed: Any,
    num_steps: Any,
    first_step: Any = 0,
    batches: Any = None,
    observer: Observer | None = None,
    differentiable: bool = False,
) -> tuple[Any, Any]:
    """Runs a kernel for `num_steps` steps in one `tf.while_loop`.

    Step t = first_step + i draws from `fold_in(seed, t)`, so that 60 steps
    followed by 40 from `first_step=60` equal 100. Inside a `tf.function` the
    loop becomes part of its graph. Called eagerly, it is compiled on first
    use for each pair of kernel and observer (by XLA under
    `with seeds.xla(True)`); other step counts do not compile again.

    Args:
      kernel: the transition.
      state: from `kernel.init`, or from an earlier run.
      seed: int32[2].
      num_steps: how many steps, a Python integer or a scalar tensor.
      first_step: how many steps came before; likewise.
      batches: structure of tensors [num_steps, ...]; step i sees row i.
      observer: `trace`, `moments`, `total`, or None.
      differentiable: keep the gradient through the steps; otherwise the
        results are constants to an outer tape.

    Returns:
      (state, observed): the final State and the observer's result (None
      without an observer).

    Raises:
      InputError: a seed, step count or observer that is none, a negative
        step count, or batches of another length.
    """
    _check_kinds(seed, num_steps, first_step, observer)
    if batches is not None:
        batches = tf.nest.map_structure(tf.convert_to_tensor, batches)
    _check(num_steps, batches)
    if tf.executing_eagerly():
        compiled = _compiled(
            kernel, observer, differentiable, seeds.under_xla()
        )
        return compiled(
            state,
            tf.convert_to_tensor(seed),
            tf.cast(num_steps, tf.int32),
            tf.cast(first_step, tf.int32),
            batches,
        )
    return _loop(
        kernel,
        observer,
        differentiable,
        state,
        seed,
        tf.cast(num_steps, tf.int32),
        tf.cast(first_step, tf.int32),
        batches,
    )


def _check_kinds(
    seed: Any, num_steps: Any, first_step: Any, observer: Any
) -> None:
    """Refuses by types and static shapes, which costs nothing in a graph."""
    whole, shape = _kind(seed)
    last = shape[-1] if shape.rank else None
    if not whole or shape.rank not in (None, 1, 2) or last not in (None, 2):
        raise errors.InputError(
            f"seed {_named(seed)} is no int32[2]: pass samplers.seeds.seed(0), "
            "or one made from it by split or fold_in"
        )
    for name, value in (("num_steps", num_steps), ("first_step", first_step)):
        whole, shape = _kind(value)
        if not whole or shape.rank not in (None, 0):
            raise errors.InputError(
                f"{name}={_named(value)} is no whole number: pass an integer "
                "or an integer scalar tensor"
            )
    if not isinstance(observer, Observer | None):
        raise errors.InputError(
            f"observer {_named(observer)} is no Observer: pass trace(fn), "
            "moments(fn), total(fn) or None"
        )


def _kind(value: Any) -> tuple[bool, tf.TensorShape]:
    """Whether a number, array or tensor is whole, and its static shape."""
    if not hasattr(value, "dtype"):
        value = np.asarray(value)
    return tf.as_dtype(value.dtype).is_integer, tf.TensorShape(value.shape)


def _named(value: Any) -> str:
    """Numbers and text as they are; of a tensor its type alone: one line."""
    simple = value is None or isinstance(value, int | float | str)
    return repr(value) if simple else f"of type {type(value).__name__}"


def _check(num_steps: Any, batches: Any) -> None:
    steps = tf.get_static_value(num_steps)
    if steps is None:
        return
    if steps < 0:
        raise errors.InputError(
            f"num_steps={steps} is negative: choose 0 or more"
        )
    for tensor in [] if batches is None else tf.nest.flatten(batches):
        length = tensor.shape[0]
        if length is not None and length != steps:
            raise errors.InputError(
                f"batches of length {length} do not fit num_steps={steps}: "
                "pass one row a step"
            )


@functools.lru_cache(maxsize=16)
def _compiled(
    kernel: Kernel,
    observer: Observer | None,
    differentiable: bool,
    jit_compile: bool,
) -> Callable[..., Any]:
    loop = functools.partial(_loop, kernel, observer, differentiable)
    return seeds.compiled(loop, jit_compile)


def _loop(
    kernel: Kernel,
    observer: Observer | None,
    differentiable: bool,
    state: Any,
    seed: Any,
    num_steps: Any,
    first_step: Any,
    batches: Any,
) -> tuple[Any, Any]:
    seed = tf.convert_to_tensor(seed)

    def batch_at(i: Any) -> Any:
        if batches is None:
            return None
        return tf.nest.map_structure(lambda rows: rows[i], batches)

    def step(i: Any, state: Any) -> tuple[Any, Any]:
        step_seed = seeds.fold_in(seed, first_step + i)
        return kernel.step(step_seed, state, batch_at(i))

    def of(shaped: Callable[..., Any]) -> Callable[..., Any]:
        return lambda fn: shaped(lambda: fn(*step(tf.constant(0), state)))

    def body(i: Any, state: Any, carry: Any) -> tuple[Any, Any, Any]:
        new_state, info = step(i, state)
        new_state = tf.nest.map_structure(_shaped_like, new_state, state)
        if observer is not None:
            carry = observer.update(carry, i, new_state, info)
        return i + 1, new_state, carry

    like = Like(of(result_specs), of(zeros_like_result))
    carry = () if observer is None else observer.init(like, num_steps)
    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    _, state, carry = tf.while_loop(
        lambda i, state, carry: i < num_steps,
        body,
        (tf.constant(0), state, carry),
        # XLA needs a bound to build the gradient of a loop.
        maximum_iterations=num_steps if differentiable else None,
    )
    if not differentiable:
        state = tf.nest.map_structure(tf.stop_gradient, state)
    if observer is None:
        return state, None
    observed = observer.result(carry)
    if not differentiable:
        observed = tf.nest.map_structure(tf.stop_gradient, observed)
    return state, observed


def _shaped_like(new: tf.Tensor, old: tf.Tensor) -> tf.Tensor:
    """Keeps static shapes through the loop, which must not lose any."""
    return new if new.shape == old.shape else tf.ensure_shape(new, old.shape)


def result_specs(fn: Callable[[], Any]) -> Any:
    """The tf.TensorSpecs of `fn()`.

    `fn` is traced into a graph of its own that nothing calls, so that the
    step it contains costs no time and has no effects.
    """
    traced = tf.function(fn, autograph=False).get_concrete_function()
    return traced.structured_outputs


def zeros_like_result(fn: Callable[[], Any]) -> Any:
    """Zeros like `fn()`, without running it where all shapes are known."""
    specs = result_specs(fn)
    if all(spec.shape.is_fully_defined() for spec in tf.nest.flatten(specs)):
        return tf.nest.map_structure(
            lambda spec: tf.zeros(spec.shape, spec.dtype), specs
        )
    return tf.nest.map_structure(tf.zeros_like, fn())
