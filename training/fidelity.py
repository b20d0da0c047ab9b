"""Image fidelity of a run: generated images beside as many test images.

The offline ConvNet is trained once for each set of training images and kept
in the user's cache, so that the runs of a search share it.
"""

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

import datasets
import errors
import metrics
import zoo
from metrics import progress
from samplers import seeds

# What a run reports: each measure, and its standard error.
NAMES = (
    *metrics.MEASURES,
    *(f"{measure}_error" for measure in metrics.MEASURES),
)
# Images of one pass.
_BATCH = 256
# The draws of training are counted from 0.
_DRAW = -1


def check(
    number: int, splits: datasets.Splits, inception_weights: str | None
) -> None:
    """Raises InputError unless there are `number` test images to compare."""
    if inception_weights and not number:
        raise errors.InputError(
            f"inception_weights={inception_weights!r} is of no use with "
            "config.training.fidelity_images=0: set how many images to compare"
        )
    there = len(splits.test)
    if number > there:
        raise errors.InputError(
            f"config.training.fidelity_images={number} is more than the "
            f"{there} test images of {splits.name!r}: take {there} or fewer, "
            "or raise config.data.eval_images if that is set"
        )


def extractor(
    splits: datasets.Splits, inception_weights: str | None
) -> metrics.Extractor:
    """The features of the run: InceptionV3's, or those of the offline ConvNet.

    Raises:
        InputError: no labels for the ConvNet, no weights in the file, images
            that InceptionV3 does not take, or a cache that cannot be written.
    """
    if inception_weights:
        found = metrics.inception(inception_weights)
        # Says before the training which images it does not take.
        found.features(splits.test[:1])
        return found
    return metrics.convnet(
        splits.name, splits.train, splits.train_labels, _cache()
    )


def measure(
    model: zoo.Generator,
    found: metrics.Extractor,
    real: np.ndarray,
    seed: int,
) -> dict[str, metrics.Fidelity]:
    """Every measure of as many generated images as there are real ones.

    Args:
        model: its prior is fitted.
        found: makes the features.
        real: uint8 [n, H, W, C], of the test set.
        seed: of the run.

    Raises:
        InputError: a generated image is not finite.
    """
    images = generated(model, len(real), seed)

    def features(these: np.ndarray) -> np.ndarray:
        return _in_batches(
            lambda rows: found.features(these[rows]), len(these), "features"
        )

    named = metrics.Extractor(found.name, features)
    return metrics.fidelity(named, images, real)


def generated(model: zoo.Generator, number: int, seed: int) -> np.ndarray:
    """Images in whole grey values, as the real ones have: uint8 [n, H, W, C].

    Image i depends on (weights, seed, i) alone.
    """
    size = min(_BATCH, number)
    # Whole batches: another shape would be compiled anew.
    whole = -(-number // size) * size
    own = seeds.fold_in(seeds.seed(seed), _DRAW)
    rows = seeds.row_fold_in(tf.tile(own[None], [whole, 1]), tf.range(whole))

    def grey(batch: slice) -> np.ndarray:
        images = np.asarray(model.generate_rows(rows[batch]), np.float32)
        if not np.isfinite(images).all():
            raise errors.InputError(
                "generated images are not finite: lower the step size or the "
                "temperature of the chains that draw them"
            )
        return np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)

    return _in_batches(grey, whole, "generated", size)[:number]


def scores(found: dict[str, metrics.Fidelity]) -> dict[str, float]:
    """The numbers by the names that a run reports, as kid and kid_error."""
    return {name: one.estimate for name, one in found.items()} | {
        f"{name}_error": one.standard_error for name, one in found.items()
    }


def _in_batches(
    function: Callable[[slice], Any], number: int, what: str, size: int = _BATCH
) -> np.ndarray:
    parts = []
    with progress.bar(number, what) as bar:
        for start in range(0, number, size):
            parts.append(function(slice(start, start + size)))
            bar.update(len(parts[-1]))
    return np.concatenate(parts)


def _cache() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "thermozoo"
