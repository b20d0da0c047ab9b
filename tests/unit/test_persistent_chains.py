"""Chains of the latent prior that go on where an image was last seen."""

import re
from typing import Any

import datasets
import keras
import ml_collections
import numpy as np
import pytest
import tensorflow as tf

import errors
import layers
import train
import zoo
from training import checkpoints

SMALL = {
    "image_shape": (8, 8, 1),
    "latent_dim": 3,
    "filters": 1,
    "energy_units": [8],
    "prior_steps": 2,
    "posterior_steps": 2,
}
ON = {"persistent": True, "num_images": 10}
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 8, 1), np.uint8)


def _build(**changes) -> Any:
    model: Any = zoo.build("latent_energy_prior", **{**SMALL, **ON, **changes})
    model.compile("adam", jit_compile=False)
    return model


def _codes(model):
    return np.asarray(model.persistent_codes.codes.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_images": None}, "persistent=True needs num_images"),
        ({"num_images": 0}, "num_images=0"),
        ({"persistent": 1}, "persistent=1 must be True or False"),
        ({"persistent": False}, "num_images=10 is for persistent=True"),
        ({"estimator": "ti"}, "persistent=True with estimator='ti'"),
    ],
)
def test_a_bad_setting_gets_one_line(changes, message):
    with pytest.raises(errors.InputError, match=re.escape(message)) as caught:
        _build(**changes)
    assert "\n" not in str(caught.value)


def test_without_them_there_is_no_bank():
    model = _build(persistent=False, num_images=None)
    assert model.persistent_codes is None
    assert all(v.shape != (10, 3) for v in model.variables)


def test_numbers_that_are_none_are_refused():
    model = _build()
    for numbers, message in (
        (None, "needs the numbers"),
        (np.zeros(10), "float64 of shape (10,)"),
        (np.zeros([10, 2], int), "int64 of shape (10, 2)"),
        (np.arange(1, 11), "image number 10 is outside the 10"),
        (np.arange(-1, 9), "image number -1 is outside the 10"),
    ):
        with pytest.raises(errors.InputError, match=re.escape(message)) as e:
            model.fit(IMAGES, numbers, batch_size=5, verbose=0)
        assert "\n" not in str(e.value)


def test_a_bank_of_another_size_than_the_data_is_refused(tmp_path):
    config = ml_collections.ConfigDict(
        {
            "model": {"name": "latent_energy_prior", **SMALL, **ON},
            "data": {"name": "digits"},
            "training": {"steps": 1, "report_every": 1},
        }
    )
    with pytest.raises(errors.InputError, match="is not the 1297") as caught:
        train.train(config, tmp_path / "run", data_dir=str(tmp_path))
    assert "config.model.num_images=10" in str(caught.value)


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


def test_a_step_moves_the_chains_of_its_images_and_resumes_exactly(tmp_path):
    """All that a step leaves is in a checkpoint, the chains included."""

    def batches(first):
        return datasets.train_batches(
            IMAGES, batch_size=4, seed=0, first_step=first, numbered=True
        )

    def steps(model, first, number):
        run = tf.function(model.train_step, autograph=False)
        for batch in batches(first).take(number):
            run(batch)

    whole, halves, resumed = _build(), _build(), _build()
    np.testing.assert_array_equal(_codes(whole), _codes(halves))
    steps(whole, 0, 6)
    before = _codes(halves).copy()
    steps(halves, 0, 1)
    moved = np.abs(_codes(halves) - before).max(1) > 0
    (_, numbers), *_ = batches(0).take(1)
    assert set(np.flatnonzero(moved)) == set(np.asarray(numbers))
    steps(halves, 1, 2)
    checkpoints.Checkpoints(halves, tmp_path).save(3)
    assert checkpoints.Checkpoints(resumed, tmp_path).restore() == 3
    steps(resumed, 3, 3)
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    # The control: without the bank of the checkpoint it is another run.
    forgotten = _build()
    checkpoints.Checkpoints(forgotten, tmp_path).restore()
    forgotten.persistent_codes.codes.assign(before)
    steps(forgotten, 3, 3)
    assert np.abs(_codes(forgotten) - _codes(whole)).max() > 1e-3


def test_it_is_saved_with_the_model_and_not_served(tmp_path):
    model = _build()
    model.save(tmp_path / "model.keras")
    loaded: Any = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(_codes(loaded), _codes(model))
    bank = model.persistent_codes.codes.value
    model.fit_prior(IMAGES)
    functions = model.serving_functions()
    for name in ("generate", "reconstruct", "energy"):
        used = functions[name].get_concrete_function().variables
        assert used and all(variable is not bank for variable in used)
