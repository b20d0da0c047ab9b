"""Which dynamics reach the Gibbs measure of a regression, mode by mode.

U(w) = |y - A w|^2 / 2n has the exact Gibbs measure N(mu, T H^-1) with
H = A^T A / n. Averages over modes hide what single modes show: one thermostat
for all weights gives some modes too much and others too little.
"""

import numpy as np
import pytest
import tensorflow as tf

from samplers import (
    baoab,
    energies,
    moments,
    nose_hoover,
    run,
    seeds,
    sg_nose_hoover,
)

CHAINS, ROWS, WEIGHTS, BATCH = 64, 512, 20, 32
TEMPERATURE, STEP = 0.1, 0.1


def _problem():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(WEIGHTS, WEIGHTS)))
    columns, _ = np.linalg.qr(rng.normal(size=(ROWS, WEIGHTS)))
    scales = np.sqrt(ROWS * np.geomspace(0.04, 1.0, WEIGHTS))
    design = columns * scales @ basis
    target = design @ rng.normal(size=WEIGHTS) + rng.normal(size=ROWS)
    hessian = design.T @ design / ROWS
    mean = np.linalg.solve(hessian, design.T @ target / ROWS)
    arrays = design, target, mean, *np.linalg.eigh(hessian)
    return [array.astype(np.float32) for array in arrays]


DESIGN, TARGET, MEAN, STIFFNESS, MODES = _problem()
GRAM, CROSS = DESIGN.T @ DESIGN / ROWS, DESIGN.T @ TARGET / ROWS


def _energy(w):
    """Up to a constant."""
    return tf.reduce_sum(w * (0.5 * tf.linalg.matmul(w, GRAM) - CROSS), -1)


def _minibatch_energy(w, seed):
    """Each chain draws rows of its own."""
    index = tf.cast(seeds.uniform(seed, [CHAINS, BATCH]) * ROWS, tf.int32)
    rows, target = tf.gather(DESIGN, index), tf.gather(TARGET, index)
    residual = target - tf.linalg.matvec(rows, w)
    return tf.reduce_mean(residual**2, -1) / 2


MINIBATCHES = energies.seeded(_minibatch_energy)


def _variances(kernel, steps=20_000):
    """Of each mode over the exact one, softest mode first, all chains pooled.

    Chains start in the exact measure, so nothing but the dynamics can leave
    it.
    """
    draw = seeds.normal(seeds.seed(7), [CHAINS, WEIGHTS])
    sd = np.sqrt(TEMPERATURE / STIFFNESS)
    start = MEAN + tf.linalg.matmul(draw * sd, MODES, transpose_b=True)

    def squares(state, info):
        x = tf.linalg.matmul(state.position - MEAN, MODES) / sd
        return x**2

    with seeds.xla(True):
        _, observed = run(
            kernel,
            kernel.init(start, seeds.seed(1)),
            seed=seeds.seed(2),
            num_steps=steps,
            observer=moments(squares),
        )
    return observed.mean.numpy()


def _chain(energy_fn, step=STEP, **options):
    return nose_hoover.nose_hoover_chain(
        energy_fn, step, TEMPERATURE, **options
    )


def _massive(energy_fn, step):
    return _chain(energy_fn, step, thermostat="massive", chain_length=2)


EXACT = {
    "massive": lambda: _massive(_energy, STEP),
    # Its thermostats answer the noise of single weights, not of the modes
    # that mix them; what is left of the heat is in proportion to the step.
    "massive, minibatches": lambda: _massive(MINIBATCHES, STEP / 2),
    "friction": lambda: _chain(_energy, friction=0.3),
    "friction, minibatches": lambda: _chain(MINIBATCHES, friction=0.5),
    "baoab": lambda: baoab.baoab(_energy, STEP, TEMPERATURE, 0.3),
    "sg_nose_hoover": lambda: sg_nose_hoover.sg_nose_hoover(
        MINIBATCHES, STEP, TEMPERATURE, 0.5
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_every_mode_has_its_variance(name):
    pooled = _variances(EXACT[name]()).mean(0)
    np.testing.assert_allclose(pooled, 1, atol=0.1)


def test_one_thermostat_for_all_does_not_with_minibatches():
    """It holds the mean over modes, and heats those with the most noise."""
    pooled = _variances(_chain(MINIBATCHES), steps=5_000).mean(0)
    assert np.abs(pooled - 1).max() > 0.2


def test_one_thermostat_for_all_does_not():
    variances = _variances(_chain(_energy))
    # The median looks right, which is why modes are looked at.
    assert abs(np.median(variances.mean(0)) - 1) < 0.1
    assert np.ptp(variances.mean(0)) > 0.3
    # Chains keep the shares they start with, however long they run.
    assert variances.std(0).min() > 0.3
    assert _variances(_massive(_energy, STEP)).std(0).max() < 0.3


def test_minibatches_heat_where_nothing_answers():
    kernel = baoab.baoab(MINIBATCHES, STEP, TEMPERATURE, 0.03)
    heated = _variances(kernel, steps=5_000)
    assert heated.mean() > 1.5
    adaptive = _variances(
        sg_nose_hoover.sg_nose_hoover(MINIBATCHES, STEP, TEMPERATURE, 0.03),
        steps=5_000,
    )
    assert abs(adaptive.mean() - 1) < 0.1
    # On the mean alone: one friction cannot answer each mode's noise, which
    # takes a given friction above that of the noise, as in the test above.
    assert adaptive.mean(0).max() > 1.3
