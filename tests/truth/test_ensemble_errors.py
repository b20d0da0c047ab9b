"""Standard errors of an ensemble of encoders, against a closed form.

One encoder weight w, z = w x, below a decoder phi z that stays fixed:
U(w) = x^2 (phi w - 1)^2, so w is normal about 1 / phi with the variance
T / (2 x^2 phi^2), and the mean of U is T / 2. Friction makes the weight creep,
as the flat directions of a network do: members close in time are alike.
"""

from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import layers
import metrics
from samplers import seeds
from zoo.entropic.dynamics import EncoderDynamics

PIXEL, SLOPE, TEMPERATURE = 0.5, 2.0, 0.003
# Frequency of the oscillator w: the root of d2U / dw2.
FREQUENCY = np.sqrt(2.0) * PIXEL * SLOPE
STEP = 0.2 / FREQUENCY
# Overdamped: the weight forgets at the rate FREQUENCY / 3.7, 5 % a step.
FRICTION = 4.0 * FREQUENCY
REPEATS = 500
# Steps between members; by 80 they have forgotten, by 5 they have not.
FAR, NEAR = 80, 5


class Ensembles(NamedTuple):
    """Draws [REPEATS, members, 2] of w and U, each about its exact mean."""

    draws: np.ndarray

    def errors(self, members: int) -> np.ndarray:
        """Of the mean over the first members: [REPEATS, 2]."""
        return self.draws[:, :members].mean(1)

    def sizes(self, members: int) -> np.ndarray:
        """Effective numbers of members: [REPEATS, 2]."""
        by_member = self.draws[:, :members].transpose(1, 0, 2)
        return metrics.effective_sample_size(by_member).numpy()

    def z_scores(self, members: int, sizes: np.ndarray) -> np.ndarray:
        """Errors of the mean in units of their standard errors."""
        spread = self.draws[:, :members].std(1, ddof=1)
        return self.errors(members) / (spread / np.sqrt(sizes))


class Logit(keras.layers.Layer):
    """Undoes the sigmoid that ends a decoder, so that it is linear."""

    def call(self, x):
        return tf.math.log(x / (1.0 - x))


def _networks():
    encoder = keras.Sequential(
        [
            keras.Input((1, 1, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, use_bias=False),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(1, use_bias=False),
            Logit(),
            keras.layers.Reshape((1, 1, 1)),
        ]
    )
    encoder.trainable = False
    decoder.variables[0].assign([[SLOPE]])
    return encoder, decoder


@pytest.fixture(scope="module")
def near() -> Ensembles:
    """Independent ensembles, each from an exact draw of the weight."""
    dynamics = EncoderDynamics(
        *_networks(), STEP, None, 4, 0, "global", FRICTION
    )
    image = tf.fill([1, 1, 1, 1], PIXEL)
    temperature = tf.constant(TEMPERATURE)

    def sample(state, seed):
        return dynamics.ensemble(
            state,
            image,
            temperature=temperature,
            seed=seed,
            members=1024,
            interval=NEAR,
            batch_size=1,
        )[0][0]

    compiled = seeds.compiled(sample, True)
    spread = np.sqrt(TEMPERATURE) / FREQUENCY
    starts = np.random.default_rng(0).normal(1 / SLOPE, spread, REPEATS)
    chain = layers.ChainState([(1, 1)], 4)
    found = []
    for index, start in enumerate(starts):
        velocity, run_seed = seeds.split(seeds.seed(index), 2)
        chain.draw_velocities(velocity, TEMPERATURE)
        state = chain.read([tf.fill([1, 1], np.float32(start))])
        found.append(compiled(state, run_seed).numpy().ravel())
    w = np.stack(found).astype(float)
    energy = PIXEL**2 * (SLOPE * w - 1) ** 2
    return Ensembles(np.stack([w - 1 / SLOPE, energy - TEMPERATURE / 2], -1))


@pytest.fixture(scope="module")
def far(near) -> Ensembles:
    """Those of the same members that lie far apart: 64 of each 1,024."""
    every = FAR // NEAR
    return Ensembles(near.draws[:, every - 1 :: every])


def test_members_are_draws_of_the_posterior(far, near):
    variance = TEMPERATURE / FREQUENCY**2
    for ensembles in (far, near):
        found = np.mean(ensembles.draws[..., 0] ** 2)
        np.testing.assert_allclose(found, variance, rtol=0.05)


def _scaled(ensembles: Ensembles, members: int, size: np.ndarray):
    """Mean squared error of the mean times size / variance: 1 is right."""
    variances = np.array([TEMPERATURE / FREQUENCY**2, TEMPERATURE**2 / 2])
    return np.mean(ensembles.errors(members) ** 2, 0) * size / variances


# 500 ensembles know a variance to 6 %, one standard error.
@pytest.mark.parametrize("members", [4, 16, 64])
def test_errors_fall_with_the_number_of_far_members(far, members):
    found = _scaled(far, members, np.full(2, members))
    np.testing.assert_allclose(found, 1, atol=0.25)


@pytest.mark.parametrize("members", [512, 1024])
def test_errors_fall_with_the_effective_number_of_near_members(near, members):
    size = near.sizes(members).mean(0)
    np.testing.assert_allclose(_scaled(near, members, size), 1, atol=0.25)
    # Negative control: members by number promise too little error.
    assert (_scaled(near, members, np.full(2, members)) > 2.5).all()


def _expected(size):
    """Variance of the mean of draws over its standard error, to 1 / size.

    1 + (2 + 7 g^2 / 4) / size for the skewness g: 0 of w, root 8 of U.
    """
    return 1 + np.array([2, 16]) / size


def test_standard_errors_from_effective_sizes_are_honest(far, near):
    for ensembles in (far, near):
        members = ensembles.draws.shape[1]
        sizes = ensembles.sizes(members)
        z = ensembles.z_scores(members, sizes)
        # Of w alone: skewness shifts the z-scores of U.
        np.testing.assert_allclose(z[:, 0].mean(), 0, atol=0.2)
        np.testing.assert_allclose(
            z.var(0), _expected(sizes.mean(0)), atol=0.25
        )


def test_standard_errors_that_ignore_correlation_are_not(far, near):
    """Negative control: they are honest of far members alone."""
    scores = [
        ensembles.z_scores(members, np.full((REPEATS, 2), members)).var(0)
        for ensembles, members in ((far, 64), (near, 1024))
    ]
    np.testing.assert_allclose(scores[0], _expected(64), atol=0.25)
    assert (scores[1] > 2.5).all()
