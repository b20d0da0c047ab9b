"""Tempered chains: seeds, shapes, graphs, step sizes and mistakes."""

import numpy as np
import pytest
import tensorflow as tf

import errors
from samplers import (
    exchange,
    ladders,
    langevin,
    metropolis,
    run,
    seeds,
    step_sizes,
    tempering,
    trace,
)

LADDER = ladders.power_law(4, 2.0)
X = np.array([[1.0, 2.0], [0.0, -1.0], [0.5, 0.5]])


def _log_likelihood(z):
    return -2.0 * tf.reduce_sum(
        (tempering.rows(tf.constant(X), z) - z) ** 2, -1
    )


def _kernel_at(t, index):
    return metropolis.metropolis_hastings(
        langevin.langevin(
            lambda z: 0.5 * tf.reduce_sum(z**2, -1) - t * _log_likelihood(z),
            step_sizes.at(t, 0.4, 4.0),
        )
    )


def _start(dtype=tf.float64):
    return seeds.normal(seeds.seed(1), [3, 2], dtype)


def _temper(kernel_at=_kernel_at, position=None, **options):
    settings = {
        "seed": seeds.seed(0),
        "num_steps": 7,
        "keep": 3,
        "log_likelihood_fn": _log_likelihood,
        **options,
    }
    position = _start() if position is None else position
    return tempering.temper(kernel_at, LADDER, position, **settings)


WAYS = [
    {},
    {"batched": True},
    {"batched": True, "exchange_every": 2},
]


@pytest.mark.parametrize("options", WAYS)
def test_shapes_and_likelihoods(options):
    tempered = _temper(**options)
    assert tempered.position.shape == (4, 3, 2)
    assert tempered.samples.shape == (4, 3, 3, 2)
    assert tempered.log_likelihood.shape == (4, 3, 3)
    assert tempered.acceptance.shape == (4,)
    assert np.all((tempered.acceptance > 0) & (tempered.acceptance <= 1))
    np.testing.assert_array_equal(tempered.position, tempered.samples[:, -1])
    for i in range(4):
        for k in range(3):
            np.testing.assert_allclose(
                tempered.log_likelihood[i, k],
                _log_likelihood(tempered.samples[i, k]),
            )


def test_one_after_the_other_is_what_run_does_by_hand():
    tempered = _temper()
    position = _start()
    for i, t in enumerate(LADDER):
        first, seed = seeds.split(seeds.fold_in(seeds.seed(0), i), 2)
        kernel = _kernel_at(t, i)
        state, (samples, acceptance) = run(
            kernel,
            kernel.init(position, first),
            seed=seed,
            num_steps=7,
            observer=trace(
                lambda state, info: (state.position, info.acceptance)
            ),
        )
        position = state.position
        np.testing.assert_allclose(tempered.samples[i], samples[-3:])
        np.testing.assert_allclose(
            tempered.acceptance[i], tf.reduce_mean(acceptance)
        )


