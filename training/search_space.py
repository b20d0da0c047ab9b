"""What a search varies: KEY=LOW..HIGH[:log] or KEY=A,B,... of a config."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import ml_collections

import errors

_WORDS = {"true": True, "false": False}
_KINDS = {
    int: "whole numbers",
    float: "numbers",
    bool: "true and false",
    str: "words",
}


class Searched(NamedTuple):
    """One key and the values it may take.

    Attributes:
        key: path in the config, such as "model.ladder.p".
        kind: int, float, bool or str.
        choices: the values; for a range, its two ends, both included.
        is_range: whether all between the ends is meant.
        log: whether the range is searched on a logarithmic scale.
    """

    key: str
    kind: type
    choices: tuple[Any, ...]
    is_range: bool = False
    log: bool = False


def parse(
    words: Sequence[str], config: ml_collections.ConfigDict
) -> list[Searched]:
    """Reads the words of --search.

    Args:
        words: as "model.ladder.p=0.3..10:log" or "model.ladder.num=5,10,20".
        config: has the keys, and says of which type each is.

    Raises:
        InputError: no words, one that cannot be read, an unknown key, a value
            of another type, an empty range, or a key that comes twice.
    """
    if not words:
        raise errors.InputError(
            "--search is missing: name what to vary, such as "
            "--search=optimizer.learning_rate=1e-4..1e-2:log"
        )
    kinds = dict(_leaves(config))
    found = [_parse_one(word, kinds) for word in words]
    keys = [one.key for one in found]
    for key in keys:
        if keys.count(key) > 1:
            raise errors.InputError(
                f"--search={key}=... comes twice: give all its values in one"
            )
    return found


def with_values(
    config: ml_collections.ConfigDict, values: dict[str, Any]
) -> ml_collections.ConfigDict:
    """A copy of the config, with the values in their places."""
    changed = config.copy_and_resolve_references()
    changed.update_from_flattened_dict(values)
    return changed


def _leaves(
    config: ml_collections.ConfigDict, path: str = ""
) -> Iterator[tuple[str, type]]:
    for key in config:
        value = config[key]
        if isinstance(value, ml_collections.ConfigDict):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", config.get_type(key)


def _parse_one(word: str, kinds: dict[str, type]) -> Searched:
    key, _, text = word.partition("=")
    if not key or not text:
        raise errors.InputError(
            f"--search={word} cannot be read: write KEY=LOW..HIGH, "
            "KEY=LOW..HIGH:log or KEY=A,B,..."
        )
    kind = _kind(key, kinds)
    if ".." in text and kind in (int, float):
        return _range(word, key, kind, text)
    values = [_value(word, key, kind, part) for part in text.split(",")]
    choices = tuple(dict.fromkeys(values))
    if len(choices) < 2:
        raise errors.InputError(
            f"--search={word} has one value only: add others or a range "
            f"LOW..HIGH, or fix it by --config.{word}"
        )
    return Searched(key, kind, choices)


def _kind(key: str, kinds: dict[str, type]) -> type:
    below = [other for other in kinds if other.startswith(f"{key}.")]
    if below:
        raise errors.InputError(
            f"--search={key} is a section: search one of its keys, such as "
            f"{below[0]}"
        )
    if key not in kinds:
        # Somebody may know the last word and not its section.
        last = key.rpartition(".")[2]
        near = [k for k in kinds if k.rpartition(".")[2] == last]
        hint = errors.nearest(near[0] if near else key, kinds)
        raise errors.InputError(f"--search key {key!r} is unknown: {hint}")
    kind = kinds[key]
    if kind not in _KINDS:
        raise errors.InputError(
            f"--search={key} is a {kind.__name__} in the config: only "
            "numbers, words, true and false can be searched"
        )
    return kind


def _range(word: str, key: str, kind: type, text: str) -> Searched:
    ends, colon, scale = text.partition(":")
    if colon and scale != "log":
        raise errors.InputError(
            f"--search={word}: the scale {scale!r} is unknown: write "
            f"{key}={ends}:log or {key}={ends}"
        )
    first, _, second = ends.partition("..")
    low, high = (_value(word, key, kind, end) for end in (first, second))
    if low >= high:
        raise errors.InputError(
            f"--search={word} is empty: the lower end comes first, such as "
            f"{key}=1..10"
        )
    if colon and low <= 0:
        raise errors.InputError(
            f"--search={word}: a logarithmic range starts above 0, not at "
            f"{low}: raise it or leave out :log"
        )
    return Searched(key, kind, (low, high), True, bool(colon))


def _value(word: str, key: str, kind: type, text: str) -> Any:
    try:
        value = _WORDS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        value = None
    if (
        value is None
        or value == ""
        or (kind is float and not math.isfinite(value))
    ):
        raise errors.InputError(
            f"--search={word}: {key} takes {_KINDS[kind]}, not {text!r}"
        )
    return value
