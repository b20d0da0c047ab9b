"""Extractors of features, and what fidelity says by them of real digits."""

import pathlib
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import datasets as sklearn_datasets

import errors
import metrics
from metrics import classifier


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images uint8 [N, 8, 8, 1] in random order, and labels."""
    pixels, labels = sklearn_datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    images = np.round(pixels[order] * 255 / 16).astype(np.uint8)
    return images.reshape(-1, 8, 8, 1), labels[order]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> pathlib.Path:
    return tmp_path_factory.mktemp("extractors")


@pytest.fixture(scope="module")
def extractor(digits, folder) -> metrics.Extractor:
    return trained(digits, folder)


@pytest.fixture
def untrained(monkeypatch) -> None:
    """ConvNets are saved as they start: for tests of their files alone."""
    monkeypatch.setattr(classifier, "_train", lambda *_: None)


def trained(digits, folder) -> metrics.Extractor:
    images, labels = digits[0][:797], digits[1][:797]
    return metrics.convnet("digits", images, labels, folder, epochs=40)


def test_features_tell_the_digits_apart(digits, extractor):
    images, labels = digits
    train, test = (extractor.features(x) for x in (images[:797], images[797:]))
    assert train.shape == (797, 64)
    assert np.mean(train**2) == pytest.approx(1.0, rel=1e-5)
    read = metrics.knn_accuracy(train, labels[:797], test, labels[797:])
    assert read > 0.9
    # Control: those of other labels do not.
    wrong = np.random.default_rng(0).permutation(labels[:797])
    assert metrics.knn_accuracy(train, wrong, test, labels[797:]) < 0.2


def test_it_is_trained_once(digits, folder, extractor):
    images, _ = digits
    (path,) = folder.glob("*.weights.h5")
    written = path.stat().st_mtime_ns
    again = trained(digits, folder)
    assert path.stat().st_mtime_ns == written
    assert again.name == extractor.name
    assert re.fullmatch("ConvNet [0-9a-f]{8} of digits 8x8x1", again.name)
    np.testing.assert_allclose(
        again.features(images), extractor.features(images), rtol=1e-5
    )


def test_other_images_or_labels_of_equal_number_are_another(
    digits, untrained, tmp_path
):
    images, labels = digits
    sets = [
        (images[:99], labels[:99]),
        (images[99:198], labels[99:198]),
        (images[:99], labels[99:198]),
    ]
    names = [
        metrics.convnet("digits", *one, tmp_path, epochs=1).name for one in sets
    ]
    assert len(set(names)) == len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_is_told(digits, untrained, tmp_path):
    images, labels = digits
    (tmp_path / "file").touch()
    with pytest.raises(errors.InputError, match="cannot be written") as said:
        metrics.convnet(
            "digits", images[:50], labels[:50], tmp_path / "file", epochs=1
        )
    assert "\n" not in str(said.value)


@pytest.mark.parametrize(("number", "epochs"), [(50_000, 3), (800, 160)])
def test_few_images_are_seen_more_often(number, epochs, tmp_path, monkeypatch):
    class Asked(Exception):
        pass

    def load(path, images, labels, epochs):
        raise Asked(epochs)

    monkeypatch.setattr(classifier, "load", load)
    images = np.zeros((number, 8, 8, 1), np.uint8)
    with pytest.raises(Asked, match=f"^{epochs}$"):
        metrics.convnet("x", images, np.zeros(number, int), tmp_path)


def test_whole_grey_values_and_shares_of_ink_are_one(digits, extractor):
    images = digits[0][:20]
    np.testing.assert_allclose(
        extractor.features(images / np.float32(255)),
        extractor.features(images),
        rtol=1e-4,
        atol=1e-6,
    )


def test_fidelity_of_real_and_of_spoilt_digits(digits, extractor):
    images = digits[0][797:]
    near = metrics.fidelity(extractor, images[:500], images[500:])
    assert set(near) == {"fid", "fid_infinity", "kid", "precision", "recall"}
    assert abs(near["kid"].estimate) < 3 * near["kid"].standard_error
    assert near["fid_infinity"].estimate < near["fid"].estimate
    noise = np.random.default_rng(1).integers(0, 60, images[:500].shape)
    spoilt = np.clip(images[:500].astype(int) + noise, 0, 255).astype(np.uint8)
    far = metrics.fidelity(extractor, spoilt, images[500:])
    for metric in ("fid", "fid_infinity", "kid"):
        gap = far[metric].estimate - near[metric].estimate
        assert gap > 3 * far[metric].standard_error, metric
    for metric in ("precision", "recall"):
        assert far[metric].estimate < near[metric].estimate - 0.1
    # RBF: another number of the same sign.
    other = metrics.fidelity(
        extractor, spoilt, images[500:], kernel="rbf", sizes=[100, 500]
    )
    assert 0 < other["kid"].estimate != far["kid"].estimate
    gap = other["fid_infinity"].estimate - far["fid_infinity"].estimate
    assert gap != 0 and other["fid"] == far["fid"]


def test_each_number_prints_with_what_it_is_from():
    measured = metrics.Fidelity("kid", 0.012344, 0.00123, 4500, "InceptionV3")
    expected = "kid 0.01234 +- 0.0012 (n = 4500, InceptionV3)"
    assert str(measured) == f"{measured}" == expected


@pytest.mark.parametrize("labels", [np.full(9, -1), np.zeros(0, int)])
def test_a_set_without_labels_is_told_the_remedy(labels, tmp_path):
    images = np.zeros((9, 16, 16, 3), np.uint8)
    with pytest.raises(
        errors.InputError, match="'celeba' has no label"
    ) as said:
        metrics.convnet("celeba", images, labels, tmp_path)
    line = str(said.value)
    assert "InceptionV3" in line and "metrics.inception" in line
    assert "\n" not in line
    assert not list(tmp_path.iterdir())


def test_images_of_another_size_are_refused(extractor):
    with pytest.raises(errors.InputError, match=r"\(16, 16, 1\) do not fit"):
        extractor.features(np.zeros((2, 16, 16, 1), np.uint8))


def test_a_spoilt_file_is_refused(digits, untrained, tmp_path):
    images, labels = digits
    metrics.convnet("digits", images[:50], labels[:50], tmp_path, epochs=1)
    (path,) = tmp_path.iterdir()
    path.write_text("no weights")
    with pytest.raises(errors.InputError, match="delete it"):
        metrics.convnet("digits", images[:50], labels[:50], tmp_path, epochs=1)


def test_missing_inception_weights_come_with_the_command(tmp_path):
    with pytest.raises(errors.InputError, match="curl -LO https://") as said:
        metrics.inception(tmp_path / "absent.h5")
    assert "absent.h5" in str(said.value) and "\n" not in str(said.value)


@pytest.mark.slow
def test_inception_from_a_file(tmp_path):
    """Untrained weights, saved and loaded: the network and its inputs."""
    path = tmp_path / "inception.weights.h5"
    options: Any = {"weights": None, "include_top": False, "pooling": "avg"}
    network = keras.applications.InceptionV3(**options)
    network.save_weights(path)
    extractor = metrics.inception(path)
    grey = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 1), np.uint8)
    found = extractor.features(grey)
    assert found.shape == (3, 2048)
    colour = np.repeat(grey / np.float32(255), 3, -1)
    resized = tf.image.resize(colour, (299, 299))
    # Keras's own preparation of whole grey values.
    prepared = keras.applications.inception_v3.preprocess_input(
        255 * resized.numpy()
    )
    np.testing.assert_allclose(
        found, network(prepared).numpy(), rtol=1e-3, atol=1e-5
    )
    with pytest.raises(errors.InputError, match="neither grey nor colour"):
        extractor.features(np.zeros((1, 28, 28, 2), np.uint8))
    path.write_text("no weights")
    with pytest.raises(errors.InputError, match="does not hold"):
        metrics.inception(path)
