"""Data: the sets, their splits, and batches as a function of the step."""

import pathlib
import shutil
import time

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import errors
import sources
import zoo
from sources import streams

_MNIST = pathlib.Path(__file__).parents[2].parent / "shared" / "tfds"


@pytest.fixture(scope="module")
def digits_dir(tmp_path_factory):
    return str(tmp_path_factory.mktemp("tfds"))


@pytest.fixture(scope="module")
def digits(digits_dir):
    return sources.load("digits", data_dir=digits_dir)


def _numbers(count):
    """Images that carry their own row number."""
    rows = np.arange(count, dtype=np.uint8)
    return np.tile(rows[:, None, None, None], (1, 2, 2, 1))


def _rows(element):
    return np.rint(np.asarray(element)[..., 0, 0, 0] * 255).astype(int)


def _batches(count, steps=8, **options):
    stream = sources.batches(_numbers(count), **options)
    return [_rows(element) for element in stream.take(steps)]


def test_digits_are_real_and_split(digits):
    sizes = [len(digits.train), len(digits.validation), len(digits.test)]
    assert sizes == [1297, 250, 250]
    assert digits.spec.shape == (8, 8, 1)
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
    again = sources.load("digits", data_dir=digits_dir)
    np.testing.assert_array_equal(again.train, digits.train)
    np.testing.assert_array_equal(again.train_labels, digits.train_labels)


def test_mnist_has_the_papers_split():
    """50,000 / 10,000 / 10,000; few of them are read."""
    if not _MNIST.is_dir():
        pytest.skip(f"MNIST is not prepared in {_MNIST}")
    folder = str(_MNIST)
    with pytest.raises(errors.InputError, match="of 50000 images"):
        sources.load("mnist", data_dir=folder, train_examples=50_001)
    with pytest.raises(errors.InputError, match="of 10000 images"):
        sources.load("mnist", data_dir=folder, eval_examples=10_001)
    data = sources.load(
        "mnist", data_dir=folder, train_examples=3, eval_examples=5
    )
    assert data.spec == zoo.DataSpec("image", (28, 28, 1), 3)
    parts = {"train[:3]": "train", "train[50000:50005]": "validation"}
    for split, name in {**parts, "test[:5]": "test"}.items():
        read = tfds.load("mnist", data_dir=folder, split=split)
        rows = list(tfds.as_numpy(read))
        for key, column in ((name, "image"), (f"{name}_labels", "label")):
            expected = [row[column] for row in rows]
            np.testing.assert_array_equal(getattr(data, key), expected)


def test_a_part_of_a_set_is_its_first_images(digits, digits_dir):
    part = sources.load(
        "digits", data_dir=digits_dir, train_examples=100, eval_examples=20
    )
    np.testing.assert_array_equal(part.train, digits.train[:100])
    np.testing.assert_array_equal(part.train_labels, digits.train_labels[:100])
    np.testing.assert_array_equal(part.validation, digits.validation[:20])
    np.testing.assert_array_equal(part.test, digits.test[:20])


@pytest.mark.parametrize("key", ["train_examples", "eval_examples"])
@pytest.mark.parametrize("number", [0, 1298])
def test_more_examples_than_there_are_is_refused(key, number, digits_dir):
    with pytest.raises(errors.InputError, match=f"data.{key}={number} of"):
        sources.load("digits", data_dir=digits_dir, **{key: number})


def test_resizing(digits_dir):
    data = sources.load("digits", data_dir=digits_dir, image_size=16)
    assert data.spec.shape == (16, 16, 1)
    assert data.test.dtype == np.uint8


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


def test_several_batches_of_a_step_are_in_order():
    singles = _batches(50, steps=12, batch_size=7, seed=3)
    blocks = _batches(50, steps=3, batch_size=7, seed=3, batches_per_step=4)
    np.testing.assert_array_equal(np.reshape(singles, (3, 4, 7)), blocks)


