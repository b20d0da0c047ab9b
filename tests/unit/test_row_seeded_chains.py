"""A chain that a seed of its own drives does not know its neighbours."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import baoab, langevin, metropolis, nose_hoover, run, seeds


def _energy(x):
    return 0.25 * tf.reduce_sum(x**4, -1) + tf.reduce_sum(tf.cos(2 * x), -1)


KERNELS = {
    "langevin": langevin.langevin(_energy, 0.05),
    "mala": metropolis.metropolis_hastings(langevin.langevin(_energy, 0.05)),
    "baoab": baoab.baoab(_energy, 0.3),
    "nose_hoover": nose_hoover.nose_hoover_chain(
        _energy, 0.3, redraw_every=5, thermostat="massive", chain_length=2
    ),
}


def _ends(kernel, rows, jit_compile=False):
    def chain(rows):
        first, then = seeds.split(rows, 2)
        start = kernel.init(tf.zeros([tf.shape(rows)[0], 3]), first)
        state, _ = run(kernel, start, seed=then, num_steps=20)
        return state.position

    spec = tf.TensorSpec([None, 2], tf.int32)
    chain = tf.function(
        chain,
        input_signature=[spec],
        autograph=False,
        jit_compile=jit_compile,
    )
    return chain(rows)


@pytest.mark.parametrize("name", KERNELS)
def test_a_chain_depends_on_its_own_seed_alone(name):
    rows = tf.constant([[3, 1], [-5, 2], [3, 9], [0, 0]], tf.int32)
    together = _ends(KERNELS[name], rows)
    turned = _ends(KERNELS[name], rows[::-1])
    np.testing.assert_allclose(turned[::-1], together, atol=1e-5)
    alone = _ends(KERNELS[name], rows[2:3])
    np.testing.assert_allclose(alone[0], together[2], atol=1e-5)
    # Negative control: other seeds give other chains.
    assert np.abs(together[0] - together[2]).max() > 1e-2


def test_row_seeded_chains_are_the_same_under_xla():
    rows = seeds.rows(7, 5)
    kernel = KERNELS["langevin"]
    np.testing.assert_allclose(
        _ends(kernel, rows, True), _ends(kernel, rows), atol=1e-4
    )


def test_row_seeded_chains_sample_what_others_sample():
    """Second moments of a normal, over 4,000 chains."""
    kernel = langevin.langevin(
        lambda x: 0.5 * tf.reduce_sum(x**2, -1), step_size=0.1
    )

    def variance(seed):
        state = kernel.init(tf.zeros([4000, 2]))
        state, _ = run(kernel, state, seed=seed, num_steps=60)
        return np.var(state.position, axis=0)

    exact = 1 / (1 - 0.1 / 2)
    error = exact * np.sqrt(2 / 4000)
    np.testing.assert_allclose(
        variance(seeds.rows(1, 4000)), exact, 0, 4 * error
    )
    np.testing.assert_allclose(variance(seeds.seed(1)), exact, 0, 4 * error)


@pytest.mark.parametrize("draw", [seeds.uniform, seeds.normal])
def test_draws_have_the_shape_that_was_asked_for(draw):
    rows = seeds.rows(1, 3)
    for shape in ([3], [3, 2], [3, 2, 5]):
        found = draw(rows, tf.constant(shape))
        assert found.shape == tuple(shape)
        assert found.dtype == tf.float32
    assert draw(rows, [3, 2], tf.float64).dtype == tf.float64
