"""Power posteriors hand on the likelihoods that their energies contain."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import (
    energies,
    power_posteriors,
    run,
    seeds,
    tempering,
    trace,
)
from tests.kernels import KERNELS

LADDER = [0.0, 0.1, 0.4, 1.0]
X = np.array([[1.0, 2.0], [0.0, -1.0], [0.5, 0.5]])
STEPS, KEEP = 7, 3


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
        log_likelihood_fn=log_likelihood,
        **{"keep": KEEP, **options},
    )


# Every kernel, and every way to run the chains.
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("langevin", {}),
        ("nose_hoover", {}),
        ("baoab", {"batched": True}),
        ("mala", {"batched": True, "exchange_every": 2}),
    ],
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


@pytest.mark.parametrize("name", ["langevin", "mala"])
def test_only_what_an_energy_left_out_is_evaluated_again(name):
    """A function that is wrong by 1 shows where it is asked."""
    ours = _temper(name, _with_likelihood, lambda z: _log_likelihood(z) + 1.0)
    right = _temper(name, _with_likelihood)
    asked = ours.log_likelihood - right.log_likelihood
    wanted = np.array([1.0, 0.0, 0.0, 0.0])[:, None, None]
    np.testing.assert_allclose(asked, wanted * np.ones([1, KEEP, 3]), atol=1e-9)


def _evaluations(name, **options):
    """How often the likelihood and its gradient were computed."""
    counts = {"value": 0, "gradient": 0}

    def counted(key, value):
        def count(x):
            counts[key] += 1
            return x

        # Without a state, so that a graph drops it where nobody reads it.
        same = tf.numpy_function(count, [value], value.dtype, stateful=False)
        return tf.ensure_shape(same, value.shape)

    @tf.custom_gradient
    def likelihood(z):
        # As in a network, the gradient needs what the value was made from.
        z = counted("value", z)
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = _log_likelihood(z)
        slope = tape.gradient(value, z)
        return value, lambda dy: counted("gradient", dy[:, tf.newaxis] * slope)

    @tf.function(autograph=False)
    def tempered():
        return _temper(
            name,
            lambda t: power_posteriors.energy(_prior_energy, likelihood, t),
            likelihood,
            **options,
        )

    tempered()
    return tuple(counts.values())


def test_how_often_the_likelihood_is_evaluated():
    """Once a step, and a chain ends without what only a next step needs."""
    above = len(LADDER) - 1
    each = above * STEPS
    assert _evaluations("langevin") == (KEEP + each + above, each)
    # A test of acceptance asks for the end as well.
    assert _evaluations("mala") == (KEEP + each + above, each + above)
    # All at once, t = 0 is in the same batch.
    assert _evaluations("langevin", batched=True) == (STEPS + 1, STEPS)
    # Exchanges, after every other step, start the chains anew.
    again = STEPS // 2
    exchanged = _evaluations("mala", batched=True, exchange_every=2)
    assert exchanged == (STEPS + 1 + again, STEPS + 1 + again)


def test_a_rejected_proposal_has_another_likelihood():
    """The aux of the state is that of its position, the proposal's is not."""
    kernel = KERNELS["mala"](_with_likelihood(1.0))
    start = seeds.normal(seeds.seed(1), [3, 2], tf.float64)
    _, (positions, carried, proposed, accepted) = run(
        kernel,
        kernel.init(start),
        seed=seeds.seed(0),
        num_steps=20,
        observer=trace(
            lambda state, info: (
                state.position,
                state.aux.log_likelihood,
                info.proposal.aux.log_likelihood,
                info.accepted,
            )
        ),
    )
    right = tf.map_fn(_log_likelihood, positions)
    np.testing.assert_allclose(carried, right, rtol=1e-10)
    same = np.isclose(right, proposed)
    np.testing.assert_array_equal(same, accepted)
    assert 0 < np.mean(same) < 1


@pytest.mark.parametrize(
    "jit", [False, pytest.param(True, marks=pytest.mark.slow)]
)
def test_the_gradient_goes_through_the_handed_on_likelihoods(jit):
    one = tf.constant(1.0, tf.float64)

    def mean(scale, energy_at):
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

        return seeds.compiled(value_and_gradient, jit)(scale)

    ours = mean(
        one, lambda t, fn: power_posteriors.energy(_prior_energy, fn, t)
    )
    plain = mean(one, lambda t, fn: lambda z: _prior_energy(z) - t * fn(z))
    np.testing.assert_allclose(ours, plain, rtol=1e-10)
    assert abs(float(ours[1])) > 1e-3
