"""The Nose-Hoover integrator: orbit, order, reversal, conserved energy."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import nose_hoover, run, seeds, trace

STEP_SIZES = (0.1, 0.05, 0.025)


def _oscillator(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


def _double_well(x):
    return tf.reduce_sum((x**2 - 1.0) ** 2, axis=-1)


def _end(kernel, state, num_steps):
    with seeds.xla(True):
        return run(kernel, state, seed=seeds.seed(0), num_steps=num_steps)[0]


def _orbit(step_size, masses, time=10):
    kernel = nose_hoover.nose_hoover_chain(
        _oscillator, step_size, chain_length=2, masses=masses
    )
    x = tf.ones([1, 1], tf.float64)
    state = kernel.init(x, velocity=tf.zeros_like(x))
    end = _end(kernel, state, round(time / step_size))
    return np.array([end.position[0, 0], end.velocity[0, 0]])


def test_orbit_of_an_oscillator():
    # Thermostats too heavy to move leave velocity Verlet, whose orbit is
    # known: it turns by 2 asin(h / 2) a step on a slightly flat ellipse.
    heavy = [1e14, 1e14]
    orbits = np.array([_orbit(h, heavy) for h in STEP_SIZES])
    for h, orbit in zip(STEP_SIZES, orbits, strict=True):
        angle = 10 / h * 2 * np.arcsin(h / 2)
        flat = np.sqrt(1 - h**2 / 4)
        exact = [np.cos(angle), -flat * np.sin(angle)]
        np.testing.assert_allclose(orbit, exact, atol=1e-10)
    # Which is Newton's orbit to second order.
    found = np.linalg.norm(orbits - [np.cos(10), -np.sin(10)], axis=1)
    slopes = np.diff(np.log(found)) / np.diff(np.log(STEP_SIZES))
    np.testing.assert_allclose(slopes, 2, atol=0.02)
    # The control: thermostats that can move leave the orbit.
    moved = _orbit(0.025, [1.0, 1.0]) - orbits[2]
    assert np.linalg.norm(moved) > 100 * found[2]


@pytest.mark.parametrize(
    ("chain_length", "suzuki_yoshida", "thermostat"),
    [
        *((length, 1, "global") for length in (1, 2, 3, 4, 7)),
        *((length, 3, "global") for length in (1, 2, 3, 4, 7)),
        (2, 1, "massive"),
        (3, 3, "massive"),
        (4, 1, "massive"),
        (3, 1, "per_tensor"),
    ],
)
def test_time_reversal(chain_length, suzuki_yoshida, thermostat):
    kernel = nose_hoover.nose_hoover_chain(
        _double_well,
        0.05,
        temperature=0.7,
        chain_length=chain_length,
        relaxation_time=1.0,
        suzuki_yoshida=suzuki_yoshida,
        thermostat=thermostat,
    )
    # Cool starts: hot ones are chaotic, and rounding does not reverse.
    x = 1.0 + 0.1 * seeds.normal(seeds.seed(1), [8, 3], tf.float64)
    start = kernel.init(x, seeds.seed(2))
    there = _end(kernel, start, 100)
    assert np.min(np.abs(there.position - start.position).max(-1)) > 0.01
    turned = there.with_velocity(-there.velocity)._replace(
        eta_velocity=tf.nest.map_structure(tf.negative, there.eta_velocity),
        lag=-there.lag,
    )
    back = _end(kernel, turned, 100)
    np.testing.assert_allclose(back.position, start.position, atol=1e-9)
    np.testing.assert_allclose(back.velocity, -start.velocity, atol=1e-9)
    np.testing.assert_allclose(back.eta, start.eta, atol=1e-9)
    # The control: thermostats that run on do not come back.
    half = _end(kernel, there.with_velocity(-there.velocity), 100)
    assert np.abs(half.position - start.position).max() > 0.01


def _conserved(
    step_size, chain_length, suzuki_yoshida, event=1, thermostat="global"
):
    kernel = nose_hoover.nose_hoover_chain(
        _oscillator,
        step_size,
        chain_length=chain_length,
        relaxation_time=1.0,
        suzuki_yoshida=suzuki_yoshida,
        thermostat=thermostat,
    )
    x = seeds.normal(seeds.seed(1), [64, event], tf.float64)
    with seeds.xla(True):
        _, energy = run(
            kernel,
            kernel.init(x, seeds.seed(2)),
            seed=seeds.seed(3),
            num_steps=round(200 / step_size),
            observer=trace(lambda state, info: info.conserved),
        )
    return energy.numpy()


def _drift(*args, **options):
    energy = _conserved(*args, **options)
    return np.sqrt(np.mean((energy - energy.mean(0)) ** 2))


@pytest.mark.parametrize(
    "chain_length",
    [1, pytest.param(2, marks=pytest.mark.slow), 3, 4],
)
def test_extended_energy_is_conserved_to_second_order(chain_length):
    found = [_drift(h, chain_length, 3) for h in (0.05, 0.025, 0.0125)]
    assert found[0] <= 1e-3
    ratios = np.array(found[:-1]) / np.array(found[1:])
    np.testing.assert_allclose(ratios, 4, rtol=0.25)
    # It wanders without a trend: the last tenth is no worse than the whole.
    energy = _conserved(0.05, chain_length, 3)
    late = energy[-len(energy) // 10 :]
    assert np.sqrt(np.mean((late - energy[0]) ** 2)) < 3e-3


@pytest.mark.parametrize(
    ("thermostat", "chain_length", "suzuki_yoshida"),
    [
        ("massive", 2, 1),
        ("massive", 1, 3),
        ("massive", 2, 3),
        ("massive", 3, 3),
        ("massive", 4, 3),
        ("per_tensor", 2, 3),
    ],
)
def test_extended_energy_of_other_thermostats(
    thermostat, chain_length, suzuki_yoshida
):
    found = [
        _drift(h, chain_length, suzuki_yoshida, event=2, thermostat=thermostat)
        for h in (0.025, 0.0125)
    ]
    assert found[0] < 2e-3
    np.testing.assert_allclose(found[0] / found[1], 4, rtol=0.25)


def test_a_single_substep_drifts_more():
    # The control of the bound above, for one oscillator the hardest case.
    assert _drift(0.05, 4, 1) > 3e-3


def test_extended_energy_of_many_particles():
    energy = _conserved(0.05, 4, 3, event=50)
    fluctuation = np.std(energy, 0).max()
    assert fluctuation < 5e-3 * np.mean(energy)
