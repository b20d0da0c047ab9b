"""Simmering: networks sampled at a temperature instead of optimised."""

import itertools
import math
import sys
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tqdm

import errors
import samplers
from samplers import nose_hoover, seeds
from zoo import arguments
from zoo.weights import energy as weight_energy
from zoo.weights.simmered_ensemble import Diagnostics, SimmeredEnsemble

# Steps of one call of the compiled chain, unless members are further apart.
_PIECE = 100


def simmer(
    model: keras.Model,
    loss: Any,
    x: Any,
    y: Any,
    *,
    temperature: float,
    step_size: float,
    members: int = 20,
    interval: int = 100,
    burn_in: int = 1000,
    batch_size: int | None = 32,
    prior_precision: float | Sequence[float] = 0.0,
    thermostat: str = "massive",
    friction: float = 0.0,
    redraw_every: int = 40,
    chain_length: int = 2,
    relaxation_time: float | None = None,
    activation: Any = None,
    seed: int = 0,
    jit_compile: bool = False,
    progress: bool = True,
) -> SimmeredEnsemble:
    """Samples a network's trainable weights from exp(-L / T).

    L is the mean loss over the examples. The weights are particles of mass 1
    under thermostats, forced by minibatches (Babayan 2025). The chain starts
    from the weights that the model has: an untrained model simmers from
    scratch, a trained one is retrofitted. The model itself is not changed.

    Which T? With N examples and the mean of a negative log-likelihood as the
    loss, T = 1 / N is the Bayesian posterior. So is T = 2 s^2 / N for the
    mean squared error of targets with noise of standard deviation s. Lower
    temperatures approach the optimum.

    Args:
        model: a built keras.Model with one output. Its penalties
            (kernel_regularizer, add_loss) join the loss.
        loss: a keras.losses.Loss, its name, or a function of (targets,
            predictions); what it gives is averaged over the batch.
        x: structure of arrays [N, ...], as the model takes it.
        y: array [N, ...], as the loss takes it.
        temperature: T, in units of the loss.
        step_size: h, time step; h^2 plays the part of a learning rate. Steps
            too long for the stiffest direction (h > 2 / sqrt(curvature)) blow
            up; steps too long for the minibatches' noise heat, which the
            kinetic ratio in `diagnostics` shows.
        members: networks to keep.
        interval: steps between two members. Members closer than the chain
            forgets are alike, and their spread too small.
        burn_in: steps before the first interval.
        batch_size: examples of a minibatch, drawn with replacement; None for
            all of them, exact and slower.
        prior_precision: 1 / variance of a normal prior of the weights: one
            number, or one for each trainable tensor. With 0 the measure of a
            network with ReLU or softmax is improper: weights that the loss
            does not hold drift without bound.
        thermostat: "massive" (a chain for each weight), "per_tensor" or
            "global" (one for all: the paper's). See samplers.nose_hoover.
        friction: g in units of 1/time, of a Langevin process on the
            velocities, which draws noise for every weight at each step; 0 for
            none.
        redraw_every: steps between fresh draws of the velocities at T, by
            which the chain forgets at next to no cost; 0 for never. With
            neither these nor friction, "global" keeps the mean over the
            weights at T while the directions of a nearly quadratic loss keep
            unequal shares, so that spreads are wrong; "massive" stays right,
            but forgets slowly.
        chain_length: thermostats of a chain.
        relaxation_time: of the thermostats; None: 20 h.
        activation: of the ensemble's outputs, for the prediction alone:
            "softmax" where the model gives logits.
        seed: whole number; fixes the ensemble, bit for bit on one machine
            and mode.
        jit_compile: compile with XLA, faster for dense networks; slower for
            convolutions on CPUs. Draws other random numbers.
        progress: show a progress bar.

    Returns:
        A SimmeredEnsemble, with `diagnostics` of the chain.

    Raises:
        errors.InputError: an argument is out of range; a model that is not
            built, has no trainable weights, or changes its state in training
            (dropout, batch normalisation); a loss that is no mean; or an
            energy that is not finite, with its step.
    """
    temperature = arguments.positive("temperature", temperature)
    step_size = arguments.positive("step_size", step_size)
    interval = arguments.positive_int("interval", interval)
    burn_in = arguments.not_negative_int("burn_in", burn_in)
    if batch_size is not None:
        batch_size = arguments.positive_int("batch_size", batch_size)
    if relaxation_time is not None:
        arguments.positive("relaxation_time", relaxation_time)
    redraw_every = arguments.not_negative_int("redraw_every", redraw_every)
    x, y = weight_energy.tensors(x, y)
    weight_energy.check_network(model, x)
    ensemble = SimmeredEnsemble(model, members, activation)
    energy = weight_energy.WeightEnergy(
        model,
        weight_energy.loss_function(loss),
        x,
        y,
        temperature,
        weight_energy.precisions(prior_precision, model),
        batch_size,
    )
    kernel = nose_hoover.nose_hoover_chain(
        energy.evaluator(),
        step_size,
        temperature,
        chain_length=arguments.positive_int("chain_length", chain_length),
        relaxation_time=relaxation_time,
        redraw_every=redraw_every,
        thermostat=thermostat,
        friction=arguments.not_negative("friction", friction),
        chain_ndims=0,
    )
    kept, records = _sampled(
        kernel,
        weight_energy.weights(model),
        seed=seeds.seed(seed),
        burn_in=burn_in,
        members=ensemble.members,
        interval=interval,
        jit_compile=bool(jit_compile),
        progress=progress,
    )
    ensemble.ensemble.fill(
        [tf.constant(np.stack(w)) for w in zip(*kept, strict=True)]
    )
    step, energies, losses, kinetic, by_tensor = map(
        np.array, zip(*records, strict=True)
    )
    ensemble.diagnostics = Diagnostics(
        step,
        energies,
        losses,
        kinetic / temperature,
        by_tensor / temperature,
        tuple(w.path for w in model.trainable_variables),
        burn_in,
    )
    return ensemble


