"""Langevin and MALA against densities with known moments."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import tensorflow as tf

from samplers import langevin, metropolis, moments, run, seeds

SHAPE = 2.0


def _log_gamma_energy(x):
    """-log density of the logarithm of a Gamma(SHAPE) variable: skewed."""
    return tf.reduce_sum(tf.exp(x) - SHAPE * x, axis=-1)


def _exact_draws(chains, seed=0):
    rng = np.random.default_rng(seed)
    return np.log(rng.gamma(SHAPE, size=(chains, 1)))


def _z_scores(kernel, chains=2000, steps=400):
    """Deviations of three time averages, in standard errors over chains."""
    mean = scipy.special.digamma(SHAPE)
    exact = [
        mean,
        scipy.special.polygamma(1, SHAPE),
        scipy.special.polygamma(2, SHAPE),
    ]

    def centred(state, info):
        d = state.position[:, 0] - mean
        return tf.stack([state.position[:, 0], d**2, d**3], -1)

    with seeds.xla(True):
        _, observed = run(
            kernel,
            kernel.init(_exact_draws(chains)),
            seed=seeds.seed(1),
            num_steps=steps,
            observer=moments(centred),
        )
    averages = observed.mean.numpy()
    error = averages.std(0) / np.sqrt(chains)
    return (averages.mean(0) - exact) / error


@pytest.mark.parametrize("step_size", [0.1, 0.5])
def test_mala_keeps_the_moments_of_a_skewed_target(step_size):
    mala = metropolis.metropolis_hastings(
        langevin.langevin(_log_gamma_energy, step_size)
    )
    assert np.abs(_z_scores(mala)).max() < 4


def test_langevin_alone_does_not_at_a_large_step():
    ula = langevin.langevin(_log_gamma_energy, 0.5)
    assert np.abs(_z_scores(ula)).max() > 10


def test_mala_forgets_a_wrong_start_and_keeps_the_distribution():
    kernel = metropolis.metropolis_hastings(
        langevin.langevin(_log_gamma_energy, 0.4)
    )
    exact = scipy.stats.loggamma(SHAPE)

    def end(kernel, start):
        with seeds.xla(True):
            state, _ = run(
                kernel,
                kernel.init(tf.constant(start)),
                seed=seeds.seed(3),
                num_steps=200,
            )
        return scipy.stats.kstest(state.position[:, 0], exact.cdf).pvalue

    assert end(kernel, _exact_draws(4000)) > 0.01
    assert end(kernel, np.full([4000, 1], -1.0)) > 0.01
    # The control: the same proposals, all of them accepted.
    ula = langevin.langevin(_log_gamma_energy, 0.4)
    assert end(ula, _exact_draws(4000)) < 1e-4


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_langevin_on_a_gaussian_has_its_known_bias(temperature):
    """Its variance is T / (k (1 - h k / 2)), not T / k."""
    stiffness, step_size = 2.0, 0.3
    kernel = langevin.langevin(
        lambda x: 0.5 * stiffness * tf.reduce_sum(x**2, -1),
        step_size,
        temperature,
    )
    chains = 4000
    with seeds.xla(True):
        state, _ = run(
            kernel,
            kernel.init(tf.zeros([chains, 1])),
            seed=seeds.seed(0),
            num_steps=50,
        )
        _, observed = run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=200,
            first_step=50,
            observer=moments(lambda state, info: state.position[:, 0] ** 2),
        )
    square = observed.mean.numpy()
    error = square.std() / np.sqrt(chains)
    biased = temperature / (stiffness * (1 - step_size * stiffness / 2))
    assert abs(square.mean() - biased) < 4 * error
    assert abs(square.mean() - temperature / stiffness) > 20 * error


@pytest.mark.parametrize("temperature", [1.0, 0.4])
def test_acceptance_ratio_against_its_definition(temperature):
    step_size = 0.3
    kernel = langevin.langevin(_log_gamma_energy, step_size, temperature)
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(2, 50, 3))
    assert kernel.log_acceptance is not None
    ratio = kernel.log_acceptance(kernel.init(old), kernel.init(new))

    def energy(x):
        return (np.exp(x) - SHAPE * x).sum(-1)

    def log_proposal(to, start):
        drift = start - step_size * (np.exp(start) - SHAPE)
        sd = np.sqrt(2 * temperature * step_size)
        return scipy.stats.norm.logpdf(to, drift, sd).sum(-1)

    expected = (
        (energy(old) - energy(new)) / temperature
        + log_proposal(old, new)
        - log_proposal(new, old)
    )
    np.testing.assert_allclose(ratio, expected, rtol=1e-10)
    wrong = (energy(old) - energy(new)) / temperature
    assert np.abs(wrong - expected).max() > 0.1


def test_acceptance_and_moments_agree_with_tensorflow_probability():
    tfp = pytest.importorskip("tensorflow_probability")
    step_size, chains = 0.3, 4000
    start = tf.constant(_exact_draws(chains))
    ours = metropolis.metropolis_hastings(
        langevin.langevin(_log_gamma_energy, step_size)
    )
    # There, a step drifts by half its size: twice our h.
    theirs = tfp.mcmc.MetropolisAdjustedLangevinAlgorithm(
        lambda x: -_log_gamma_energy(x), step_size=2 * step_size
    )
    with seeds.xla(True):
        _, observed = run(
            ours,
            ours.init(start),
            seed=seeds.seed(0),
            num_steps=100,
            observer=moments(
                lambda state, info: (
                    info.acceptance,
                    tf.cast(info.accepted, tf.float64),
                    state.position[:, 0],
                )
            ),
        )

    @tf.function(autograph=False)
    def sampled():
        return tfp.mcmc.sample_chain(
            100,
            start,
            kernel=theirs,
            seed=seeds.seed(0),
            trace_fn=lambda _, results: results.is_accepted,
        )

    xs, accepted = sampled()
    rate = np.mean(accepted.numpy())
    probability, taken, mean = (part.numpy().mean() for part in observed.mean)
    assert abs(probability - taken) < 0.005
    assert abs(taken - rate) < 0.005
    assert abs(mean - np.mean(xs)) < 0.02
    assert 0.5 < rate < 0.99
