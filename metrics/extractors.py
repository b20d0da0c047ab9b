"""What turns images into the features that fidelity is measured by."""

import hashlib
import math
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import errors
from metrics import chunks, classifier

_WEIGHTS = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
_INCEPTION_SIDE = 299
_INCEPTION_CHUNK = 50
# Fewest steps that train the ConvNet well.
_STEPS = 1000
# Training images that fix the unit of the ConvNet's features.
_SCALE_IMAGES = 1000


class Extractor(NamedTuple):
    """A name to print, and a function from images to features.

    Attributes:
        name: says what the features are; numbers of two names do not compare.
        features: images [N, H, W, C], uint8 or float32 in [0, 1], to [N, d].
    """

    name: str
    features: Callable[[np.ndarray], np.ndarray]


def convnet(
    name: str,
    images: Any,
    labels: np.ndarray,
    folder: pathlib.Path | str,
    *,
    epochs: int | None = None,
) -> Extractor:
    """The offline extractor: a ConvNet trained on the labels of the data.

    It is trained once, in seconds to minutes, and kept in `folder`. Its 64
    features are in units in which those of training images have a mean square
    of 1, as the kernel of KID has a scale. Its name and its file carry a hash
    of the images and labels: of others, features are others.

    Args:
        name: of the data set.
        images: [N, H, W, C], its training images, uint8 or float32 in [0, 1].
        labels: int [N], from 0.
        folder: where the weights are kept.
        epochs: passes over the images; by default 3, or more where that is
            less than 1000 steps.

    Raises:
        InputError: the data have no labels, the kept weights do not fit, or
            `folder` cannot be written.
    """
    labels = np.asarray(labels)
    # A set without labels comes with none, or with -1 for each image.
    if not 0 < len(labels) == len(images) or labels.min() < 0:
        raise errors.InputError(
            f"data set {name!r} has no labels, or none in memory, to train "
            "the offline extractor on: use InceptionV3 by the path of its "
            "weights instead (--inception_weights, metrics.inception), or a "
            "labelled set"
        )
    if epochs is None:
        epochs = max(3, math.ceil(_STEPS * classifier.BATCH / len(images)))
    shape = tuple(images.shape[1:])
    sides = "x".join(str(side) for side in shape)
    key = _hash(images, labels)
    file = f"convnet-{name}-{sides}-{len(images)}-{epochs}-{key}.weights.h5"
    path = pathlib.Path(folder).expanduser() / file
    model = classifier.load(path, images, labels, epochs)
    first = classifier.features(model, images[:_SCALE_IMAGES])
    scale = np.sqrt(np.mean(np.square(first)))
    return Extractor(
        f"ConvNet {key} of {name} {sides}",
        lambda x: classifier.features(model, _fitting(x, shape)) / scale,
    )


def inception(weights: pathlib.Path | str) -> Extractor:
    """Keras's InceptionV3 with ImageNet weights: 2048 pooled features.

    Images are resized to 299 x 299 bilinearly; grey ones become colour. These
    are not the weights behind published FIDs, which used another port of the
    network: compare numbers of this extractor with each other.

    Args:
        weights: path of the file of weights without the top.

    Raises:
        InputError: there is no such file, or it does not hold the weights.
    """
    path = pathlib.Path(weights).expanduser()
    if not path.is_file():
        raise errors.InputError(
            f"InceptionV3's weights are not at {str(weights)!r}: fetch them "
            f"where there is a network by `curl -LO {_WEIGHTS}` and give the "
            "path of that file"
        )
    try:
        # Keras's types do not know that weights may be None.
        options: Any = {"weights": None}
        model = keras.applications.InceptionV3(
            include_top=False, pooling="avg", **options
        )
        model.load_weights(path)
    except (OSError, ValueError, KeyError) as error:
        raise errors.InputError(
            f"{str(weights)!r} does not hold InceptionV3's weights without the "
            f"top: fetch them by `curl -LO {_WEIGHTS}`"
        ) from error

    @tf.function(autograph=False)
    def network(images: tf.Tensor) -> tf.Tensor:
        side = (_INCEPTION_SIDE, _INCEPTION_SIDE)
        return model(2.0 * tf.image.resize(images, side) - 1.0)

    def features(images: np.ndarray) -> np.ndarray:
        return chunks.in_chunks(
            lambda rows: network(classifier.unit(rows)),
            _colour(images),
            _INCEPTION_CHUNK,
        )

    return Extractor("InceptionV3", features)


def _hash(images: Any, labels: np.ndarray) -> str:
    """Eight hexadecimal digits that say of which data a ConvNet is."""
    found = hashlib.sha256()
    for array in (np.asarray(images), labels.astype(np.int64)):
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:8]


def _colour(images: np.ndarray) -> np.ndarray:
    if images.ndim == 4 and images.shape[-1] == 1:
        return np.repeat(images, 3, -1)
    if images.ndim == 4 and images.shape[-1] == 3:
        return images
    raise errors.InputError(
        f"images of shape {images.shape} are neither grey nor colour: pass "
        "[N, H, W, 1] or [N, H, W, 3]"
    )


def _fitting(images: np.ndarray, shape: tuple) -> np.ndarray:
    if images.shape[1:] != shape:
        raise errors.InputError(
            f"images of shape {images.shape[1:]} do not fit an extractor "
            f"trained on {shape}: generate or load that size"
        )
    return images
