"""A small classifier of digits that judges images, and gives features."""

import pathlib
from typing import Any, NamedTuple

import keras
import numpy as np

import metrics

_FEATURES = "features"
_SEED = 0
_CHUNK = 500
# Keras's types know the words alone.
_SILENT: Any = 0


class Verdict(NamedTuple):
    """What the judge says of generated images."""

    confidence: float
    certain: float
    classes: float
    kid: metrics.Kid


def build(image_shape: tuple[int, ...], classes: int = 10) -> Any:
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
        images: float32 [N, H, W, C] in [0, 1], for training.
        labels: int [N].
        epochs: passes over the images.
    """
    model = build(images.shape[1:])
    if path.is_file():
        model.load_weights(path)
        return model
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        # XLA is slower than graph mode for convolutions on a CPU.
        jit_compile=False,
    )
    draws = np.random.default_rng(_SEED)
    for _ in range(epochs):
        order = draws.permutation(len(images))
        model.fit(
            images[order],
            labels[order],
            batch_size=128,
            shuffle=False,
            verbose=_SILENT,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside: a file at `path` is whole.
    aside = path.with_name(f"aside-{path.name}")
    model.save_weights(aside)
    aside.replace(path)
    return model


def accuracy(model: Any, images: np.ndarray, labels: np.ndarray) -> float:
    """Share of the images that the judge reads as their label."""
    return float(np.mean(np.argmax(_logits(model, images), 1) == labels))


def features(model: Any, images: np.ndarray) -> np.ndarray:
    """The last hidden layer: [N, 64]."""
    body = keras.Model(model.inputs[0], model.get_layer(_FEATURES).output)
    return _in_chunks(body, images)


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
    logits = _logits(model, images)
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    share = np.bincount(likely.argmax(1), minlength=logits.shape[1])
    share = share[share > 0] / len(images)
    top = likely.max(1)
    block = min(1000, len(images), len(real))
    expected = features(model, real)
    # The kernel has a scale: the real features get a mean square of 1.
    scale = np.sqrt(np.mean(np.square(expected)))
    found = features(model, images) / scale
    return Verdict(
        float(top.mean()),
        float((top > 0.9).mean()),
        float(np.exp(-np.sum(share * np.log(share)))),
        metrics.kid(found, expected / scale, block),
    )


def _logits(model: Any, images: np.ndarray) -> np.ndarray:
    return _in_chunks(model, images).astype(float)


def _in_chunks(model: Any, images: np.ndarray) -> np.ndarray:
    return np.concatenate(
        [
            model(images[start : start + _CHUNK]).numpy()
            for start in range(0, len(images), _CHUNK)
        ]
    )
