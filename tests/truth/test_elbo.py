"""The evidence lower bound against closed forms, quadrature and Monte Carlo."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import tensorflow as tf

import losses
import metrics
import zoo

DIMENSION, LATENT, SIGMA = 5, 2, 0.7


@pytest.fixture(scope="module")
def linear():
    """A linear VAE x = W z + b + sigma noise: evidence and posterior known."""
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(DIMENSION, LATENT))
    offset = rng.normal(size=DIMENSION)
    images = rng.normal(size=(6, DIMENSION)) * 1.5
    covariance: Any = weights @ weights.T + SIGMA**2 * np.eye(DIMENSION)
    evidence = scipy.stats.multivariate_normal(offset, covariance).logpdf(
        images
    )
    precision = np.eye(LATENT) + weights.T @ weights / SIGMA**2
    posterior = np.linalg.inv(precision)
    means = (images - offset) @ weights @ posterior / SIGMA**2
    return weights, offset, images, evidence, means, posterior


def expected_log_likelihood(linear, mean, variance):
    """E log p(x | z) for z ~ N(mean, diag(variance)), in closed form."""
    weights, offset, images, *_ = linear
    output = mean @ weights.T + offset
    at_mean = losses.gaussian_log_likelihood(
        tf.constant(images), tf.constant(output), SIGMA
    )
    spread = np.sum(weights**2 @ variance) / (2 * SIGMA**2)
    return np.asarray(at_mean) - spread


def bound(linear, mean, variance):
    log_variance = np.broadcast_to(np.log(variance), mean.shape)
    parts = losses.elbo(
        tf.constant(expected_log_likelihood(linear, mean, variance)),
        losses.gaussian_kl(tf.constant(mean), tf.constant(log_variance)),
    )
    return -np.asarray(parts.loss)


def rotated(linear):
    """The same model in latent axes where its posterior is diagonal."""
    weights, offset, images, evidence, means, posterior = linear
    variance, axes = np.linalg.eigh(posterior)
    turned = (weights @ axes, offset, images, evidence)
    return turned, means @ axes, variance


def test_bound_is_tight_at_the_exact_posterior(linear):
    model, means, variance = rotated(linear)
    np.testing.assert_allclose(
        bound(model, means, variance), linear[3], rtol=1e-10
    )


@pytest.mark.parametrize("shift", [-0.5, 0.1, 1.0])
@pytest.mark.parametrize("factor", [0.3, 1.5, 4.0])
def test_bound_stays_below_the_evidence(linear, shift, factor):
    model, means, variance = rotated(linear)
    lower = bound(model, means + shift, variance * factor)
    assert np.all(lower < linear[3] - 1e-3)


def test_a_bound_without_the_divergence_is_caught(linear):
    """Negative control: the reconstruction alone exceeds the evidence."""
    model, means, variance = rotated(linear)
    assert np.all(expected_log_likelihood(model, means, variance) > linear[3])


def test_divergence_equals_monte_carlo():
    mean = np.array([[0.5, -1.0, 2.0], [0.0, 0.0, 0.0]])
    log_variance = np.array([[-1.0, 0.3, -3.0], [0.0, 0.0, 0.0]])
    exact = losses.gaussian_kl(tf.constant(mean), tf.constant(log_variance))
    rng = np.random.default_rng(0)
    deviation = np.exp(log_variance / 2)
    z = mean + deviation * rng.normal(size=(200_000, 2, 3))
    ratio = scipy.stats.norm.logpdf(z, mean, deviation)
    ratio -= scipy.stats.norm.logpdf(z)
    sums = ratio.sum(-1)
    error = sums.std(0) / math.sqrt(len(sums))
    assert np.all(np.abs(sums.mean(0) - exact) <= 4 * error + 1e-12)
    # Negative control: the variance term alone is not the divergence.
    wrong = 0.5 * np.sum(np.exp(log_variance) - 1 - log_variance, -1)
    assert np.abs(sums.mean(0) - wrong)[0] > 100 * error[0]


def test_small_divergences_keep_their_digits():
    small = tf.constant([[1e-4]])
    value = float(losses.gaussian_kl(tf.zeros([1, 1]), small)[0])
    assert value == pytest.approx(2.5e-9, rel=1e-2)


def test_importance_weights_meet_the_evidence(linear):
    weights, offset, images, evidence, means, posterior = linear
    rng = np.random.default_rng(3)
    # A proposal that is wider than the posterior and a little off.
    deviation = 1.5 * np.sqrt(np.diag(posterior))
    noise = rng.normal(size=(4000, *means.shape))
    z = means + 0.1 + deviation * noise
    likelihood = scipy.stats.norm.logpdf(
        images, z @ weights.T + offset, SIGMA
    ).sum(-1)
    prior = scipy.stats.norm.logpdf(z).sum(-1)
    proposal = scipy.stats.norm.logpdf(noise) - np.log(deviation)
    log_weights = likelihood + prior - proposal.sum(-1)
    estimate, error = metrics.importance_weighted(tf.constant(log_weights))
    assert np.all(np.abs(estimate - evidence) < 4 * np.asarray(error))
    assert np.all(np.asarray(error) < 0.05)
    # Negative control: the mean of the log-weights is the bound, too low.
    assert np.all(log_weights.mean(0) < evidence - 4 * np.asarray(error))


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_model_meets_quadrature_over_its_latent(likelihood):
    """A model of one latent has an evidence that one integral gives."""
    model: Any = zoo.build(
        "variational_autoencoder",
        data=zoo.DataSpec("image", (3, 3, 1)),
        latent_dim=1,
        hidden_units=[8],
        likelihood=likelihood,
        sigma=0.3,
        seed=5,
    )
    rng = np.random.default_rng(0)
    images = (rng.uniform(size=(4, 3, 3, 1)) > 0.5).astype(np.float32)
    grid = np.linspace(-8, 8, 2001)
    outputs = np.asarray(model.decode(grid[:, None].astype(np.float32)))
    pixels, targets = outputs.reshape(1, -1, 9), images.reshape(-1, 1, 9)
    if likelihood == "bernoulli":
        log_p = scipy.stats.bernoulli.logpmf(targets, pixels)
    else:
        log_p = scipy.stats.norm.logpdf(targets, pixels, 0.3)
    joint = np.exp(log_p.sum(-1)) * scipy.stats.norm.pdf(grid)
    evidence = np.log(scipy.integrate.trapezoid(joint, grid, axis=-1))

    estimate, error = model.log_likelihood(images, 3000, seed=1)
    assert np.all(np.abs(estimate - evidence) < 4 * np.asarray(error) + 1e-4)

    # The bound that training maximises, over many draws at once.
    many = tf.constant(np.repeat(images, 2000, axis=0))
    loss = model.compute_loss(x=many, y_pred=model(many))
    assert -float(loss) < evidence.mean() + 0.02