def _sampled(
    kernel: samplers.Kernel,
    position: list[tf.Tensor],
    *,
    seed: tf.Tensor,
    burn_in: int,
    members: int,
    interval: int,
    jit_compile: bool,
    progress: bool,
) -> tuple[list, list]:
    """Runs the chain in pieces: the members' weights, and a record a piece."""
    start_seed, chain_seed = seeds.split(seed, 2)

    def advance(state, first, number):
        return samplers.run(
            kernel,
            state,
            seed=chain_seed,
            num_steps=number,
            first_step=first,
            observer=_watch(),
        )

    advance = seeds.compiled(advance, jit_compile)
    state = kernel.init(position, start_seed)
    _check_finite(np.isfinite(state.energy), 0, state.energy)
    bar = tqdm.tqdm(
        total=burn_in + members * interval,
        unit="step",
        dynamic_ncols=True,
        mininterval=0.5 if sys.stderr.isatty() else 10.0,
        disable=not progress,
    )
    kept, records, step = [], [], 0
    with bar:
        for number in _pieces(burn_in, members, interval):
            state, (sums, finite) = advance(
                state, tf.constant(step), tf.constant(number)
            )
            finite = int(finite)
            _check_finite(finite == number, step + finite + 1, state.energy)
            step += number
            means = [np.asarray(total) / number for total in sums]
            records.append((step, *means))
            if step > burn_in and (step - burn_in) % interval == 0:
                kept.append([np.asarray(w) for w in state.position])
            bar.set_postfix({"loss": f"{means[1]:.4g}"}, refresh=False)
            bar.update(number)
    return kept, records


def _pieces(burn_in: int, members: int, interval: int) -> list[int]:
    """Lengths that end at the burn-in's end and at each member."""

    def cut(length: int) -> list[int]:
        pieces = math.ceil(length / _PIECE)
        ends = [length * i // pieces for i in range(pieces + 1)]
        return [b - a for a, b in itertools.pairwise(ends)]

    return cut(burn_in) + cut(interval) * members


def _watch() -> samplers.Observer:
    """Sums of what a step reports; steps until the energy is not finite."""

    def seen(state: Any, info: Any) -> tuple:
        del state
        return (
            info.energy,
            info.aux,
            info.kinetic_temperature,
            info.tensor_kinetic_temperature,
        )

    def init(like: samplers.Like, num_steps: Any) -> tuple:
        del num_steps
        return like.zeros(seen), tf.constant(0)

    def update(carry: tuple, i: Any, state: Any, info: Any) -> tuple:
        sums, finite = carry
        whole = (finite == i) & tf.math.is_finite(info.energy)
        sums = tf.nest.map_structure(tf.add, sums, seen(state, info))
        return sums, tf.where(whole, i + 1, finite)

    return samplers.Observer(init, update, lambda carry: carry)


def _check_finite(finite: Any, step: int, energy: Any) -> None:
    if not finite:
        raise errors.InputError(
            f"step {step}: the energy is not finite (last seen "
            f"{float(energy):.4g}): lower step_size or temperature, or check "
            "x and y for numbers that are not finite"
        )
