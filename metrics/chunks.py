"""A function of many rows, some at a time, so that memory stays flat."""

from collections.abc import Callable
from typing import Any

import numpy as np

from metrics import progress


def in_chunks(
    function: Callable[[Any], Any], rows: Any, size: int, what: str = ""
) -> np.ndarray:
    """The results for all rows.

    Args:
        function: rows [n, ...] to an array or a tensor [n, ...].
        rows: [N, ...].
        size: rows of one call.
        what: happens to them, as a progress bar says; "": there is no bar.

    Returns:
        [N, ...].
    """
    parts = []
    with progress.bar(len(rows), what) as bar:
        for start in range(0, len(rows), size):
            parts.append(np.asarray(function(rows[start : start + size])))
            bar.update(len(parts[-1]))
    return np.concatenate(parts)
