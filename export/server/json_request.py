"""Reads the body of a REST predict request into arrays.

The rules are TF-Serving's: the row format (`instances`) and the column format
(`inputs`), which JSON values a type takes, and the wording of the errors.
"""

import enum
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from export.server import status
from export.server.json_values import (
    flatten,
    is_named,
    shape_of,
    show,
    show_shape,
    to_array,
)


class Format(enum.Enum):
    """How the client laid its tensors out, and wants the answer."""

    ROW = "instances"
    COLUMN = "inputs"


class PredictBody(NamedTuple):
    """A request that was read: signature ("" for the default) and arrays."""

    signature: str
    format: Format
    inputs: dict[str, np.ndarray]


def parse(
    body: bytes, find_inputs: Callable[[str], Mapping[str, tf.DType]]
) -> PredictBody:
    """Reads a predict request.

    Args:
      body: the JSON document.
      find_inputs: the input types by name of a signature name; it raises the
        ServingError of an unknown model or signature.

    Raises:
      ServingError: the first rule that is broken.
    """
    document = _parse_json(body)
    signature = document.get("signature_name", "")
    if not isinstance(signature, str):
        raise status.invalid(
            f"JSON Value: {show(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    types = find_inputs(signature)
    if "instances" in document and "inputs" in document:
        raise status.invalid(
            f"JSON Value: {show(document)} Not formatted correctly expecting "
            "only one of 'inputs' or 'instances' keys to exist "
        )
    if "instances" in document:
        rows = _parse_rows(document, types)
        return PredictBody(signature, Format.ROW, rows)
    if "inputs" in document:
        columns = _parse_columns(document["inputs"], types)
        return PredictBody(signature, Format.COLUMN, columns)
    raise status.invalid("Missing 'inputs' or 'instances' key")


def _parse_json(body: bytes) -> dict[str, Any]:
    if not body:
        raise status.invalid("JSON Parse error: The document is empty")
    try:
        text = body.decode("utf-8").lstrip(" \t\r\n")
        # Text after the first document is ignored, as TF-Serving does.
        document, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise status.invalid(
            f"JSON Parse error: {error.msg} at offset: {error.pos}"
        ) from error
    except UnicodeDecodeError as error:
        raise status.invalid(
            f"JSON Parse error: Invalid encoding in string. at offset: "
            f"{error.start}"
        ) from error
    except (RecursionError, ValueError) as error:
        raise status.invalid(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise status.invalid(f"JSON Value: {show(document)} Is not object")
    return document


def _parse_rows(
    document: dict[str, Any], types: Mapping[str, tf.DType]
) -> dict[str, np.ndarray]:
    instances = document["instances"]
    if not isinstance(instances, list):
        raise status.invalid(
            f"JSON Value: {show(document)} Excepting 'instances' to be an "
            "list/array"
        )
    if not instances:
        raise status.invalid(
            f"JSON Value: {show(document)} No values in 'instances' array"
        )
    if not isinstance(instances[0], dict) and len(types) > 1:
        raise status.invalid(
            "instances is a plain list, but expecting list of objects as "
            "multiple input tensors required as per tensorinfo_map"
        )
    named = is_named(instances[0])
    values: dict[str, list[list[Any]]] = {name: [] for name in types}
    shapes: dict[str, list[int]] = {}
    for index, row in enumerate(instances):
        if is_named(row) != named:
            kinds = ("object", "list") if named else ("value/list", "object")
            raise status.invalid(
                f"Expecting {kinds[0]} but got {kinds[1]} at item {index} of "
                "input list"
            )
        items = row if named else {next(iter(types)): row}
        for name, value in items.items():
            key = f" key: {name}" if named else ""
            try:
                values[name].append(_row_value(value, name, types, shapes))
            except (KeyError, status.ServingError) as error:
                if isinstance(error, KeyError):
                    error = status.invalid(
                        f"JSON object: does not have named input: {name}"
                    )
                raise status.invalid(
                    f"Failed to process element: {index}{key} of 'instances' "
                    f"list. Error: {error}"
                ) from error
        if items.keys() != types.keys():
            raise status.invalid(
                f"Failed to process element: {index} of 'instances' list. JSON "
                f"object: {show(row)} keys must be equal to: "
                + ",".join(sorted(types))
            )
    arrays = {}
    for name, rows in values.items():
        flat = [value for row in rows for value in row]
        arrays[name] = to_array(flat, [len(rows), *shapes[name]], types[name])
    return arrays


def _row_value(
    value: Any,
    name: str,
    types: Mapping[str, tf.DType],
    shapes: dict[str, list[int]],
) -> list[Any]:
    dtype = types[name]
    shape = shape_of(value)
    flat: list[Any] = []
    flatten(value, 0, shape, dtype, flat)
    known = shapes.setdefault(name, shape)
    if math.prod(known) != len(flat):
        raise status.invalid(
            f"Expecting tensor size: {math.prod(known)} but got: {len(flat)}"
        )
    if known != shape:
        raise status.invalid(
            f"Expecting shape {show_shape(known)} but got: {show_shape(shape)}"
        )
    return flat


def _parse_columns(
    inputs: Any, types: Mapping[str, tf.DType]
) -> dict[str, np.ndarray]:
    if not is_named(inputs):
        if len(types) > 1:
            raise status.invalid(
                "inputs is a plain value/list, but expecting an object as "
                "multiple input tensors required as per tensorinfo_map"
            )
        inputs = {next(iter(types)): inputs}
    arrays = {}
    for name, dtype in types.items():
        if name not in inputs:
            raise status.invalid(
                f"Missing named input: {name} in 'inputs' object."
            )
        shape = shape_of(inputs[name])
        flat: list[Any] = []
        flatten(inputs[name], 0, shape, dtype, flat)
        arrays[name] = to_array(flat, shape, dtype)
    return arrays
