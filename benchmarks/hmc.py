"""MALA and HMC beside blackjax, by the independent draws they give a second.

    python benchmarks/hmc.py [--rounds=5]

100 chains on a Gaussian of 100 dimensions (deviations 0.1 to 1) and on the
posterior of a logistic regression (1,000 rows, 25 weights). MALA is our own
kernel; HMC is TensorFlow Probability's through `samplers.tfp_bridge`; both are
compiled by XLA, and blackjax's by JAX. Steps are the same for both and fixed,
so the chains have one law, which the acceptance and the ESS beside must show.
The minimum ESS is over coordinates and their squares, of all chains together;
the draws that are judged are those of the last call that was timed.

Measured (2 cores, beside other work, 3 rounds), blackjax's time over ours: MALA
0.80 and 0.94 in two runs on the Gaussian, 1.23 and 1.32 on the regression; HMC
0.38 on the Gaussian, 1.17 and 1.19 on the regression. Acceptances agreed to
0.002; the ESS a draw differed by up to 22 %, either way.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import measure
import numpy as np
import tensorflow as tf
from absl import app, flags

import metrics
import samplers
from samplers import langevin, metropolis, seeds, tfp_bridge

flags.adopt_module_key_flags(measure)

CHAINS, DRAWS = 100, 500


class Target(NamedTuple):
    """An energy in both libraries, and the settings of its chains.

    Attributes:
      dimension: of the position.
      energy: U(x: [chains, dimension]) -> [chains], in TensorFlow.
      log_density: -U of one x: [dimension], in JAX.
      mala_step: h of MALA, x - h grad U + sqrt(2 h) xi.
      leapfrog_step: of HMC.
      leapfrogs: steps of a trajectory.
    """

    dimension: int
    energy: Callable[[Any], Any]
    log_density: Callable[[Any], Any]
    mala_step: float
    leapfrog_step: float
    leapfrogs: int


def gaussian(jnp: Any) -> Target:
    """Independent normals."""
    precision = np.linspace(0.1, 1.0, 100, dtype=np.float32) ** -2

    return Target(
        100,
        lambda x: 0.5 * tf.reduce_sum(x * x * precision, 1),
        lambda x: -0.5 * jnp.sum(x * x * precision),
        mala_step=0.0035,
        # Longer than pi * 0.1, a trajectory returns to where it was, or to
        # its mirror image, in some coordinate.
        leapfrog_step=0.075,
        leapfrogs=4,
    )


def regression(jax: Any) -> Target:
    """A logistic regression with a standard normal prior."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1000, 25)).astype(np.float32)
    odds = rows @ rng.normal(size=25)
    labels = rng.random(1000) < 1 / (1 + np.exp(-odds))
    signed = np.where(labels, 1, -1)[:, None].astype(np.float32) * rows

    def energy(x: tf.Tensor) -> tf.Tensor:
        margins = tf.matmul(x, signed, transpose_b=True)
        losses = tf.reduce_sum(tf.nn.softplus(-margins), 1)
        return losses + 0.5 * tf.reduce_sum(x * x, 1)

    def log_density(x: Any) -> Any:
        losses = jax.nn.softplus(-(signed @ x)).sum()
        return -losses - 0.5 * (x * x).sum()

    return Target(
        25,
        energy,
        log_density,
        mala_step=0.004,
        leapfrog_step=0.06,
        leapfrogs=10,
    )


def our_kernels(target: Target) -> dict[str, tuple[Any, Any]]:
    """Kernels by name, with what reads the acceptance off an Info."""

    def hamiltonian(log_prob: Any) -> Any:
        import tensorflow_probability as tfp

        return tfp.mcmc.HamiltonianMonteCarlo(
            log_prob, target.leapfrog_step, target.leapfrogs
        )

    return {
        "MALA": (
            metropolis.metropolis_hastings(
                langevin.langevin(target.energy, target.mala_step)
            ),
            lambda info: info.acceptance,
        ),
        "HMC": (
            tfp_bridge.kernel(hamiltonian, target.energy),
            lambda info: tf.exp(tf.minimum(info.results.log_accept_ratio, 0.0)),
        ),
    }


