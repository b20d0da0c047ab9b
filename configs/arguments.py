"""The word after the colon in --config=FILE.py:WORD."""

import difflib
from collections.abc import Sequence


def check(arg: str, known: Sequence[str]) -> None:
    """Raises ValueError unless `arg` is empty or one of `known`."""
    if arg and arg not in known:
        near = difflib.get_close_matches(arg, known, 1) or list(known)
        raise ValueError(f"{arg!r} is unknown: did you mean {near[0]!r}?")
