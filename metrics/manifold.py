"""Precision and recall of generated features (Kynkaanniemi 2019)."""

from typing import Any, NamedTuple

import numpy as np

import errors
from metrics import chunks
from metrics.estimate import Estimate

# Rows compared with all others at once, so that memory stays flat.
_CHUNK = 1024


class PrecisionRecall(NamedTuple):
    """How much of the generated is real, and of the real is generated."""

    precision: Estimate
    recall: Estimate


def precision_recall(
    features: Any, others: Any, neighbours: int = 3
) -> PrecisionRecall:
    """Estimates of rows that lie within the manifold of the other set.

    The manifold of a set is the union of balls around its rows, each as wide
    as the distance to its nearest neighbour number `neighbours`. Both shares
    grow with the number of rows: compare equal numbers.

    Args:
        features: [n, d], the generated ones.
        others: [m, d], the real ones.
        neighbours: at least 1; the paper's is 3.

    Returns:
        Precision, over `features`, and recall, over `others`, with binomial
        standard errors at the manifolds found.

    Raises:
        InputError: sets that do not fit each other or are too small.
    """
    x, y = np.asarray(features, float), np.asarray(others, float)
    wrong = x.ndim != 2 or y.ndim != 2 or x.shape[-1] != y.shape[-1]
    if wrong or not 1 <= neighbours < min(len(x), len(y)):
        raise errors.InputError(
            f"features of shapes {x.shape} and {y.shape} do not do for "
            f"neighbours={neighbours}: pass [n, d] and [m, d] with more rows "
            "than neighbours, of which there is at least 1"
        )
    return PrecisionRecall(
        _share(_within(x, y, _radii(y, neighbours))),
        _share(_within(y, x, _radii(x, neighbours))),
    )


def _share(inside: np.ndarray) -> Estimate:
    share = float(np.mean(inside))
    return Estimate(share, (share * (1.0 - share) / len(inside)) ** 0.5)


def _within(x: np.ndarray, y: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Whether each row of x lies in a ball around a row of y: [n]."""
    return chunks.in_chunks(
        lambda rows: np.any(_squares(rows, y) <= radii, axis=1), x, _CHUNK
    )


def _radii(x: np.ndarray, neighbours: int) -> np.ndarray:
    """Squared distance of each row to a neighbour; it is its own number 0."""
    return chunks.in_chunks(
        lambda rows: np.partition(_squares(rows, x), neighbours)[:, neighbours],
        x,
        _CHUNK,
    )


def _squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    products = x @ y.T
    squares = np.sum(x**2, 1)[:, None] + np.sum(y**2, 1) - 2.0 * products
    # Rounding may leave less than zero.
    return np.maximum(squares, 0.0)
