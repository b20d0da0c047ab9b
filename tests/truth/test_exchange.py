"""Exchanges between temperatures leave the product of all laws invariant."""

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from samplers import (
    exchange,
    ladders,
    langevin,
    metropolis,
    run,
    seeds,
    total,
)

LADDER = np.array([0.0, 0.1, 0.4, 1.0])
CHAINS = 4000
PRECISION = 8.0


def _log_likelihood(z):
    """Around 1.5: power posteriors are Gaussians, and far from each other."""
    return -0.5 * PRECISION * tf.reduce_sum((z - 1.5) ** 2, -1)


def _law(t) -> Any:
    precision = 1 + t * PRECISION
    return scipy.stats.norm(1.5 * t * PRECISION / precision, precision**-0.5)


def _kernel(step):
    """MALA of all temperatures in one batch, with a step size for each."""
    t = np.repeat(LADDER, CHAINS)
    return metropolis.metropolis_hastings(
        langevin.langevin(
            lambda z: 0.5 * tf.reduce_sum(z**2, -1) - t * _log_likelihood(z),
            step / (1 + t * PRECISION),
        )
    )


def _p_values(log_likelihood, every=1, steps=30):
    """Of each temperature's law and each pair's independence at the end."""
    rng = np.random.default_rng(0)
    start = np.stack([_law(t).rvs(CHAINS, random_state=rng) for t in LADDER])
    kernel = exchange.exchanging(_kernel(0.05), LADDER, log_likelihood, every)
    with seeds.xla(True):
        state, (exchanged, tried) = run(
            kernel,
            kernel.init(start.reshape([-1, 1])),
            seed=seeds.seed(1),
            num_steps=steps,
            observer=total(
                lambda state, info: (
                    tf.reduce_mean(info.exchange, 1),
                    tf.cast(info.tried, tf.float64),
                )
            ),
        )
    z = state.position.numpy().reshape([len(LADDER), CHAINS])
    laws = [
        scipy.stats.kstest(values, _law(t).cdf).pvalue
        for t, values in zip(LADDER, z, strict=True)
    ]
    pairs = [scipy.stats.pearsonr(a, b)[1] for a, b in itertools.pairwise(z)]
    return np.array(laws + pairs), exchanged.numpy(), tried.numpy()


@pytest.mark.parametrize("every", [1, 3])
def test_exchanges_leave_the_joint_law_invariant(every):
    p_values, exchanged, tried = _p_values(_log_likelihood, every)
    assert p_values.min() > 1e-3
    # Both kinds of pairs in turn.
    np.testing.assert_array_equal(tried, np.array([15, 15, 15]) // every)
    assert np.all(exchanged / tried > 0.05)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda z: tf.zeros_like(z[:, 0]),
        lambda z: -_log_likelihood(z),
        lambda z: 0.5 * _log_likelihood(z),
    ],
    ids=["always", "sign", "half"],
)
def test_a_wrong_ratio_does_not(wrong):
    assert _p_values(wrong)[0].min() < 1e-9


def test_probability_of_an_exchange_against_its_definition():
    """The joint density after the exchange over that before."""
    kernel = exchange.exchanging(_kernel(1e-12), LADDER, _log_likelihood)
    rng = np.random.default_rng(2)
    z = rng.normal(size=[len(LADDER), CHAINS])
    start = kernel.init(z.reshape([-1, 1]))
    _, info = kernel.step(seeds.seed(0), start)

    def log_joint(z):
        return sum(_law(t).logpdf(v) for t, v in zip(LADDER, z, strict=True))

    np.testing.assert_array_equal(info.tried, [True, False, True])
    for i in (0, 2):
        swapped = z.copy()
        swapped[[i, i + 1]] = z[[i + 1, i]]
        expected = np.exp(np.minimum(log_joint(swapped) - log_joint(z), 0.0))
        np.testing.assert_allclose(info.exchange[i], expected, atol=1e-4)
    assert not np.any(info.exchange[1])


def test_exchanges_carry_chains_between_modes():
    """Two modes at -3 and 3 that hold 1/4 and 3/4; all start in one."""
    chains = 300
    ladder = ladders.geometric(6, 0.03)
    t = np.repeat(ladder, chains)

    def log_likelihood(z):
        logits = [np.log(0.25), np.log(0.75)]
        modes = [-4.0 * (z[:, 0] - c) ** 2 for c in (-3.0, 3.0)]
        whole = tf.reduce_logsumexp(tf.stack(modes, -1) + logits, -1)
        return whole + tf.reduce_sum(z**2, -1) / 50

    kernel = metropolis.metropolis_hastings(
        langevin.langevin(
            lambda z: tf.reduce_sum(z**2, -1) / 50 - t * log_likelihood(z),
            2.0 / (1 + t * 20),
        )
    )
    population = exchange.exchanging(kernel, ladder, log_likelihood, 2)

    def low(kernel):
        start = tf.fill([len(t), 1], tf.constant(3.0, tf.float64))
        with seeds.xla(True):
            _, observed = run(
                kernel,
                run(
                    kernel,
                    kernel.init(start),
                    seed=seeds.seed(1),
                    num_steps=600,
                )[0],
                seed=seeds.seed(2),
                num_steps=600,
                observer=total(
                    lambda state, info: tf.cast(
                        state.position[-chains:, 0] < 0, tf.float64
                    )
                ),
            )
        share = observed.numpy() / 600
        return share.mean(), share.std() / np.sqrt(chains)

    mean, error = low(population)
    assert error < 0.03
    assert abs(mean - 0.25) < 4 * error
    alone, _ = low(kernel)
    assert alone < 0.01
