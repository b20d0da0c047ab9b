"""Finds, prepares and reads one TFDS image set; user errors become lines."""

import contextlib
import difflib
import io
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

import errors
from datasets import digits

# Registers itself with TFDS under the name "digits".
OFFLINE = (digits.Digits.name,)


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
            *tfds.list_builders(with_community_datasets=False),
        ]
        near = difflib.get_close_matches(name, known, 1) or ["mnist"]
        raise errors.InputError(
            f"data.name={name!r} is no TFDS data set: did you mean {near[0]!r}?"
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
