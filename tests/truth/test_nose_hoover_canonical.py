"""Nose-Hoover chains: the canonical distribution of an oscillator."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from samplers import moments, nose_hoover, run, seeds, trace

STEP = 0.05
SPACING = 200


def _oscillator(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


def _samples(chain_length, temperature=1.0, mass=1.0, event=1, **options):
    """Positions and velocities from chains that start almost at one point."""
    kernel = nose_hoover.nose_hoover_chain(
        _oscillator,
        STEP,
        temperature=temperature,
        chain_length=chain_length,
        relaxation_time=1.0,
        mass=mass,
        **options,
    )
    x = tf.ones([48, event], tf.float64)
    v = tf.reshape(1.0 + tf.linspace(0.0, 0.05, 48 * event), [48, event])
    state = kernel.init(x, velocity=tf.cast(v, tf.float64))
    with seeds.xla(True):
        _, (xs, vs, kinetic) = run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=110 * SPACING,
            observer=trace(
                lambda state, info: (
                    state.position,
                    state.velocity,
                    info.kinetic_temperature,
                ),
                every=SPACING,
            ),
        )
    return [values.numpy()[10:].ravel() for values in (xs, vs, kinetic)]


def _p_values(xs, vs, scale_x=1.0, scale_v=1.0):
    return [
        scipy.stats.kstest(values / scale, "norm").pvalue
        for values, scale in ((xs, scale_x), (vs, scale_v))
    ]


@pytest.mark.parametrize("chain_length", [2, 3, 4, 5, 30])
def test_canonical_position_and_velocity(chain_length):
    substeps = 3 if chain_length <= 5 else 1
    xs, vs, kinetic = _samples(chain_length, suzuki_yoshida=substeps)
    assert min(_p_values(xs, vs)) > 0.01
    # Position and velocity are independent, squares included.
    assert abs(np.corrcoef(xs**2, vs**2)[0, 1]) < 4 / np.sqrt(xs.size)
    error = np.sqrt(2 / kinetic.size)
    assert abs(kinetic.mean() - 1) < 4 * error
    assert abs(kinetic.var() - 2) < 4 * np.sqrt(56 / kinetic.size)


def test_one_thermostat_is_not_ergodic():
    xs, vs, _ = _samples(1, suzuki_yoshida=3)
    assert max(_p_values(xs, vs)) < 1e-6


@pytest.mark.parametrize("chain_length", [2, 3])
def test_a_thermostat_for_each_particle(chain_length):
    xs, vs, _ = _samples(
        chain_length, event=2, suzuki_yoshida=3, thermostat="massive"
    )
    assert min(_p_values(xs, vs)) > 0.01
    # The coordinates of a chain are independent, squares included.
    pairs = xs.reshape([-1, 2]) ** 2
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 4 / np.sqrt(len(pairs))


def test_one_thermostat_for_each_particle_is_not_ergodic():
    xs, vs, _ = _samples(1, event=2, suzuki_yoshida=3, thermostat="massive")
    assert max(_p_values(xs, vs)) < 1e-6


def test_friction_makes_one_thermostat_ergodic():
    xs, vs, _ = _samples(1, suzuki_yoshida=3, friction=0.2)
    assert min(_p_values(xs, vs)) > 0.01


@pytest.mark.parametrize("suzuki_yoshida", [1, 3])
def test_friction_beside_a_thermostat_for_each_particle(suzuki_yoshida):
    xs, vs, _ = _samples(
        3,
        event=2,
        suzuki_yoshida=suzuki_yoshida,
        thermostat="massive",
        friction=0.2,
    )
    assert min(_p_values(xs, vs)) > 0.01


def test_textbook_masses():
    xs, vs, _ = _samples(4, suzuki_yoshida=3, masses="textbook")
    assert min(_p_values(xs, vs)) > 0.01


def test_temperature_and_mass_set_the_scales():
    # Time scales as sqrt(m), so the fixed tau = 1 and h stay in range.
    xs, vs, kinetic = _samples(4, temperature=0.25, mass=2.0, suzuki_yoshida=3)
    assert min(_p_values(xs, vs, 0.5, np.sqrt(0.125))) > 0.01
    assert max(_p_values(xs, vs, 0.55, np.sqrt(0.2))) < 1e-3
    assert abs(kinetic.mean() - 0.25) < 4 * 0.25 * np.sqrt(2 / kinetic.size)


def test_a_temperature_for_each_chain():
    temperatures = tf.constant([0.1, 1.0, 10.0], tf.float64)
    kernel = nose_hoover.nose_hoover_chain(
        _oscillator, STEP, temperatures, relaxation_time=1.0, redraw_every=50
    )
    x = tf.zeros([3, 200], tf.float64)
    with seeds.xla(True):
        state, _ = run(
            kernel,
            kernel.init(x, seeds.seed(1)),
            seed=seeds.seed(2),
            num_steps=1000,
        )
        _, kinetic = run(
            kernel,
            state,
            seed=seeds.seed(2),
            first_step=1000,
            num_steps=8000,
            observer=moments(
                lambda state, info: (
                    info.kinetic_temperature,
                    2.0 * info.energy / 200.0,
                )
            ),
        )
    for mean in kinetic.mean:
        np.testing.assert_allclose(mean / temperatures, 1, atol=0.05)
    # The control: the chains do not share a temperature.
    assert kinetic.mean[0][2] > 50 * kinetic.mean[0][0]
