"""Underdamped Langevin kernels against closed forms."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from samplers import (
    baoab,
    energies,
    moments,
    nose_hoover,
    run,
    seeds,
    sg_nose_hoover,
)

CHAINS = 2000


def _oscillator(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


def _variances(kernel, steps=400):
    """Of position and velocity, over chains and late times, with errors."""
    x = tf.zeros([CHAINS, 1], tf.float64)
    with seeds.xla(True):
        state, _ = run(
            kernel,
            kernel.init(x, seeds.seed(0)),
            seed=seeds.seed(1),
            num_steps=200,
        )
        _, observed = run(
            kernel,
            state,
            seed=seeds.seed(1),
            num_steps=steps,
            first_step=200,
            observer=moments(
                lambda state, info: (
                    state.position[:, 0] ** 2,
                    state.velocity[:, 0] ** 2,
                )
            ),
        )
    squares = [values.numpy() for values in observed.mean]
    return [(q.mean(), q.std() / np.sqrt(CHAINS)) for q in squares]


@pytest.mark.parametrize(
    ("temperature", "mass"), [(1.0, 1.0), (0.3, 1.0), (1.0, 2.0)]
)
def test_baoab_has_no_error_in_a_gaussian_position(temperature, mass):
    """Even at a large step; the velocity has one that is known.

    <v^2> = (1 - h^2 k / 4m) T / m (Leimkuhler and Matthews 2013).
    """
    h = 0.9
    kernel = baoab.baoab(_oscillator, h, temperature, mass=mass)
    (x, error_x), (v, error_v) = _variances(kernel)
    assert abs(x - temperature) < 4 * error_x
    biased = (1 - h**2 / (4 * mass)) * temperature / mass
    assert abs(v - biased) < 4 * error_v
    # The control: the error of the velocity is seen.
    assert abs(v - temperature / mass) > 10 * error_v


def test_no_friction_is_velocity_verlet():
    kernel = baoab.baoab(_oscillator, 0.05, friction=0.0)
    # Thermostats too heavy to move leave velocity Verlet too.
    verlet = nose_hoover.nose_hoover_chain(
        _oscillator, 0.05, chain_length=2, masses=[1e14, 1e14]
    )
    x, v = tf.ones([2, 3], tf.float64), tf.ones([2, 3], tf.float64)
    ends = [
        run(k, k.init(x, velocity=v), seed=seeds.seed(0), num_steps=100)[0]
        for k in (kernel, verlet)
    ]
    np.testing.assert_allclose(ends[0].position, ends[1].position, atol=1e-10)
    rubbed = baoab.baoab(_oscillator, 0.05, friction=0.1)
    end, _ = run(
        rubbed, rubbed.init(x, velocity=v), seed=seeds.seed(0), num_steps=100
    )
    assert np.abs(end.position - ends[0].position).max() > 0.01


@pytest.mark.parametrize("temperature", [1.0, 0.3])
def test_sg_nose_hoover_on_an_exact_gradient(temperature):
    kernel = sg_nose_hoover.sg_nose_hoover(
        _oscillator, 0.1, temperature, friction=0.5, relaxation_time=2.0
    )
    x = tf.zeros([CHAINS, 4], tf.float64)
    with seeds.xla(True):
        state, _ = run(
            kernel,
            kernel.init(x, seeds.seed(0)),
            seed=seeds.seed(1),
            num_steps=600,
        )
    for values in (state.position, state.velocity):
        scaled = values.numpy().ravel() / np.sqrt(temperature)
        assert scipy.stats.kstest(scaled, "norm").pvalue > 0.01
        assert scipy.stats.kstest(1.1 * scaled, "norm").pvalue < 0.01
    # Its law is N(g, 1 / (N tau^2)), whatever the temperature.
    z = (state.friction.numpy() - 0.5) * 2.0 * np.sqrt(4)
    assert scipy.stats.kstest(z, "norm").pvalue > 0.01


def test_sg_nose_hoover_finds_the_noise_of_its_gradient():
    """White noise of a known strength needs a known friction."""
    h, strength, given = 0.05, 2.0, 0.1

    def noisy(x, seed):
        noise = seeds.normal(seed, x.shape, x.dtype)
        return _oscillator(x) + strength * tf.reduce_sum(noise * x, -1)

    kernel = sg_nose_hoover.sg_nose_hoover(
        energies.seeded(noisy), h, friction=given, relaxation_time=2.0
    )
    x = tf.zeros([200, 10], tf.float64)
    with seeds.xla(True):
        state, _ = run(
            kernel,
            kernel.init(x, seeds.seed(0)),
            seed=seeds.seed(1),
            num_steps=1000,
        )
        _, observed = run(
            kernel,
            state,
            seed=seeds.seed(1),
            num_steps=4000,
            first_step=1000,
            observer=moments(
                lambda state, info: (state.friction, state.position**2)
            ),
        )
    friction, square = (values.numpy().mean() for values in observed.mean)
    # Kicks of variance (h s)^2 a step equal friction h s^2 / 2T.
    assert abs(friction - (given + h * strength**2 / 2)) < 0.01
    assert abs(square - 1) < 0.03
    plain = baoab.baoab(energies.seeded(noisy), h, friction=given)
    with seeds.xla(True):
        state, _ = run(
            plain,
            plain.init(x, seeds.seed(0)),
            seed=seeds.seed(1),
            num_steps=1000,
        )
    assert np.mean(state.position.numpy() ** 2) > 1.7
