"""Sampling from noisy gradients: the stochastic-gradient Nose-Hoover kernel."""

from typing import Any, NamedTuple

import tensorflow as tf

from samplers import energies, particles, seeds, velocities
from samplers.kernel import Kernel


class State(NamedTuple):
    """What the chain carries; [chains] is [] for a single chain.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      velocity: like the position, in units of position over time.
      energy: [chains], at the position.
      gradient: of the energy, like the position.
      friction: [chains], the thermostat, in units of 1/time.
    """

    position: Any
    velocity: Any
    energy: Any
    gradient: Any
    friction: Any


class Info(NamedTuple):
    """What a step reports.

    Attributes:
      energy: [chains], at the new position.
      kinetic_temperature: [chains], sum of m v^2 over N: T on average.
      tensor_kinetic_temperature: [chains, tensors], of each tensor of the
        position.
      friction: [chains]; its mean exceeds the `friction` given by what the
        gradient's noise adds.
      aux: from the evaluator.
    """

    energy: Any
    kinetic_temperature: Any
    tensor_kinetic_temperature: Any
    friction: Any
    aux: Any = ()


def sg_nose_hoover(
    energy_fn: Any,
    step_size: Any,
    temperature: Any = 1.0,
    friction: Any = 1.0,
    relaxation_time: Any = None,
    mass: Any = 1.0,
    chain_ndims: int = 1,
) -> Kernel:
    """Langevin dynamics whose friction finds the strength of the noise.

    The stochastic-gradient Nose-Hoover thermostat (Ding et al. 2014):

        m v' = -grad U - z m v + sqrt(2 g m T) xi(t),
        z' = (sum m v^2 / (N T) - 1) / tau^2,

    where z settles at g plus what the unknown noise of the gradient needs, if
    that noise is alike in all directions or small beside g. Integrated by a
    symmetric splitting (Leimkuhler and Shang 2016), with the process of the
    velocities at fixed z solved exactly.

    Args:
      energy_fn: U(x: [chains, *event]) -> [chains], or an Evaluator.
      step_size: h, in units of time; a number or a scalar tensor.
      temperature: T, in units of energy; a number, a scalar tensor, or a
        tensor [chains].
      friction: g, in units of 1/time; likewise.
      relaxation_time: tau, the thermostat's time scale; 20 h if None.
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
        relaxation_time=relaxation_time,
    )

    def init(
        position: Any, seed: Any = None, batch: Any = None, velocity: Any = None
    ) -> State:
        start = velocities.start(
            evaluator,
            position,
            seed,
            batch,
            velocity,
            temperature=temperature,
            mass=mass,
            chain_ndims=chain_ndims,
        )
        rate = particles.scalar(friction, particles.dtype_of(start.position))
        return State(*start, tf.broadcast_to(rate, tf.shape(start.energy)))

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        noise_seed, energy_seed = seeds.split(seed, 2)
        dtype = particles.dtype_of(state.position)
        h = particles.scalar(step_size, dtype)
        m = particles.scalar(mass, dtype)
        temp = particles.scalar(temperature, dtype)
        tau = 20.0 * h
        if relaxation_time is not None:
            tau = particles.scalar(relaxation_time, dtype)
        kick = -0.5 * h / m

        def adapted(z: Any, v: Any) -> Any:
            """The thermostat for half a step, with the particles at rest."""
            whole, _ = velocities.temperatures(v, mass, chain_ndims)
            return z + 0.5 * h * (whole / temp - 1.0) / (tau * tau)

        v = particles.axpy(kick, state.gradient, state.velocity)
        position = particles.axpy(0.5 * h, v, state.position)
        z = adapted(state.friction, v)
        # Noise of fixed strength under a friction that may be zero or below.
        variance = 2.0 * particles.scalar(friction, dtype) * temp / m
        amplitude = tf.sqrt(variance * _span(z, h))
        noise = particles.normal_like(noise_seed, v)
        v = particles.scaled(tf.exp(-z * h), v)
        v = particles.axpy(amplitude, noise, v)
        z = adapted(z, v)
        position = particles.axpy(0.5 * h, v, position)
        energy, gradient, aux = evaluator.fn(position, energy_seed, batch)
        v = particles.axpy(kick, gradient, v)
        whole, by_tensor = velocities.temperatures(v, mass, chain_ndims)
        return (
            State(position, v, energy, gradient, z),
            Info(energy, whole, by_tensor, z, aux),
        )

    return Kernel(init, step)


def _span(z: Any, h: Any) -> tf.Tensor:
    """The integral of exp(-2 z t) over a step, h where z is 0."""
    tiny = tf.abs(z * h) < 1e-4
    safe = tf.where(tiny, tf.ones_like(z), z)
    exact = -tf.math.expm1(-2.0 * safe * h) / (2.0 * safe)
    return tf.where(tiny, h * (1.0 - z * h), exact)
