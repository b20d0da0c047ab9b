"""The Gibbs measure of a linear regression, variance by variance.

U(w) = |y - A w|^2 / 2n has the exact Gibbs measure N(mu, T H^-1) with
H = A^T A / n. The modes of H are harmonic oscillators that one thermostat for
all cannot make exchange energy: redrawn velocities do.
"""

import numpy as np
import tensorflow as tf

from samplers import energies, moments, nose_hoover, run, seeds

CHAINS, ROWS, WEIGHTS, BATCH = 256, 512, 6, 32
TEMPERATURE = 0.1
STEP = 0.1


def _problem():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(WEIGHTS, WEIGHTS)))
    scales = np.sqrt(np.geomspace(0.1, 1.0, WEIGHTS))
    design = rng.normal(size=(ROWS, WEIGHTS)) * scales @ basis
    target = design @ rng.normal(size=WEIGHTS) + rng.normal(size=ROWS)
    hessian = design.T @ design / ROWS
    mean = np.linalg.solve(hessian, design.T @ target / ROWS)
    return design, target, mean, *np.linalg.eigh(hessian)


DESIGN, TARGET, MEAN, STIFFNESS, MODES = _problem()


def _energy(w):
    residual = TARGET - tf.linalg.matmul(w, DESIGN, transpose_b=True)
    return tf.reduce_mean(residual**2, -1) / 2


def _minibatch_energy(w, seed):
    """Each chain draws rows of its own."""
    index = tf.cast(seeds.uniform(seed, [CHAINS, BATCH]) * ROWS, tf.int32)
    rows, target = tf.gather(DESIGN, index), tf.gather(TARGET, index)
    residual = target - tf.linalg.matvec(rows, w)
    return tf.reduce_mean(residual**2, -1) / 2


def _sampled(energy_fn, steps, masses=None, redraw_every=20):
    """Moments over chains and time, in units of the exact ones, by mode.

    Chains start at the mean with all their motion in the stiffest mode.
    """
    kernel = nose_hoover.nose_hoover_chain(
        energy_fn,
        STEP,
        temperature=TEMPERATURE,
        masses=masses,
        redraw_every=redraw_every,
    )
    w = tf.constant(np.tile(MEAN, (CHAINS, 1)))
    draw = seeds.normal(seeds.seed(5), [CHAINS, 1], tf.float64)
    v = np.sqrt(TEMPERATURE * WEIGHTS) * draw * MODES[:, -1]
    sd = np.sqrt(TEMPERATURE / STIFFNESS)

    def standardised(state, info):
        x = tf.linalg.matmul(state.position - MEAN, MODES) / sd
        v = tf.linalg.matmul(state.velocity, MODES) / np.sqrt(TEMPERATURE)
        return x, x**2, v**2, info.kinetic_temperature / TEMPERATURE

    def advance(state, first, number):
        return run(
            kernel,
            state,
            seed=seeds.seed(2),
            num_steps=number,
            first_step=first,
            observer=moments(standardised),
        )

    advance = seeds.compiled(advance, True)
    state = kernel.init(w, seeds.seed(1), velocity=v)
    state, _ = advance(state, tf.constant(0), tf.constant(500))
    _, observed = advance(state, tf.constant(500), tf.constant(steps))
    return [values.numpy().mean(0) for values in observed.mean]


def test_posterior_mode_by_mode():
    mean, square, kinetic, temperature = _sampled(_energy, 4000)
    np.testing.assert_allclose(mean, 0, atol=0.05)
    np.testing.assert_allclose(square, 1, atol=0.06)
    np.testing.assert_allclose(kinetic, 1, atol=0.06)
    np.testing.assert_allclose(temperature, 1, atol=0.02)


def test_one_thermostat_alone_does_not_share_energy_between_modes():
    _, square, _, temperature = _sampled(_energy, 4000, redraw_every=0)
    # The mean over modes looks right, which is why modes are looked at.
    np.testing.assert_allclose(temperature, 1, atol=0.1)
    assert square[-1] > 2
    assert square[:-1].max() < 0.1


def test_posterior_from_minibatches():
    stochastic = energies.seeded(_minibatch_energy)
    mean, square, kinetic, temperature = _sampled(stochastic, 4000)
    np.testing.assert_allclose(mean, 0, atol=0.06)
    np.testing.assert_allclose(square, 1, atol=0.1)
    np.testing.assert_allclose(kinetic, 1, atol=0.1)
    np.testing.assert_allclose(temperature, 1, atol=0.03)


def test_minibatches_heat_without_a_thermostat():
    stochastic = energies.seeded(_minibatch_energy)
    heavy = [1e14] * 4
    _, square, _, temperature = _sampled(
        stochastic, 4000, masses=heavy, redraw_every=0
    )
    assert temperature > 1.5
    assert square.mean() > 1.5
    # Full gradients do not heat: the heat is the minibatches'.
    _, _, _, quiet = _sampled(_energy, 4000, masses=heavy, redraw_every=0)
    assert quiet < 1.2
