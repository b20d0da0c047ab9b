"""Data: the sets, their splits, and batches as a function of the step."""

import pathlib
import time

import numpy as np
import pytest
import tensorflow as tf

import datasets
import errors
from datasets import streams

_MNIST = pathlib.Path(__file__).parents[2].parent / "shared" / "tfds"


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("tfds"))


@pytest.fixture(scope="module")
def digits(digits_dir):
    return datasets.load("digits", data_dir=digits_dir)


def _numbers(count):
    """Images that carry their own row number."""
    rows = np.arange(count, dtype=np.uint8)
    return np.tile(rows[:, None, None, None], (1, 2, 2, 1))


def _rows(element):
    return np.rint(np.asarray(element)[..., 0, 0, 0] * 255).astype(int)


def _batches(count, steps=8, **options):
    stream = datasets.train_batches(_numbers(count), **options)
    return [_rows(element) for element in stream.take(steps)]


def test_digits_are_real_and_split(digits):
    sizes = [len(digits.train), len(digits.validation), len(digits.test)]
    assert sizes == [1297, 250, 250]
    assert digits.image_shape == (8, 8, 1)
    assert digits.train.dtype == np.uint8
    assert digits.train.max() == 255 and digits.train.min() == 0
    assert set(digits.test_labels) == set(range(10))
    everything = np.concatenate([digits.train, digits.validation, digits.test])
    # The average ink of scikit-learn's digits is 4.884 of 16.
    np.testing.assert_allclose(everything.mean() * 16 / 255, 4.884, atol=1e-2)


def test_digits_splits_do_not_overlap(digits):
    train = {row.tobytes() for row in digits.train}
    test = {row.tobytes() for row in digits.test}
    assert not train & test


def test_digits_are_read_by_name_once_prepared(digits, digits_dir):
    again = datasets.load("digits", data_dir=digits_dir)
    np.testing.assert_array_equal(again.train, digits.train)
    np.testing.assert_array_equal(again.train_labels, digits.train_labels)


def test_mnist_has_the_papers_split():
    if not _MNIST.is_dir():
        pytest.skip(f"MNIST is not prepared in {_MNIST}")
    splits = datasets.load("mnist", data_dir=str(_MNIST))
    sizes = [len(splits.train), len(splits.validation), len(splits.test)]
    assert sizes == [50_000, 10_000, 10_000]
    assert splits.image_shape == (28, 28, 1)
    counts = np.bincount(splits.train_labels) + np.bincount(
        splits.validation_labels
    )
    assert counts.tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]


def test_a_part_of_a_set_is_its_first_images(digits, digits_dir):
    part = datasets.load(
        "digits", data_dir=digits_dir, train_images=100, eval_images=20
    )
    np.testing.assert_array_equal(part.train, digits.train[:100])
    np.testing.assert_array_equal(part.train_labels, digits.train_labels[:100])
    np.testing.assert_array_equal(part.validation, digits.validation[:20])
    np.testing.assert_array_equal(part.test, digits.test[:20])


@pytest.mark.parametrize("key", ["train_images", "eval_images"])
@pytest.mark.parametrize("number", [0, 1298])
def test_more_images_than_there_are_is_refused(key, number, digits_dir):
    with pytest.raises(errors.InputError, match=f"data.{key}={number} of"):
        datasets.load("digits", data_dir=digits_dir, **{key: number})


def test_resizing(digits_dir):
    splits = datasets.load("digits", data_dir=digits_dir, image_size=16)
    assert splits.image_shape == (16, 16, 1)
    assert splits.test.dtype == np.uint8


def test_every_epoch_is_a_permutation():
    batches = _batches(12, steps=9, batch_size=4, seed=1)
    epochs = np.reshape(batches, (3, 12))
    for epoch in epochs:
        assert sorted(epoch) == list(range(12))
    assert not np.array_equal(epochs[0], epochs[1])


def test_batches_straddle_epochs_without_loss():
    rows = np.concatenate(_batches(10, steps=10, batch_size=4, seed=1))
    for epoch in rows.reshape(4, 10):
        assert sorted(epoch) == list(range(10))


def test_a_batch_larger_than_the_set():
    rows = np.concatenate(_batches(5, steps=2, batch_size=20, seed=1))
    for epoch in rows.reshape(8, 5):
        assert sorted(epoch) == list(range(5))


def test_a_step_depends_on_seed_and_step_alone():
    straight = _batches(50, steps=9, batch_size=7, seed=3)
    resumed = _batches(50, steps=4, batch_size=7, seed=3, first_step=5)
    np.testing.assert_array_equal(straight[5:], resumed)
    other = _batches(50, steps=9, batch_size=7, seed=4)
    assert not np.array_equal(straight, other)


def test_a_block_is_its_batches_in_order():
    singles = _batches(50, steps=12, batch_size=7, seed=3)
    blocks = _batches(50, steps=3, batch_size=7, seed=3, block=4)
    np.testing.assert_array_equal(np.reshape(singles, (3, 4, 7)), blocks)