@pytest.mark.parametrize("several", [1, 2])
def test_examples_may_come_with_their_places_and_labels(several):
    options = {"batch_size": 7, "seed": 3, "batches_per_step": several}
    columns = ("x", "index", "label")
    labels = 100 + np.arange(50)
    stream = sources.batches(
        _numbers(50), columns=columns, labels=labels, **options
    )
    plain = _batches(50, steps=9, **options)
    for found, rows in zip(stream.take(9), plain, strict=True):
        x, index, label = found
        np.testing.assert_array_equal(_rows(x), rows)
        np.testing.assert_array_equal(index, rows)
        np.testing.assert_array_equal(label, 100 + rows)


def test_batches_are_scaled_floats():
    element = next(iter(sources.batches(_numbers(9), batch_size=3, seed=0)))
    assert element.shape == (3, 2, 2, 1)
    assert element.dtype == np.float32
    assert float(np.max(element)) <= 8 / 255 + 1e-6


def test_eval_batches_give_each_image_once():
    batches = [_rows(b) for b in sources.eval_batches(_numbers(10), 4)]
    assert [len(b) for b in batches] == [4, 4, 2]
    assert np.concatenate(batches).tolist() == list(range(10))


def test_a_large_set_is_streamed(digits, digits_dir):
    data = sources.load("digits", data_dir=digits_dir, memory_limit=1000)
    assert isinstance(data.train, streams.Stream)
    assert data.train.shape == digits.train.shape
    assert data.spec == digits.spec and len(data.train_labels) == 0
    for images in (data.train, digits.train):
        np.testing.assert_array_equal(images[:5], digits.train[:5])
        np.testing.assert_array_equal(images[7:3000:99], digits.train[7::99])


def test_a_stream_is_ordered_by_step():
    rows = _numbers(130)
    stream = streams.Stream(
        lambda: tf.data.Dataset.from_tensor_slices(rows), rows.shape
    )

    def steps(count, first, columns=("x", "index")):
        found = sources.batches(
            stream, batch_size=10, seed=2, first_step=first, columns=columns
        )
        return list(found.take(count).as_numpy_iterator())

    straight = [_rows(x) for x, _ in steps(26, 0)]  # two epochs
    epochs = [np.concatenate(straight[i : i + 13]) for i in (0, 13)]
    for epoch in epochs:
        assert sorted(epoch) == list(range(130))
    assert (epochs[0] != epochs[1]).sum() > 100
    # The order depends on no global seed; 0 is one that tf.data chokes on.
    for other in (0, 5):
        tf.random.set_seed(other)
        for step, (x, places) in enumerate(steps(3, 13), 13):
            np.testing.assert_array_equal(_rows(x), straight[step])
            np.testing.assert_array_equal(places, straight[step])


def _refused(**arguments):
    start = time.monotonic()
    with pytest.raises(errors.InputError) as caught:
        sources.load(**arguments)
    assert time.monotonic() - start < 5
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "name", ["fashion_mnist", "svhn_cropped", "cifar10", "celeb_a"]
)
def test_sets_of_the_configs_are_known_and_named_with_a_command(name, tmp_path):
    with pytest.raises(errors.InputError, match=f"tfds build {name} --data"):
        sources.load(name, data_dir=str(tmp_path))


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


def test_a_truncated_file_is_refused(digits, digits_dir, tmp_path):
    shutil.copytree(digits_dir, tmp_path, dirs_exist_ok=True)
    (record,) = tmp_path.rglob("digits-test.tfrecord*")
    record.write_bytes(record.read_bytes()[:-40])
    message = _refused(name="digits", data_dir=str(tmp_path))
    assert "delete that folder" in message


@pytest.mark.parametrize("value", [0, 2.5, "a"])
@pytest.mark.parametrize("key", ["batch_size", "batches_per_step"])
def test_batch_sizes_are_checked(key, value):
    options = {"batch_size": 4, "seed": 0, key: value}
    with pytest.raises(errors.InputError, match=f"data.{key}={value!r}"):
        sources.batches(_numbers(9), **options)


