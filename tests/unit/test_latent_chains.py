"""Chains of codes end where `run` ends, one evaluation earlier."""

import numpy as np
import pytest
import tensorflow as tf

import samplers
from samplers import seeds
from zoo.latent_prior import chains

STEPS = 5


def _energy(codes):
    return 0.5 * tf.reduce_sum(codes**2 + codes**4, -1)


@pytest.mark.parametrize("dynamics", chains.DYNAMICS)
@pytest.mark.parametrize("steps", [1, 5])
def test_a_chain_ends_where_run_does(dynamics, steps):
    chain = chains.Chain(dynamics, steps, 0.05)
    start = seeds.normal(seeds.seed(0), [3, 2])

    @tf.function(autograph=False)
    def ends():
        kernel = chain.kernel(_energy)
        first, then = seeds.split(seeds.seed(1), 2)
        state, _ = samplers.run(
            kernel, kernel.init(start, first), seed=then, num_steps=steps
        )
        return chain.run(_energy, start, seeds.seed(1)), state.position

    ours, whole = ends()
    np.testing.assert_allclose(ours, whole, rtol=1e-6)
    assert np.abs(ours - start).min() > 0


@pytest.mark.parametrize(
    ("dynamics", "evaluations"),
    # A Metropolis test needs the energy of the last proposal.
    [("langevin", STEPS), ("baoab", STEPS), ("mala", STEPS + 1)],
)
def test_the_gradient_at_the_end_is_not_evaluated(dynamics, evaluations):
    calls = []

    def one(codes):
        calls.append(1)
        return np.ones(len(codes), np.float32)

    def energy(codes):
        constant = tf.stop_gradient(codes)
        counted = tf.numpy_function(one, [constant], tf.float32, stateful=False)
        return _energy(codes) * tf.ensure_shape(counted, [3])

    chain = chains.Chain(dynamics, STEPS, 0.05)
    run = tf.function(
        lambda: chain.run(energy, tf.ones([3, 2]), seeds.seed(1)),
        autograph=False,
    )
    run()
    assert len(calls) == evaluations


def test_a_tape_sees_the_end_as_a_constant():
    scale = tf.Variable(tf.constant(1.0))

    @tf.function(autograph=False)
    def gradient():
        with tf.GradientTape() as tape:
            ends = chains.Chain("langevin", 2, 0.05).run(
                lambda codes: scale * _energy(codes),
                tf.ones([3, 2]),
                seeds.seed(1),
            )
        return tape.gradient(ends, scale)

    assert gradient() is None
