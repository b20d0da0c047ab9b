"""Gradients of the thermodynamic integral, on the linear-Gaussian model."""

import numpy as np
import tensorflow as tf

import losses
from samplers import ladders
from tests import linear_gaussian

# Data further out than the model would draw, so that the gradient by the
# prior's width is well away from zero.
MODEL = linear_gaussian.model()
MODEL = MODEL._replace(x=1.5 * MODEL.x)


class _Parametrised:
    """The model with parameters that a tape can watch: its own for each data.

    The gradient of a sum over data then holds one gradient for each of them.
    """

    def __init__(self, data):
        self.w = tf.Variable(tf.stack([tf.constant(MODEL.w)] * data))
        self.log_variance = tf.Variable(tf.zeros([data, 1], tf.float64))

    def log_likelihood(self, z):
        error = MODEL.x - tf.einsum("...bj,bij->...bi", z, self.w)
        return -0.5 * tf.reduce_sum(error**2, -1) / MODEL.s**2

    def prior_log_density(self, z):
        """Without its normalisation."""
        scaled = z**2 * tf.exp(-self.log_variance)
        return -0.5 * tf.reduce_sum(scaled, -1)


def _finite_differences(direction, step=1e-5):
    """Of log p(x): along a direction of W, and by log prior variance."""
    moved = [
        MODEL._replace(w=MODEL.w + e * direction).log_evidence()
        for e in (-step, step)
    ]
    widened = [MODEL.log_evidence(np.exp(e)) for e in (-step, step)]
    return [(b - a) / (2 * step) for a, b in (moved, widened)]


def test_gradients_against_finite_differences_of_the_evidence():
    """The plain derivative is off; surrogate and Fisher's identity are not."""
    ladder, data = ladders.power_law(31, 3.0), 40
    z, _ = MODEL.ladder_draws(ladder, 150, data, seed=5)
    z = tf.constant(z)
    direction = np.random.default_rng(2).normal(size=MODEL.w.shape)
    exact = np.array(_finite_differences(direction))
    parameters = _Parametrised(data)

    def gradients(fn):
        """The mean over `data` repetitions, and its standard error."""
        with tf.GradientTape() as tape:
            values = fn()
        variables = [parameters.w, parameters.log_variance]
        by_w, by_prior = tape.gradient(
            values,
            variables,
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        along = np.sum(np.asarray(by_w) * direction, (1, 2))
        each = np.stack([along, np.asarray(by_prior)[:, 0]], 1)
        return each.mean(0), each.std(0) / np.sqrt(data)

    def likelihood():
        return parameters.log_likelihood(z)

    def surrogate(rule):
        prior = parameters.prior_log_density(z)
        return losses.thermodynamic_surrogate(
            ladder, likelihood(), prior, rule=rule
        )

    def fisher():
        last = z[-1]
        whole = parameters.log_likelihood(last)
        whole += parameters.prior_log_density(last)
        # The prior's normalisation, here from samples at t = 0.
        whole -= parameters.prior_log_density(z[0])
        return tf.reduce_mean(whole, 0)

    def plain():
        return losses.thermodynamic_integral(ladder, likelihood()).trapezoid

    for fn in (lambda: surrogate("corrected"), fisher):
        mean, error = gradients(fn)
        assert np.all(np.abs(mean - exact) < 4 * error), (mean, exact, error)
        assert np.all(np.abs(exact) > 5 * error)
    # The trapezoid's derivative has the trapezoid's bias, as it should.
    mean, error = gradients(lambda: surrogate("trapezoid"))
    assert np.all(np.abs(mean - exact) < 0.2 * np.abs(exact) + 4 * error)
    mean, error = gradients(plain)
    assert abs(mean[0] - exact[0]) > 20 * error[0]
    assert mean[1] == 0.0


def test_surrogate_has_the_value_of_the_rule():
    ladder = ladders.power_law(11, 3.0)
    _, values = MODEL.ladder_draws(ladder, 5, 3)
    for rule in ("corrected", "trapezoid"):
        whole = losses.thermodynamic_integral(ladder, values, rule=rule)
        ours = losses.thermodynamic_surrogate(ladder, values, rule=rule)
        np.testing.assert_allclose(ours, whole.log_evidence, rtol=1e-12)


def test_surrogate_is_unbiased_with_two_draws():
    """The trapezoid's gradient by the prior, from many repetitions."""
    ladder, data = ladders.uniform(2), 50_000
    parameters = _Parametrised(1)
    z, values = MODEL.ladder_draws(ladder, 2, data, seed=7)
    z = tf.constant(z)
    log_variance = tf.Variable(tf.zeros([data, 1], tf.float64))
    parameters.log_variance = log_variance
    with tf.GradientTape() as tape:
        whole = losses.thermodynamic_surrogate(
            ladder, values, parameters.prior_log_density(z), rule="trapezoid"
        )
    ours = np.asarray(tape.gradient(whole, log_variance))

    def trapezoid(log_variance):
        """The mean of E_0 and E_1 under a prior of another width."""
        scale = np.exp(0.5 * log_variance)
        scaled = MODEL._replace(w=MODEL.w * scale)
        return 0.5 * (scaled.moments(0.0)[0] + scaled.moments(1.0)[0])

    exact = (trapezoid(1e-5) - trapezoid(-1e-5)) / 2e-5
    error = ours.std() / np.sqrt(data)
    assert abs(ours.mean() - exact) < 4 * error
    # The control: without the factor 2 / (2 - 1) it is half of that.
    assert abs(0.5 * ours.mean() - exact) > 10 * error
