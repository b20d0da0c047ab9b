"""Energies, and how a kernel gets at their gradient.

A kernel takes either a plain `energy_fn(position) -> [chains]` or an
`Evaluator`, which also hands a seed or a minibatch to the energy, or computes
the gradient in a way of its own.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

import errors


class Evaluation(NamedTuple):
    """An energy at a position.

    Attributes:
      energy: [chains], or [] for a single chain of weights.
      gradient: of the energy, in the structure of the position.
      aux: anything else the evaluation gave; kernels pass it on in Info.aux.
    """

    energy: Any
    gradient: Any
    aux: Any = ()


class Evaluator(NamedTuple):
    """`fn(position, seed, batch) -> Evaluation`.

    Attributes:
      fn: the evaluation.
      stochastic: whether two evaluations of one position can differ, as they
        do on minibatches. Metropolis tests need False.
    """

    fn: Callable[[Any, Any, Any], Evaluation]
    stochastic: bool = True


def _differentiated(
    energy_fn: Callable[[Any], Any], position: Any, has_aux: bool = False
) -> Any:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(position)
        energy = energy_fn(position)
        energy, aux = energy if has_aux else (energy, ())
    tensors = tf.nest.flatten(position)
    gradients = tape.gradient(energy, tensors)
    if all(gradient is None for gradient in gradients):
        raise errors.InputError(
            "energy_fn does not depend on the position: compute the energy "
            "from its argument with differentiable operations"
        )
    dense = [
        tf.zeros_like(x) if g is None else tf.convert_to_tensor(g)
        for x, g in zip(tensors, gradients, strict=True)
    ]
    return Evaluation(energy, tf.nest.pack_sequence_as(position, dense), aux)


def deterministic(energy_fn: Callable[[Any], Any]) -> Evaluator:
    """An evaluator of U(position) -> [chains]."""

    def fn(position: Any, seed: Any, batch: Any) -> Evaluation:
        del seed, batch
        return _differentiated(energy_fn, position)

    return Evaluator(fn, stochastic=False)


def with_aux(energy_fn: Callable[[Any], Any]) -> Evaluator:
    """An evaluator of U(position) -> ([chains], aux)."""

    def fn(position: Any, seed: Any, batch: Any) -> Evaluation:
        del seed, batch
        return _differentiated(energy_fn, position, has_aux=True)

    return Evaluator(fn, stochastic=False)


def seeded(energy_fn: Callable[[Any, Any], Any]) -> Evaluator:
    """An evaluator of U(position, seed), which draws its own minibatch."""

    def fn(position: Any, seed: Any, batch: Any) -> Evaluation:
        del batch
        if seed is None:
            raise errors.InputError(
                "seed None, but the energy is stochastic: pass "
                "init(position, seed)"
            )
        return _differentiated(lambda x: energy_fn(x, seed), position)

    return Evaluator(fn)


def batched(energy_fn: Callable[[Any, Any], Any]) -> Evaluator:
    """An evaluator of U(position, batch), with the batches handed to `run`."""

    def fn(position: Any, seed: Any, batch: Any) -> Evaluation:
        del seed
        if batch is None:
            raise errors.InputError(
                "batch None, but the energy needs one: pass "
                "init(position, batch=...) and run(..., batches=...)"
            )
        return _differentiated(lambda x: energy_fn(x, batch), position)

    return Evaluator(fn)


def as_evaluator(energy_fn: Any) -> Evaluator:
    """`energy_fn` itself if it is an Evaluator, else `deterministic` of it."""
    if isinstance(energy_fn, Evaluator):
        return energy_fn
    if not callable(energy_fn):
        raise errors.InputError(
            f"energy_fn {energy_fn!r} is not callable: pass a function of the "
            "position or an Evaluator"
        )
    return deterministic(energy_fn)


def first_evaluation(
    evaluator: Evaluator, position: Any, seed: Any, batch: Any, chain_ndims: int
) -> Evaluation:
    """Evaluates the start of a chain and checks the energy's shape.

    Raises:
      InputError: the energy is not one number a chain.
    """
    evaluation = evaluator.fn(position, seed, batch)
    checked(evaluation.energy, chain_ndims)
    return evaluation


def checked(energy: Any, chain_ndims: int) -> Any:
    """`energy`, if it is one number a chain.

    Raises:
      InputError: it is not.
    """
    rank = energy.shape.rank
    if rank is not None and rank != chain_ndims:
        wanted = "[chains]" if chain_ndims else "[]"
        raise errors.InputError(
            f"energy of shape {energy.shape} is not {wanted}: sum "
            "over event axes, and set chain_ndims=0 for a single chain"
        )
    return energy
