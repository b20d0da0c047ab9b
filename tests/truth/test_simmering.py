"""Simmered weights of a linear network against their exact Gibbs measure.

For the mean squared error of N examples and a normal prior of precision p,
exp(-U / T) is a normal law of precision 2 X^T X / (N T) + p I.
"""

from typing import Any

import keras
import numpy as np
import pytest

import zoo

EXAMPLES, INPUTS, NOISE, PRECISION = 256, 4, 0.3, 20.0
# With this T the measure is the Bayesian posterior.
TEMPERATURE = 2 * NOISE**2 / EXAMPLES


def _data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, INPUTS)) * [1, 0.8, 0.6, 0.5]
    noise = NOISE * rng.normal(size=(EXAMPLES, 1))
    return x, x @ rng.normal(size=(INPUTS, 1)) + 1 + noise


X, Y = _data()


def _exact():
    design = np.c_[X, np.ones(EXAMPLES)]
    scale = 2 / (EXAMPLES * TEMPERATURE)
    precision = scale * design.T @ design + PRECISION * np.eye(INPUTS + 1)
    mean = np.linalg.solve(precision, scale * design.T @ Y[:, 0])
    return mean, precision


MEAN, EXACT_PRECISION = _exact()


def _simmered(temperature=TEMPERATURE, precision=PRECISION, **options) -> Any:
    network = keras.Sequential([keras.Input([INPUTS]), keras.layers.Dense(1)])
    settings = {"step_size": 0.3, "batch_size": None, "members": 3000}
    return zoo.simmer(
        network,
        "mse",
        X,
        Y,
        temperature=temperature,
        # U holds T times the precision: the prior is the same at any T.
        prior_precision=precision,
        **{**settings, "interval": 30, **options},
        burn_in=500,
        jit_compile=True,
        progress=False,
    )


@pytest.fixture(scope="module")
def default() -> Any:
    return _simmered()


def _moments(ensemble):
    """In units of the exact measure, direction by direction: 0 and 1."""
    stacked = [np.asarray(w) for w in ensemble.ensemble.stacked]
    weights = np.concatenate(
        [w.reshape(ensemble.members, -1) for w in stacked], 1
    )
    white = (weights - MEAN) @ np.linalg.cholesky(EXACT_PRECISION)
    return white.mean(0), white.var(0)


@pytest.mark.parametrize(
    "thermostat", ["default", "massive", "global", "per_tensor"]
)
def test_weights_have_the_exact_mean_and_variance(thermostat, default):
    ensemble = default
    if thermostat != "default":
        ensemble = _simmered(
            thermostat=thermostat, redraw_every=0, friction=0.1
        )
    mean, variance = _moments(ensemble)
    np.testing.assert_allclose(mean, 0, atol=0.1)
    np.testing.assert_allclose(variance, 1, atol=0.1)
    ratio = ensemble.diagnostics.summary()["kinetic_ratio"]
    np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_weights_have_it_from_minibatches():
    mean, variance = _moments(
        _simmered(batch_size=32, step_size=0.03, interval=60)
    )
    np.testing.assert_allclose(mean, 0, atol=0.1)
    np.testing.assert_allclose(variance, 1, atol=0.1)


def test_predictions_have_the_exact_spread(default):
    x = X[:50].astype(np.float32)
    mean, spread = default.predict(x, verbose=0)
    design = np.c_[x, np.ones(50)]
    wanted = np.einsum(
        "ij,jk,ik->i", design, np.linalg.inv(EXACT_PRECISION), design
    )
    error = (mean[:, 0] - design @ MEAN) / np.sqrt(wanted)
    np.testing.assert_allclose(error, 0, atol=0.15)
    np.testing.assert_allclose(spread[:, 0] ** 2 / wanted, 1, atol=0.1)
    # On the noise too, and without it the intervals are far too narrow.
    covered = default.coverage(X, Y, level=0.9, noise=NOISE)
    assert abs(covered - 0.9) < 0.05
    assert default.coverage(X, Y, level=0.9) < 0.3


@pytest.mark.parametrize(
    "changed",
    [{"temperature": 1.3 * TEMPERATURE}, {"precision": 200.0}],
    ids=["hotter", "another prior"],
)
def test_another_measure_is_told_apart(changed):
    """Negative control."""
    mean, variance = _moments(_simmered(**changed, members=1000))
    assert max(abs(mean).max() / 0.1, abs(variance - 1).max() / 0.1) > 1.5


def test_one_thermostat_alone_is_told_apart():
    """Negative control: the right temperature, the wrong measure."""
    ensemble = _simmered(
        thermostat="global", chain_length=4, redraw_every=0, members=1000
    )
    _, variance = _moments(ensemble)
    assert abs(variance - 1).max() > 0.3
    ratio = ensemble.diagnostics.summary()["kinetic_ratio"]
    np.testing.assert_allclose(ratio, 1, atol=0.05)
