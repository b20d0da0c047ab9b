"""Chains of the latent prior that go on where an image was last seen."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
import sources
import zoo
from tests.small_latent import build

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), np.uint8)


def _build() -> Any:
    model = build(
        data=zoo.DataSpec("image", (8, 8, 1), len(IMAGES)), persistent=True
    )
    model.compile("adam")
    return model


def _codes(model):
    return np.asarray(model.persistent_codes.codes.value)


def test_only_persistent_chains_need_places_and_one_device():
    model = _build()
    assert model.columns == ("x", "index") and model.max_replicas == 1
    plain = build()
    assert plain.columns == ("x",) and plain.max_replicas is None
    assert plain.persistent_codes is None


def test_the_bank_keeps_the_last_code_of_an_image():
    bank = layers.PersistentCodes(300, 2, 0.5, seed=0)
    first = np.asarray(bank.codes.value)
    assert first.std() == pytest.approx(0.5, rel=0.1)
    numbers = tf.constant([7, 2, 7, 9], tf.uint16)
    write = tf.function(bank.write, autograph=False)
    codes = tf.reshape(tf.range(8, dtype=tf.float32), [4, 2])
    write(numbers, codes)
    found = np.asarray(bank.codes.value)
    np.testing.assert_array_equal(found[[2, 7, 9]], [[2, 3], [4, 5], [6, 7]])
    others = np.delete(np.arange(300), [2, 7, 9])
    np.testing.assert_array_equal(found[others], first[others])
    np.testing.assert_array_equal(bank.read(numbers), found[[7, 2, 7, 9]])


def test_a_step_moves_the_chains_of_its_images_from_where_they_are():
    model = _build()
    model.compile(keras.optimizers.SGD(0.0))
    columns = model.columns
    batches = sources.batches(IMAGES, batch_size=4, seed=0, columns=columns)
    (batch,) = batches.take(1)
    step = tf.function(model.train_step, autograph=False)

    def ends(start):
        model.persistent_codes.codes.assign(start)
        model.draw_count.assign(0)
        step(batch)
        return _codes(model).copy()

    before = _codes(model).copy()
    after = ends(before)
    moved = np.abs(after - before).max(1) > 0
    assert set(np.flatnonzero(moved)) == set(np.asarray(batch[1]))
    # The draws are the same, and the start is another.
    np.testing.assert_array_equal(ends(before), after)
    assert np.abs(ends(before + 1.0) - after)[moved].min() > 1e-3


def test_it_is_saved_with_the_model_and_not_served(tmp_path):
    model = _build()
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(_codes(loaded), _codes(model))
    bank = model.persistent_codes.codes.value
    functions = model.serving_functions()
    for name in ("generate", "reconstruct", "energy"):
        used = functions[name].function.get_concrete_function().variables
        assert used and all(variable is not bank for variable in used)
