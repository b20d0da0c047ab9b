"""JSON values as tensors of a type: what TF-Serving takes and refuses."""

import base64
import binascii
import json
import math
from typing import Any

import numpy as np
import tensorflow as tf

from export.server import status

_INTEGER_RANGES = {
    # TF-Serving reads the narrow types as int32 and lets them wrap.
    "int8": (-(2**31), 2**31 - 1),
    "int16": (-(2**31), 2**31 - 1),
    "uint8": (-(2**31), 2**31 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint32": (0, 2**32 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint64": (0, 2**64 - 1),
}
# Whole numbers up to here are exact in the floating type.
_EXACT = {"float32": 2**24 - 1, "float64": 2**53 - 1}
_TYPE_NAMES = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def to_array(
    values: list[Any], shape: list[int], dtype: tf.DType
) -> np.ndarray:
    """Returns the array [*shape] of values that `flatten` read."""
    if dtype == tf.string:
        array = np.empty(len(values), object)
        array[:] = values
        return array.reshape(shape)
    target = dtype.as_numpy_dtype
    if np.issubdtype(target, np.integer):
        wide = np.uint64 if dtype == tf.uint64 else np.int64
        return np.array(values, wide).astype(target).reshape(shape)
    return np.array(values, target).reshape(shape)


def shape_of(value: Any) -> list[int]:
    """The shape that the first element at each level gives."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def flatten(
    value: Any, level: int, shape: list[int], dtype: tf.DType, flat: list[Any]
) -> None:
    """Appends the values of nested lists to `flat`, in row-major order.

    Raises:
      ServingError: the lists do not have the shape, or a value not the type.
    """
    if not isinstance(value, list):
        if level != len(shape):
            raise status.invalid(
                f"JSON Value: {show(value)} found at incorrect level: "
                f"{level + 1} in the JSON DOM. Expected at level: {len(shape)}"
            )
        flat.append(_leaf(value, dtype))
        return
    if level >= len(shape):
        raise status.invalid(
            f"Encountered list at unexpected level: {level} expected < "
            f"{len(shape)}"
        )
    if len(value) != shape[level]:
        raise status.invalid(
            f"Encountered list at unexpected size: {len(value)} at level: "
            f"{level} expected size: {shape[level]}"
        )
    for item in value:
        flatten(item, level + 1, shape, dtype, flat)


def _leaf(value: Any, dtype: tf.DType) -> Any:
    name = dtype.name
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name in _EXACT:
        if not (whole or isinstance(value, float)):
            raise _type_error(value, dtype)
        if whole and abs(value) > _EXACT[name]:
            raise _lossy(value, dtype)
        if math.isfinite(value) and abs(value) > dtype.max:
            raise _lossy(value, dtype)
        return value
    if name in _INTEGER_RANGES:
        low, high = _INTEGER_RANGES[name]
        if not whole or not low <= value <= high:
            raise _type_error(value, dtype)
        return value
    if dtype == tf.bool:
        if not isinstance(value, bool):
            raise _type_error(value, dtype)
        return value
    if dtype == tf.string:
        if isinstance(value, dict):
            return _base64(value)
        if not isinstance(value, str):
            raise _type_error(value, dtype)
        return value.encode("utf-8", "surrogatepass")
    raise status.ServingError(
        status.Code.UNIMPLEMENTED,
        f"Conversion of JSON Value: {show(value)} to type: "
        f"{_dtype_name(dtype)}",
    )


def _base64(value: dict[str, Any]) -> bytes:
    if is_named(value):
        raise status.invalid(
            f"JSON Value: {show(value)} not formatted correctly for base64 data"
        )
    text = value["b64"].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise status.invalid("Unable to base64 decode") from error


def is_named(value: Any) -> bool:
    """Whether this is an object of named tensors, not one base64 string."""
    if not isinstance(value, dict):
        return False
    return not (value.keys() == {"b64"} and isinstance(value["b64"], str))


def _type_error(value: Any, dtype: tf.DType) -> status.ServingError:
    kind = str(value) if isinstance(value, bool) else _TYPE_NAMES[type(value)]
    return status.invalid(
        f"JSON Value: {show(value)} Type: {kind} is not of expected type: "
        f"{_dtype_name(dtype)}"
    )


def _lossy(value: Any, dtype: tf.DType) -> status.ServingError:
    kind = "float" if dtype == tf.float32 else "double"
    return status.invalid(
        f"Cannot convert JSON value: {show(value)} to {kind} without loss of "
        "precision."
    )


def _dtype_name(dtype: tf.DType) -> str:
    names = {tf.float32: "float", tf.float64: "double", tf.float16: "half"}
    return names.get(dtype, dtype.name)


def show(value: Any) -> str:
    """Returns the JSON text of a value, for error messages."""
    return json.dumps(value, indent=4)


def show_shape(shape: list[int]) -> str:
    """Returns a shape as TF-Serving prints it, [2,3]."""
    return f"[{','.join(str(size) for size in shape)}]"
