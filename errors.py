"""What a user sees when the input is wrong: one line, and exit code 1."""

import difflib
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from absl import app, flags


class InputError(ValueError):
    """A mistake in the user's input.

    The message is one line that names the value, the rule it breaks and the
    remedy.
    """


def nearest(word: Any, known: Iterable[str]) -> str:
    """The hint beside an unknown word: the nearest known one, or all."""
    names = sorted(known)
    close = difflib.get_close_matches(str(word), names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = names if len(names) <= 20 else [*names[:20], "..."]
    return f"known: {', '.join(shown) or 'none'}"


def run(main: Callable[[list[str]], None]) -> None:
    """Runs `main` under absl; a user's mistake ends it with one line."""

    def guarded(argv: list[str]) -> None:
        try:
            main(argv)
        except InputError as error:
            _exit(str(error))

    app.run(guarded, flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    """Parses the flags; absl's own way tells a mistake in several lines."""
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        _exit(f"{' '.join(str(error).split())}; see --help")


def _exit(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
