"""The log p(x) of each image by a model's own chains, against its value."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from zoo.latent_chains import Chain

from samplers import ladders, moments, run, seeds
from tests import linear_gaussian
from zoo import latent_evidence, latent_ladders, latent_model

LATENT, PIXELS, SIGMA, IMAGES, STEP = 4, 12, 0.4, 16, 0.5
MODEL = linear_gaussian.model(LATENT, PIXELS, SIGMA)
_RNG = np.random.default_rng(3)
X = _RNG.normal(size=(IMAGES, LATENT)) @ MODEL.w.T
X += SIGMA * _RNG.normal(size=X.shape)
EXACT = np.array([MODEL._replace(x=x).log_evidence() for x in X])
# E(z) = TILT |z|^2 / 2 leaves a prior N(0, I / (1 + TILT)).
TILT = 0.5
STIFFNESS = np.linalg.eigvalsh(MODEL.w.T @ MODEL.w).max() / SIGMA**2
LADDER = tuple(ladders.power_law(12, 3.0).tolist())
EXCHANGING = {"batched": True, "exchange_every": 2}


def _model(tilt=0.0):
    w = tf.constant(MODEL.w, tf.float32)
    return latent_model.LatentModel(
        lambda z: 0.5 * tilt * tf.reduce_sum(z**2, -1),
        lambda z: tf.linalg.matmul(z, w, transpose_b=True),
        1.0,
        SIGMA,
    )


def _evidence(step_sizes):
    evidence = latent_evidence.Evidence(LATENT, STEP)
    evidence.step_sizes.assign(step_sizes)
    return evidence


@functools.cache
def _estimator(options):
    evidence = _evidence([STEP, STEP / (1.0 + STIFFNESS)])
    model, prior = _model(), Chain("mala", 1, 0.1)
    return seeds.compiled(
        lambda x, rows: evidence.estimate(model, prior, x, rows, options), False
    )


def _estimate(number=IMAGES, num_steps=80, **changes):
    options = latent_evidence.Options(LADDER, num_steps, 8, **changes)
    x = tf.constant(X[:number], tf.float32)
    found = _estimator(options)(x, seeds.rows(5, number))
    return [np.asarray(part) for part in found]


@functools.cache
def _tuned():
    """Step sizes at both ends of the ladder, of a prior that is not N(0, I)."""
    evidence, model = _evidence([0.0, 0.0]), _model(TILT)
    tuned = seeds.compiled(
        lambda x: evidence.tuned(
            model, Chain("mala", 20, 0.3), x, seeds.seed(2)
        ),
        False,
    )
    return tuned(tf.constant(X, tf.float32)).numpy()


def test_steps_it_tunes_are_mostly_accepted():
    model, x = _model(TILT), tf.constant(X, tf.float32)
    prior, posterior = _tuned()
    assert prior > 5 * posterior

    def energy(codes):
        return model.prior_energy(codes) - model.log_likelihood(x, codes)

    @tf.function(autograph=False)
    def acceptance(step):
        kernel = Chain("mala", 1, 0.0).kernel(energy, step)
        state = kernel.init(tf.zeros([IMAGES, LATENT]))
        _, observed = run(
            kernel,
            run(kernel, state, seed=seeds.seed(3), num_steps=100)[0],
            seed=seeds.seed(4),
            num_steps=300,
            observer=moments(lambda state, info: info.acceptance),
        )
        return tf.reduce_mean(observed.mean)

    assert abs(acceptance(posterior) - 0.7) < 0.1
    # The control: not any step will do.
    assert acceptance(5.0 * posterior) < 0.4


def test_tuned_chains_of_a_tilted_prior_meet_the_evidence():
    """One temperature after the other, as by default, from steps it tuned."""
    scaled = MODEL._replace(w=MODEL.w / np.sqrt(1.0 + TILT))
    exact = np.array([scaled._replace(x=x).log_evidence() for x in X])
    evidence, model = _evidence(_tuned()), _model(TILT)
    options = latent_evidence.Options(LADDER, 80, 32)
    estimate = seeds.compiled(
        lambda x, rows: evidence.estimate(
            model, Chain("mala", 60, 0.3), x, rows, options
        ),
        False,
    )
    value, error = estimate(tf.constant(X, tf.float32), seeds.rows(5, IMAGES))
    score = (value - exact) / error
    assert np.abs(score).max() < 5 and abs(np.mean(score)) < 1
    # The control: it is not that of the prior without E.
    assert np.abs((value - EXACT) / error).max() > 10


@pytest.mark.parametrize("changes", [{}, {"batched": True}, EXCHANGING])
def test_chains_of_all_temperatures_meet_the_evidence(changes):
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


def _shares(name, ladder):
    """What each interval, or each inner node, has of what is shared."""
    steps = np.diff(ladder)
    moments_at = np.array(
        [
            np.mean([MODEL._replace(x=x).moments(t) for x in X], axis=0)
            for t in ladder
        ]
    )
    if name == "equalised":
        return steps * np.diff(moments_at[:, 0])
    weights = 0.5 * (steps[1:] + steps[:-1])
    return weights**2 * moments_at[1:-1, 1]


@pytest.mark.parametrize("name", latent_ladders.MEASURED)
def test_a_ladder_that_chains_measured_divides_evenly(name):
    evidence = _evidence([STEP, STEP / (1.0 + STIFFNESS)])
    model, x = _model(), tf.constant(X, tf.float32)

    @functools.partial(seeds.compiled, jit_compile=False)
    def log_likelihood_at(ladder):
        options = latent_evidence.Options(ladder, 80, 8)
        return evidence.log_likelihoods(
            model, Chain("mala", 1, 0.1), x, seeds.rows(5, IMAGES), options
        )

    ladder = latent_ladders.placed(
        name, 12, lambda nodes: log_likelihood_at(tf.constant(nodes))
    )
    after, before = _shares(name, ladder), _shares(name, LADDER)
    assert after.max() / after.min() < 2.5
    # The control: the ladder that it started from does not.
    assert before.max() / before.min() > 10
