"""A small ConvNet classifier of images, trained once and kept in a file."""

import os
import pathlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import errors
from metrics import chunks, progress

_FEATURES = "features"
_SEED = 0
BATCH = 128
# Images of one pass, so that memory stays flat.
_CHUNK = 500


def build(image_shape: tuple[int, ...], classes: int) -> Any:
    """Two strided convolutions, 64 features, one logit a class."""

    def start(index: int) -> Any:
        return keras.initializers.GlorotUniform(seed=_SEED + index)

    return keras.Sequential(
        [
            keras.Input(image_shape),
            keras.layers.Conv2D(
                16, 5, 2, "same", activation="relu", kernel_initializer=start(0)
            ),
            keras.layers.Conv2D(
                32, 5, 2, "same", activation="relu", kernel_initializer=start(1)
            ),
            keras.layers.Flatten(),
            keras.layers.Dense(
                64,
                activation="relu",
                kernel_initializer=start(2),
                name=_FEATURES,
            ),
            keras.layers.Dense(classes, kernel_initializer=start(3)),
        ]
    )


def load(
    path: pathlib.Path, images: np.ndarray, labels: np.ndarray, epochs: int
) -> Any:
    """The trained classifier; trains it where `path` does not hold it yet.

    Args:
        path: of its weights, *.weights.h5.
        images: [N, H, W, C] for training, uint8 or float32 in [0, 1].
        labels: int [N], from 0.
        epochs: passes over the images.

    Raises:
        InputError: the file at `path` holds something else, or it cannot be
            written.
    """
    model = build(images.shape[1:], int(labels.max()) + 1)
    if path.is_file():
        try:
            model.load_weights(path)
        except (OSError, ValueError, KeyError) as error:
            raise errors.InputError(
                f"{path} does not hold this classifier's weights: delete it, "
                "to have them trained anew"
            ) from error
        return model
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # XLA is slower than graph mode for convolutions on a CPU.
        jit_compile=False,
    )
    _train(model, images, labels, epochs)
    _save(model, path)
    return model


def _train(
    model: Any, images: np.ndarray, labels: np.ndarray, epochs: int
) -> None:
    draws = np.random.default_rng(_SEED)
    with progress.bar(epochs * len(images), "ConvNet of the features") as bar:
        for _ in range(epochs):
            order = draws.permutation(len(images))
            for start in range(0, len(order), BATCH):
                rows = order[start : start + BATCH]
                model.train_on_batch(unit(images[rows]), labels[rows])
                bar.update(len(rows))


def _save(model: Any, path: pathlib.Path) -> None:
    # Written aside: a file at `path` is whole, though others write it too.
    aside = path.with_name(f"aside-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        model.save_weights(aside)
        aside.replace(path)
    except OSError as error:
        raise errors.InputError(
            f"{path} cannot be written ({error.strerror or error}): free "
            "space or name another folder (train.py's lies in $XDG_CACHE_HOME)"
        ) from error


def logits(model: Any, images: np.ndarray) -> np.ndarray:
    """[N, classes], float64, of images uint8 or float32 in [0, 1]."""
    return _outputs(model, images).astype(float)


def accuracy(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images that the classifier reads as their label."""
    return float(np.mean(np.argmax(logits(model, images), 1) == labels))


def features(model: Any, images: np.ndarray) -> np.ndarray:
    """The last hidden layer: [N, 64]."""
    body = keras.Model(model.inputs[0], model.get_layer(_FEATURES).output)
    return _outputs(body, images)


def unit(images: Any) -> Any:
    """Whole grey values become [0, 1]."""
    if images.dtype in (np.uint8, tf.uint8):
        return tf.cast(images, tf.float32) / 255.0
    return images


def _outputs(model: Any, images: np.ndarray) -> np.ndarray:
    return chunks.in_chunks(lambda rows: model(unit(rows)), images, _CHUNK)
