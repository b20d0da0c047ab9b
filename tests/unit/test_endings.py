"""Tempered chains start from what a caller evaluated where others ended."""

import numpy as np
import pytest
import tensorflow as tf

import errors
from samplers import power_posteriors, seeds, tempering
from tests.kernels import KERNELS

LADDER = [0.0, 0.1, 0.4, 1.0]
X = np.array([[1.0, 2.0], [0.0, -1.0], [0.5, 0.5]])


def _log_likelihood(z):
    return -2.0 * tf.reduce_sum((X - tf.sin(z)) ** 2, -1)


def _ending(index, z, slope=1.0):
    with tf.GradientTape() as tape:
        tape.watch(z)
        values = _log_likelihood(z)
    weight = tf.cast(index + 1, z.dtype)
    gradient = slope * tape.gradient(values, z)
    return tempering.Ending(values, gradient, [weight * z, weight])


def _kernel_at(name):
    def kernel_at(t, index, below=None):
        del index

        def kernel(likelihood):
            prior = power_posteriors.energy(
                lambda z: 0.5 * tf.reduce_sum(z**2, -1), likelihood, t
            )
            return KERNELS[name](prior)

        moves = kernel(_log_likelihood)
        if below is None:
            return moves
        there = power_posteriors.evaluated(below.log_likelihood, below.gradient)
        return moves._replace(init=kernel(there).init)

    return kernel_at


def _temper(name="langevin", keep=3, **options):
    return tempering.temper(
        _kernel_at(name),
        LADDER,
        seeds.normal(seeds.seed(1), [3, 2], tf.float64),
        seed=seeds.seed(0),
        num_steps=7,
        keep=keep,
        **{"log_likelihood_fn": _log_likelihood, **options},
    )


@pytest.mark.parametrize(
    ("name", "keep"), [*((name, 3) for name in KERNELS), ("mala", 1)]
)
def test_chains_are_those_that_evaluate_all_themselves(name, keep):
    plain, ours = _temper(name, keep), _temper(name, keep, ending=_ending)
    for a, b in zip(plain[:4], ours[:4], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)
    assert plain.total == ()
    weights = np.arange(1.0, 5.0)
    summed = np.einsum("t,tbz->bz", weights, plain.position)
    np.testing.assert_allclose(ours.total[0], summed, rtol=1e-10)
    np.testing.assert_allclose(ours.total[1], weights.sum())


def test_the_chains_do_start_from_what_the_caller_found():
    """The control: with a gradient that is wrong they go elsewhere."""
    plain = _temper().samples
    wrong = _temper(
        ending=lambda index, z: _ending(index, z, slope=2.0)
    ).samples
    np.testing.assert_allclose(wrong[0], plain[0], rtol=1e-12)
    moved = np.abs(wrong[1:] - plain[1:])
    assert moved.reshape(3, -1).min(1).max() > 1e-6


@pytest.mark.parametrize("jit", [False, True])
def test_in_a_graph_of_rows_not_known_before(jit):
    def fn(start):
        return tempering.temper(
            _kernel_at("langevin"),
            LADDER,
            start,
            seed=seeds.seed(0),
            num_steps=7,
            log_likelihood_fn=_log_likelihood,
            ending=_ending,
        )

    start = seeds.normal(seeds.seed(1), [3, 2], tf.float64)
    known = seeds.compiled(fn, jit)(start)
    assert known.log_likelihood.shape == (4, 1, 3)
    if jit:
        return
    later = tf.function(
        fn,
        autograph=False,
        input_signature=[tf.TensorSpec([None, 2], tf.float64)],
    )(start)
    np.testing.assert_allclose(later.samples, known.samples, rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [{"batched": True}, {"differentiable": True}, {"log_likelihood_fn": None}],
)
def test_a_mistake_is_one_line(options):
    with pytest.raises(errors.InputError, match="one temperature after") as e:
        _temper(ending=_ending, **options)
    assert "\n" not in str(e.value)
