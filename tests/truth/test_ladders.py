"""Measured ladders on the linear-Gaussian model, where all is known."""

import itertools

import numpy as np
import pytest

from samplers import ladders
from tests import linear_gaussian

MODEL = linear_gaussian.model()


def _summed(ladder):
    pairs = itertools.pairwise(ladder)
    return np.array(
        [MODEL.divergence(t, u) + MODEL.divergence(u, t) for t, u in pairs]
    )


def _variances(ladder):
    return np.array([MODEL.moments(t)[1] for t in ladder])


def _monte_carlo_variance(ladder):
    """Of the trapezoid from one draw a node, and each node's share."""
    steps = np.diff(ladder)
    weights = 0.5 * (np.append(0, steps) + np.append(steps, 0))
    shares = weights**2 * _variances(ladder)
    return shares.sum(), shares


@pytest.mark.parametrize("start", [1.0, 3.0])
def test_rounds_of_equalising_divide_the_divergence_evenly(start):
    ladder = ladders.power_law(11, start)
    before = _summed(ladder)
    for _ in range(60):
        ladder = ladders.equalised(ladder, _summed(ladder))
    after = _summed(ladder)
    assert after.max() / after.min() < 1.02
    assert before.max() / before.min() > 5
    # What is equal stays.
    again = ladders.equalised(ladder, np.full(10, 0.3))
    np.testing.assert_allclose(again, ladder, rtol=1e-9)


def test_equalising_the_divergence_and_not_its_root_misses():
    """The control: the divergence itself does not add up along a ladder."""
    ladder = ladders.power_law(11, 3.0)
    for _ in range(60):
        ladder = ladders.equalised(ladder, _summed(ladder) ** 2)
    after = _summed(ladder)
    assert not after.max() / after.min() < 1.02


def test_fixed_variance_gives_every_node_its_share():
    pilot = ladders.power_law(41, 4.0)
    ladder = ladders.fixed_variance(31, pilot, _variances(pilot))
    shares = _monte_carlo_variance(ladder)[1][1:-1]
    assert shares.max() / shares.min() < 1.6
    control = _monte_carlo_variance(ladders.power_law(31, 3.0))[1][1:-1]
    assert control.max() / control.min() > 5


def test_fixed_variance_is_the_least_variance():
    """Its limit is the square of the whole length over N_t."""
    pilot = ladders.power_law(41, 4.0)
    fine = np.linspace(0, 1, 4001) ** 6
    roots = np.sqrt(_variances(fine))
    length = np.sum(np.diff(fine) * 0.5 * (roots[1:] + roots[:-1]))
    num = 101
    ladder = ladders.fixed_variance(num, pilot, _variances(pilot))
    least = _monte_carlo_variance(ladder)[0]
    np.testing.assert_allclose(least, length**2 / num, rtol=0.05)
    for other in (
        ladders.uniform(num),
        *(ladders.power_law(num, p) for p in (1.5, 2.0, 3.0, 5.0, 10.0)),
        ladders.geometric(num, 1e-3),
        ladders.sigmoidal(num, 6.0),
    ):
        assert _monte_carlo_variance(other)[0] > 1.02 * least


def test_fixed_variance_is_exact_where_its_rule_is():
    """V = (k / (1 + t k))^2 / 2: nodes at equal ratios of 1 + t k."""
    k, pilot = 50.0, np.array([0.0, 0.02, 0.5, 1.0])
    variance = 0.5 * (k / (1 + pilot * k)) ** 2
    ladder = ladders.fixed_variance(9, pilot, variance)
    exact = (np.power(1 + k, np.linspace(0, 1, 9)) - 1) / k
    np.testing.assert_allclose(ladder, exact, atol=1e-12)
    flat = ladders.fixed_variance(9, pilot, np.full(4, 3.0))
    np.testing.assert_allclose(flat, ladders.uniform(9), atol=1e-8)
