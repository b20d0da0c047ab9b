"""What a classifier of digits says of generated images."""

from typing import Any, NamedTuple

import numpy as np

import metrics
from metrics import classifier


class Verdict(NamedTuple):
    """What the judge says of generated images."""

    confidence: float
    certain: float
    classes: float
    kid: metrics.Estimate


def verdict(model: Any, images: np.ndarray, real: np.ndarray) -> Verdict:
    """Judges generated images beside real ones.

    Args:
        model: the classifier.
        images: [N, H, W, C], generated.
        real: [M, H, W, C], not used in training, in random order.

    Returns:
        The mean probability of the likeliest class; the share of images for
        which that is above 0.9; exp of the entropy of the classes read (10:
        all digits are as frequent); and the KID of the features,
        in units in which the real ones have a mean square of 1.
    """
    logits = classifier.logits(model, images)
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    share = np.bincount(likely.argmax(1), minlength=logits.shape[1])
    share = share[share > 0] / len(images)
    top = likely.max(1)
    block = min(1000, len(images), len(real))
    expected = classifier.features(model, real)
    # The kernel has a scale: the real features get a mean square of 1.
    scale = np.sqrt(np.mean(np.square(expected)))
    found = classifier.features(model, images) / scale
    return Verdict(
        float(top.mean()),
        float((top > 0.9).mean()),
        float(np.exp(-np.sum(share * np.log(share)))),
        metrics.kid(found, expected / scale, block),
    )
