"""One table of models, one test per property of the contract."""

import importlib.util
import pathlib
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from samplers import seeds

# Test folders are not packages: the table is loaded by its path.
_SPEC = importlib.util.spec_from_file_location(
    "contract_models", pathlib.Path(__file__).with_name("models.py")
)
assert _SPEC and _SPEC.loader
models = importlib.util.module_from_spec(_SPEC)
sys.modules["contract_models"] = models
_SPEC.loader.exec_module(models)

every_case = pytest.mark.parametrize(
    "case", models.CASES, ids=lambda case: case.label
)
_FITTED: dict = {}


@pytest.fixture
def fitted(case):
    """A model with a prior, trained for a moment; shared, do not train it."""
    if case.label not in _FITTED:
        model = case.build()
        case.fit(model, steps=4)
        model.fit_prior(case.images())
        _FITTED[case.label] = model
    return _FITTED[case.label]


def weights_of(model) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.variables]


def _unnamed(config: dict) -> dict:
    return {key: value for key, value in config.items() if key != "name"}


def assert_equal_weights(first, second) -> None:
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_registered_model_is_in_the_table():
    assert {case.name for case in models.CASES} == set(zoo.names())


@every_case
def test_generates_images_that_its_seed_fixes(case, fitted):
    images = fitted.generate(5, seed=7)
    assert images.shape == (5, *case.shape)
    assert np.min(images) >= 0 and np.max(images) <= 1
    np.testing.assert_array_equal(images, fitted.generate(5, seed=7))
    assert np.abs(images - fitted.generate(5, seed=8)).max() > 1e-4
    assert np.abs(images[0] - images[1]).max() > 1e-4


@every_case
def test_generates_more_than_one_chunk(case, fitted):
    many = fitted.generate(300, seed=1)
    assert many.shape == (300, *case.shape)
    np.testing.assert_allclose(many[:3], fitted.generate(3, seed=1), atol=1e-5)


@every_case
def test_a_row_depends_on_its_own_seed_alone(case, fitted):
    rows = tf.constant([[3, 1], [-5, 2], [3, 9]], tf.int32)
    together = fitted.generate_rows(rows)
    turned = fitted.generate_rows(rows[::-1])
    np.testing.assert_allclose(together, turned[::-1], atol=1e-6)
    for index in range(3):
        alone = fitted.generate_rows(rows[index : index + 1])
        np.testing.assert_allclose(alone[0], together[index], atol=1e-5)


@every_case
def test_options_may_differ_by_row(case, fitted):
    rows = seeds.rows(4, 3)
    options = {case.option: tf.constant([0.0, 1.0, 4.0])}
    mixed = fitted.generate_rows(rows, **options)
    for index, value in enumerate([0.0, 1.0, 4.0]):
        alone = fitted.generate_rows(rows, **{case.option: value})
        np.testing.assert_allclose(mixed[index], alone[index], atol=1e-5)
    assert np.abs(mixed - fitted.generate_rows(rows)).max() > 1e-5


@every_case
def test_keras_file_round_trip(case, fitted, tmp_path):
    path = tmp_path / "model.keras"
    fitted.save(path)
    loaded: Any = keras.models.load_model(path)
    assert type(loaded) is type(fitted)
    assert loaded.get_config() == fitted.get_config()
    assert_equal_weights(weights_of(fitted), weights_of(loaded))
    np.testing.assert_array_equal(
        fitted.generate(3, seed=2), loaded.generate(3, seed=2)
    )


@every_case
def test_weights_file_round_trip(case, fitted, tmp_path):
    path = tmp_path / "model.weights.h5"
    fitted.save_weights(path)
    other = zoo.build(case.name, **{**case.arguments, "seed": 1})
    other.load_weights(path)
    assert_equal_weights(weights_of(fitted), weights_of(other))


@every_case
def test_config_is_the_constructors_arguments(case, fitted):
    config = fitted.get_config()
    assert set(case.arguments) <= set(config)
    for key, value in case.arguments.items():
        given = list(value) if isinstance(value, tuple) else value
        assert config[key] == given
    again = zoo.build(case.name, **_unnamed(config))
    assert _unnamed(again.get_config()) == _unnamed(config)


@every_case
def test_signatures_have_a_batch_axis_everywhere(case, fitted):
    functions = fitted.serving_functions()
    wanted = "generate generate_with reconstruct encode decode interpolate"
    assert set(functions) == {*wanted.split(), *case.more}
    for name, function in functions.items():
        concrete = function.get_concrete_function()
        assert not concrete.function_def.attr["_XlaMustCompile"].b
        inputs, _ = concrete.structured_input_signature
        outputs = concrete.structured_outputs
        assert isinstance(outputs, dict)
        for spec in [*inputs, *outputs.values()]:
            assert spec.shape.rank >= 1, name
            assert spec.shape[0] is None, name
        assert all(spec.name for spec in inputs), name


