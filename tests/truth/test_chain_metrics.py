"""Effective sample size and R-hat against closed forms and an oracle."""

import numpy as np
import pytest
import tensorflow as tf

import errors
from metrics import effective_sample_size, split_r_hat


def _autoregressive(rho, steps=4000, chains=50, seed=0):
    """Stationary x' = rho x + noise, of variance 1: [steps, chains]."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(steps, chains))
    x = np.empty_like(noise)
    x[0] = noise[0]
    for t in range(1, steps):
        x[t] = rho * x[t - 1] + np.sqrt(1 - rho**2) * noise[t]
    return x


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_effective_sample_size_of_an_autoregression(rho):
    draws = _autoregressive(rho)
    exact = 4000 * (1 - rho) / (1 + rho)
    found = effective_sample_size(draws).numpy()
    assert found.shape == (50,)
    np.testing.assert_allclose(np.median(found), exact, rtol=0.1)
    pooled = effective_sample_size(draws, pooled=True).numpy()
    np.testing.assert_allclose(pooled, 50 * exact, rtol=0.1)
    # It says what the mean of a chain is worth.
    worth = 1 / np.var(draws.mean(0))
    np.testing.assert_allclose(worth, exact, rtol=0.5)
    # The control: the number of steps does not, where draws correlate.
    assert (abs(worth / 4000 - 1) < 0.5) == (rho == 0.0)


def test_anticorrelated_draws_are_worth_more():
    found = effective_sample_size(_autoregressive(-0.5)).numpy()
    np.testing.assert_allclose(np.median(found), 4000 * 3, rtol=0.1)


def test_r_hat_of_equal_chains_and_of_others():
    draws = _autoregressive(0.5)
    assert abs(split_r_hat(draws).numpy() - 1) < 0.005
    # Chains of means that vary by s^2 on top: the root of 1 + s^2.
    shifts = np.random.default_rng(1).normal(size=50)
    shifts = 0.5 * (shifts - shifts.mean()) / shifts.std(ddof=1)
    apart = split_r_hat(draws + shifts).numpy()
    np.testing.assert_allclose(apart, np.sqrt(1.25), atol=0.02)
    # No chain shows it alone, and the effective sizes tell the two apart.
    own = split_r_hat(draws + shifts, pooled=False).numpy()
    assert own.shape == (50,)
    assert own.max() < 1.05
    alone = effective_sample_size(draws + shifts).numpy().sum()
    assert effective_sample_size(draws + shifts, pooled=True) < alone / 50


def test_a_drift_shows_in_halves():
    draws = _autoregressive(0.0) + np.linspace(-1, 1, 4000)[:, None]
    own = split_r_hat(draws, pooled=False).numpy()
    # Halves of means -1/2 and 1/2, and of variance 1 + 1/12.
    np.testing.assert_allclose(own, np.sqrt(1 + 0.5 / (13 / 12)), atol=0.05)


@pytest.mark.parametrize("steps", [101, 200])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_against_tensorflow_probability(steps, dtype):
    tfp = pytest.importorskip("tensorflow_probability")
    draws = np.stack(
        [_autoregressive(r, steps, 6, seed=2) for r in (0.0, 0.8, -0.4)], -1
    )
    draws = (5.0 + draws + np.arange(6)[:, None] / 10).astype(dtype)
    oracle = tfp.mcmc.effective_sample_size
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(
        effective_sample_size(draws),
        oracle(draws, filter_beyond_positive_pairs=True),
        rtol=rtol,
    )
    np.testing.assert_allclose(
        effective_sample_size(draws, pooled=True),
        oracle(draws, filter_beyond_positive_pairs=True, cross_chain_dims=1),
        rtol=rtol,
    )
    # Theirs is the square, with the correction of 1992 for few chains.
    half, count = steps // 2, 12
    theirs = tfp.mcmc.potential_scale_reduction(draws, split_chains=True)
    ours = (count + 1) / count * split_r_hat(draws).numpy() ** 2
    np.testing.assert_allclose(
        ours - (half - 1) / (half * count), theirs, rtol=rtol
    )


def test_in_a_graph_of_unknown_lengths():
    draws = _autoregressive(0.5, 100, 3)

    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.float64)],
        autograph=False,
    )
    def both(x):
        return effective_sample_size(x, pooled=True), split_r_hat(x)

    size, r_hat = both(draws)
    assert size == effective_sample_size(draws, pooled=True)
    assert r_hat == split_r_hat(draws)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: split_r_hat(tf.zeros([3, 2])), "4 or more"),
        (lambda: split_r_hat(tf.zeros([9])), "no chains"),
        (lambda: split_r_hat(tf.zeros([9, 2], tf.int32)), "int32"),
        (
            lambda: effective_sample_size(tf.zeros([9, 1]), pooled=True),
            "cannot be pooled",
        ),
    ],
)
def test_mistakes_are_one_line(mistake, message):
    with pytest.raises(errors.InputError, match=message):
        mistake()
