"""Examples in three parts, with their labels; of arrays in memory as well."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors
from samplers import seeds
from zoo import KINDS, DataSpec, arguments

# The kind of an array by its rank, where none is named.
_KIND_OF_RANK = {2: "points", 4: "image"}


class Data(NamedTuple):
    """The examples of a data set, in three parts.

    Attributes:
        name: of the data set.
        spec: what models are built for.
        train: [N, *spec.shape], uint8 images or float32; a Stream where the
            memory does not hold them.
        validation: [M, *spec.shape].
        test: [L, *spec.shape].
        train_labels: int64 [N], -1 where there are none; of a Stream empty.
        validation_labels: int64 [M].
        test_labels: int64 [L].
    """

    name: str
    spec: DataSpec
    train: Any
    validation: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    validation_labels: np.ndarray
    test_labels: np.ndarray


def from_arrays(
    x: Any,
    kind: str | None = None,
    *,
    validation: Any = None,
    test: Any = None,
    labels: Any = None,
    seed: int = 0,
) -> Data:
    """The data of an array in memory.

    Args:
        x: examples [N, *shape]; images may be uint8.
        kind: a name of zoo.KINDS; by default "image" for an array of rank 4
            and "points" for one of rank 2.
        validation: examples; by default a tenth of those of `x`, drawn by
            `seed`.
        test: likewise.
        labels: whole numbers [N] from 0, of the examples of `x`.
        seed: seed for choosing what is held out.

    Raises:
        errors.InputError: values that the kind does not have, parts of
            different shapes, or too few examples to hold some out.
    """
    x = np.asarray(x)
    kind = kind or _KIND_OF_RANK.get(x.ndim)
    if kind is None:
        raise errors.InputError(
            f"an array of shape {x.shape} does not say what it holds: name "
            f"its kind, one of {', '.join(KINDS)}"
        )
    spec = DataSpec.of({"kind": kind, "shape": x.shape[1:]})
    x = _rows(spec, x)
    y = np.full(len(x), -1) if labels is None else np.asarray(labels, np.int64)
    if y.shape != x.shape[:1]:
        raise errors.InputError(
            f"labels of shape {y.shape} do not fit {len(x)} {spec.plural}: "
            "give one for each"
        )
    held = max(1, len(x) // 10)
    sizes = [held if rows is None else 0 for rows in (validation, test)]
    number = len(x) - sum(sizes)
    if number < 1:
        raise errors.InputError(
            f"{len(x)} {spec.plural} are too few to hold some out: give more, "
            "or validation= and test="
        )
    start = seeds.seed(arguments.seed(seed))
    index = tf.range(len(x), dtype=tf.int64)
    order = seeds.permuted(index, start, len(x)).numpy()
    # Those that are trained on stay in the order that they were given in.
    train = np.sort(order[:number])

    def part(rows: Any, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if rows is None:
            return x[chosen], y[chosen]
        rows = _rows(spec, np.asarray(rows))
        return rows, np.full(len(rows), -1)

    first, first_y = part(validation, order[number : number + sizes[0]])
    last, last_y = part(test, order[number + sizes[0] :])
    spec = spec._replace(num_examples=number)
    return Data(
        "arrays", spec, x[train], first, last, y[train], first_y, last_y
    )


def _rows(spec: DataSpec, rows: np.ndarray) -> np.ndarray:
    """Checked examples: grey values as they are, the rest as float32."""
    if spec.kind == "image" and rows.dtype == np.uint8:
        # Four times less memory: batches are scaled one at a time.
        spec.as_rows(rows[:1])
        return rows
    return spec.as_rows(rows)