@pytest.mark.parametrize("block", [None, 2])
def test_images_may_come_with_their_numbers(block):
    options = {"batch_size": 7, "seed": 3, "block": block}
    stream = datasets.train_batches(_numbers(50), numbered=True, **options)
    plain = _batches(50, steps=9, **options)
    for (images, numbers), rows in zip(stream.take(9), plain, strict=True):
        np.testing.assert_array_equal(_rows(images), rows)
        np.testing.assert_array_equal(numbers, rows)


def test_batches_are_scaled_floats():
    element = next(
        iter(datasets.train_batches(_numbers(9), batch_size=3, seed=0))
    )
    assert element.shape == (3, 2, 2, 1)
    assert element.dtype == np.float32
    assert float(np.max(element)) <= 8 / 255 + 1e-6


def test_eval_batches_give_each_image_once():
    batches = [_rows(b) for b in datasets.eval_batches(_numbers(10), 4)]
    assert [len(b) for b in batches] == [4, 4, 2]
    assert np.concatenate(batches).tolist() == list(range(10))


def test_a_large_set_is_streamed_by_step(digits, digits_dir):
    splits = datasets.load("digits", data_dir=digits_dir, memory_limit=1000)
    assert isinstance(splits.train, streams.Stream)
    assert splits.train.shape == digits.train.shape
    for images in (splits.train, digits.train):
        first = datasets.take(images, 5)
        np.testing.assert_array_equal(first, digits.train[:5])

    def steps(count, first):
        stream = datasets.train_batches(
            splits.train, batch_size=100, seed=2, first_step=first
        )
        return np.stack(list(stream.take(count).as_numpy_iterator()))

    straight = steps(16, 0)  # beyond the first epoch
    np.testing.assert_array_equal(straight[13:], steps(3, 13))
    # The order depends on no global seed; 0 is one that tf.data chokes on.
    for other in (0, 5):
        tf.random.set_seed(other)
        np.testing.assert_array_equal(straight[13:], steps(3, 13))
    seen = {row.tobytes() for row in straight.reshape(1600, 64)[:1297]}
    rows = digits.train.astype(np.float32) / np.float32(255)
    every = rows.reshape(1297, 64)
    assert seen == {row.tobytes() for row in every}
    numbered = datasets.train_batches(
        splits.train, batch_size=100, seed=2, first_step=13, numbered=True
    )
    images, numbers = next(iter(numbered))
    np.testing.assert_array_equal(images, straight[13])
    np.testing.assert_array_equal(images, rows[np.asarray(numbers)])


def _refused(**arguments):
    start = time.monotonic()
    with pytest.raises(errors.InputError) as caught:
        datasets.load(**arguments)
    assert time.monotonic() - start < 5
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "name", ["fashion_mnist", "svhn_cropped", "cifar10", "celeb_a"]
)
def test_sets_of_the_configs_are_known_and_named_with_a_command(name, tmp_path):
    with pytest.raises(errors.InputError, match=f"tfds build {name} --data"):
        datasets.load(name, data_dir=str(tmp_path))


def test_a_missing_set_is_refused_with_the_command(tmp_path):
    message = _refused(name="fashion_mnist", data_dir=str(tmp_path))
    assert "--download" in message
    assert f"tfds build fashion_mnist --data_dir={tmp_path}" in message
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_set_is_refused_with_the_nearest_name(tmp_path):
    message = _refused(name="fashon_mnist", data_dir=str(tmp_path))
    assert "'fashion_mnist'" in message
    assert "'digits'" in _refused(name="digit", data_dir=str(tmp_path))


def test_a_data_dir_that_is_a_file_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("not a folder")
    assert "data_dir" in _refused(name="digits", data_dir=str(path))


def test_a_truncated_file_is_refused(tmp_path):
    datasets.load("digits", data_dir=str(tmp_path))
    (record,) = tmp_path.rglob("digits-test.tfrecord*")
    record.write_bytes(record.read_bytes()[:-40])
    message = _refused(name="digits", data_dir=str(tmp_path))
    assert "delete that folder" in message


@pytest.mark.parametrize("value", [0, 2.5, "a"])
@pytest.mark.parametrize("key", ["batch_size", "block"])
def test_batch_sizes_are_checked(key, value):
    options = {"batch_size": 4, "seed": 0, key: value}
    with pytest.raises(errors.InputError, match=f"data.{key}={value!r}"):
        datasets.train_batches(_numbers(9), **options)


def test_batches_of_nothing_are_refused():
    with pytest.raises(errors.InputError, match="0 images"):
        datasets.train_batches(_numbers(0), batch_size=4, seed=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": None}, "data.name=None"),
        ({"name": "mnist:9.9.9"}, "'mnist:9.9.9'"),
        ({"name": "digits", "image_size": 2.5}, "image_size=2.5"),
        ({"name": "digits", "image_size": "a"}, "image_size='a'"),
    ],
)
def test_arguments_of_load_are_checked(arguments, message, tmp_path):
    assert message in _refused(data_dir=str(tmp_path), **arguments)
