"""Ladders: their nodes, and one clear line for what is no ladder."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import errors
from samplers import ladders

# Of types that the checker of types would refuse.
HALF: Any = 2.5
TEXT: Any = "a"


def test_nodes_of_the_named_ladders():
    np.testing.assert_array_equal(ladders.uniform(3), [0, 0.5, 1])
    np.testing.assert_allclose(ladders.power_law(3, 2.0), [0, 0.25, 1])
    np.testing.assert_allclose(
        ladders.geometric(4, 0.01), [0, 0.01, 0.1, 1], rtol=1e-12
    )
    np.testing.assert_array_equal(ladders.geometric(2, 0.01), [0, 1])
    sigmoid = ladders.sigmoidal(5, 4.0)
    logistic = 1 / (1 + np.exp(-4.0 * (np.linspace(0, 1, 5) - 0.5)))
    expected = (logistic - logistic[0]) / (logistic[-1] - logistic[0])
    np.testing.assert_allclose(sigmoid, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("power_law", {"p": 0.1}),
        ("power_law", {"p": 10}),
        ("uniform", {}),
        ("geometric", {"first": 1e-6}),
        ("sigmoidal", {"steepness": 20.0}),
    ],
)
@pytest.mark.parametrize("num", [2, 10, 100])
def test_named_ladders_increase_in_single_precision_too(name, options, num):
    ladder = ladders.make(name, num, **options)
    assert ladder.dtype == np.float64 and len(ladder) == num
    np.testing.assert_array_equal(ladders.check(ladder), ladder)
    ladders.check(tf.constant(ladder, tf.float32))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: ladders.check([0.1, 1.0]), "starts at t=0.1"),
        (lambda: ladders.check([0.0, 0.9]), "ends at t=0.9"),
        (lambda: ladders.check([0.0, 0.7, 0.7, 1.0]), "from t=0.7 to t=0.7"),
        (lambda: ladders.check([0.0, np.nan, 1.0]), "does not increase"),
        (lambda: ladders.check([0.0]), "N_t=1"),
        (lambda: ladders.check(tf.zeros([1])), "N_t=1"),
        (lambda: ladders.check(tf.constant([0.0, 2.0, 1.0])), "increase"),
        (lambda: ladders.check(0.5), "is not \\[N_t\\]"),
        (lambda: ladders.check([[0.0, 1.0]]), "is not \\[N_t\\]"),
        (lambda: ladders.check(["a", "b"]), "not numbers"),
        (lambda: ladders.uniform(1), "N_t=1"),
        (lambda: ladders.make("uniform", HALF), "N_t=2.5 is not whole"),
        (lambda: ladders.power_law(10, 0.0), "p=0.0 is not positive"),
        (lambda: ladders.make("power_law", 10, p=TEXT), "p='a' is not a"),
        (lambda: ladders.power_law(10, 400.0), "does not increase"),
        (lambda: ladders.geometric(10, 1.0), "first=1 is no"),
        (lambda: ladders.sigmoidal(10, 500.0), "does not increase"),
        (lambda: ladders.make("cubic", 10), "'cubic' is unknown"),
        (lambda: ladders.make("uniform", 10, p=3.0), "give none"),
        (lambda: ladders.make("power_law", 10), "give p"),
        (lambda: ladders.equalised([0.0, 1.0], [1.0, 2.0]), "pass 1 numbers"),
        (lambda: ladders.equalised([0.0, 1.0], [-1.0]), "nowhere positive"),
        (lambda: ladders.equalised([0.0, 1.0], [np.nan]), "not finite"),
        (lambda: ladders.fixed_variance(5, [0.0, 1.0], [1.0, 0.0]), "positive"),
    ],
)
def test_a_mistake_is_one_line(mistake, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        mistake()
    assert "\n" not in str(caught.value)


def test_a_ladder_known_only_when_the_graph_runs():
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def nodes(ladder):
        return ladders.check(ladder)

    np.testing.assert_array_equal(nodes([0.0, 0.5, 1.0]), [0, 0.5, 1])

    too_few = tf.function(
        ladders.check,
        autograph=False,
        input_signature=[tf.TensorSpec([1], tf.float32)],
    )
    with pytest.raises(errors.InputError, match="N_t=1"):
        too_few(tf.zeros([1]))


def test_noise_in_the_divergences_leaves_a_ladder():
    """Intervals without any length vanish; the others are divided."""
    ladder = ladders.equalised(
        [0.0, 0.1, 0.2, 0.5, 1.0], [4.0, -0.1, 0.0, 4.0], num=9
    )
    assert len(ladder) == 9
    np.testing.assert_allclose(ladder[:4], [0, 0.025, 0.05, 0.075])
    np.testing.assert_allclose(ladder[-4:], [0.625, 0.75, 0.875, 1.0])
