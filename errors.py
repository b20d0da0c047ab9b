"""What a user sees when the input is wrong: one line, and exit code 1."""

import sys
from collections.abc import Callable

from absl import app


class InputError(ValueError):
    """A mistake in the user's input.

    The message is one line that names the value, the rule it breaks and the
    remedy.
    """


def run(main: Callable[[list[str]], None]) -> None:
    """Runs `main` under absl; an InputError ends it with one line, no trace."""

    def guarded(argv: list[str]) -> None:
        try:
            main(argv)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(1)

    app.run(guarded)
