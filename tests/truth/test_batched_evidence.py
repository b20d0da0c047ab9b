"""All temperatures in one batch, with exchanges: log p(x) of each image."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from samplers import ladders, seeds
from tests import linear_gaussian
from zoo import latent_evidence, latent_model
from zoo.latent_chains import Chain

LATENT, PIXELS, SIGMA, IMAGES, STEP = 4, 12, 0.4, 16, 0.5
MODEL = linear_gaussian.model(LATENT, PIXELS, SIGMA)
_RNG = np.random.default_rng(3)
X = _RNG.normal(size=(IMAGES, LATENT)) @ MODEL.w.T
X += SIGMA * _RNG.normal(size=X.shape)
EXACT = np.array([MODEL._replace(x=x).log_evidence() for x in X])
STIFFNESS = np.linalg.eigvalsh(MODEL.w.T @ MODEL.w).max() / SIGMA**2
LADDER = tuple(ladders.power_law(12, 3.0).tolist())
EXCHANGING = {"batched": True, "exchange_every": 2}


@functools.cache
def _estimator(options):
    evidence = latent_evidence.Evidence(LATENT, STEP)
    evidence.step_sizes.assign([STEP, STEP / (1.0 + STIFFNESS)])
    w = tf.constant(MODEL.w, tf.float32)
    model = latent_model.LatentModel(
        lambda z: 0.0 * tf.reduce_sum(z, -1),
        lambda z: tf.linalg.matmul(z, w, transpose_b=True),
        1.0,
        SIGMA,
    )
    prior = Chain("mala", 1, 0.1)
    return seeds.compiled(
        lambda x, rows: evidence.estimate(model, prior, x, rows, options), False
    )


def _estimate(number=IMAGES, num_steps=80, **changes):
    options = latent_evidence.Options(LADDER, num_steps, 8, **changes)
    x = tf.constant(X[:number], tf.float32)
    found = _estimator(options)(x, seeds.rows(5, number))
    return [np.asarray(part) for part in found]


@pytest.mark.parametrize("changes", [{"batched": True}, EXCHANGING])
def test_a_batch_of_temperatures_meets_the_evidence(changes):
    value, error = _estimate(**changes)
    score = (value - EXACT) / error
    # Of 16 images, t-distributed with few chains each.
    assert np.abs(score).max() < 5 and abs(score.mean()) < 1
    assert error.max() < 1.0


def test_one_that_starts_far_away_and_moves_little_does_not():
    value, error = _estimate(num_steps=4, **EXCHANGING)
    assert np.mean((value - EXACT) / error) < -3


def test_a_row_depends_on_its_own_seed_alone():
    value, error = _estimate(**EXCHANGING)
    first = _estimate(3, **EXCHANGING)
    np.testing.assert_allclose(first[0], value[:3], rtol=1e-4)
    np.testing.assert_allclose(first[1], error[:3], rtol=1e-2)
    # Exchanges are there: without them it is another estimate.
    assert np.abs(_estimate(batched=True)[0] - value).max() > 0.1
