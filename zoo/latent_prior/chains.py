"""Chains of codes: which dynamics, how many steps, from which start."""

import functools
import math
from typing import Any, NamedTuple

import tensorflow as tf

import samplers
from samplers import baoab, langevin, metropolis, nose_hoover, seeds
from zoo.latent_prior.density import Density

DYNAMICS = ("langevin", "mala", "baoab", "nose_hoover")
# Of the inertial dynamics, in units of 1 / time: with codes of variance near
# 1, a code forgets its velocity in about the time it takes to cross.
_FRICTION = 1.0
# Steps between fresh draws of the velocities under a thermostat: without, the
# temperature of a short chain still swung about (too wide by half, measured).
_REDRAW = 10
# All but unadjusted Langevin divide by the temperature.
_COLDEST = 1e-6


class Chain(NamedTuple):
    """How codes move.

    Attributes:
        dynamics: one of DYNAMICS.
        steps: how many.
        step_size: h of Langevin's z <- z - h grad U + sqrt(2 h) xi, in units
            of z squared over nats. The inertial dynamics take sqrt(2 h) as
            their time step: their displacement in one step from rest is the
            same.
    """

    dynamics: str
    steps: int
    step_size: float

    def kernel(
        self, energy: Any, step_size: Any = None, temperature: Any = 1.0
    ) -> samplers.Kernel:
        """The transition that leaves exp(-energy / temperature) invariant.

        Args:
            energy: U(z: [B, latent]) -> [B], in nats, or an Evaluator.
            step_size: h where it is another; a number or a tensor.
            temperature: T, a number or a tensor, [] or [B].
        """
        h = self.step_size if step_size is None else step_size
        if self.dynamics == "langevin":
            return langevin.langevin(energy, h, temperature)
        warm = tf.maximum(tf.cast(temperature, tf.float32), _COLDEST)
        if self.dynamics == "mala":
            return metropolis.metropolis_hastings(
                langevin.langevin(energy, h, warm)
            )
        time = math.sqrt(2.0 * h) if isinstance(h, float) else tf.sqrt(2.0 * h)
        if self.dynamics == "baoab":
            return baoab.baoab(energy, time, warm, friction=_FRICTION)
        return nose_hoover.nose_hoover_chain(
            energy,
            time,
            warm,
            thermostat="massive",
            chain_length=2,
            redraw_every=_REDRAW,
        )

    def run(
        self, energy: Any, start: tf.Tensor, seed: Any, temperature: Any = 1.0
    ) -> tf.Tensor:
        """Where codes end that start at `start`, as constants to a tape.

        Args:
            energy: U(z: [B, latent]) -> [B].
            start: [B, latent].
            seed: int32[2], or int32[B, 2] for one a chain.
            temperature: T, [] or [B].

        Returns:
            [B, latent].
        """
        kernel = self.kernel(energy, temperature=temperature)
        first, then = seeds.split(seed, 2)
        before = self.steps - 1
        state, _ = samplers.run(
            kernel, kernel.init(start, first), seed=then, num_steps=before
        )
        # Outside of the loop, so that a graph leaves out what only a further
        # step would need: the gradient at the end.
        state, _ = kernel.step(seeds.fold_in(then, before), state)
        return tf.stop_gradient(state.position)


class Codes(NamedTuple):
    """How codes of a model are drawn, from N(0, s0^2) on (Pang 2020).

    Attributes:
        density: of the model.
        prior_chain: how codes move on the prior.
        posterior_chain: how they move on a posterior; None where they do not.
    """

    density: Density
    prior_chain: Chain
    posterior_chain: Any = None

    def prior(
        self, seed: Any, number: Any, temperature: Any = 1.0
    ) -> tf.Tensor:
        """Codes from the prior at a temperature, by a short run: [B, latent].

        Args:
            seed: int32[2], or int32[B, 2] for one a code.
            number: B, a number or a tensor.
            temperature: T, [] or [B]; 1 is the prior.
        """
        start_seed, chain_seed = seeds.split(seed, 2)
        width = tf.sqrt(tf.cast(temperature, tf.float32))
        width = width[:, None] if width.shape.rank else width
        start = width * self._first(start_seed, number)
        energy = self.density.prior_energy
        return self.prior_chain.run(energy, start, chain_seed, temperature)

    def posterior(
        self, x: tf.Tensor, seed: Any, start: Any = None
    ) -> tf.Tensor:
        """Codes from p(z | x), by a short run: [B, latent].

        Args:
            x: [B, ...].
            seed: int32[2], or int32[B, 2] for one a code.
            start: [B, latent], where the run starts; None: draws from
                N(0, s0^2).
        """
        start_seed, chain_seed = seeds.split(seed, 2)
        if start is None:
            start = self._first(start_seed, number_of(x))
        energy = functools.partial(self.density.posterior_energy, x)
        return self.posterior_chain.run(energy, start, chain_seed)

    def _first(self, seed: Any, number: Any) -> tf.Tensor:
        size = tf.stack([number, self.density.latent_dim])
        return self.density.prior_sigma * seeds.normal(seed, size)


def number_of(rows: tf.Tensor) -> Any:
    """How many rows [B, ...] has: a number where it is known, or a tensor."""
    known = rows.shape[0]
    return tf.shape(rows)[0] if known is None else known
