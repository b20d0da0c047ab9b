"""Arguments: their types and defaults, and checks of their values.

A check returns the value in its type, or raises an error of one line that
names the value and the rule.
"""

import inspect
import numbers
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import errors


class Parameter(NamedTuple):
    """An argument that a config may set.

    Attributes:
        type: int, float, bool, str or tuple.
        default: None where it may be left out.
    """

    type: type
    default: Any


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The arguments of an annotated function that have defaults.

    Args:
        function: a constructor; a group of options among its arguments is a
            NamedTuple class whose fields have defaults.

    Returns:
        a Parameter by name; for a group a dict of them.
    """
    hints = typing.get_type_hints(function)
    found: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty:
            continue
        kind = _main_type(hints[parameter.name])
        found[parameter.name] = (
            parameters(kind.__new__)
            if _is_group(kind)
            else Parameter(kind, parameter.default)
        )
    return found


def descriptions(documented: Any) -> dict[str, str]:
    """What the docstring of a function or class says of each argument.

    Options of a group are called GROUP.OPTION.

    Args:
        documented: its docstring has a section Args or Attributes.
    """
    doc = inspect.getdoc(documented) or ""
    found: dict[str, str] = {}
    name, inside = "", False
    for line in doc.splitlines():
        if line in ("Args:", "Attributes:"):
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        elif inside and (match := re.fullmatch(r"    (\w+): (.*)", line)):
            name = match[1]
            found[name] = match[2]
        elif inside and name and line.strip():
            found[name] += f" {line.strip()}"
    for key, hint in typing.get_type_hints(documented).items():
        kind = _main_type(hint)
        if _is_group(kind):
            for option, text in descriptions(kind).items():
                found[f"{key}.{option}"] = text
    return found


def defaults(found: Mapping[str, Any]) -> dict[str, Any]:
    """The default of each of the parameters, groups as dicts."""
    return {
        key: one.default if isinstance(one, Parameter) else defaults(one)
        for key, one in found.items()
    }


def _is_group(kind: Any) -> bool:
    return (
        isinstance(kind, type) and issubclass(kind, tuple) and kind is not tuple
    )


def _main_type(hint: Any) -> type:
    """The type of `int | None` or `tuple[int, ...]`, as a config knows it."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = typing.get_args(hint)[0]
    return typing.get_origin(hint) or hint


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
            f"{name}={value!r} is unknown: {errors.nearest(value, choices)}"
        )
    return value


def group(name: str, kind: Any, value: Any) -> dict[str, Any]:
    """Returns a group of options as a dict with every key.

    Args:
        name: of the argument.
        kind: NamedTuple class whose fields have defaults.
        value: one, None, or a dict with some of its fields.

    Raises:
        errors.InputError: another type, or an unknown key.
    """
    if value is None or type(value) is kind:
        return dict((value or kind())._asdict())
    if not isinstance(value, Mapping):
        raise errors.InputError(
            f"{name}={value!r} must be a dict with keys of "
            f"{', '.join(kind._fields)}"
        )
    for key in value:
        if key not in kind._fields:
            raise errors.InputError(
                f"{name}.{key} is unknown: {errors.nearest(key, kind._fields)}"
            )
    return dict(kind(**value)._asdict())


def units(name: str, value: Sequence[int]) -> tuple[int, ...]:
    """Returns a tuple of layer sizes, or raises InputError."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise errors.InputError(
            f"{name}={value!r} must be a list of layer sizes, as in [512, 256]"
        )
    return tuple(positive_int(name, size) for size in value)
