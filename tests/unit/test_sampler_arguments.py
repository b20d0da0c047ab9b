"""A mistake in a sampler's arguments is one line with a remedy."""

import numpy as np
import pytest
import tensorflow as tf

import errors
from samplers import (
    baoab,
    energies,
    langevin,
    metropolis,
    nose_hoover,
    run,
    seeds,
    sg_nose_hoover,
    trace,
)


def _energy(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


def _minibatch():
    return nose_hoover.nose_hoover_chain(
        energies.seeded(lambda x, seed: _energy(x)), 0.1
    )


_WITH_VELOCITIES = pytest.mark.parametrize(
    "kernel",
    [
        baoab.baoab,
        nose_hoover.nose_hoover_chain,
        sg_nose_hoover.sg_nose_hoover,
    ],
)


@_WITH_VELOCITIES
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step_size", 0.0),
        ("step_size", None),
        ("temperature", -1.0),
        ("mass", "heavy"),
        ("friction", -0.5),
        ("friction", float("nan")),
        ("friction", "some"),
    ],
)
def test_kernels_with_velocities_refuse_the_same(kernel, name, value):
    with pytest.raises(errors.InputError, match=f"^{name} "):
        kernel(_energy, **{"step_size": 0.1, name: value})


@_WITH_VELOCITIES
def test_kernels_with_velocities_start_alike(kernel):
    made = kernel(_energy, 0.1, temperature=4.0, mass=2.0)
    position = tf.ones([3, 1000])
    drawn = made.init(position, seeds.seed(1))
    variance = float(tf.math.reduce_variance(drawn.velocity))
    assert variance == pytest.approx(2.0, rel=0.1)
    given = made.init(position, velocity=drawn.velocity)
    assert (given.velocity.numpy() == drawn.velocity.numpy()).all()
    for state in (drawn, given):
        assert state.energy.numpy().tolist() == [500.0] * 3
        assert (state.gradient.numpy() == position.numpy()).all()


def _run(**changes):
    kernel = langevin.langevin(_energy, 0.1)
    state = kernel.init(tf.zeros([2, 2]))
    return run(
        kernel, state, **{"seed": seeds.seed(0), "num_steps": 3, **changes}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda: {"seed": 3}, "seed 3 is no int32"),
        (lambda: {"seed": None}, "seed None is no int32"),
        (lambda: {"seed": [1, 2, 3]}, "seed of type list is no int32"),
        (
            lambda: {"seed": tf.zeros([2])},
            "seed of type EagerTensor is no int32",
        ),
        (lambda: {"num_steps": 2.5}, "num_steps=2.5 is no whole number"),
        (lambda: {"num_steps": "9"}, "num_steps='9' is no whole number"),
        (lambda: {"num_steps": None}, "num_steps=None is no whole number"),
        (lambda: {"num_steps": tf.constant(3.0)}, "num_steps=of type"),
        (lambda: {"first_step": 1.0}, "first_step=1.0 is no whole number"),
        (
            lambda: {"observer": trace},
            "observer of type function is no Observer",
        ),
        (lambda: {"observer": 5}, "observer 5 is no Observer"),
    ],
)
def test_a_run_refuses_what_it_cannot_take(changes, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        _run(**changes())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        lambda: {
            "num_steps": np.int64(3),
            "first_step": tf.constant(1, tf.int64),
        },
        lambda: {"seed": np.array([1, 2], np.int32), "num_steps": np.array(3)},
        lambda: {"seed": [1, 2]},
        lambda: {"seed": seeds.rows(1, 2)},
    ],
)
def test_a_run_takes_whole_numbers_of_any_kind(changes):
    state, _ = _run(**changes())
    assert np.isfinite(state.position).all()


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: langevin.langevin(_energy, 0.0), "step_size 0.0"),
        (lambda: langevin.langevin(_energy, "a"), "step_size 'a'"),
        (lambda: langevin.langevin(_energy, 0.1, -1.0), "temperature -1.0"),
        (lambda: nose_hoover.nose_hoover_chain(_energy, None), "None is not"),
        (lambda: langevin.langevin(3, 0.1), "not callable"),
        (
            lambda: langevin.langevin(_energy, 0.1).init(
                tf.zeros([2], tf.int32)
            ),
            "int32",
        ),
        (lambda: langevin.langevin(_energy, 0.1).init(1.0), "no chain axis"),
        (
            lambda: langevin.langevin(tf.square, 0.1).init(tf.zeros([2, 3])),
            "is not \\[chains\\]",
        ),
        (
            lambda: langevin.langevin(lambda x: tf.zeros([2]), 0.1).init(
                tf.zeros([2, 3])
            ),
            "does not depend",
        ),
        (
            lambda: _minibatch().init(
                tf.zeros([2, 2]), velocity=tf.zeros([2, 2])
            ),
            "stochastic",
        ),
        (
            lambda: langevin.langevin(
                energies.batched(lambda x, b: _energy(x)), 0.1
            ).init(tf.zeros([2, 2])),
            "batch None",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1).init(
                tf.zeros([2, 2])
            ),
            "velocity None",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1, chain_length=0),
            "chain_length=0",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1, masses="own"),
            "masses='own'",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1, masses=[1.0]),
            "one mass a thermostat",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(
                _energy, 0.1, suzuki_yoshida=2
            ),
            "choose 1 or 3",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(
                _energy, 0.1, redraw_every=-1
            ),
            "redraw_every=-1",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1, temperature=0),
            "temperature 0",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(
                _energy, 0.1, thermostat="local"
            ),
            "'per_tensor', 'massive'",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(_energy, 0.1, friction=-1.0),
            "friction -1.0",
        ),
        (
            lambda: baoab.baoab(_energy, 0.1, friction=-1.0),
            "friction -1.0",
        ),
        (
            lambda: nose_hoover.nose_hoover_chain(
                _energy, 0.1, chain_length=2, masses=[1.0, 0.0]
            ),
            "must all be positive",
        ),
        (
            lambda: baoab.baoab(_energy, 0.1).init(tf.zeros([2, 2])),
            "velocity None",
        ),
        (
            lambda: sg_nose_hoover.sg_nose_hoover(
                _energy, 0.1, relaxation_time=0.0
            ),
            "relaxation_time 0.0",
        ),
        (
            lambda: metropolis.metropolis_hastings(_minibatch()),
            "no acceptance ratio",
        ),
        (
            lambda: metropolis.metropolis_hastings(
                langevin.langevin(energies.seeded(lambda x, s: _energy(x)), 0.1)
            ),
            "stochastic",
        ),
        (lambda: trace(lambda state, info: state.position, every=0), "every=0"),
        (
            lambda: run(
                langevin.langevin(_energy, 0.1),
                langevin.langevin(_energy, 0.1).init(tf.zeros([2, 2])),
                seed=seeds.seed(0),
                num_steps=-1,
            ),
            "num_steps=-1",
        ),
        (
            lambda: run(
                langevin.langevin(_energy, 0.1),
                langevin.langevin(_energy, 0.1).init(tf.zeros([2, 2])),
                seed=seeds.seed(0),
                num_steps=3,
                batches=tf.zeros([4]),
            ),
            "length 4",
        ),
    ],
)
def test_mistakes_are_one_line(mistake, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        mistake()
    assert "\n" not in str(caught.value)
