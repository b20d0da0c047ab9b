"""Spread and variance of gradients against the closed forms of regression.

y = x.w + e with x ~ N(0, I) and e ~ N(0, s^2), loss (x.v - y)^2 / 2 averaged
over a batch of B, at v = w + d. The gradient has the mean d and the covariance
((|d|^2 + s^2) I + d d^T) / B.
"""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import errors
import metrics

SIZE, NOISE = 6, 0.5
OFFSET: Any = np.linspace(-0.5, 1.5, SIZE)


def gradients(draws: int, batch: int, offset=OFFSET, seed=0) -> np.ndarray:
    """[draws, SIZE]; `offset` may differ from draw to draw."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(draws, batch, SIZE))
    offset = np.broadcast_to(offset, (draws, SIZE))
    residual = np.einsum("rbp,rp->rb", x, offset)
    residual -= NOISE * rng.normal(size=(draws, batch))
    return np.einsum("rbp,rb->rp", x, residual) / batch


def covariance(batch: int) -> np.ndarray:
    square = np.sum(OFFSET**2) + NOISE**2
    return (square * np.eye(SIZE) + np.outer(OFFSET, OFFSET)) / batch


def split(rows) -> list:
    """The entries as tensors of two shapes, float32."""
    rows = tf.cast(rows, tf.float32)
    return [tf.reshape(rows[..., :4], (*rows.shape[:-1], 2, 2)), rows[..., 4:]]


def mapped(fn, rows) -> np.ndarray:
    rows = tf.constant(rows)
    return tf.function(lambda: tf.map_fn(fn, rows), autograph=False)().numpy()


def value(tracker: Any) -> float:
    return float(tracker.result())


@pytest.mark.parametrize("batch", [4, 32])
def test_variance_is_that_of_regression(batch):
    rows = gradients(40_000, batch)
    found = float(metrics.gradient_variance(split(rows)))
    squares = np.mean((rows - rows.mean(0)) ** 2, 1)
    error = np.std(squares) / len(rows) ** 0.5
    assert abs(found - np.trace(covariance(batch)) / SIZE) < 3 * error
    # Control: a batch of a quarter more does not fit.
    wrong = np.trace(covariance(batch * 5 // 4)) / SIZE
    assert abs(found - wrong) > 5 * error


def test_variance_is_unbiased_with_two_draws():
    pairs = gradients(40_000, 4).reshape(20_000, 2, SIZE)
    found = mapped(lambda pair: metrics.gradient_variance([pair]), pairs)
    expected = np.trace(covariance(4)) / SIZE
    error = np.std(found) / len(found) ** 0.5
    assert abs(np.mean(found) - expected) < 3 * error
    # Control: dividing by the draws instead of one less is seen.
    assert abs(np.mean(found) / 2 - expected) > 3 * error


def test_spread_is_the_variance_over_entries():
    row = gradients(1, 4)[0]
    assert float(metrics.gradient_spread(split(row))) == pytest.approx(
        np.var(row), rel=1e-5
    )
    # Large equal entries: no cancellation, no spread.
    assert float(metrics.gradient_spread(split(0 * row + 1e4))) == 0.0


def test_spread_mixes_the_expected_gradient_with_the_noise():
    """What it measures, in closed form; without noise it does not vanish."""
    rows = gradients(3000, 32)
    found = mapped(lambda row: metrics.gradient_spread([row]), rows)
    noise = covariance(32)
    expected = np.var(OFFSET) + np.trace(noise) / SIZE - noise.sum() / SIZE**2
    assert np.mean(found) == pytest.approx(expected, rel=0.02)
    still = np.tile(OFFSET, (5, 1))
    assert float(metrics.gradient_variance(split(still))) == pytest.approx(0)
    assert float(metrics.gradient_spread(split(still[0]))) > 0.4


@pytest.mark.parametrize("jit_compile", [False, True])
def test_streaming_variance_sees_noise_and_not_drift(jit_compile):
    # The expected gradient shrinks to a third over the run, as in training.
    decay = np.linspace(1, 1 / 3, 3000)[:, None]
    rows = gradients(3000, 32, OFFSET * decay)
    tracker = metrics.GradientVariance([(2, 2), (2,)])

    @tf.function(jit_compile=jit_compile)
    def run(rows):
        for row in rows:
            tracker.update_state([tf.reshape(row[:4], (2, 2)), row[4:]])

    run(tf.constant(rows, tf.float32))
    differences = np.diff(rows, axis=0)
    assert value(tracker) == pytest.approx(
        np.mean(differences**2) / 2, rel=1e-4
    )
    square = np.sum(OFFSET**2) * np.mean(decay**2)
    expected = (square * (1 + 1 / SIZE) + NOISE**2) / 32
    assert value(tracker) == pytest.approx(expected, rel=0.03)
    # Control: the variance over all steps takes the drift for noise.
    assert np.mean(np.var(rows, 0)) > 1.2 * expected


def test_the_trackers_reset_and_survive_a_config():
    rows = tf.constant(gradients(3, 4), tf.float32)
    spread = metrics.GradientSpread(name="energy_spread")
    variance = metrics.GradientVariance([(SIZE,)], name="energy_variance")
    for tracker in (spread, variance):
        assert value(tracker) == 0.0
        for row in rows:
            tracker.update_state([row])
        first = value(tracker)
        tracker.reset_state()
        assert value(tracker) == 0.0
        for row in rows:
            tracker.update_state([row])
        assert value(tracker) == first > 0
        config = keras.metrics.serialize(tracker)
        again: Any = keras.metrics.deserialize(config)
        assert again.name == tracker.name
        again.update_state([rows[0]])
    assert value(spread) == pytest.approx(
        np.mean(np.var(rows.numpy(), 1)), rel=1e-5
    )


def test_gradients_that_tell_nothing_are_refused():
    with pytest.raises(errors.InputError, match="pass 2 or more"):
        metrics.gradient_variance([tf.ones([1, 3])])
    with pytest.raises(errors.InputError, match=r"gradients \[1\] of 2"):
        metrics.gradient_spread([tf.ones([3]), None])
