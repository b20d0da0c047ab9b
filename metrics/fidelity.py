"""How like the real ones generated images are, each number with its error."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from metrics import extractors, frechet, manifold
from metrics.kid import kid

MEASURES = ("fid", "fid_infinity", "kid", "precision", "recall")


class Fidelity(NamedTuple):
    """One measure of fidelity; its text says all of it in one line.

    Attributes:
        metric: one of MEASURES.
        estimate: FID and KID are lower for better images, shares higher.
        standard_error: of the estimate.
        number: images of each set that it is from.
        extractor: name of the features.
    """

    metric: str
    estimate: float
    standard_error: float
    number: int
    extractor: str

    def __str__(self) -> str:
        """As in "kid 0.0123 +- 0.0011 (n = 4500, InceptionV3)"."""
        return (
            f"{self.metric} {self.estimate:.4g} +- {self.standard_error:.2g} "
            f"(n = {self.number}, {self.extractor})"
        )


def fidelity(
    extractor: extractors.Extractor,
    images: np.ndarray,
    real: np.ndarray,
    *,
    sizes: Sequence[int] | None = None,
    block_size: int | None = None,
    kernel: str = "polynomial",
    length_scale: float | None = None,
    neighbours: int = 3,
) -> dict[str, Fidelity]:
    """Every measure of generated images beside real ones.

    The longer set is cut to the shorter, as most of the measures depend on
    the number of images.

    Args:
        extractor: see `metrics.convnet` and `metrics.inception`.
        images: [n, H, W, C], generated, uint8 or float32 in [0, 1].
        real: [m, H, W, C], likewise, not used in training, in random order.
        sizes: of the extrapolation, as `metrics.fid_infinity`;
            `metrics.THESIS_SIZES` are Raj 2024's.
        block_size: of KID; by default a tenth of the images, at most 1000.
        kernel: of KID, "polynomial" or "rbf".
        length_scale: of the RBF kernel, as `metrics.kid`.
        neighbours: of precision and recall.

    Returns:
        By name: FID, its limit of infinitely many images, KID, precision and
        recall.

    Raises:
        errors.InputError: too few images for one of them.
    """
    number = min(len(images), len(real))
    found = extractor.features(images[:number])
    expected = extractor.features(real[:number])
    block = block_size or min(1000, max(2, number // 10))
    shares = manifold.precision_recall(found, expected, neighbours)
    results = {
        "fid": frechet.fid(found, expected),
        "fid_infinity": frechet.fid_infinity(found, expected, sizes),
        "kid": kid(
            found, expected, block, kernel=kernel, length_scale=length_scale
        ),
        "precision": shares.precision,
        "recall": shares.recall,
    }
    return {
        name: Fidelity(name, estimate, error, number, extractor.name)
        for name, (estimate, error) in results.items()
    }