@pytest.mark.parametrize("options", WAYS)
def test_graph_eager_and_a_ladder_given_later_agree(options):
    eager = _temper(**options)

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.float64),
            tf.TensorSpec([None, 2], tf.float64),
            tf.TensorSpec([], tf.int32),
        ],
    )
    def later(ladder, position, steps):
        return tempering.temper(
            _kernel_at,
            ladder,
            position,
            seed=seeds.seed(0),
            num_steps=steps,
            keep=3,
            log_likelihood_fn=_log_likelihood,
            **options,
        )

    for a, b in zip(later(LADDER, _start(), 7), eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert not np.allclose(later(LADDER, _start(), 8)[0], eager[0])


@pytest.mark.parametrize("options", WAYS)
def test_it_compiles_with_xla_in_single_precision(options):
    def log_likelihood(z):
        x = tf.constant(X, tf.float32)
        return -2.0 * tf.reduce_sum((tempering.rows(x, z) - z) ** 2, -1)

    def kernel_at(t, index):
        # A step size looked up by its place on the ladder.
        step = tf.gather(tf.constant([0.4, 0.3, 0.2, 0.1]), index)
        return metropolis.metropolis_hastings(
            langevin.langevin(
                lambda z: 0.5 * tf.reduce_sum(z**2, -1) - t * log_likelihood(z),
                step,
            )
        )

    with seeds.xla(True):
        tempered, again = (
            _temper(
                kernel_at,
                _start(tf.float32),
                log_likelihood_fn=log_likelihood,
                **options,
            )
            for _ in range(2)
        )
    assert tempered.samples.dtype == tf.float32
    np.testing.assert_array_equal(tempered.samples, again.samples)
    assert np.all(np.isfinite(tempered.log_likelihood))


def test_the_same_function_is_traced_once():
    traces = []

    def kernel_at(t, index):
        traces.append(t)
        return _kernel_at(t, index)

    _temper(kernel_at)
    count = len(traces)
    _temper(kernel_at, num_steps=9, seed=seeds.seed(5))
    assert len(traces) == count


def test_positions_of_several_parts():
    def kernel_at(t, index):
        def energy(z):
            whole = tf.reduce_sum(z[0] ** 2, -1) + tf.reduce_sum(z[1] ** 2, -1)
            return (0.5 + t) * whole

        return langevin.langevin(energy, 0.1)

    start = [tf.ones([3, 2]), tf.ones([3, 4])]
    for batched in (False, True):
        tempered = _temper(
            kernel_at, start, log_likelihood_fn=None, batched=batched
        )
        shapes = [part.shape for part in tempered.samples]
        assert shapes == [(4, 3, 3, 2), (4, 3, 3, 4)]
        assert tempered.log_likelihood == ()
        # Without a Metropolis test every move is taken.
        np.testing.assert_array_equal(tempered.acceptance, np.ones(4))


def test_the_gradient_through_the_chains_is_there_on_request():
    """Against finite differences; without the request there is none."""
    one = tf.constant(1.0, tf.float64)

    @tf.function(autograph=False)
    def mean(scale, differentiable, batched):
        def kernel_at(t, index):
            return langevin.langevin(
                lambda z: (
                    0.5 * scale * tf.reduce_sum(z**2, -1)
                    - t * _log_likelihood(z)
                ),
                0.05,
            )

        with tf.GradientTape() as tape:
            tape.watch(scale)
            tempered = _temper(
                kernel_at, differentiable=differentiable, batched=batched
            )
            value = tf.reduce_mean(tempered.log_likelihood)
        return value, tape.gradient(value, scale)

    for batched in (False, True):
        ours = mean(one, True, batched)[1]
        low, high = (mean(one + e, False, batched)[0] for e in (-1e-5, 1e-5))
        np.testing.assert_allclose(ours, (high - low) / 2e-5, rtol=1e-5)
        assert abs(float(ours)) > 1e-3
        assert mean(one, False, batched)[1] is None


def test_rounds_of_adjusting_reach_the_acceptance():
    def kernel_at(t, index):
        step = tf.gather(sizes, index)
        return metropolis.metropolis_hastings(
            langevin.langevin(
                lambda z: (
                    0.5 * tf.reduce_sum(z**2, -1)
                    + 20.0 * t * tf.reduce_sum((z - 1.0) ** 2, -1)
                ),
                step,
            )
        )

    sizes = tf.Variable(tf.ones([4], tf.float64) * 0.05)

    @tf.function(autograph=False)
    def round_(seed, z):
        return tempering.temper(
            kernel_at, LADDER, z, seed=seed, num_steps=20
        ).acceptance

    z = seeds.normal(seeds.seed(1), [50, 6], tf.float64)
    acceptance = np.zeros(4)
    for i in range(40):
        acceptance = round_(seeds.fold_in(seeds.seed(2), i), z)
        rate = 3.0 / np.sqrt(i + 1)
        sizes.assign(step_sizes.adjusted(sizes, acceptance, 0.7, rate))
    np.testing.assert_allclose(acceptance, np.full(4, 0.7), atol=0.06)
    # Stiffer targets take shorter steps.
    assert np.all(np.diff(sizes.numpy()) < 0)


def test_rows_repeat_the_data_as_a_whole():
    x = tf.constant(X)
    assert tempering.rows(x, x) is x
    np.testing.assert_array_equal(
        tempering.rows(x, tf.zeros([6, 5])), np.concatenate([X, X])
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep": 0}, "keep=0 does not fit num_steps=7"),
        ({"keep": 8}, "keep=8 does not fit num_steps=7"),
        ({"exchange_every": 2}, "batched=True"),
        (
            {"exchange_every": 2, "batched": True, "log_likelihood_fn": None},
            "log_likelihood_fn",
        ),
        ({"exchange_every": -1, "batched": True}, "never exchanges"),
        ({"position": np.zeros([3, 2], np.int32)}, "int32"),
    ],
)
def test_a_mistake_is_one_line(options, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        _temper(**options)
    assert "\n" not in str(caught.value)


def test_mistakes_of_ladder_and_data():
    with pytest.raises(errors.InputError, match="ends at t=2"):
        tempering.temper(
            _kernel_at, [0, 2], _start(), seed=seeds.seed(0), num_steps=2
        )
    with pytest.raises(errors.InputError, match="never exchanges"):
        exchange.exchanging(_kernel_at(1.0, 0), LADDER, _log_likelihood, 0)
    with pytest.raises(errors.InputError, match="7 rows"):
        tempering.rows(tf.constant(X), tf.zeros([7, 2]))
