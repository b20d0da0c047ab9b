"""Writes the arrays of an answer as JSON, numbers as TF-Serving writes them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from export.server import status
from export.server.json_request import Format


def render(outputs: Mapping[str, np.ndarray], layout: Format) -> str:
    """Returns the JSON document of a predict answer.

    Args:
      outputs: arrays by output name.
      layout: of the request; the answer has the same.

    Raises:
      ServingError: rows cannot be told apart, or JSON has no such type.
    """
    if layout is Format.COLUMN:
        return '{"outputs": ' + _columns(outputs) + "}"
    return '{"predictions": [' + ", ".join(_rows(outputs)) + "]}"


def _columns(outputs: Mapping[str, np.ndarray]) -> str:
    values = {
        name: _nest(_leaves(name, array), array.shape)
        for name, array in outputs.items()
    }
    if len(values) == 1:
        return next(iter(values.values()))
    return _object(values)


def _rows(outputs: Mapping[str, np.ndarray]) -> list[str]:
    size: int | None = None
    columns: dict[str, list[str]] = {}
    for name, array in outputs.items():
        if array.ndim == 0:
            raise status.invalid(
                f"Tensor name: {name} has no shape information "
            )
        if size is not None and len(array) != size:
            raise status.invalid(
                f"Tensor name: {name} has inconsistent batch size: "
                f"{len(array)} expecting: {size}"
            )
        size = len(array)
        leaves = _leaves(name, array)
        step = len(leaves) // size if size else 0
        columns[name] = [
            _nest(leaves[step * i : step * (i + 1)], array.shape[1:])
            for i in range(size)
        ]
    if len(columns) == 1:
        return next(iter(columns.values()))
    return [
        _object({name: rows[i] for name, rows in columns.items()})
        for i in range(size or 0)
    ]


def _object(values: Mapping[str, str]) -> str:
    pairs = (f"{json.dumps(name)}: {text}" for name, text in values.items())
    return "{" + ", ".join(pairs) + "}"


def _leaves(name: str, array: np.ndarray) -> list[str]:
    if array.dtype == object:
        return [_text(name, value) for value in array.ravel().tolist()]
    dtype = tf.as_dtype(array.dtype)
    if dtype in (tf.float32, tf.float64):
        return _floats(array)
    if dtype == tf.bool:
        return ["true" if value else "false" for value in array.ravel()]
    if dtype.is_integer:
        return [str(value) for value in array.ravel().tolist()]
    raise status.ServingError(
        status.Code.UNIMPLEMENTED,
        f"Encoding Tensor of type: {dtype.name} to JSON string is not "
        "supported.",
    )


def _floats(array: np.ndarray) -> list[str]:
    """Six digits where they are enough, else as many as the type holds."""
    values = array.ravel().tolist()
    digits = 9 if array.dtype == np.float32 else 17
    texts = [f"{value:.6g}" for value in values]
    read_back = np.array(texts, array.dtype)
    for index in np.flatnonzero(read_back != array.ravel()):
        texts[index] = f"{values[index]:.{digits}g}"
    return [_mark_float(text) for text in texts]


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _mark_float(text: str) -> str:
    if "." in text or "e" in text:
        return text
    return _SPECIAL.get(text) or f"{text}.0"


def _text(name: str, value: Any) -> str:
    data = value if isinstance(value, bytes) else str(value).encode()
    if name.endswith("_bytes"):
        encoded = base64.b64encode(data).decode("ascii")
        return _object({"b64": json.dumps(encoded)})
    return json.dumps(data.decode("utf-8", "replace"))


def _nest(leaves: list[str], shape: tuple[int, ...]) -> str:
    if not shape:
        return leaves[0]
    if not leaves:
        # Any axis of length zero: numpy knows how deep the brackets go.
        return json.dumps(np.zeros(shape).tolist())
    parts = leaves
    for size in reversed(shape):
        parts = [
            "[" + ", ".join(parts[i : i + size]) + "]"
            for i in range(0, len(parts), size)
        ]
    return parts[0]
