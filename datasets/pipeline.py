"""From a data set's name to arrays, and from arrays to batches by step."""

import numbers
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors
from datasets import source, streams
from samplers import seeds

# Validation images taken from the end of the training split where TFDS has
# no validation split; the paper's MNIST is 50,000 / 10,000 / 10,000.
_HELD_OUT = {"mnist": 10_000, "fashion_mnist": 10_000, "kmnist": 10_000}
_MEMORY_LIMIT = 4 * 2**30


class Splits(NamedTuple):
    """Images uint8 [N, H, W, C] (train may be a Stream) and labels [N]."""

    name: str
    train: Any
    validation: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray
    validation_labels: np.ndarray
    test_labels: np.ndarray

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        height, width, channels = self.test.shape[1:]
        return height, width, channels


def load(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    image_size: int | None = None,
    train_images: int | None = None,
    eval_images: int | None = None,
    memory_limit: int = _MEMORY_LIMIT,
) -> Splits:
    """Loads an image set by its TFDS name.

    Args:
        name: "digits" (prepared offline on first use), or any TFDS image
            set: "mnist", "fashion_mnist", "cifar10", "celeb_a", ...
        data_dir: folder of prepared sets; default $TFDS_DATA_DIR, then
            ~/tensorflow_datasets.
        download: fetch the set where it is not prepared yet.
        image_size: resize to this side, after a centred square crop. Needed
            for sets whose images differ in size.
        train_images: how many of the training images, the first ones; None
            for all.
        eval_images: likewise of the validation and of the test images.
        memory_limit: bytes; a larger training split is streamed from disk
            and its labels are empty.

    Raises:
        InputError: unknown, missing or unreadable set; wrong image_size, or
            more images than there are.
    """
    if image_size is not None and not (
        isinstance(image_size, numbers.Integral) and 1 <= image_size <= 1024
    ):
        raise errors.InputError(
            f"data.image_size={image_size!r} is out of range: give a side of 1 "
            "to 1024 pixels, or None to keep the size"
        )
    builder = source.open_builder(name, data_dir, download)
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
    train, count = _first("train", 0, count, train_images, "train_images")
    held_split, _ = _first(
        validation, start, sizes["validation"], eval_images, "eval_images"
    )
    test_split, _ = _first("test", 0, sizes["test"], eval_images, "eval_images")
    if count * int(np.prod(shape)) > memory_limit:
        images: Any = streams.Stream(
            lambda: source.examples(builder, train, prepare).map(
                lambda image, _: image
            ),
            (count, *shape),
        )
        labels = np.zeros((0,), np.int64)
    else:
        images, labels = source.read(builder, train, prepare)
    held, held_labels = source.read(builder, held_split, prepare)
    test, test_labels = source.read(builder, test_split, prepare)
    return Splits(name, images, held, test, labels, held_labels, test_labels)


def train_batches(
    images: Any,
    *,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    block: int | None = None,
    numbered: bool = False,
) -> tf.data.Dataset:
    """Endless training batches; the one of step s depends on (seed, s) alone.

    Every epoch is a fresh permutation of the images, evaluated pointwise, so
    a run resumed at any step sees the batches of the uninterrupted run. A
    batch may straddle two epochs: no image is dropped.

    Args:
        images: uint8 [N, H, W, C], or a Stream.
        batch_size: images of a batch.
        seed: integer; one seed, one order.
        first_step: the step that the first element belongs to.
        block: where given, an element is this many batches.
        numbered: whether every image comes with its place in `images`.

    Returns:
        float32 in [0, 1]: [batch, H, W, C], or [block, batch, H, W, C]; or a
        pair of that and of int64 numbers, [batch] or [block, batch].
    """
    for key, value in (("batch_size", batch_size), ("block", block)):
        if value is not None and not (
            isinstance(value, numbers.Integral) and value >= 1
        ):
            raise errors.InputError(
                f"data.{key}={value!r} is out of range: give a whole number, "
                "1 or more"
            )
    if not len(images):
        raise errors.InputError("0 images given: at least 1 is needed")
    shape = (batch_size,) if block is None else (block, batch_size)
    size = batch_size * (block or 1)
    run_seed = seeds.seed(seed)

    def shaped(index, batch):
        scaled = _scale(tf.reshape(batch, (*shape, *images.shape[1:])))
        return (scaled, tf.reshape(index, shape)) if numbered else scaled

    if isinstance(images, streams.Stream):
        rows = images.shuffled(run_seed, first_step * size)
        steps = rows.batch(size, drop_remainder=True)
        return steps.map(shaped).prefetch(2)
    with tf.device("CPU"):
        resident = tf.constant(images)
    count = len(images)

    def element(step):
        index = _shuffled_index(run_seed, step, size, count)
        return shaped(index, tf.gather(resident, index))

    return tf.data.Dataset.counter(first_step).map(element).prefetch(2)


def eval_batches(images: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Every image once, in order: float32 in [0, 1], [<= batch, H, W, C]."""
    rows = tf.data.Dataset.from_tensor_slices(images)
    return rows.batch(batch_size).map(_scale)


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


def take(images: Any, count: int) -> np.ndarray:
    """The first images, uint8 [min(count, N), H, W, C]."""
    is_stream = isinstance(images, streams.Stream)
    return images.take(count) if is_stream else images[:count]


def _shuffled_index(seed, step, size: int, count: int):
    """Row numbers [size] of a step, each in [0, count)."""
    position = step * size + tf.range(size, dtype=tf.int64)
    epochs = position // count
    first, last = epochs[0], epochs[-1]

    def one_epoch(epoch):
        # Only this epoch's share: a block may run over many epochs.
        start = tf.maximum(position[0], epoch * count)
        stop = tf.minimum(position[-1] + 1, (epoch + 1) * count)
        index = tf.range(start, stop) - epoch * count
        folded = seeds.fold_in(seed, tf.cast(epoch, tf.int32))
        return seeds.permuted(index, folded, count)

    def append(epoch, rows):
        return epoch + 1, tf.concat([rows, one_epoch(epoch)], 0)

    with seeds.xla(False):
        _, rows = tf.while_loop(
            lambda epoch, _: epoch <= last,
            append,
            (first, tf.zeros((0,), tf.int64)),
            shape_invariants=(tf.TensorShape(()), tf.TensorShape((None,))),
        )
    return tf.ensure_shape(rows, (size,))


def _scale(images):
    return tf.cast(images, tf.float32) / 255.0


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
