"""Power posteriors hand on the likelihoods that their energies contain."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import (
    baoab,
    energies,
    langevin,
    metropolis,
    nose_hoover,
    power_posteriors,
    run,
    seeds,
    tempering,
    trace,
)

LADDER = [0.0, 0.1, 0.4, 1.0]
X = np.array([[1.0, 2.0], [0.0, -1.0], [0.5, 0.5]])
STEPS, KEEP = 7, 3
KERNELS = {
    "langevin": lambda energy: langevin.langevin(energy, 0.1),
    "mala": lambda energy: metropolis.metropolis_hastings(
        langevin.langevin(energy, 0.5)
    ),
    "baoab": lambda energy: baoab.baoab(energy, 0.3),
    "nose_hoover": lambda energy: nose_hoover.nose_hoover_chain(energy, 0.3),
}


def _prior_energy(z):
    return 0.5 * tf.reduce_sum(z**2, -1)


def _log_likelihood(z):
    x = tempering.rows(tf.constant(X), z)
    return -2.0 * tf.reduce_sum((x - tf.sin(z)) ** 2, -1)


def _with_likelihood(t):
    return power_posteriors.energy(_prior_energy, _log_likelihood, t)


def _without(t):
    return energies.deterministic(
        lambda z: _prior_energy(z) - t * _log_likelihood(z)
    )


def _temper(name, energy_at, log_likelihood=_log_likelihood, **options):
    return tempering.temper(
        lambda t, index: KERNELS[name](energy_at(t)),
        LADDER,
        seeds.normal(seeds.seed(1), [3, 2], tf.float64),
        seed=seeds.seed(0),
        num_steps=STEPS,
        keep=KEEP,
        log_likelihood_fn=log_likelihood,
        **options,
    )


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(
    "options", [{}, {"batched": True}, {"batched": True, "exchange_every": 2}]
)
def test_likelihoods_are_those_of_the_samples(name, options):
    ours = _temper(name, _with_likelihood, **options)
    plain = _temper(name, _without, **options)
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    again = tf.map_fn(
        lambda z: tf.stack([_log_likelihood(draw) for draw in z]), ours.samples
    )
    np.testing.assert_allclose(ours.log_likelihood, again, rtol=1e-10)


@pytest.mark.parametrize("name", KERNELS)
def test_only_what_an_energy_left_out_is_evaluated_again(name):
    """A function that is wrong by 1 shows where it is asked."""
    ours = _temper(name, _with_likelihood, lambda z: _log_likelihood(z) + 1.0)
    right = _temper(name, _with_likelihood)
    asked = ours.log_likelihood - right.log_likelihood
    known = 0.0 if name != "mala" else 1.0
    wanted = np.array([1.0, known, known, known])[:, None, None]
    np.testing.assert_allclose(asked, wanted * np.ones([1, KEEP, 3]), atol=1e-9)


@pytest.mark.parametrize(("name", "again"), [("langevin", 0), ("mala", 1)])
def test_how_often_the_likelihood_is_evaluated(name, again):
    count = tf.Variable(tf.constant(0))

    def counted(z):
        count.assign_add(1)
        return _log_likelihood(z)

    @tf.function(autograph=False)
    def tempered():
        return _temper(
            name,
            lambda t: power_posteriors.energy(_prior_energy, counted, t),
            counted,
        )

    tempered()
    above = len(LADDER) - 1
    assert int(count) == KEEP + above * (STEPS + 1 + again * KEEP)


def test_a_rejected_proposal_has_another_likelihood():
    """Why a Metropolis test is not trusted: its aux is the proposal's."""
    kernel = KERNELS["mala"](_with_likelihood(1.0))
    start = seeds.normal(seeds.seed(1), [3, 2], tf.float64)
    _, (positions, proposed, accepted) = run(
        kernel,
        kernel.init(start),
        seed=seeds.seed(0),
        num_steps=20,
        observer=trace(
            lambda state, info: (
                state.position,
                info.proposal.aux.log_likelihood,
                info.accepted,
            )
        ),
    )
    right = tf.map_fn(_log_likelihood, positions)
    same = np.isclose(right, proposed)
    np.testing.assert_array_equal(same, accepted)
    assert 0 < np.mean(same) < 1


@pytest.mark.parametrize("jit", [False, True])
def test_the_gradient_goes_through_the_handed_on_likelihoods(jit):
    one = tf.constant(1.0, tf.float64)

    def mean(scale, energy_at):
        @tf.function(autograph=False, jit_compile=jit)
        def value_and_gradient(scale):
            def likelihood(z):
                return scale * _log_likelihood(z)

            with tf.GradientTape() as tape:
                tape.watch(scale)
                tempered = _temper(
                    "langevin",
                    lambda t: energy_at(t, likelihood),
                    likelihood,
                    differentiable=True,
                )
                value = tf.reduce_mean(tempered.log_likelihood)
            return value, tape.gradient(value, scale)

        return value_and_gradient(scale)

    ours = mean(
        one, lambda t, fn: power_posteriors.energy(_prior_energy, fn, t)
    )
    plain = mean(one, lambda t, fn: lambda z: _prior_energy(z) - t * fn(z))
    np.testing.assert_allclose(ours, plain, rtol=1e-10)
    assert abs(float(ours[1])) > 1e-3
