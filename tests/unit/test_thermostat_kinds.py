"""The kinds of thermostats: shapes, sums, and which particles they reach."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import moments, nose_hoover, run, seeds

KINDS = ("global", "per_tensor", "massive")


def _energy(x):
    """Two oscillators in tensors of their own, stiff and soft."""
    return 2.0 * tf.reduce_sum(x[0] ** 2, -1) + 0.2 * tf.reduce_sum(
        x[1] ** 2, [-2, -1]
    )


def _start(chains=3):
    draws = seeds.split(seeds.seed(1), 2)
    return [
        seeds.normal(draws[0], [chains, 4], tf.float64),
        seeds.normal(draws[1], [chains, 2, 3], tf.float64),
    ]


@pytest.mark.parametrize("thermostat", KINDS)
@pytest.mark.parametrize(
    ("friction", "masses"),
    [(0.0, None), (0.5, None), (0.0, "textbook"), (0.5, [3.0, 2.0, 1.0])],
)
def test_info_is_what_the_state_says(thermostat, friction, masses):
    temperature, mass = tf.constant([0.5, 1.0, 2.0], tf.float64), 1.5
    kernel = nose_hoover.nose_hoover_chain(
        _energy,
        0.1,
        temperature,
        chain_length=3,
        masses=masses,
        mass=mass,
        thermostat=thermostat,
        friction=friction,
    )
    state = kernel.init(_start(), seeds.seed(0))
    for step in range(2):
        state, _ = kernel.step(seeds.seed(step), state)
    state, info = kernel.step(seeds.seed(2), state)
    squares = [mass * v.numpy() ** 2 for v in state.velocity]
    by_tensor = np.stack([q.reshape(3, -1).mean(-1) for q in squares], -1)
    np.testing.assert_allclose(info.tensor_kinetic_temperature, by_tensor)
    whole = np.concatenate([q.reshape(3, -1) for q in squares], -1).sum(-1)
    np.testing.assert_allclose(info.kinetic_temperature, whole / 10)
    kinetic = state.kinetic_energy.numpy()
    assert kinetic.shape == ((3, 2) if thermostat == "per_tensor" else (3,))
    np.testing.assert_allclose(2 * kinetic.reshape(3, -1).sum(-1), whole)


@pytest.mark.parametrize("thermostat", KINDS)
def test_one_chain_of_weights_equals_a_chain_among_many(thermostat):
    options = {"step_size": 0.1, "chain_length": 3, "thermostat": thermostat}
    many = nose_hoover.nose_hoover_chain(_energy, **options)
    one = nose_hoover.nose_hoover_chain(
        lambda x: _energy([t[tf.newaxis] for t in x])[0],
        chain_ndims=0,
        **options,
    )
    start, velocity = _start(), _start()
    ends, _ = run(
        many,
        many.init(start, velocity=velocity),
        seed=seeds.seed(0),
        num_steps=50,
    )
    end, _ = run(
        one,
        one.init([x[1] for x in start], velocity=[v[1] for v in velocity]),
        seed=seeds.seed(0),
        num_steps=50,
    )
    for a, b in zip(tf.nest.flatten(ends), tf.nest.flatten(end), strict=True):
        own = a[1] if a.shape.rank else a
        np.testing.assert_allclose(own, b, rtol=1e-9, atol=1e-12)


def test_no_friction_draws_nothing():
    kernel = nose_hoover.nose_hoover_chain(_energy, 0.1, thermostat="massive")
    rubbed = nose_hoover.nose_hoover_chain(_energy, 0.1, friction=0.1)
    for moves, is_random in ((kernel, False), (rubbed, True)):
        state = moves.init(_start(), velocity=_start())
        a, b = (moves.step(seeds.seed(s), state)[0].velocity[0] for s in (1, 2))
        assert bool(np.any(a != b)) == is_random


def _temperatures(thermostat, share):
    """Mean kinetic temperatures, from a start far from equal shares."""
    kernel = nose_hoover.nose_hoover_chain(
        _energy, 0.1, chain_length=2, thermostat=thermostat
    )
    x = [tf.zeros_like(x) for x in _start(64)]
    hot, cold = _start(64)
    state = kernel.init(x, velocity=[np.sqrt(2.5) * hot, share * cold])
    with seeds.xla(True):
        state, _ = run(kernel, state, seed=seeds.seed(0), num_steps=2000)
        _, observed = run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=10000,
            observer=moments(
                lambda state, info: (
                    info.kinetic_temperature,
                    info.tensor_kinetic_temperature,
                )
            ),
        )
    whole, by_tensor = observed.mean
    return whole.numpy().mean(), by_tensor.numpy().mean(0)


def test_temperatures_by_tensor_betray_a_tensor_left_cold():
    whole, by_tensor = _temperatures("global", 0.01)
    assert abs(whole - 1) < 0.1
    assert by_tensor[0] > 2
    assert by_tensor[1] < 0.01


def test_a_thermostat_a_tensor_warms_each_to_its_temperature():
    _, by_tensor = _temperatures("per_tensor", 0.01)
    np.testing.assert_allclose(by_tensor, 1, atol=0.05)
