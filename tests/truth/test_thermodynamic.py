"""The thermodynamic integral on a model of which every part is known.

N_t counts the nodes of a ladder: "10 intervals" are 11 of them.
"""

import itertools

import numpy as np
import pytest
import scipy.stats

import losses
from losses import gaussians
from samplers import ladders
from tests import linear_gaussian

MODEL = linear_gaussian.model()
EXACT = MODEL.log_evidence()

LADDERS = {
    "power 1, 11": ladders.power_law(11, 1.0),
    "power 0.1, 11": ladders.power_law(11, 0.1),
    "power 3, 11": ladders.power_law(11, 3.0),
    "power 3, 21": ladders.power_law(21, 3.0),
    "power 10, 11": ladders.power_law(11, 10.0),
    "power 10, 100": ladders.power_law(100, 10.0),
    "geometric": ladders.geometric(11, 1e-3),
    "sigmoidal": ladders.sigmoidal(11, 6.0),
    "two nodes": ladders.uniform(2),
}


def _neighbours(ladder, model=MODEL):
    """KL(p_{i-1}||p_i) and KL(p_i||p_{i-1}), [N_t - 1] each."""
    pairs = list(itertools.pairwise(ladder))
    up = np.array([model.divergence(t, u) for t, u in pairs])
    down = np.array([model.divergence(u, t) for t, u in pairs])
    return up, down


def _noiseless(ladder, model=MODEL):
    """Two draws a temperature with exactly the right mean and variance."""
    mean, variance = np.transpose([model.moments(t) for t in ladder])
    half = np.sqrt(variance / 2)
    return np.stack([mean - half, mean + half], 1)[:, :, np.newaxis]


def _integral(ladder, rule="trapezoid"):
    result = losses.thermodynamic_integral(
        ladder, _noiseless(ladder), rule=rule
    )
    return result.log_evidence.numpy()[0]


@pytest.mark.parametrize("name", LADDERS)
def test_the_sign_between_the_divergences(name):
    """Their difference makes the trapezoid exact; their sum does not."""
    ladder = LADDERS[name]
    up, down = _neighbours(ladder)
    trapezoid = _integral(ladder)
    assert abs(trapezoid + 0.5 * np.sum(up - down) - EXACT) < 1e-9
    printed = trapezoid + 0.5 * np.sum(up + down) - EXACT
    assert printed > 0.3
    # With the sum it is the right Riemann sum, an upper bound.
    right = np.diff(ladder) @ _noiseless(ladder).mean(1)[1:, 0]
    np.testing.assert_allclose(printed, right - EXACT, atol=1e-9)


@pytest.mark.parametrize("name", LADDERS)
def test_the_summed_divergence_is_an_identity(name):
    ladder = LADDERS[name]
    up, down = _neighbours(ladder)
    ours = losses.summed_divergence(ladder, _noiseless(ladder))[:, 0]
    np.testing.assert_allclose(ours, up + down, rtol=1e-6, atol=1e-12)


def test_moments_and_divergences_against_draws_and_fits():
    rng = np.random.default_rng(1)
    n = 100_000
    for t, u in ((0.0, 0.01), (0.01, 0.2), (1.0, 0.5)):
        z = MODEL.draws(t, n, rng)
        mean, variance = MODEL.moments(t)
        values = MODEL.log_likelihood(z)
        assert abs(values.mean() - mean) < 4 * np.sqrt(variance / n)
        np.testing.assert_allclose(values.var(), variance, rtol=0.03)
        ours = gaussians.full_kl(
            *MODEL.power_posterior(t), *MODEL.power_posterior(u)
        )
        np.testing.assert_allclose(ours, MODEL.divergence(t, u), rtol=1e-9)
        densities = [
            scipy.stats.multivariate_normal(*MODEL.power_posterior(v))
            for v in (t, u)
        ]
        ratio = densities[0].logpdf(z) - densities[1].logpdf(z)
        error = ratio.std() / np.sqrt(n)
        assert abs(ratio.mean() - MODEL.divergence(t, u)) < 4 * error


def test_expectation_grows_by_the_variance():
    """dE/dt = V, on which the corrected rule rests."""
    for t in (0.01, 0.3, 0.9):
        low, high = (MODEL.moments(t + e)[0] for e in (-1e-5, 1e-5))
        slope = (high - low) / 2e-5
        np.testing.assert_allclose(slope, MODEL.moments(t)[1], rtol=1e-4)


