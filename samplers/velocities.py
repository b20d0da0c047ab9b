"""Velocities of particles at a temperature: started, measured, stirred."""

from typing import Any, NamedTuple

import tensorflow as tf

import errors
from samplers import energies, particles, seeds


def check(
    *,
    step_size: Any,
    temperature: Any,
    mass: Any,
    friction: Any,
    relaxation_time: Any = None,
) -> None:
    """Refuses what no dynamics with velocities can run on.

    Raises:
      InputError: the friction is negative, or another number not positive; a
        relaxation_time of None stands for the kernel's own.
    """
    for name, value in (
        ("step_size", step_size),
        ("temperature", temperature),
        ("mass", mass),
    ):
        particles.positive(name, value)
    particles.not_negative("friction", friction)
    if relaxation_time is not None:
        particles.positive("relaxation_time", relaxation_time)


class Start(NamedTuple):
    """Where a chain with velocities starts.

    Attributes:
      position: [chains, *event] tensors.
      velocity: likewise.
      energy: [chains], or [] for a single chain.
      gradient: of the energy, like the position.
    """

    position: Any
    velocity: Any
    energy: Any
    gradient: Any


def start(
    evaluator: energies.Evaluator,
    position: Any,
    seed: Any,
    batch: Any,
    velocity: Any,
    *,
    temperature: Any,
    mass: Any,
    chain_ndims: int,
) -> Start:
    """What the `init` of every kernel with velocities does.

    Args:
      evaluator: of the energy.
      position: [chains, *event], or a structure of such tensors.
      seed: int32[2], or None where neither velocities nor energy need it.
      batch: for the evaluator.
      velocity: like the position, or None to draw it from the seed.
      temperature: T, [] or [chains].
      mass: m, [].
      chain_ndims: 1, or 0 for a single chain.

    Raises:
      InputError: no velocity and no seed; see `particles.convert` and
        `energies.first_evaluation`.
    """
    position = particles.convert(position, chain_ndims)
    velocity, energy_seed = _first(
        seed, position, velocity, temperature, mass, chain_ndims
    )
    evaluation = energies.first_evaluation(
        evaluator, position, energy_seed, batch, chain_ndims
    )
    return Start(position, velocity, evaluation.energy, evaluation.gradient)


def drawn(seed: Any, position: Any, temperature: Any, mass: Any) -> Any:
    """Velocities from N(0, T/m), in the structure of a position.

    Args:
      seed: int32[2].
      position: [chains, *event], or a structure of such tensors.
      temperature: T, [] or [chains].
      mass: m, [].
    """
    dtype = particles.dtype_of(position)
    variance = particles.scalar(temperature, dtype)
    variance /= particles.scalar(mass, dtype)
    noise = particles.normal_like(seed, position)
    return particles.scaled(tf.sqrt(variance), noise)


def _first(
    seed: Any,
    position: Any,
    velocity: Any,
    temperature: Any,
    mass: Any,
    chain_ndims: int,
) -> tuple[Any, Any]:
    """The velocities a chain starts with, and a seed for its energy.

    Args:
      seed: int32[2], or None where the velocity is given.
      position: as `particles.convert` gives it.
      velocity: like the position, or None to draw it.
      temperature: T, [] or [chains].
      mass: m, [].
      chain_ndims: 1, or 0 for a single chain.

    Returns:
      (velocity, seed): the seed is None if none was given.

    Raises:
      InputError: neither a seed nor a velocity.
    """
    energy_seed = None
    if seed is not None:
        velocity_seed, energy_seed = seeds.split(seed, 2)
        if velocity is None:
            velocity = drawn(velocity_seed, position, temperature, mass)
    if velocity is None:
        raise errors.InputError(
            "seed None and velocity None: pass init(position, seed) to "
            "draw velocities at the temperature, or give them"
        )
    return particles.convert(velocity, chain_ndims), energy_seed


def stirred(
    seed: Any, velocity: Any, friction: Any, duration: Any, deviation: Any
) -> Any:
    """The Ornstein-Uhlenbeck process on velocities, solved exactly.

    v' = -g v + sqrt(2 g) s xi(t), which has the stationary law N(0, s^2).

    Args:
      seed: int32[2].
      velocity: [chains, *event], or a structure of such tensors.
      friction: g, in units of 1/time; [] or [chains].
      duration: how long, in units of time.
      deviation: s, like the velocity's numbers; [] or [chains].

    Returns:
      The new velocity.
    """
    rate = friction * duration
    amplitude = deviation * tf.sqrt(-tf.math.expm1(-2.0 * rate))
    noise = particles.normal_like(seed, velocity)
    kept = particles.scaled(tf.exp(-rate), velocity)
    return particles.axpy(amplitude, noise, kept)


def temperatures(
    velocity: Any, mass: Any, chain_ndims: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean of m v^2: over each chain, [chains], and over each of its tensors.

    Args:
      velocity: [chains, *event], or a structure of such tensors.
      mass: m, [].
      chain_ndims: 1, or 0 for a single chain.

    Returns:
      (whole, by_tensor): [chains] and [chains, tensors].
    """
    m = particles.scalar(mass, particles.dtype_of(velocity))
    sizes = particles.sizes(velocity, chain_ndims)
    halves = tf.stack(particles.half_squares(velocity, chain_ndims), -1)
    squares = 2.0 * m * halves
    whole = tf.reduce_sum(squares, -1) / tf.reduce_sum(sizes)
    return whole, squares / sizes
