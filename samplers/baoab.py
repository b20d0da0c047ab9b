"""Underdamped Langevin dynamics: the BAOAB kernel."""

from typing import Any, NamedTuple

import tensorflow as tf

from samplers import energies, particles, seeds, velocities
from samplers.kernel import Kernel


class State(NamedTuple):
    """What an underdamped Langevin chain carries; [chains] is [] for one chain.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      velocity: like the position, in units of position over time.
      energy: [chains], at the position.
      gradient: of the energy, like the position.
    """

    position: Any
    velocity: Any
    energy: Any
    gradient: Any


class Info(NamedTuple):
    """What an underdamped Langevin step reports.

    Attributes:
      energy: [chains], at the new position.
      kinetic_temperature: [chains], sum of m v^2 over N: T on average.
      tensor_kinetic_temperature: [chains, tensors], of each tensor of the
        position.
      aux: from the evaluator.
    """

    energy: Any
    kinetic_temperature: Any
    tensor_kinetic_temperature: Any
    aux: Any = ()


def baoab(
    energy_fn: Any,
    step_size: Any,
    temperature: Any = 1.0,
    friction: Any = 1.0,
    mass: Any = 1.0,
    chain_ndims: int = 1,
) -> Kernel:
    """Newton's equations with friction and noise, p ~ exp(-(U + K)/T).

    Half a kick, half a drift, the exact Ornstein-Uhlenbeck process of the
    velocities, half a drift, one gradient, half a kick (Leimkuhler and
    Matthews 2013). On a Gaussian the positions have the exact variance at
    any stable step; elsewhere its error is of order h^2. It does not correct
    the heat of minibatches: see `sg_nose_hoover`.

    Args:
      energy_fn: U(x: [chains, *event]) -> [chains], or an Evaluator.
      step_size: h, in units of time; a number or a scalar tensor.
      temperature: T, in units of energy; a number, a scalar tensor, or a
        tensor [chains].
      friction: g, in units of 1/time; likewise. 0 is velocity Verlet.
      mass: m of the particles; a number or a scalar tensor.
      chain_ndims: 1, or 0 for a single chain with a scalar energy.

    Returns:
      A Kernel. `init(position, seed=None, batch=None, velocity=None)` draws
      velocities at temperature T from the seed unless they are given.

    Raises:
      InputError: an argument outside its range.
    """
    evaluator = energies.as_evaluator(energy_fn)
    velocities.check(
        step_size=step_size,
        temperature=temperature,
        mass=mass,
        friction=friction,
    )

    def init(
        position: Any, seed: Any = None, batch: Any = None, velocity: Any = None
    ) -> State:
        return State(
            *velocities.start(
                evaluator,
                position,
                seed,
                batch,
                velocity,
                temperature=temperature,
                mass=mass,
                chain_ndims=chain_ndims,
            )
        )

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        noise_seed, energy_seed = seeds.split(seed, 2)
        dtype = particles.dtype_of(state.position)
        h = particles.scalar(step_size, dtype)
        m = particles.scalar(mass, dtype)
        variance = particles.scalar(temperature, dtype) / m
        rate = particles.scalar(friction, dtype)
        kick = -0.5 * h / m
        v = particles.axpy(kick, state.gradient, state.velocity)
        position = particles.axpy(0.5 * h, v, state.position)
        v = velocities.stirred(noise_seed, v, rate, h, tf.sqrt(variance))
        position = particles.axpy(0.5 * h, v, position)
        energy, gradient, aux = evaluator.fn(position, energy_seed, batch)
        v = particles.axpy(kick, gradient, v)
        whole, by_tensor = velocities.temperatures(v, mass, chain_ndims)
        return (
            State(position, v, energy, gradient),
            Info(energy, whole, by_tensor, aux),
        )

    return Kernel(init, step)