def _slope(p, rule):
    """Of log |bias| against log of the number of intervals."""
    counts = np.array([40, 80, 160])
    bias = [
        _integral(ladders.power_law(n + 1, p), rule) - EXACT for n in counts
    ]
    return np.polyfit(np.log(counts), np.log(np.abs(bias)), 1)[0]


@pytest.mark.parametrize("p", [2.0, 3.0, 6.0, 10.0])
def test_bias_falls_at_the_rate_of_the_rule(p):
    assert abs(_slope(p, "trapezoid") + 2.0) < 0.05
    assert abs(_slope(p, "corrected") + 4.0) < 0.3


def test_bias_falls_slowly_where_the_ladder_leaves_a_long_first_step():
    """The control: at p < 1 neither rule reaches its rate."""
    assert _slope(0.5, "trapezoid") > -1.2
    assert _slope(0.1, "trapezoid") > -0.2
    assert _slope(0.5, "corrected") > -2.5


def test_the_known_figures():
    """At p = 3, 10 intervals: corrected 11 times better than not."""
    ladder = ladders.power_law(11, 3.0)
    np.testing.assert_allclose(_integral(ladder) - EXACT, -1.043, atol=5e-4)
    corrected = _integral(ladder, "corrected") - EXACT
    np.testing.assert_allclose(corrected, 0.09, atol=5e-4)
    # N_t = 10 with the correction equals 30 without it.
    plain = _integral(ladders.power_law(31, 3.0)) - EXACT
    np.testing.assert_allclose(plain, -0.116, atol=5e-4)
    # And at p = 0.1 it does far more harm than good.
    ladder = ladders.power_law(11, 0.1)
    assert _integral(ladder) - EXACT < -100
    assert _integral(ladder, "corrected") - EXACT > 1000


@pytest.mark.parametrize("name", LADDERS)
def test_exact_samplers_meet_the_evidence(name):
    """Within three standard errors, and so of the size they are."""
    ladder, data = LADDERS[name], 100
    _, values = MODEL.ladder_draws(ladder, 40, data)
    result = losses.thermodynamic_integral(ladder, values, rule="trapezoid")
    up, down = _neighbours(ladder)
    z = result.log_evidence + 0.5 * np.sum(up - down) - EXACT
    z /= result.standard_error
    assert abs(z.numpy().mean()) * np.sqrt(data) < 3
    # The error is honest: 100 integrals scatter by it, no more, no less.
    assert 0.8 < z.numpy().std() < 1.25
    wrong = result.log_evidence + 0.5 * np.sum(up + down) - EXACT
    error = np.sqrt(np.mean(result.standard_error**2) / data)
    assert np.mean(wrong) / error > 5


@pytest.mark.parametrize("name", ["power 3, 21", "power 10, 100"])
def test_the_corrected_rule_from_exact_samplers(name):
    ladder, data = LADDERS[name], 50
    _, values = MODEL.ladder_draws(ladder, 100, data, seed=1)
    result = losses.thermodynamic_integral(ladder, values)
    error = np.sqrt(np.mean(result.standard_error**2) / data)
    assert abs(np.mean(result.log_evidence) - EXACT) < 3 * error
    # The control: what it corrects is seen in so many draws.
    if name == "power 3, 21":
        assert abs(np.mean(result.trapezoid) - EXACT) > 3 * error
    z = (result.log_evidence - EXACT) / result.standard_error
    assert 0.75 < z.numpy().std() < 1.3


def test_gaussians_fitted_to_the_samples():
    """Full covariances are right; diagonal ones are not on this model."""
    ladder, draws = ladders.power_law(11, 3.0), 20_000
    z, values = MODEL.ladder_draws(ladder, draws, 1, seed=3)
    exact = 0.5 * np.subtract(*_neighbours(ladder)).sum()
    for covariance, low, high in (("full", 0.0, 3.0), ("diagonal", 10.0, 1e9)):
        result = losses.thermodynamic_integral(
            ladder,
            values,
            z,
            rule="trapezoid",
            kl_weight=1.0,
            covariance=covariance,
        )
        error = result.standard_error.numpy()[0]
        off = abs(result.log_evidence.numpy()[0] - EXACT)
        assert low * error <= off < high * error, covariance
    full = losses.thermodynamic_integral(
        ladder, values, z, rule="trapezoid", covariance="full"
    )
    np.testing.assert_allclose(full.kl_correction[0], exact, atol=0.05)
