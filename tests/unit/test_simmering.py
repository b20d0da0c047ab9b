"""Simmering of Keras models: the ensemble, its file, and bad arguments."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import zoo
from zoo.weights import energy as weight_energy
from zoo.weights import simmering

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def classifier(**options) -> Any:
    layers: Any = keras.layers
    kernel = keras.initializers.GlorotUniform(seed=0)
    return keras.Sequential(
        [
            keras.Input([3]),
            layers.Dense(
                8, activation="relu", kernel_initializer=kernel, **options
            ),
            layers.Dense(3, kernel_initializer=kernel),
        ]
    )


def simmered(model=None, **changes) -> Any:
    arguments: dict[str, Any] = {
        "loss": SPARSE,
        "x": X,
        "y": LABELS,
        "temperature": 1e-3,
        "step_size": 0.1,
        "members": 4,
        "interval": 5,
        "burn_in": 12,
        "batch_size": 8,
        "progress": False,
        "activation": "softmax",
        **changes,
    }
    return zoo.simmer(classifier() if model is None else model, **arguments)


@pytest.fixture(scope="module")
def whole() -> Any:
    return simmered()


def stacked(ensemble) -> list[np.ndarray]:
    return [np.asarray(w) for w in ensemble.ensemble.stacked]


def test_predictions_are_those_of_the_members():
    model = classifier()
    before = model.get_weights()
    ensemble = simmered(model)
    probabilities = ensemble.member_predictions(X, batch_size=16)
    assert probabilities.shape == (4, 40, 3)
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    mean, spread = ensemble.predict(X, verbose=0)
    np.testing.assert_allclose(mean, probabilities.mean(0), atol=1e-6)
    np.testing.assert_allclose(spread, probabilities.std(0), atol=1e-6)
    # The model was not changed; with a member's weights it is that member.
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    model.set_weights([w[2] for w in stacked(ensemble)])
    np.testing.assert_allclose(
        tf.nn.softmax(model(X)), probabilities[2], atol=1e-6
    )
    assert 0 <= ensemble.calibration_error(X, LABELS) <= 1


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_seed_fixes_the_ensemble(jit_compile):
    first, same, other = (
        stacked(_regression(loss="mse", seed=seed, jit_compile=jit_compile))
        for seed in (3, 3, 4)
    )
    for one, two, three in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert np.abs(one - three).max() > 1e-4


def test_members_come_at_their_interval_however_the_chain_is_cut(
    whole, monkeypatch
):
    monkeypatch.setattr(simmering, "_PIECE", 3)
    cut = simmered()
    for one, two in zip(stacked(cut), stacked(whole), strict=True):
        np.testing.assert_array_equal(one, two)
    assert len(cut.diagnostics.step) > len(whole.diagnostics.step)
    assert list(whole.diagnostics.step) == [12, 17, 22, 27, 32]


def test_simmering_from_scratch_lowers_the_loss():
    found = simmered(burn_in=400, batch_size=None).diagnostics
    assert found.energy[-1] < 0.5 * found.energy[0]
    assert found.tensor_kinetic_ratio.shape == (len(found.step), 4)
    assert len(found.tensors) == 4
    assert set(found.summary()) == {
        *("energy", "loss", "kinetic_ratio"),
        *("worst_tensor", "worst_tensor_kinetic_ratio"),
    }


def test_a_cold_retrofit_stays_at_the_optimum():
    model = classifier()
    model.compile(keras.optimizers.Adam(0.02), SPARSE, jit_compile=False)
    # One epoch of 100 rounds: the start of an epoch takes longer than a round.
    x, labels = np.tile(X, (100, 1)), np.tile(LABELS, 100)
    model.fit(x, labels, batch_size=40, verbose=0, shuffle=False)
    trained = tf.nn.softmax(model(X))
    cold = simmered(model, temperature=1e-12, batch_size=None)
    mean, spread = cold.predict(X, verbose=0)
    np.testing.assert_allclose(mean, trained, atol=0.05)
    hot = simmered(model, temperature=0.1, batch_size=None)
    assert hot.predict(X, verbose=0)[1].mean() > 10 * spread.mean()


def test_frozen_weights_stay():
    model = classifier()
    model.layers[0].trainable = False
    ensemble = simmered(model)
    assert [w.shape for w in stacked(ensemble)] == [(4, 8, 3), (4, 3)]
    assert ensemble.member_predictions(X).shape == (4, 40, 3)


def test_keras_file_round_trip(whole, tmp_path):
    path = tmp_path / "ensemble.keras"
    whole.save(path)
    loaded: Any = keras.models.load_model(path)
    assert loaded.__class__ is zoo.SimmeredEnsemble
    for one, two in zip(
        whole.predict(X, verbose=0),
        loaded.predict(X, verbose=0),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_structured_inputs_and_penalties_enter_the_energy():
    a, b = keras.Input([2]), keras.Input([1])
    penalty = keras.regularizers.L2(0.5)
    layer = keras.layers.Dense(1, kernel_regularizer=penalty)
    joined = keras.layers.concatenate([a, b])
    model = keras.Model([a, b], layer(joined))
    inputs = weight_energy.tensors([X[:, :2], X[:, 2:]], X[:, :1])
    energy = weight_energy.WeightEnergy(
        model,
        weight_energy.loss_function("mse"),
        *inputs,
        temperature=0.1,
        prior_precision=weight_energy.precisions([3.0, 2.0], model),
        batch_size=None,
    )
    weights = weight_energy.weights(model)
    kernel, bias = map(np.asarray, weights)
    error = np.mean((X @ kernel + bias - X[:, :1]) ** 2)
    prior = 0.1 * (3.0 * np.sum(kernel**2) + 2.0 * np.sum(bias**2)) / 2
    found = energy.evaluator().fn(weights, None, None)
    np.testing.assert_allclose(found.aux, error, rtol=1e-5)
    np.testing.assert_allclose(
        found.energy, error + 0.5 * np.sum(kernel**2) + prior, rtol=1e-5
    )
    ensemble = simmered(
        model,
        loss="mse",
        x=[X[:, :2], X[:, 2:]],
        y=X[:, :1],
        activation=None,
    )
    outputs = ensemble.member_predictions([X[:, :2], X[:, 2:]])
    assert outputs.shape == (4, 40, 1)


def _regression(**changes):
    kernel: Any = keras.initializers.GlorotUniform(seed=0)
    layer = keras.layers.Dense(1, kernel_initializer=kernel)
    return simmered(
        keras.Sequential([keras.Input([3]), layer]),
        **{"y": X[:, 0], "activation": None, **changes},
    )


def test_a_loss_that_broadcasts_is_refused():
    with pytest.raises(errors.InputError, match="more numbers"):
        _regression(loss=lambda y, p: tf.square(y - p))
    # Keras's own losses align the shapes.
    _regression(loss="mean_squared_error")


def _with(*extra):
    model = keras.Sequential([keras.Input([3]), *extra, keras.layers.Dense(3)])
    return model


@pytest.mark.parametrize(
    ("extra", "name"),
    [
        (lambda: keras.layers.Dropout(0.5), "dropout"),
        (keras.layers.BatchNormalization, "moving_mean"),
        (lambda: keras.layers.GaussianNoise(0.1), "noise"),
    ],
    ids=["dropout", "batch_norm", "noise"],
)
def test_layers_with_a_state_are_refused(extra, name):
    with pytest.raises(errors.InputError, match=f"training would.*{name}"):
        simmered(_with(extra()))


def test_frozen_batch_normalisation_is_welcome():
    layer = keras.layers.BatchNormalization()
    model = _with(layer)
    layer.trainable = False
    simmered(model)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0"),
        ({"step_size": -1.0}, "step_size=-1.0"),
        ({"members": 0}, "members=0"),
        ({"interval": 0}, "interval=0"),
        ({"burn_in": -1}, "burn_in=-1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"friction": -0.1}, "friction=-0.1"),
        ({"redraw_every": -1}, "redraw_every=-1"),
        ({"relaxation_time": 0.0}, "relaxation_time=0.0"),
        ({"prior_precision": -1.0}, "prior_precision=-1.0"),
        ({"prior_precision": [1.0, 2.0]}, "2 numbers for 4 trainable"),
        ({"thermostat": "none"}, "thermostat='none'"),
        ({"activation": "sofmax"}, "activation='sofmax'"),
        ({"loss": "mes"}, "loss='mes'"),
        ({"loss": None}, "loss=None"),
        (
            {"loss": keras.losses.MeanSquaredError(reduction="sum")},
            "sums over examples",
        ),
        ({"y": LABELS[:7]}, r"\(40, 3\), \(7,\)"),
        ({"x": X[:0], "y": LABELS[:0]}, "no examples"),
        ({"model": keras.Sequential([keras.layers.Dense(3)])}, "not a built"),
        ({"model": lambda x: x}, "not a built"),
    ],
)
def test_bad_arguments_are_one_line(changes, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        simmered(**changes)
    assert "\n" not in str(caught.value)


def test_frozen_networks_are_refused():
    model = _with()
    model.trainable = False
    with pytest.raises(errors.InputError, match="no trainable weights"):
        simmered(model=model)


def test_two_outputs_are_refused():
    start = keras.Input([3])
    model = keras.Model(start, [keras.layers.Dense(2)(start), start])
    with pytest.raises(errors.InputError, match="several outputs"):
        simmered(model)


def test_an_energy_that_blows_up_names_its_step():
    with pytest.raises(errors.InputError, match=r"step \d+: the energy is no"):
        _regression(loss="mse", step_size=50.0, burn_in=500)
    with pytest.raises(errors.InputError, match="step 0: the energy is not"):
        _regression(loss="mse", y=np.full(40, np.nan))


def test_an_ensemble_without_members_says_so():
    empty = zoo.SimmeredEnsemble(classifier(), 3)
    with pytest.raises(errors.InputError, match="empty"):
        empty.member_predictions(X)
