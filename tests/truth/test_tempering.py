"""Chains at every temperature, against models whose evidence is known."""

import functools
import itertools

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import losses
from samplers import (
    baoab,
    ladders,
    langevin,
    metropolis,
    nose_hoover,
    seeds,
    step_sizes,
    tempering,
)
from tests import linear_gaussian

MODEL = linear_gaussian.model()
CHAINS = 300
LADDER = ladders.power_law(11, 3.0)
STIFFNESS = np.linalg.eigvalsh(MODEL.w.T @ MODEL.w).max() / MODEL.s**2
# What the trapezoid leaves out, so that errors seen are those of the chains.
BIAS = -sum(
    0.5 * (MODEL.divergence(t, u) - MODEL.divergence(u, t))
    for t, u in itertools.pairwise(LADDER)
)


def _log_likelihood(z):
    error = MODEL.x - tf.matmul(z, MODEL.w, transpose_b=True)
    constant = len(MODEL.x) * np.log(2 * np.pi * MODEL.s**2)
    return -0.5 * (tf.reduce_sum(error**2, -1) / MODEL.s**2 + constant)


@functools.cache
def _kernel_at(make):
    """The same function for the same kernel, so that it compiles once."""

    def kernel_at(t, index):
        def energy(z):
            return 0.5 * tf.reduce_sum(z**2, -1) - t * _log_likelihood(z)

        return make(energy, t)

    return kernel_at


def _mala(energy, t):
    step = step_sizes.at(t, 0.5, STIFFNESS)
    return metropolis.metropolis_hastings(langevin.langevin(energy, step))


def _underdamped(energy, t):
    step = 0.3 * tf.sqrt(step_sizes.at(t, 1.0, STIFFNESS))
    return baoab.baoab(energy, step, friction=3.0)


def _thermostatted(energy, t):
    step = 0.3 * tf.sqrt(step_sizes.at(t, 1.0, STIFFNESS))
    return nose_hoover.nose_hoover_chain(
        energy, step, chain_length=3, relaxation_time=0.5, friction=3.0
    )


def _z_score(make, steps, keep=10, **options):
    """How far the estimate is from log p(x), in standard errors."""
    start = seeds.normal(seeds.seed(1), [CHAINS, 8], tf.float64)
    with seeds.xla(True):
        tempered = tempering.temper(
            _kernel_at(make),
            LADDER,
            start,
            seed=seeds.seed(2),
            num_steps=steps,
            keep=keep,
            log_likelihood_fn=_log_likelihood,
            **options,
        )
    # All chains have the same data: [N_t, chains * keep, 1], chain by chain.
    values = tf.transpose(tempered.log_likelihood, [0, 2, 1])
    result = losses.thermodynamic_integral(
        LADDER,
        tf.reshape(values, [len(LADDER), -1, 1]),
        rule="trapezoid",
        block=keep,
    )
    off = result.log_evidence - BIAS - MODEL.log_evidence()
    return float((off / result.standard_error)[0])


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (_mala, {}),
        (_mala, {"batched": True}),
        (_mala, {"batched": True, "exchange_every": 3}),
        pytest.param(_underdamped, {}, marks=pytest.mark.slow),
        pytest.param(_thermostatted, {}, marks=pytest.mark.slow),
    ],
)
def test_long_chains_meet_the_evidence(make, options):
    assert abs(_z_score(make, 150, **options)) < 3.5


@pytest.mark.parametrize("options", [{}, {"batched": True}])
def test_chains_that_are_too_short_do_not(options):
    assert abs(_z_score(_mala, 2, keep=1, **options)) > 6


def test_one_after_the_other_is_nearer_in_equal_steps():
    """Warm starts follow the ladder, where one batch starts far away."""
    warm = abs(_z_score(_mala, 12, keep=1))
    cold = abs(_z_score(_mala, 12, keep=1, batched=True))
    assert warm < 4 < cold


def test_without_the_metropolis_test_a_bias_stays():
    def unadjusted(energy, t):
        step = step_sizes.at(t, 0.5, STIFFNESS)
        return langevin.langevin(energy, step)

    assert abs(_z_score(unadjusted, 150)) > 6


