"""The chain loop: one trace, exact resumption, batches and observers."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import (
    energies,
    langevin,
    metropolis,
    moments,
    nose_hoover,
    run,
    seeds,
    trace,
)


def _energy(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


KERNELS = {
    "langevin": langevin.langevin(_energy, 0.1),
    "mala": metropolis.metropolis_hastings(langevin.langevin(_energy, 0.5)),
    "nose_hoover": nose_hoover.nose_hoover_chain(
        _energy, 0.1, chain_length=3, redraw_every=7
    ),
    "massive": nose_hoover.nose_hoover_chain(
        _energy, 0.1, chain_length=3, friction=0.1, thermostat="massive"
    ),
    "minibatch": nose_hoover.nose_hoover_chain(
        energies.seeded(
            lambda x, seed: _energy(x - seeds.normal(seed, [2], x.dtype))
        ),
        0.1,
    ),
}


def _start(kernel, dtype=tf.float32, chains=5):
    x = seeds.normal(seeds.seed(1), [chains, 2], dtype)
    return kernel.init(x, seeds.seed(2))


def _position(state, info):
    del info
    return state.position


def _equal(left, right):
    for a, b in zip(tf.nest.flatten(left), tf.nest.flatten(right), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", KERNELS)
def test_60_and_40_steps_are_100(name, jit_compile):
    kernel = KERNELS[name]
    seed = seeds.seed(3)

    def go(state, num_steps, first_step):
        return run(
            kernel,
            state,
            seed=seed,
            num_steps=num_steps,
            first_step=first_step,
        )[0]

    compiled = seeds.compiled(go, jit_compile)
    start = _start(kernel)
    steps = [tf.constant(n) for n in (0, 40, 60, 100)]
    whole = compiled(start, steps[3], steps[0])
    parts = compiled(compiled(start, steps[2], steps[0]), steps[1], steps[2])
    _equal(whole, parts)
    _equal(whole, compiled(start, steps[3], steps[0]))
    # The control: the second part must know how many steps came before.
    wrong = compiled(compiled(start, steps[2], steps[0]), steps[1], steps[0])
    assert not np.array_equal(whole.position, wrong.position)


@pytest.mark.parametrize("name", KERNELS)
def test_other_chains_do_not_matter(name):
    kernel = KERNELS[name]
    start = _start(kernel)
    x = tf.concat([start.position[:1], 3.0 * start.position[1:]], 0)
    other = kernel.init(x, seeds.seed(2))
    ends = [
        run(kernel, state, seed=seeds.seed(4), num_steps=4)[0].position
        for state in (start, other)
    ]
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=1e-5)
    assert np.all(np.abs(ends[0][1:] - ends[1][1:]).max(-1) > 1e-3)


def test_a_batch_of_chains_equals_chains_one_by_one():
    kernel = nose_hoover.nose_hoover_chain(_energy, 0.1, temperature=0.5)
    start = _start(kernel, tf.float64)
    batch = run(kernel, start, seed=seeds.seed(0), num_steps=200)[0]
    for c in range(5):
        one = kernel.init(
            start.position[c : c + 1], velocity=start.velocity[c : c + 1]
        )
        one = run(kernel, one, seed=seeds.seed(0), num_steps=200)[0]
        np.testing.assert_allclose(
            one.position[0], batch.position[c], rtol=1e-11
        )


def test_a_structure_equals_one_tensor():
    def split_energy(parts):
        return _energy(tf.concat(parts, -1))

    x = seeds.normal(seeds.seed(1), [4, 5], tf.float64)
    v = seeds.normal(seeds.seed(2), [4, 5], tf.float64)
    whole = nose_hoover.nose_hoover_chain(_energy, 0.1)
    parted = nose_hoover.nose_hoover_chain(split_energy, 0.1)
    starts = [
        (whole, whole.init(x, velocity=v)),
        (
            parted,
            parted.init([x[:, :2], x[:, 2:]], velocity=[v[:, :2], v[:, 2:]]),
        ),
    ]
    ends = []
    for kernel, state in starts:
        state, _ = run(kernel, state, seed=seeds.seed(0), num_steps=100)
        parts = tf.nest.flatten(state.position)
        ends.append(np.concatenate([part.numpy() for part in parts], -1))
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)


def test_a_single_chain_of_weights_equals_a_batch_of_one():
    x = seeds.normal(seeds.seed(1), [1, 6], tf.float64)
    v = seeds.normal(seeds.seed(2), [1, 6], tf.float64)
    batch = nose_hoover.nose_hoover_chain(_energy, 0.1)
    single = nose_hoover.nose_hoover_chain(_energy, 0.1, chain_ndims=0)
    one = run(
        batch, batch.init(x, velocity=v), seed=seeds.seed(0), num_steps=50
    )[0]
    two = run(
        single,
        single.init(x[0], velocity=v[0]),
        seed=seeds.seed(0),
        num_steps=50,
    )[0]
    for a, b in zip(one, two, strict=True):
        own = a[0] if a.shape.rank else a
        np.testing.assert_allclose(own, b, rtol=1e-12)


def test_one_trace_for_all_step_counts():
    traces = []

    def energy(x):
        traces.append(1)
        return _energy(x)

    kernel = langevin.langevin(energy, 0.1)
    observer = trace(_position)
    start = _start(kernel)
    counts = []
    for n, first in ((3, 0), (5, 3), (7, 8)):
        _, xs = run(
            kernel,
            start,
            seed=seeds.seed(n),
            num_steps=n,
            first_step=first,
            observer=observer,
        )
        assert xs.shape == (n, 5, 2)
        counts.append(len(traces))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_batches_reach_their_steps(jit_compile):
    evaluator = energies.batched(lambda x, b: _energy(x - b["shift"]))
    kernel = langevin.langevin(evaluator, 0.25, temperature=0.0)
    shifts = seeds.normal(seeds.seed(5), [6, 2], tf.float64)
    x = tf.zeros([3, 2], tf.float64)

    def go(shifts):
        state = kernel.init(x, batch={"shift": shifts[0]})
        return run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=5,
            batches={"shift": shifts[1:]},
        )[0].position

    expected = np.zeros([3, 2])
    for shift in shifts.numpy()[:5]:
        expected -= 0.25 * (expected - shift)
    got = seeds.compiled(go, jit_compile)(shifts).numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_unknown_batch_of_chains():
    kernel = nose_hoover.nose_hoover_chain(_energy, 0.1)

    @tf.function(
        autograph=False, input_signature=[tf.TensorSpec([None, 2], tf.float32)]
    )
    def go(x):
        state = kernel.init(x, seeds.seed(0))
        return run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=8,
            observer=moments(_position),
        )

    assert go(tf.zeros([3, 2]))[1].mean.shape == (3, 2)


@pytest.mark.parametrize("differentiable", [False, True])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_through_the_chain_only_on_request(
    jit_compile, differentiable
):
    def go(scale):
        with tf.GradientTape() as tape:
            tape.watch(scale)
            kernel = langevin.langevin(
                lambda x: scale * _energy(x), 0.1, temperature=0.0
            )
            state = kernel.init(tf.ones([1, 1]))
            state, _ = run(
                kernel,
                state,
                seed=seeds.seed(0),
                num_steps=3,
                differentiable=differentiable,
            )
            loss = tf.reduce_sum(state.position)
        return tape.gradient(
            loss, scale, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )

    got = float(seeds.compiled(go, jit_compile)(tf.constant(2.0)))
    exact = 3 * (1 - 0.1 * 2.0) ** 2 * -0.1 if differentiable else 0.0
    assert got == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_gradient_passes_a_nose_hoover_chain(jit_compile):
    """Where XLA is told to compute the velocities once, too."""
    kernel = nose_hoover.nose_hoover_chain(_energy, 0.1, chain_length=3)
    still = tf.zeros([1, 2], tf.float64)

    def end(x):
        state = kernel.init(x, velocity=still)
        return run(
            kernel,
            state,
            seed=seeds.seed(0),
            num_steps=5,
            differentiable=True,
        )[0].position

    def slope(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(end(x))
        return tape.gradient(y, x)

    x = tf.constant([[0.3, -1.2]], tf.float64)
    with seeds.xla(jit_compile):
        found = seeds.compiled(slope, jit_compile)(x).numpy()
        for axis in range(2):
            shift = 1e-5 * tf.one_hot([axis], 2, dtype=tf.float64)
            change = tf.reduce_sum(end(x + shift) - end(x - shift)) / 2e-5
            np.testing.assert_allclose(found[0, axis], change, rtol=1e-6)
    # The control: a constant chain has no slope.
    assert np.abs(found).min() > 0.5
