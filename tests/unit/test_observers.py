"""Observers against NumPy on the whole trace."""

import numpy as np
import pytest
import tensorflow as tf

from samplers import langevin, moments, run, seeds, total, trace


def _energy(x):
    return 0.5 * tf.reduce_sum(x**2, axis=-1)


def _start(kernel):
    return kernel.init(seeds.normal(seeds.seed(1), [5, 2]))


def _position(state, info):
    del info
    return state.position


@pytest.mark.parametrize("jit_compile", [False, True])
def test_observers_against_numpy(jit_compile):
    kernel = langevin.langevin(_energy, 0.1)

    def go(start, observer):
        return run(
            kernel,
            start,
            seed=seeds.seed(6),
            num_steps=50,
            observer=observer,
        )[1]

    def observed(observer):
        compiled = seeds.compiled(lambda s: go(s, observer), jit_compile)
        return compiled(_start(kernel))

    def both(state, info):
        return {"x": state.position, "u": info.energy}

    every = observed(trace(both))
    assert every["x"].shape == (50, 5, 2)
    np.testing.assert_allclose(every["u"], _energy(every["x"]), rtol=1e-6)
    thin = observed(trace(both, every=4))
    np.testing.assert_array_equal(thin["x"], every["x"][3::4][:12])
    streamed = observed(moments(both))
    assert int(streamed.count) == 50
    for key, values in every.items():
        np.testing.assert_allclose(
            streamed.mean[key], np.mean(values, 0), atol=1e-6
        )
        np.testing.assert_allclose(
            streamed.variance[key], np.var(values, 0), rtol=1e-5
        )
    summed = observed(total(both))
    np.testing.assert_allclose(summed["x"], np.sum(every["x"], 0), rtol=1e-4)
    initial = {"x": tf.ones([5, 2]), "u": tf.zeros([5])}
    more = observed(total(both, initial=initial))
    np.testing.assert_allclose(more["x"], summed["x"] + 1, rtol=1e-4)


def test_moments_survive_a_large_mean_in_float32():
    kernel = langevin.langevin(_energy, 0.1)
    _, observed = run(
        kernel,
        _start(kernel),
        seed=seeds.seed(0),
        num_steps=2000,
        observer=moments(lambda state, info: 1e4 + state.position),
    )
    _, reference = run(
        kernel,
        _start(kernel),
        seed=seeds.seed(0),
        num_steps=2000,
        observer=trace(_position),
    )
    exact = np.var(reference.numpy().astype(np.float64), 0)
    np.testing.assert_allclose(observed.variance, exact, rtol=1e-2)
    # The control: the textbook formula loses everything.
    big = 1e4 + reference.numpy()
    naive = (big**2).mean(0, dtype=np.float32) - big.mean(0) ** 2
    assert np.max(np.abs(naive - exact) / exact) > 0.5
