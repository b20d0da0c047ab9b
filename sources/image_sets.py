"""Image sets of TFDS, found, prepared and read; user errors become lines."""

import contextlib
import io
import numbers
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import errors
from sources import digits, streams, toy2d
from sources.data import Data
from zoo import DataSpec

# Validation images taken from the end of the training split where TFDS has
# no validation split; the paper's MNIST is 50,000 / 10,000 / 10,000.
_HELD_OUT = {"mnist": 10_000, "fashion_mnist": 10_000, "kmnist": 10_000}
MEMORY_LIMIT = 4 * 2**30
# Registers itself with TFDS under the name "digits".
OFFLINE = (digits.Digits.name,)


def load(
    name: str,
    *,
    data_dir: str | None,
    download: bool,
    image_size: int | None,
    train_examples: int | None,
    eval_examples: int | None,
    memory_limit: int,
) -> Data:
    """Loads an image set by its TFDS name; see `sources.load`."""
    if image_size is not None and not (
        isinstance(image_size, numbers.Integral) and 1 <= image_size <= 1024
    ):
        raise errors.InputError(
            f"data.image_size={image_size!r} is out of range: give a side of 1 "
            "to 1024 pixels, or None to keep the size"
        )
    builder = open_builder(name, data_dir, download)
    shape = _image_shape(builder, image_size)
    sizes = {
        key: info.num_examples for key, info in builder.info.splits.items()
    }
    for split in ("train", "test"):
        if not sizes.get(split):
            raise errors.InputError(
                f"data set {name!r} has no split {split!r}: choose a set "
                "that has train and test"
            )

    def prepare(image):
        return _fit_size(image, image_size, shape)

    count, start, validation = sizes["train"], 0, "validation"
    if not sizes.get("validation"):
        held_out = min(_HELD_OUT.get(name, count), max(1, count // 6))
        count, validation = count - held_out, "train"
        start = count
        sizes["validation"] = held_out
    train, count = _first("train", 0, count, train_examples, "train_examples")
    held_split, _ = _first(
        validation, start, sizes["validation"], eval_examples, "eval_examples"
    )
    test_split, _ = _first(
        "test", 0, sizes["test"], eval_examples, "eval_examples"
    )
    if count * int(np.prod(shape)) > memory_limit:
        images: Any = streams.Stream(
            lambda: examples(builder, train, prepare).map(
                lambda image, _: image
            ),
            (count, *shape),
        )
        labels = np.zeros((0,), np.int64)
    else:
        images, labels = read(builder, train, prepare)
    held, held_labels = read(builder, held_split, prepare)
    test, test_labels = read(builder, test_split, prepare)
    spec = DataSpec("image", shape, count)
    return Data(
        name, spec, images, held, test, labels, held_labels, test_labels
    )


def data_folder(data_dir: str | None) -> str:
    """The folder of prepared sets: argument, $TFDS_DATA_DIR, TFDS default."""
    chosen = data_dir or os.environ.get("TFDS_DATA_DIR")
    return os.path.expanduser(chosen or "~/tensorflow_datasets")


def open_builder(
    name: str, data_dir: str | None = None, download: bool = False
) -> tfds.core.DatasetBuilder:
    """Returns the builder of a prepared image set.

    Args:
        name: a TFDS name, such as "mnist", or "digits".
        data_dir: the folder of prepared sets.
        download: fetch and prepare a set that is not there. Never done
            unasked: TFDS retries for minutes where there is no network.

    Raises:
        InputError: unknown name, no images in the set, set not there.
    """
    if not isinstance(name, str):
        raise errors.InputError(
            f"data.name={name!r} is no name of a data set: give one, such as "
            "'digits'"
        )
    folder = data_folder(data_dir)
    builder = _find(name, folder)
    if not builder.is_prepared():
        if not (download or name in OFFLINE):
            raise errors.InputError(
                f"data set {name!r} is not in {folder}: add --download to "
                "fetch it, or run `tfds build "
                f"{name} --data_dir={folder}`, or name the folder that has "
                "it with --data_dir"
            )
        _prepare(builder, name, folder)
    feature = _features(builder).get("image")
    is_image = isinstance(feature, tfds.features.Image)
    if not is_image or feature.np_dtype != np.uint8:
        raise errors.InputError(
            f"data set {name!r} has no 8-bit feature 'image': name an "
            "image set, such as mnist, fashion_mnist, cifar10 or digits"
        )
    return builder


def read(
    builder: tfds.core.DatasetBuilder,
    split: str,
    prepare: Callable[[Any], Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Reads a whole split: images uint8 [N, H, W, C] and labels int64 [N].

    Labels are -1 where the set has none.

    Raises:
        InputError: the files on disk cannot be read.
    """
    images: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    try:
        stream = examples(builder, split, prepare).batch(1024)
        for image, label in stream.as_numpy_iterator():
            images.append(image)
            labels.append(label)
    except (tf.errors.OpError, OSError) as error:
        raise errors.InputError(
            f"data set {builder.name!r} in {builder.data_path} cannot be read "
            f"({_first_line(error)}): delete that folder and prepare the set "
            "again"
        ) from error
    return np.concatenate(images), np.concatenate(labels)


def examples(
    builder: tfds.core.DatasetBuilder,
    split: str,
    prepare: Callable[[Any], Any],
) -> tf.data.Dataset:
    """A split one example at a time, (image, label), in the order on disk."""
    labelled = isinstance(
        _features(builder).get("label"), tfds.features.ClassLabel
    )

    def pick(example):
        missing = tf.constant(-1, tf.int64)
        label = example["label"] if labelled else missing
        return prepare(example["image"]), label

    in_order = tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False)
    # Options by a dictionary: TFDS wraps the method and hides its arguments.
    options: dict[str, Any] = {"split": split, "read_config": in_order}
    stream: Any = builder.as_dataset(**options)
    return stream.map(pick, tf.data.AUTOTUNE, deterministic=True)


def _find(name: str, folder: str) -> tfds.core.DatasetBuilder:
    try:
        if name in OFFLINE:
            return digits.Digits(data_dir=folder)
        return tfds.builder(name, data_dir=folder)
    except (
        tfds.core.DatasetNotFoundError,
        ValueError,
        # Of a version or a config that the set does not have.
        AssertionError,
    ) as error:
        known = [
            *OFFLINE,
            *(f"toy2d/{toy}" for toy in toy2d.TOYS),
            *tfds.list_builders(with_community_datasets=False),
        ]
        hint = errors.nearest(name, known)
        if "did you mean" not in hint:
            # Hundreds are known.
            hint = "name one, such as 'digits', 'mnist' or 'toy2d/moons'"
        raise errors.InputError(
            f"data.name={name!r} is no data set: {hint}"
        ) from error
    except OSError as error:
        raise _unusable(folder, error) from error


def _prepare(builder: tfds.core.DatasetBuilder, name: str, folder: str) -> None:
    tfds.disable_progress_bar()
    # TFDS says "Downloading" even where there is nothing to download.
    silent = contextlib.redirect_stdout(io.StringIO())
    try:
        with silent if name in OFFLINE else contextlib.nullcontext():
            builder.download_and_prepare()
    except OSError as error:
        # Another process may have prepared the same set at the same time.
        if not _find(name, folder).is_prepared():
            raise _unusable(folder, error) from error
    except Exception as error:
        raise errors.InputError(
            f"data set {name!r} could not be prepared "
            f"({_first_line(error)}): check the network, or prepare it by "
            f"`tfds build {name} --data_dir={folder}` where there is one"
        ) from error


def _features(builder: tfds.core.DatasetBuilder) -> Any:
    features = builder.info.features
    is_dict = isinstance(features, tfds.features.FeaturesDict)
    return dict(features.items()) if is_dict else {}


def _unusable(folder: str, error: Exception) -> errors.InputError:
    return errors.InputError(
        f"data_dir {folder!r} cannot be used ({_first_line(error)}): name a "
        "folder that can be read and written with --data_dir"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200]


def _first(
    split: str, start: int, count: int, wanted: int | None, key: str
) -> tuple[str, int]:
    """A part of a split of `count` images, as TFDS writes it, and its size."""
    number = count if wanted is None else wanted
    if not 1 <= number <= count:
        raise errors.InputError(
            f"data.{key}={number} of {count} images of {split!r}: choose 1 to "
            f"{count}, or None for all"
        )
    return f"{split}[{start}:{start + number}]", number


def _image_shape(builder, image_size: int | None) -> tuple:
    height, width, channels = builder.info.features["image"].shape
    if image_size is not None:
        return image_size, image_size, channels
    if None in (height, width):
        raise errors.InputError(
            f"images of {builder.name!r} differ in size: set "
            "data.image_size, for example to 64"
        )
    return height, width, channels


def _fit_size(image, image_size: int | None, shape: tuple):
    """Crops the centred square and resizes it, uint8 to uint8."""
    if image_size is not None:
        size = tf.shape(image)
        side = tf.minimum(size[0], size[1])
        top, left = (size[0] - side) // 2, (size[1] - side) // 2
        square = image[top : top + side, left : left + side]
        resized = tf.image.resize(
            square, (image_size, image_size), antialias=True
        )
        image = tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)
    return tf.ensure_shape(image, shape)
