"""The kinds of data: range, shape, and made-up examples of each."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors


class Kind(NamedTuple):
    """What examples of one kind have in common.

    Attributes:
        plural: how messages call several examples.
        rank: number of axes of one example; None: any.
        low: the least value; None: there is none.
        high: the greatest value; None: there is none.
        link: maps the linear output of a network into the range.
        scale: uint8 is divided by it; None: uint8 is taken as it is.
        whole: whether low and high are the only values.
        shown: how many samples make a picture.
    """

    plural: str
    rank: int | None
    low: float | None
    high: float | None
    link: Callable[[tf.Tensor], tf.Tensor]
    scale: float | None = None
    shown: int = 64
    whole: bool = False


KINDS = {
    # [height, width, channels], grey values or colours.
    "image": Kind("images", 3, 0.0, 1.0, tf.sigmoid, 255.0),
    # [dimensions], of any range.
    "points": Kind("points", 1, None, None, tf.identity, shown=1024),
    # Any lattice of values -1 and +1.
    "spins": Kind("spins", None, -1.0, 1.0, tf.tanh, whole=True),
    # [height, width, components], of any range.
    "field": Kind("fields", 3, None, None, tf.identity),
}


class DataSpec(NamedTuple):
    """The kind of a data set, the shape of an example, and how many there are.

    `sources` makes it, every model is built from it, and config.json keeps it,
    so that a trained model can be loaded without its data.

    Attributes:
        kind: a name of KINDS.
        shape: of one example.
        num_examples: how many are trained on; 0: unknown. Persistent chains
            need it.
    """

    kind: str
    shape: tuple[int, ...]
    num_examples: int = 0

    @classmethod
    def of(cls, value: Any) -> "DataSpec":
        """The spec of a DataSpec or of a dict with its fields, checked.

        Raises:
            errors.InputError: an unknown kind, or a shape that the kind lacks.
        """
        fields = dict(value) if isinstance(value, Mapping) else {}
        if isinstance(value, tuple) and len(value) == len(cls._fields):
            fields = dict(zip(cls._fields, value, strict=True))
        if not {"kind", "shape"} <= set(fields) <= set(cls._fields):
            raise errors.InputError(
                f"data={value!r} must be a DataSpec: take that of a source, "
                "or write zoo.DataSpec('image', (28, 28, 1))"
            )
        kind = fields["kind"]
        if kind not in KINDS:
            raise errors.InputError(
                f"data kind {kind!r} is unknown: {errors.nearest(kind, KINDS)}"
            )
        shape = _whole_numbers(fields["shape"], least=1)
        rank = KINDS[kind].rank
        if not shape or rank not in (None, len(shape)):
            wanted = {3: "(28, 28, 1)", 1: "(2,)"}.get(rank or 0, "(16, 16)")
            raise errors.InputError(
                f"data shape {fields['shape']!r} is not the shape of "
                f"{KINDS[kind].plural}: give one such as {wanted}"
            )
        number = _whole_numbers([fields.get("num_examples", 0)], least=0)
        if not number:
            raise errors.InputError(
                f"num_examples={fields['num_examples']!r} must be a whole "
                "number of at least 0"
            )
        return cls(kind, shape, number[0])

    @property
    def plural(self) -> str:
        """How messages call several examples."""
        return KINDS[self.kind].plural

    @property
    def shown(self) -> int:
        """How many samples make a picture."""
        return KINDS[self.kind].shown

    def link(self, outputs: tf.Tensor) -> tf.Tensor:
        """Maps linear outputs [B, *shape] of a network into the range."""
        return KINDS[self.kind].link(outputs)

    def as_rows(self, rows: Any) -> np.ndarray:
        """Examples in memory as float32 in their range, checked.

        Args:
            rows: [N, *shape]; images may be uint8, which are divided by 255.

        Raises:
            errors.InputError: another shape, no example, or values outside of
                the range.
        """
        array = np.asarray(rows)
        self._require(array.shape, array.shape[1:] == self.shape, "N")
        if not len(array):
            raise errors.InputError(
                f"0 {self.plural} given: at least 1 is needed"
            )
        scale = KINDS[self.kind].scale
        if scale and array.dtype == np.uint8:
            return array.astype(np.float32) / np.float32(scale)
        array = array.astype(np.float32, copy=False)
        self._require_range(array)
        return array

    def as_tensor(self, rows: Any) -> tf.Tensor:
        """Examples as a float32 tensor; inside a graph only shapes are checked.

        Args:
            rows: [B, *shape]; images may be uint8, which are divided by 255.

        Raises:
            errors.InputError: the shape is another.
        """
        tensor = tf.convert_to_tensor(rows)
        fits = tensor.shape.is_compatible_with((None, *self.shape))
        self._require(tensor.shape, fits, "B")
        scaled = tf.cast(self.scaled(tensor), tf.float32)
        if tf.executing_eagerly() and len(scaled):
            self._require_range(scaled.numpy())
        return scaled

    def scaled(self, rows: tf.Tensor) -> tf.Tensor:
        """Whole grey values (uint8) as floats in [0, 1]; the rest as it is."""
        scale = KINDS[self.kind].scale
        if scale is None or rows.dtype != "uint8":
            return rows
        return tf.cast(rows, tf.float32) / scale

    def check_batches(self, x: Any) -> None:
        """Refuses arrays, tensors or batches whose shape is known not to fit.

        Keras itself forgets a size that changes between calls, and goes on.

        Args:
            x: what `fit` takes, [..., *shape].

        Raises:
            errors.InputError: the shape is another.
        """
        first = getattr(x, "element_spec", x)
        while isinstance(first, tuple | list) and first:
            first = first[0]
        known = getattr(first, "shape", None)
        if known is None or tf.TensorShape(known).rank is None:
            return
        shape, rank = tf.TensorShape(known), len(self.shape)
        fits = shape[-rank:].is_compatible_with(self.shape)
        self._require(shape, shape.rank > rank and fits, "N")

    def check_index(self, index: Any) -> None:
        """Refuses places of examples that the data set does not have.

        Args:
            index: array of whole numbers, from 0 up to below num_examples.

        Raises:
            errors.InputError: one is outside, or is not a whole number.
        """
        array = np.asarray(index)
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise errors.InputError(
                f"{array.dtype} of shape {array.shape} beside the "
                f"{self.plural} are not their places in the data set: give "
                "fit(x, index) whole numbers, such as np.arange(len(x))"
            )
        for place in (array.min(), array.max()) if array.size else ():
            if not 0 <= place < self.num_examples:
                raise errors.InputError(
                    f"place {place} is outside of the {self.num_examples} "
                    f"{self.plural} that the model is built for: build it with "
                    "num_examples=N for a data set of N, counted from 0"
                )

    def examples(self, number: int, seed: int = 0) -> np.ndarray:
        """Made-up examples in range: float32 [number, *shape].

        For requests that warm a server up; noise, not samples.
        """
        generator = np.random.default_rng(seed)
        shape = (number, *self.shape)
        if self.kind == "spins":
            return generator.choice(np.array([-1, 1], np.float32), shape)
        if self.kind == "image":
            return generator.uniform(0.25, 1.0, shape).astype(np.float32)
        return generator.standard_normal(shape, np.float32)

    def _require_range(self, array: np.ndarray) -> None:
        kind = KINDS[self.kind]
        low = -np.inf if kind.low is None else kind.low
        high = np.inf if kind.high is None else kind.high
        least, greatest = float(array.min()), float(array.max())
        # Sums of rounded numbers may pass the ends by a little.
        if not low - 1e-5 <= least <= greatest <= high + 1e-5:
            raise errors.InputError(
                f"{self.plural} with values from {least:.4g} to {greatest:.4g} "
                f"do not lie from {low:g} to {high:g}: scale them, or look "
                "for NaN"
            )

        if kind.whole and not np.isin(array, (low, high)).all():
            raise errors.InputError(
                f"{self.plural} must be {low:g} or {high:g}, and some are "
                "neither: map 0 and 1 by 2 x - 1"
            )

    def _require(self, shape: Any, fits: bool, rows: str) -> None:
        if not fits:
            raise errors.InputError(
                f"{self.plural} of shape {tuple(shape)} do not fit the model: "
                f"[{rows}, {', '.join(map(str, self.shape))}] is needed"
            )


def _whole_numbers(values: Any, least: int) -> tuple[int, ...]:
    """The values as ints; empty where one is no whole number or too small."""
    try:
        numbers = tuple(np.asarray(list(values)).tolist())
    except (TypeError, ValueError):
        return ()
    good = all(type(n) is int and n >= least for n in numbers)
    return numbers if good else ()
