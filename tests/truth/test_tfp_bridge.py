"""TensorFlow Probability's kernels as ours, and ours as theirs."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import errors
from samplers import (
    baoab,
    energies,
    langevin,
    metropolis,
    nose_hoover,
    run,
    seeds,
    tfp_bridge,
    trace,
)

TEMPERATURE = 0.25
SD = np.array([0.5, 1.0, 1.5])
CHAINS = 500


def _energy(x):
    """At TEMPERATURE a Gaussian of standard deviations SD, around 1."""
    return 0.5 * TEMPERATURE * tf.reduce_sum(((x - 1.0) / SD) ** 2, -1)


def _log_prob(x):
    return -_energy(x) / TEMPERATURE


def _start():
    return 1.0 + SD * seeds.normal(seeds.seed(9), [CHAINS, 3], tf.float64)


def _check(draws):
    """Draws [steps, CHAINS, 3] against moments; errors from the chains."""
    draws = draws.numpy()
    for power, exact in ((1, 0 * SD), (2, SD**2)):
        means = ((draws - 1.0) ** power).mean(0)
        error = means.std(0) / np.sqrt(CHAINS)
        z = (means.mean(0) - exact) / error
        assert np.abs(z).max() < 4, f"power {power}: {z}"


def _mala(energy, temperature=TEMPERATURE, **options):
    return metropolis.metropolis_hastings(
        langevin.langevin(energy, 0.8, temperature, **options)
    )


THEIRS = {
    "hmc": lambda log_prob: tfp.mcmc.HamiltonianMonteCarlo(
        log_prob, step_size=0.4, num_leapfrog_steps=3
    ),
    "nuts": lambda log_prob: tfp.mcmc.NoUTurnSampler(
        log_prob, step_size=0.5, max_tree_depth=4
    ),
    "replica exchange": lambda log_prob: tfp.mcmc.ReplicaExchangeMC(
        log_prob,
        inverse_temperatures=tf.constant([1.0, 0.5], tf.float64),
        make_kernel_fn=lambda tempered: tfp.mcmc.HamiltonianMonteCarlo(
            tempered, step_size=0.4, num_leapfrog_steps=3
        ),
    ),
}


def _ours(name, temperature, steps=60):
    kernel = tfp_bridge.kernel(THEIRS[name], _energy, temperature)
    _, (draws, energy) = run(
        kernel,
        kernel.init(_start()),
        seed=seeds.seed(1),
        num_steps=steps,
        observer=trace(lambda state, info: (state.position, info.energy)),
    )
    np.testing.assert_allclose(energy, _energy(draws))
    return draws


@pytest.mark.parametrize("name", THEIRS)
def test_their_kernels_in_our_loop(name):
    _check(_ours(name, TEMPERATURE))


def test_a_forgotten_temperature_is_seen_in_their_kernel():
    with pytest.raises(AssertionError, match="power 2"):
        _check(_ours("hmc", 1.0))


def _theirs(make, target=_log_prob, steps=200, start=None, **options):
    @tf.function(autograph=False)
    def sampled():
        return tfp.mcmc.sample_chain(
            steps,
            _start() if start is None else start,
            kernel=tfp_bridge.transition_kernel(make, target, **options),
            seed=seeds.seed(1),
            trace_fn=lambda _, results: results.target_log_prob,
        )

    return sampled()


def test_our_exact_kernel_in_their_loop():
    draws, log_prob = _theirs(
        _mala, temperature=TEMPERATURE, calibrated=True, steps=300
    )
    _check(draws)
    np.testing.assert_allclose(log_prob, _log_prob(draws))


def test_a_forgotten_temperature_is_seen_in_our_kernel():
    with pytest.raises(AssertionError, match="power 2"):
        _check(_theirs(_mala, calibrated=True)[0])


@pytest.mark.filterwarnings("ignore:supplied .TransitionKernel. is not")
@pytest.mark.parametrize("name", ["baoab", "nose_hoover"])
def test_our_kernels_with_velocities_in_their_loop(name):
    make = {
        "baoab": lambda energy: baoab.baoab(energy, 0.05, TEMPERATURE),
        "nose_hoover": lambda energy: nose_hoover.nose_hoover_chain(
            energy, 0.05, TEMPERATURE, chain_length=2, friction=0.5
        ),
    }[name]
    options = {"temperature": TEMPERATURE, "seed": seeds.seed(3)}
    draws, _ = _theirs(make, steps=300, **options)
    _check(draws)
    # Without a seed they have no velocities to start with.
    with pytest.raises(errors.InputError, match="velocity None"):
        _theirs(make, temperature=TEMPERATURE)


def _bimodal(x):
    """Two narrow modes, at -4 and 4, that hold 1/4 and 3/4."""
    modes = [tf.reduce_sum(-0.5 * (x - c) ** 2, -1) for c in (-4.0, 4.0)]
    logits = tf.math.log(tf.constant([0.25, 0.75], tf.float64))
    return tf.reduce_logsumexp(tf.stack(modes, -1) + logits, -1)


def test_our_kernel_under_their_replica_exchange():
    """Chains [replicas, chains, 1], with a step size a replica."""
    inverse = tf.constant([1.0, 0.3, 0.1, 0.03], tf.float64)
    step = (0.5 / inverse)[:, tf.newaxis]

    def inner(log_prob):
        return tfp_bridge.transition_kernel(
            lambda energy: metropolis.metropolis_hastings(
                langevin.langevin(energy, step, chain_ndims=2)
            ),
            log_prob,
            calibrated=True,
        )

    @tf.function(autograph=False)
    def sampled():
        return tfp.mcmc.sample_chain(
            200,
            tf.fill([200, 1], tf.constant(4.0, tf.float64)),
            kernel=tfp.mcmc.ReplicaExchangeMC(_bimodal, inverse, inner),
            num_burnin_steps=200,
            seed=seeds.seed(0),
            trace_fn=None,
        )

    low = np.mean(sampled().numpy() < 0, axis=0)
    error = low.std() / np.sqrt(low.size)
    assert abs(low.mean() - 0.25) < 4 * error
    # The control: alone, the chains stay where they start.
    alone, _ = _theirs(
        lambda energy: _mala(energy, 1.0),
        _bimodal,
        start=tf.fill([200, 1], tf.constant(4.0, tf.float64)),
        calibrated=True,
    )
    assert np.mean(alone.numpy() < 0) < 0.01


def test_an_exchange_leaves_the_velocities_alone():
    """Positions change hands between steps; velocities stay where they are."""
    ours = nose_hoover.nose_hoover_chain(_energy, 0.3, chain_length=2)
    made = tfp_bridge.transition_kernel(
        lambda _: ours, tfp_bridge.target_log_prob(_energy), seed=seeds.seed(4)
    )
    position = _start()
    results = made.bootstrap_results(position)
    state = ours.init(position, seeds.seed(4))
    for i in range(3):
        position, results = made.one_step(position, results, seed=[0, i])
        state, _ = ours.step(tf.constant([0, i]), state)
    np.testing.assert_allclose(position, state.position)
    swapped = tf.reverse(position, [0])
    moved = ours.init(swapped, velocity=state.velocity)
    exchanged = results._replace(
        target_log_prob=-moved.energy, grads_target_log_prob=-moved.gradient
    )
    end, _ = made.one_step(swapped, exchanged, seed=[0, 3])
    kept = {
        key: getattr(state, key)
        for key in ("kinetic_energy", "eta", "eta_velocity", "step")
    }
    expected, _ = ours.step(tf.constant([0, 3]), moved._replace(**kept))
    np.testing.assert_allclose(end, expected.position)


def test_a_position_of_several_parts():
    def energy(x):
        return tf.reduce_sum(x[0] ** 2, -1) / 2 + tf.reduce_sum(x[1] ** 2, -1)

    start = [tf.ones([4, 2]), tf.ones([4, 3])]
    kernel = tfp_bridge.kernel(THEIRS["hmc"], energy)
    state, _ = run(kernel, kernel.init(start), seed=seeds.seed(0), num_steps=5)
    assert [x.shape for x in state.position] == [(4, 2), (4, 3)]
    made = tfp_bridge.transition_kernel(
        lambda u: langevin.langevin(u, 0.01),
        tfp_bridge.target_log_prob(energy),
        calibrated=True,
    )
    draws = tfp.mcmc.sample_chain(
        5, start, kernel=made, seed=seeds.seed(0), trace_fn=None
    )
    assert [x.shape for x in draws] == [(5, 4, 2), (5, 4, 3)]


def test_mistakes_are_one_line():
    with pytest.raises(errors.InputError, match="plain function"):
        evaluator: Any = energies.deterministic(_energy)
        tfp_bridge.kernel(THEIRS["hmc"], evaluator)
    kernel = tfp_bridge.kernel(THEIRS["hmc"], _energy)
    with pytest.raises(errors.InputError, match="no use for them"):
        kernel.init(_start(), batch=tf.zeros([2]))
    with pytest.raises(errors.InputError, match="is not \\[chains\\]"):
        tfp_bridge.kernel(THEIRS["hmc"], tf.square).init(_start())


def test_the_library_is_imported_late():
    code = (
        "import sys, samplers; print('tensorflow_probability' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