def test_batches_of_nothing_are_refused():
    with pytest.raises(errors.InputError, match="0 examples"):
        sources.batches(_numbers(0), batch_size=4, seed=0)


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": ("x", "indx")}, "'indx' is unknown: did you mean 'index'"),
        ({"columns": ("x", "label")}, "0 labels of 9 examples"),
        ({"columns": ("label",), "labels": [1, 2]}, "2 labels of 9 examples"),
    ],
)
def test_columns_are_checked(arguments, message):
    with pytest.raises(errors.InputError, match=message):
        sources.batches(_numbers(9), batch_size=4, seed=0, **arguments)


def test_points_are_batched_as_they_are():
    points = np.random.default_rng(0).normal(size=(9, 2)).astype(np.float32)
    x = next(iter(sources.batches(points, batch_size=90, seed=0)))
    assert x.shape == (90, 2) and x.dtype == np.float32
    assert set(map(tuple, x.numpy())) == set(map(tuple, points))
    (held,) = sources.eval_batches(points, 10)
    np.testing.assert_array_equal(held, points)


def test_an_array_is_split_by_its_seed():
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    labels = np.arange(50)
    data = sources.from_arrays(x, labels=labels, seed=1)
    assert data.spec == zoo.DataSpec("points", (3,), 40)
    parts = [data.train_labels, data.validation_labels, data.test_labels]
    assert [len(part) for part in parts] == [40, 5, 5]
    assert sorted(np.concatenate(parts)) == list(range(50))
    for rows, chosen in zip(data[2:5], parts, strict=True):
        np.testing.assert_array_equal(rows, x[chosen])
    again, other = (
        sources.from_arrays(x, labels=labels, seed=seed) for seed in (1, 2)
    )
    np.testing.assert_array_equal(again.test_labels, data.test_labels)
    assert set(other.test_labels) != set(data.test_labels)


def test_an_array_takes_the_parts_that_are_given():
    images, test = _numbers(20), _numbers(4)
    data = sources.from_arrays(images, test=test)
    assert data.spec == zoo.DataSpec("image", (2, 2, 1), 18)
    assert data.train.dtype == np.uint8 and len(data.validation) == 2
    np.testing.assert_array_equal(data.test, test)
    assert set(data.train_labels) == set(data.test_labels) == {-1}
    whole = sources.from_arrays(images, validation=test, test=test)
    np.testing.assert_array_equal(whole.train, images)
    signs = 2.0 * (images[..., 0] % 2) - 1
    spins = sources.from_arrays(signs, "spins")
    assert spins.spec == zoo.DataSpec("spins", (2, 2), 16)
    # They take the place of a data set wherever there is one.
    batch = next(iter(sources.batches(spins.train, batch_size=4, seed=0)))
    assert set(np.unique(batch)) == {-1, 1}


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        (np.zeros((9, 2, 2)), {}, "name its kind, one of image, points"),
        (np.zeros((9, 2)), {"kind": "point"}, "did you mean 'points'"),
        (np.zeros((9, 2)), {"kind": "image"}, "not the shape of images"),
        (np.full((9, 2), np.nan), {}, "look for NaN"),
        (np.full((9, 2, 2, 1), 9.0), {}, "do not lie from 0 to 1"),
        (np.zeros((9, 2)), {"labels": [1]}, "do not fit 9 points"),
        (np.zeros((9, 2)), {"test": np.zeros((9, 3))}, "do not fit the model"),
        (np.zeros((2, 2)), {}, "2 points are too few"),
        (np.zeros((9, 2)), {"seed": -1}, "seed=-1"),
    ],
)
def test_arrays_are_checked(x, arguments, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        sources.from_arrays(x, **arguments)
    assert "\n" not in str(caught.value)
