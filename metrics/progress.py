"""A progress bar for what takes seconds."""

import sys

import tqdm


def bar(number: int, what: str) -> tqdm.tqdm:
    """A bar over images, shown where it takes more than three seconds.

    Args:
        number: of images in all.
        what: happens to them; "": nothing is shown.
    """
    return tqdm.tqdm(
        total=number,
        desc=what,
        unit="image",
        dynamic_ncols=True,
        delay=3.0,
        disable=not what,
        mininterval=0.5 if sys.stderr.isatty() else 10.0,
    )
