"""The unadjusted Langevin kernel."""

from typing import Any, NamedTuple

import tensorflow as tf

from samplers import energies, particles, seeds
from samplers.kernel import Kernel


class State(NamedTuple):
    """What a Langevin chain carries.

    Attributes:
      position: [chains, *event], or a structure of such tensors.
      energy: [chains].
      gradient: of the energy, like the position.
      aux: from the evaluator, at the position.
    """

    position: Any
    energy: Any
    gradient: Any
    aux: Any = ()


class Info(NamedTuple):
    """What a Langevin step reports.

    Attributes:
      energy: [chains], at the new position.
      gradient_norm: [chains], at the new position.
      aux: from the evaluator, likewise.
    """

    energy: Any
    gradient_norm: Any
    aux: Any = ()


def langevin(
    energy_fn: Any,
    step_size: Any,
    temperature: Any = 1.0,
    chain_ndims: int = 1,
) -> Kernel:
    """The kernel x <- x - h grad U(x) + sqrt(2 T h) xi, xi ~ N(0, 1).

    Leaves exp(-U/T) invariant up to a bias of order h, which
    `metropolis.metropolis_hastings` removes.

    Args:
      energy_fn: U(x: [chains, *event]) -> [chains], or an Evaluator.
      step_size: h, in units of position squared over energy; a number, a
        scalar tensor or a tensor [chains].
      temperature: T, in units of energy; likewise. 0 is gradient descent.
      chain_ndims: 1, or 0 for a single chain with a scalar energy.

    Returns:
      A Kernel; `init(position, seed=None, batch=None)` needs the seed or the
      batch only where the evaluator does.

    Raises:
      InputError: a step size that is not positive, a negative temperature.
    """
    evaluator = energies.as_evaluator(energy_fn)
    particles.positive("step_size", step_size)
    particles.not_negative("temperature", temperature)

    def init(position: Any, seed: Any = None, batch: Any = None) -> State:
        position = particles.convert(position, chain_ndims)
        evaluation = energies.first_evaluation(
            evaluator, position, seed, batch, chain_ndims
        )
        return State(position, *evaluation)

    def step(seed: Any, state: State, batch: Any = None) -> tuple[State, Info]:
        noise_seed, energy_seed = seeds.split(seed, 2)
        dtype = particles.dtype_of(state.position)
        h = particles.scalar(step_size, dtype)
        amplitude = tf.sqrt(2.0 * h * particles.scalar(temperature, dtype))
        noise = particles.normal_like(noise_seed, state.position)
        position = particles.axpy(
            -h,
            state.gradient,
            particles.axpy(amplitude, noise, state.position),
        )
        evaluation = evaluator.fn(position, energy_seed, batch)
        gradient = evaluation.gradient
        norm = tf.sqrt(particles.dot(gradient, gradient, chain_ndims))
        return (
            State(position, *evaluation),
            Info(evaluation.energy, norm, evaluation.aux),
        )

    def log_acceptance(old: State, new: State) -> tf.Tensor:
        dtype = particles.dtype_of(old.position)
        h = particles.scalar(step_size, dtype)
        temp = particles.scalar(temperature, dtype)
        move = particles.combine(tf.subtract, new.position, old.position)
        # |x' - x + h g|^2 - |x - x' + h g'|^2, with the squares of the move
        # cancelled by hand: they are the largest terms, and rounding counts.
        towards = particles.combine(tf.add, old.gradient, new.gradient)
        difference = (
            2.0 * h * particles.dot(move, towards, chain_ndims)
            + h * h * particles.dot(old.gradient, old.gradient, chain_ndims)
            - h * h * particles.dot(new.gradient, new.gradient, chain_ndims)
        )
        log_densities = difference / (4.0 * temp * h)
        return (old.energy - new.energy) / temp + log_densities

    return Kernel(init, step, None if evaluator.stochastic else log_acceptance)
