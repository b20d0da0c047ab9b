"""Batches of examples, for training as a pure function of the step."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import errors
from samplers import seeds
from sources import streams
from zoo import arguments

_COLUMNS = ("x", "index", "label")


def batches(
    rows: Any,
    *,
    batch_size: int,
    seed: int,
    columns: Sequence[str] = ("x",),
    labels: Any = None,
    first_step: int = 0,
    batches_per_step: int = 1,
) -> tf.data.Dataset:
    """Endless training batches; that of step s depends on (seed, s) alone.

    Every epoch is a fresh permutation of the examples, evaluated pointwise,
    so a run resumed at any step sees the batches of the uninterrupted run. A
    batch may straddle two epochs: no example is dropped.

    Args:
        rows: training examples [N, *shape], or a Stream.
        batch_size: examples of a batch.
        seed: whole number; one seed, one order.
        columns: what an element holds, as `columns` of the model: "x",
            "index" (places in `rows`) and "label".
        labels: whole numbers [N], where `columns` has "label".
        first_step: the step that the first element belongs to.
        batches_per_step: batches of an element.

    Returns:
        For one column its tensors, for several a tuple of them: x, float32
        [batch, *shape], of uint8 divided by 255; index and label, int64
        [batch]. With several batches a step, [batches_per_step, batch, ...].

    Raises:
        errors.InputError: a bad argument, or labels that are not there.
    """
    arguments.positive_int("data.batch_size", batch_size)
    arguments.positive_int("data.batches_per_step", batches_per_step)
    for column in columns:
        if column not in _COLUMNS:
            raise errors.InputError(
                f"column {column!r} is unknown: "
                f"{errors.nearest(column, _COLUMNS)}"
            )
    if not len(rows):
        raise errors.InputError("0 examples given: at least 1 is needed")
    kept = _labels(rows, labels) if "label" in columns else None
    size = batch_size * batches_per_step
    whole = (batches_per_step, batch_size)
    shape = whole if batches_per_step > 1 else whole[1:]
    run_seed = seeds.seed(seed)

    def element(index: Any, x: Any) -> Any:
        found = {
            "x": _scaled(tf.reshape(x, (*shape, *rows.shape[1:]))),
            "index": tf.reshape(index, shape),
        }
        if kept is not None:
            found["label"] = tf.gather(kept, found["index"])
        chosen = tuple(found[column] for column in columns)
        return chosen[0] if len(chosen) == 1 else chosen

    if isinstance(rows, streams.Stream):
        stream = rows.shuffled(run_seed, first_step * size)
        steps = stream.batch(size, drop_remainder=True)
        return steps.map(element).prefetch(2)
    with tf.device("CPU"):
        resident = tf.constant(rows)
    count = len(rows)

    def step_element(step: Any) -> Any:
        index = _shuffled_index(run_seed, step, size, count)
        return element(index, tf.gather(resident, index))

    return tf.data.Dataset.counter(first_step).map(step_element).prefetch(2)


def eval_batches(
    rows: np.ndarray,
    batch_size: int,
    *,
    columns: Sequence[str] = ("x",),
    labels: Any = None,
) -> tf.data.Dataset:
    """Every example once, in order.

    Args:
        rows: [N, *shape].
        batch_size: examples of a batch.
        columns: as of `batches`; there is no "index", as the examples are not
            those that are trained on.
        labels: whole numbers [N], where `columns` has "label".

    Returns:
        float32 [<= batch, *shape], or a pair of that and int64 labels.

    Raises:
        errors.InputError: labels that are not there.
    """
    stream = tf.data.Dataset.from_tensor_slices(rows)
    stream = stream.batch(batch_size).map(_scaled)
    if "label" not in columns:
        return stream
    kept = tf.data.Dataset.from_tensor_slices(_labels(rows, labels))
    return tf.data.Dataset.zip((stream, kept.batch(batch_size)))


def _labels(rows: Any, labels: Any) -> np.ndarray:
    """The labels, one for each row."""
    kept = np.zeros(0) if labels is None else np.asarray(labels, np.int64)
    # A set without labels has none, or -1 for each example.
    if not 0 < len(kept) == len(rows) or kept.min() < 0:
        raise errors.InputError(
            f"{np.sum(kept >= 0)} labels of {len(rows)} examples: the model "
            "needs one for each, so take a labelled data set that fits into "
            "memory"
        )
    return kept


def _shuffled_index(seed: Any, step: Any, size: int, count: int) -> tf.Tensor:
    """Places [size] of a step, each in [0, count)."""
    position = step * size + tf.range(size, dtype=tf.int64)
    epochs = position // count
    first, last = epochs[0], epochs[-1]

    def one_epoch(epoch):
        # Only this epoch's share: a step may run over many epochs.
        start = tf.maximum(position[0], epoch * count)
        stop = tf.minimum(position[-1] + 1, (epoch + 1) * count)
        index = tf.range(start, stop) - epoch * count
        folded = seeds.fold_in(seed, tf.cast(epoch, tf.int32))
        return seeds.permuted(index, folded, count)

    def append(epoch, rows):
        return epoch + 1, tf.concat([rows, one_epoch(epoch)], 0)

    with seeds.xla(False):
        _, rows = tf.while_loop(
            lambda epoch, _: epoch <= last,
            append,
            (first, tf.zeros((0,), tf.int64)),
            shape_invariants=(tf.TensorShape(()), tf.TensorShape((None,))),
        )
    return tf.ensure_shape(rows, (size,))


def _scaled(x: tf.Tensor) -> tf.Tensor:
    whole = x.dtype == tf.uint8
    x = tf.cast(x, tf.float32)
    return x / 255.0 if whole else x
