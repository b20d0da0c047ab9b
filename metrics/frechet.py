"""Frechet distance of features (FID), its error and its infinite-sample limit.

Heusel 2017; the extrapolation is Chong and Forsyth's (2020).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import errors
from metrics.estimate import Estimate

# Of Raj 2024: evenly spaced from 1,000 to the 4,500 images of a set.
THESIS_SIZES = (
    *(1000, 1389, 1778, 2167, 2556),
    *(2944, 3333, 3722, 4111, 4500),
)


class _Moments(NamedTuple):
    """Mean [d], and a root [d, d] of the covariance: root root^T."""

    mean: np.ndarray
    root: np.ndarray


def frechet_distance(
    mean: Any, covariance: Any, other_mean: Any, other_covariance: Any
) -> float:
    """Squared 2-Wasserstein distance of two Gaussians.

    |m - m'|^2 + Tr(C + C' - 2 (C C')^(1/2)). The last trace is the sum of the
    singular values of root(C)^T root(C'), which needs no matrix root of a
    product and is exact where C = C', singular or not.

    Args:
        mean: [d].
        covariance: [d, d].
        other_mean: [d].
        other_covariance: [d, d].

    Returns:
        At least 0.
    """
    return _distance(
        _Moments(np.asarray(mean, float), _root(covariance)),
        _Moments(np.asarray(other_mean, float), _root(other_covariance)),
    )


def fid(features: Any, others: Any) -> Estimate:
    """Frechet distance of Gaussians fitted to two sets of features.

    It is biased upwards by about a constant over the number of rows: compare
    numbers of one size only, or take `fid_infinity`.

    Args:
        features: [n, d].
        others: [m, d], the real ones.

    Returns:
        The estimate, and its standard error to first order in the rows
        (delta method), for a distance that is not near 0.

    Raises:
        InputError: sets that do not fit each other.
    """
    x, y = _checked(features, others)
    ours, theirs = _moments(x), _moments(y)
    variance = np.var(_influence(x, ours, theirs), ddof=1) / len(x)
    variance += np.var(_influence(y, theirs, ours), ddof=1) / len(y)
    return Estimate(_distance(ours, theirs), float(np.sqrt(variance)))


def sample_sizes(rows: int) -> tuple[int, ...]:
    """Ten sizes up to `rows`, spaced as the thesis's: 4500 gives those."""
    sizes = np.linspace(rows / 4.5, rows, len(THESIS_SIZES))
    return tuple(int(size) for size in np.round(sizes))


def fid_infinity(
    features: Any, others: Any, sizes: Sequence[int] | None = None
) -> Estimate:
    """FID of infinitely many rows: the intercept of FID against 1 / N.

    Both sets are cut to N rows, so that the bias of both falls with 1 / N; at
    each N the FID is averaged over the disjoint blocks there are. The line
    holds for N well above d.

    Args:
        features: [n, d], rows in random order.
        others: [m, d], likewise, the real ones.
        sizes: two or more numbers of rows N; by default `sample_sizes` of the
            shorter set.

    Returns:
        The intercept of the least-squares line, which may be below 0, and its
        standard error to first order in the rows, which the N share.

    Raises:
        InputError: sets that do not fit each other, or sizes they do not have.
    """
    x, y = _checked(features, others)
    rows = min(len(x), len(y))
    sizes = sample_sizes(rows) if sizes is None else tuple(sizes)
    if len(set(sizes)) < 2 or not 2 <= min(sizes) <= max(sizes) <= rows:
        raise errors.InputError(
            f"sizes={sizes} must be two or more numbers of rows from 2 to the "
            f"{rows} of the shorter set: give smaller ones or more rows"
        )
    values = [_mean_over_blocks(x, y, size) for size in sizes]
    inverse = 1.0 / np.asarray(sizes, float)
    offsets = inverse - inverse.mean()
    # The intercept is linear in the values: these are its weights.
    weights = 1.0 / len(sizes) - inverse.mean() * offsets / np.sum(offsets**2)
    shares = np.zeros(rows)
    for weight, size in zip(weights, sizes, strict=True):
        used = rows // size * size
        shares[:used] += weight / used
    ours, theirs = _moments(x), _moments(y)
    variance = np.var(_influence(x, ours, theirs), ddof=1)
    variance += np.var(_influence(y, theirs, ours), ddof=1)
    variance *= np.sum(shares**2)
    return Estimate(float(weights @ values), float(np.sqrt(variance)))


def _mean_over_blocks(x: np.ndarray, y: np.ndarray, size: int) -> float:
    blocks = [
        slice(start, start + size)
        for start in range(0, min(len(x), len(y)) - size + 1, size)
    ]
    return float(
        np.mean([_distance(_moments(x[b]), _moments(y[b])) for b in blocks])
    )


def _moments(features: np.ndarray) -> _Moments:
    covariance = np.atleast_2d(np.cov(features, rowvar=False))
    return _Moments(features.mean(0), _root(covariance))


def _root(covariance: Any) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.asarray(covariance, float))
    # Rounding leaves a little below zero where the rows are few.
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _distance(ours: _Moments, theirs: _Moments) -> float:
    overlap = np.linalg.svd(ours.root.T @ theirs.root, compute_uv=False)
    traces = np.sum(ours.root**2) + np.sum(theirs.root**2)
    shift = np.sum((ours.mean - theirs.mean) ** 2)
    # Rounding may leave less than zero.
    return max(0.0, float(shift + traces - 2.0 * np.sum(overlap)))


def _influence(x: np.ndarray, ours: _Moments, theirs: _Moments) -> np.ndarray:
    """First-order change of the distance by the weight of each row of `x`.

    2 (m - m').(x - m) + (x - m)^T (1 - T) (x - m), less its mean, where T is
    the symmetric map that carries C to C': T C T = C'.
    """
    centred = x - ours.mean
    left, _, right = np.linalg.svd(ours.root.T @ theirs.root)
    # With the polar factor U of the overlap, T = root' U^T root^-1.
    scale = np.linalg.norm(ours.root, axis=0)
    kept = scale > 1e-7 * scale.max(initial=0.0)
    inverse = np.where(kept, 1.0 / np.where(kept, scale, 1.0) ** 2, 0.0)
    whitened = centred @ (ours.root * inverse)
    carried = whitened @ (left @ right) @ theirs.root.T
    shift = 2.0 * centred @ (ours.mean - theirs.mean)
    return shift + np.sum(centred * (centred - carried), 1)


def _checked(features: Any, others: Any) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(features, float), np.asarray(others, float)
    wrong = x.ndim != 2 or y.ndim != 2 or x.shape[-1] != y.shape[-1]
    if wrong or min(len(x), len(y)) < 2:
        raise errors.InputError(
            f"features of shapes {x.shape} and {y.shape} cannot be compared: "
            "pass [n, d] and [m, d] with 2 rows or more each"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise errors.InputError(
            "features that are not finite cannot be compared: look for images "
            "that are not, as a model that diverged makes"
        )
    return x, y