class Run:
    """A chain that goes on at each call, and keeps what it drew."""

    def __init__(self, go_on: Callable[[int], tuple[Any, Any]]):
        """`go_on(call) -> (positions, acceptances)`, [DRAWS, CHAINS, ...]."""
        self._go_on = go_on
        self._calls = 0
        self.positions: Any = None
        self.acceptance: Any = None

    def __call__(self) -> None:
        positions, acceptance = self._go_on(self._calls)
        self.positions = np.asarray(positions)
        self.acceptance = float(np.mean(acceptance))
        self._calls += 1

    def effective(self) -> float:
        """The smallest ESS of any coordinate or square, per draw."""
        x = self.positions
        found = [
            metrics.effective_sample_size(part, pooled=True)
            for part in (x, (x - x.mean((0, 1))) ** 2)
        ]
        return float(tf.reduce_min(found)) / DRAWS


def ours(kernel: Any, acceptance: Any, start: np.ndarray) -> Run:
    """Chains of a kernel of ours."""
    state = kernel.init(start)
    observer = samplers.trace(
        lambda state, info: (state.position, acceptance(info))
    )

    def go_on(call: int) -> tuple[Any, Any]:
        nonlocal state
        with seeds.xla(True):
            state, found = samplers.run(
                kernel,
                state,
                seed=seeds.seed(0),
                num_steps=DRAWS,
                first_step=call * DRAWS,
                observer=observer,
            )
        return found

    return Run(go_on)


def theirs(jax: Any, kernel: Any, start: np.ndarray) -> Run:
    """Chains of a kernel of blackjax, side by side."""
    state = jax.vmap(kernel.init)(start)

    @jax.jit
    def many(state: Any, key: Any) -> Any:
        def one(state: Any, key: Any) -> Any:
            keys = jax.random.split(key, CHAINS)
            state, info = jax.vmap(kernel.step)(keys, state)
            return state, (state.position, info.acceptance_rate)

        return jax.lax.scan(one, state, jax.random.split(key, DRAWS))

    def go_on(call: int) -> tuple[Any, Any]:
        nonlocal state
        state, found = many(state, jax.random.fold_in(jax.random.key(0), call))
        return found

    return Run(go_on)


def main(argv: list[str]) -> None:
    """Prints one table for each target and kernel."""
    del argv
    jax = measure.peer("jax")
    blackjax = jax and measure.peer("blackjax")
    targets = {
        "100-d Gaussian": gaussian(jax and jax.numpy),
        "logistic regression": regression(jax),
    }
    for title, target in targets.items():
        rng = np.random.default_rng(1)
        start = 0.1 * rng.normal(size=(CHAINS, target.dimension))
        start = start.astype(np.float32)
        peers = {}
        if blackjax:
            peers["MALA"] = blackjax.mala(target.log_density, target.mala_step)
            peers["HMC"] = blackjax.hmc(
                target.log_density,
                target.leapfrog_step,
                np.ones(target.dimension, np.float32),
                target.leapfrogs,
            )
        for name, (kernel, acceptance) in our_kernels(target).items():
            runs = {"ours": ours(kernel, acceptance, start)}
            if peers:
                runs["blackjax"] = theirs(jax, peers[name], start)
            compare(f"{name}, {title}", runs)


def compare(title: str, runs: dict[str, Run]) -> None:
    """Times the runs and judges the draws of their last calls."""
    works = {name: measure.Work(run, DRAWS) for name, run in runs.items()}
    times = measure.rounds(works)
    measure.report(title, times)
    rows = []
    for name, run in runs.items():
        ess = run.effective()
        rate = ess / np.median(times[name])
        rows.append(
            [name, f"{run.acceptance:.3f}", f"{ess:.2f}", f"{rate:.0f}"]
        )
    measure.table(["", "acceptance", "min ESS / draw", "min ESS / s"], rows)


if __name__ == "__main__":
    app.run(main)
