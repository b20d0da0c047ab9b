"""Files of a run: written aside and renamed, failures told in one line."""

import contextlib
import json
import os
import pathlib
from collections.abc import Callable, Iterator

import tensorflow as tf

import errors


@contextlib.contextmanager
def writing(path: str | os.PathLike) -> Iterator[None]:
    """Turns a refused write into one line that names `path`."""
    try:
        yield
    except OSError as error:
        raise refused(path, error.strerror or str(error)) from error
    except tf.errors.OpError as error:
        text = str(error.message).strip() or type(error).__name__
        raise refused(path, text.splitlines()[0][:200]) from error


def refused(path: str | os.PathLike, reason: str) -> errors.InputError:
    """The error of a path that cannot be written."""
    return errors.InputError(
        f"{os.fspath(path)} cannot be written ({reason}): free space or name "
        "another --workdir; --resume goes on from the last checkpoint"
    )


def replace(path: pathlib.Path, write: Callable[[str], object]) -> None:
    """Lets `write` write a file aside, then puts it in place at once."""
    # The suffixes stay last: writers choose the format by them.
    aside = path.with_name(f".aside-{path.name}")
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(str(aside))
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)


def write_json(path: pathlib.Path, value: object) -> None:
    """Writes `value` as readable JSON, at once."""
    text = json.dumps(value, indent=2, sort_keys=True) + "\n"
    replace(path, lambda aside: pathlib.Path(aside).write_text(text))
