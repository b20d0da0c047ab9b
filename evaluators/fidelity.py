"""Image fidelity of a run: generated images beside as many test images.

The offline ConvNet is trained once for each set of training images and kept
in the user's cache, so that the runs of a search share it.
"""

import numbers
import os
import pathlib
from typing import Any, final

import numpy as np
import tensorflow as tf

import errors
import metrics
import sources
import zoo
from evaluators.contract import Evaluator
from metrics import chunks
from samplers import seeds

# Images of one pass.
_BATCH = 256
# Ten blocks of two images, whose spread gives the error of KID.
_LEAST = 20
# The draws of training are counted from 0.
_DRAW = -1
_KEY = "config.evals.fidelity.num_images"


@final
class Fidelity(Evaluator):
    """FID, KID, precision and recall, each with its standard error."""

    needs = zoo.Generative
    kinds = ("image",)
    scores = (
        *metrics.MEASURES,
        *(f"{measure}_error" for measure in metrics.MEASURES),
    )
    switch = "num_images"

    def __init__(
        self,
        data: sources.Data,
        *,
        num_images: int = 0,
        inception_weights: str | None = None,
    ) -> None:
        """Takes the data, and makes the features that images are compared by.

        Args:
            data: images; without inception_weights, with labels.
            num_images: generated images, and of the test set, to compare.
            inception_weights: file of InceptionV3's, whose features are
                taken; None: those of a ConvNet, trained on the labels.

        Raises:
            errors.InputError: too few images or too many, no labels for the
                ConvNet, no weights in the file, images that InceptionV3 does
                not take, or a cache that cannot be written.
        """
        whole = isinstance(num_images, numbers.Integral)
        if not whole or num_images < _LEAST:
            raise errors.InputError(
                f"{_KEY}={num_images!r} must be 0, for no comparison, or a "
                f"whole number of at least {_LEAST}"
            )
        there = len(data.test)
        if num_images > there:
            raise errors.InputError(
                f"{_KEY}={num_images} is more than the {there} test images of "
                f"{data.name!r}: take {there} or fewer, or raise "
                "config.data.eval_examples if that is set"
            )
        self.real = data.test[:num_images]
        if inception_weights:
            self.extractor = metrics.inception(inception_weights)
            # Says before the training which images it does not take.
            self.extractor.features(self.real[:1])
        else:
            self.extractor = metrics.convnet(
                data.name, data.train, data.train_labels, _cache()
            )

    def __call__(self, model: Any, seed: int) -> dict[str, float]:
        """Measures a model.

        Raises:
            errors.InputError: a generated image is not finite.
        """
        images = generated(model, len(self.real), seed)
        own = self.extractor.features
        features = self.extractor._replace(
            features=lambda x: chunks.in_chunks(own, x, _BATCH, "features")
        )
        found = metrics.fidelity(features, images, self.real)
        self.lines = tuple(str(one) for one in found.values())
        return {name: one.estimate for name, one in found.items()} | {
            f"{name}_error": one.standard_error for name, one in found.items()
        }


def generated(model: Any, number: int, seed: int) -> np.ndarray:
    """Images in whole grey values, as the real ones have: uint8 [n, H, W, C].

    Image i depends on (weights, seed, i) alone.
    """
    own = seeds.fold_in(seeds.seed(seed), _DRAW)
    rows = seeds.row_fold_in(tf.tile(own[None], [number, 1]), tf.range(number))

    def grey(rows: tf.Tensor) -> np.ndarray:
        images = np.asarray(model.generate_rows(rows), np.float32)
        if not np.isfinite(images).all():
            raise errors.InputError(
                "generated images are not finite: lower the step size or the "
                "temperature of the chains that draw them"
            )
        return np.round(255 * np.clip(images, 0, 1)).astype(np.uint8)

    return chunks.in_chunks(grey, rows, _BATCH, "generated")


def _cache() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return pathlib.Path(base).expanduser() / "thermozoo"
