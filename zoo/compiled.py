"""Methods that draw by chains, called eagerly: one graph for each."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class Compiled:
    """Runs row-wise functions in graphs, which are kept.

    A chain is too slow eagerly, and tracing it at each call is slower still.
    The graph is for any number of rows: one for each number would round
    differently, and results would depend on what was called before.
    """

    def __init__(self) -> None:
        """Starts without graphs."""
        self._functions: dict[Any, Any] = {}

    def __call__(
        self, body: Callable[..., Any], *tensors: Any, key: Any = None
    ) -> Any:
        """`body(*tensors)`; inside a graph, as it is.

        Args:
            body: a function of tensors [rows, ...].
            *tensors: its arguments.
            key: what the graph is kept under; None: the function's name.
        """
        if not tf.executing_eagerly():
            return body(*tensors)
        tensors = tuple(map(tf.convert_to_tensor, tensors))
        key = body.__name__ if key is None else key
        if key not in self._functions:
            specs = [
                tf.TensorSpec([None, *t.shape[1:]], t.dtype) for t in tensors
            ]
            self._functions[key] = tf.function(
                body, input_signature=specs, autograph=False
            )
        return self._functions[key](*tensors)

    def in_chunks(
        self, size: int, body: Callable[..., Any], *tensors: Any, key: Any
    ) -> Any:
        """`body` on `size` rows of the tensors at a time.

        Args:
            size: rows of a chunk.
            body: tensors [rows, ...] in, a tuple of tensors [rows, ...] out.
            *tensors: [N, ...] each.
            key: what the graph is kept under.

        Returns:
            a tuple of tensors [N, ...].
        """
        parts = [
            self(body, *(t[i : i + size] for t in tensors), key=key)
            for i in range(0, len(tensors[0]), size)
        ]
        return tuple(
            tf.concat(column, 0) for column in zip(*parts, strict=True)
        )
