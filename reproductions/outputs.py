"""The folder that a script writes to."""

import pathlib

import errors


def folder(path: str, *below: str) -> pathlib.Path:
    """Makes the folder that --output names, or one below it.

    Raises:
        InputError: it cannot be made.
    """
    made = pathlib.Path(path, *below)
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.InputError(
            f"--output={path} cannot be made ({error.strerror}): name a "
            "folder that can be written"
        ) from error
    return made