def test_samples_have_the_moments_of_every_power_posterior():
    start = seeds.normal(seeds.seed(1), [2000, 8], tf.float64)
    with seeds.xla(True):
        tempered = tempering.temper(
            _kernel_at(_mala), LADDER, start, seed=seeds.seed(2), num_steps=60
        )
    assert tempered.log_likelihood == ()
    for t, z in zip(LADDER, tempered.position.numpy(), strict=True):
        mean, covariance = MODEL.power_posterior(t)
        root = np.linalg.cholesky(covariance)
        white = np.linalg.solve(root, (z - mean).T)
        assert np.abs(white.mean(1)).max() < 4.5 / np.sqrt(2000)
        assert np.abs(np.cov(white) - np.eye(8)).max() < 6 / np.sqrt(2000)


# A small nonlinear model, z of two dimensions: its evidence by a sum.
W = np.array([[1.5, -0.7], [0.4, 1.2], [-1.0, 0.8]])
X = np.array([0.8, 0.5, -0.3])
NOISE = 0.25


def _small_likelihood(z):
    error = X - tf.tanh(tf.matmul(z, W, transpose_b=True))
    constant = 3 * np.log(2 * np.pi * NOISE**2)
    return -0.5 * (tf.reduce_sum(error**2, -1) / NOISE**2 + constant)


def _enumerated():
    """Log p(x) by summing over a fine grid, to some 1e-9."""
    axis = np.linspace(-7, 7, 1401)
    z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    log_prior = -0.5 * np.sum(z**2, 1) - np.log(2 * np.pi)
    whole = scipy.special.logsumexp(log_prior + _small_likelihood(z))
    return whole + 2 * np.log(axis[1] - axis[0])


def _small_kernel_at(t, index):
    energy = functools.partial(
        lambda t, z: 0.5 * tf.reduce_sum(z**2, -1) - t * _small_likelihood(z), t
    )
    return metropolis.metropolis_hastings(
        langevin.langevin(energy, step_sizes.at(t, 0.5, 20.0))
    )


def test_integration_and_annealed_sampling_agree_with_enumeration():
    exact, chains, keep = _enumerated(), 500, 20
    ladder = ladders.power_law(31, 3.0)
    start = seeds.normal(seeds.seed(1), [chains, 2], tf.float64)
    with seeds.xla(True):
        tempered = tempering.temper(
            _small_kernel_at,
            ladder,
            start,
            seed=seeds.seed(2),
            num_steps=60,
            keep=keep,
            log_likelihood_fn=_small_likelihood,
        )
    values = tf.transpose(tempered.log_likelihood, [0, 2, 1])
    values = tf.reshape(values, [31, -1, 1])
    ours = losses.thermodynamic_integral(ladder, values, block=keep)
    error = float(ours.standard_error[0])
    assert error < 0.05
    assert abs(float(ours.log_evidence[0]) - exact) < 3 * error
    annealed, annealed_error = _annealed(chains)
    assert annealed_error < 0.1
    assert abs(annealed - exact) < 3 * annealed_error
    # The control: an evidence with the normalisation of x forgotten.
    wrong = exact + 1.5 * np.log(2 * np.pi * NOISE**2)
    assert abs(float(ours.log_evidence[0]) - wrong) > 10 * error
    assert abs(annealed - wrong) > 10 * annealed_error


def _annealed(chains):
    """TensorFlow Probability's annealed importance sampling."""
    tfp = pytest.importorskip("tensorflow_probability")

    def prior(z):
        return -0.5 * tf.reduce_sum(z**2, -1) - np.log(2 * np.pi)

    @tf.function(autograph=False)
    def weights():
        return tfp.mcmc.sample_annealed_importance_chain(
            num_steps=100,
            proposal_log_prob_fn=prior,
            target_log_prob_fn=lambda z: prior(z) + _small_likelihood(z),
            current_state=seeds.normal(seeds.seed(3), [chains, 2], tf.float64),
            make_kernel_fn=lambda log_prob: tfp.mcmc.HamiltonianMonteCarlo(
                log_prob, step_size=0.15, num_leapfrog_steps=3
            ),
            seed=seeds.seed(4),
        )[1]

    logs = weights().numpy()
    mean = np.exp(logs - logs.max())
    error = mean.std() / mean.mean() / np.sqrt(chains)
    return logs.max() + np.log(mean.mean()), error
