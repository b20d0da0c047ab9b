"""Checks of constructor arguments: one line that names value and rule."""

import numbers
import operator
from collections.abc import Sequence

import errors


def positive_int(name: str, value: int) -> int:
    """Returns `value` as an int, or raises InputError unless it is >= 1."""
    if (
        not isinstance(value, numbers.Integral)
        or isinstance(value, bool)
        or value < 1
    ):
        raise errors.InputError(
            f"{name}={value!r} must be a whole number of at least 1"
        )
    return int(value)


def not_negative_int(name: str, value: int) -> int:
    """Returns `value` as an int, or raises InputError unless it is >= 0."""
    if not isinstance(value, numbers.Integral) or value < 0:
        raise errors.InputError(
            f"{name}={value!r} must be a whole number of at least 0"
        )
    return int(value)


def seed(value: int) -> int:
    """Returns `value` as an int, or raises InputError unless it has 64 bits."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not whole or not 0 <= value < 2**64:
        raise errors.InputError(
            f"seed={value!r} must be a whole number of at least 0 and below "
            "2^64"
        )
    return int(value)


def positive(name: str, value: float) -> float:
    """Returns `value` as a float, or raises InputError unless it is > 0."""
    if not isinstance(value, numbers.Real) or not 0 < value < float("inf"):
        raise errors.InputError(f"{name}={value!r} must be a positive number")
    return float(value)


def not_negative(name: str, value: float) -> float:
    """Returns `value` as a float, or raises InputError unless it is >= 0."""
    if not isinstance(value, numbers.Real) or not 0 <= value < float("inf"):
        raise errors.InputError(
            f"{name}={value!r} must be a number of at least 0"
        )
    return float(value)


def boolean(name: str, value: bool) -> bool:
    """Returns `value`, or raises InputError unless it is True or False."""
    if not isinstance(value, bool):
        raise errors.InputError(f"{name}={value!r} must be True or False")
    return value


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """Returns `value`, or raises InputError unless it is among `choices`."""
    if value not in choices:
        raise errors.InputError(
            f"{name}={value!r} is unknown: choose one of {', '.join(choices)}"
        )
    return value


def image_shape(value: Sequence[int]) -> tuple[int, int, int]:
    """Returns (height, width, channels), or raises InputError."""
    try:
        # An index is a whole number, where int() would cut a fraction off.
        shape = tuple(operator.index(side) for side in value)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) != 3 or min(shape) < 1:
        raise errors.InputError(
            f"image_shape={value!r} must be (height, width, channels), as in "
            "(28, 28, 1)"
        )
    return shape[0], shape[1], shape[2]


def units(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Returns a tuple of layer sizes, or raises InputError."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise errors.InputError(
            f"{name}={value!r} must be a list of layer sizes, as in [512, 256]"
        )
    return tuple(positive_int(name, size) for size in value)