@every_case
def test_served_rows_are_those_of_the_model(case, fitted):
    functions = fitted.serving_functions()
    rows = seeds.rows(7, 4)
    np.testing.assert_allclose(
        functions["generate"](rows)["samples"],
        fitted.generate(4, seed=7),
        atol=1e-5,
    )
    images = tf.constant(case.images(3))
    ends = functions["interpolate"](images, images[::-1], tf.zeros(3))["x"]
    assert ends.shape == (3, *case.shape)
    codes = functions["encode"](images)["z"]
    assert codes.shape[0] == 3
    decoded = functions["decode"](tf.zeros([2, 3]))["x"]
    assert decoded.shape == (2, *case.shape)
    whole = functions["reconstruct"](images)
    first = functions["reconstruct"](images[:1])
    for key, value in first.items():
        np.testing.assert_allclose(value, whole[key][:1], atol=1e-5)


@every_case
def test_serves_an_empty_batch(case, fitted):
    samples = fitted.serving_functions()["generate"](tf.zeros([0, 2], tf.int32))
    assert samples["samples"].shape == (0, *case.shape)


@every_case
def test_interpolation_ends_at_the_reconstructions(case, fitted):
    first, second = tf.split(tf.constant(case.images(4)), 2)
    near = fitted.interpolate(first, second, tf.zeros(2))
    far = fitted.interpolate(second, first, tf.ones(2))
    np.testing.assert_allclose(near, far, atol=1e-5)


@every_case
def test_training_lowers_the_loss(case):
    model = case.build()
    history = case.fit(model, steps=40, epochs=3).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert "mse" in history
    report = model.evaluate(case.batches(2), verbose=0, return_dict=True)
    assert {"loss", "mse"} <= set(report)


@every_case
def test_one_step_and_one_more_equal_two(case, tmp_path):
    whole, halves = case.build(), case.build()
    data = list(case.batches(6))
    run = tf.function(whole.train_step, autograph=False)
    for batch in data:
        run(batch)
    run = tf.function(halves.train_step, autograph=False)
    for batch in data[:3]:
        run(batch)
    checkpoint = tf.train.Checkpoint(model=halves, optimizer=halves.optimizer)
    path = checkpoint.write(str(tmp_path / "checkpoint"))
    resumed = case.build(seed=0)
    resumed.optimizer.build(resumed.trainable_variables)
    tf.train.Checkpoint(model=resumed, optimizer=resumed.optimizer).read(
        path
    ).expect_partial()
    run = tf.function(resumed.train_step, autograph=False)
    for batch in data[3:]:
        run(batch)
    assert_equal_weights(weights_of(whole), weights_of(resumed))


@every_case
def test_the_seed_fixes_the_start(case):
    first, same, other = case.build(), case.build(), case.build(seed=1)
    assert_equal_weights(weights_of(first), weights_of(same))
    kernel = first.decoder.trainable_variables[0]
    other_kernel = other.decoder.trainable_variables[0]
    assert np.abs(np.asarray(kernel) - np.asarray(other_kernel)).max() > 1e-3


@every_case
def test_another_shape_is_refused(case, fitted):
    height, width, depth = case.shape
    other = np.zeros([4, height, width, depth + 2], np.float32)
    batches = tf.data.Dataset.from_tensors(other)
    doors = (
        lambda: fitted.fit_prior(other),
        lambda: fitted.fit(other, verbose=0),
        lambda: fitted.fit(batches, verbose=0),
        lambda: fitted.fit(case.images(), validation_data=(other,), verbose=0),
        lambda: fitted.evaluate(other, verbose=0),
        lambda: fitted.predict(other, verbose=0),
    )
    for door in doors:
        with pytest.raises(errors.InputError, match="do not fit the") as caught:
            door()
        assert "\n" not in str(caught.value)


@every_case
def test_generating_before_fit_prior_says_what_to_call(case):
    model = case.build()
    if case.option == "temperature":
        assert model.generate(1).shape == (1, *case.shape)
    else:
        with pytest.raises(errors.InputError, match="fit_prior"):
            model.generate(1)
    if case.name == "variational_autoencoder":
        return
    with pytest.raises(errors.InputError, match="fit_prior"):
        model.serving_functions()


@pytest.mark.parametrize(
    "label", ["ae", "vae", "eae", "eae_split", "eae_massive", "lebm"]
)
def test_trains_under_xla(label):
    case = next(case for case in models.CASES if case.label == label)
    model = case.build(jit_compile=True)
    history = case.fit(model, steps=30, epochs=2).history
    assert history["loss"][-1] < history["loss"][0]
    model.fit_prior(case.images())
    assert model.generate(2).shape == (2, *case.shape)


@every_case
def test_checkpoint_round_trip(case, fitted, tmp_path):
    """Checkpoints lose variables that stand in a list alone."""
    path = tf.train.Checkpoint(model=fitted).write(str(tmp_path / "checkpoint"))
    other = case.build(seed=1)
    tf.train.Checkpoint(model=other).read(path).expect_partial()
    assert_equal_weights(weights_of(fitted), weights_of(other))
