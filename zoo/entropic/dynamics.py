"""The thermal motion of an encoder's weights, in training and after it."""

import dataclasses
from typing import Any

import keras
import tensorflow as tf

import layers
import samplers
from samplers import nose_hoover
from zoo.entropic import energy as encoder_energy


@dataclasses.dataclass(frozen=True)
class EncoderDynamics:
    """A Nose-Hoover chain on the weights of `encoder`, below `decoder`.

    Attributes:
        encoder: its weights are the position.
        decoder: fixed while the encoder moves.
        step_size: h, time step.
        relaxation_time: of the thermostats; None: 20 h.
        chain_length: number of thermostats.
        redraw_every: steps between redraws of the velocities; 0: never.
        thermostat: "global", "per_tensor" or "massive".
        friction: of a Langevin process on the velocities; 0: none.
    """

    encoder: keras.Model
    decoder: keras.Model
    step_size: float
    relaxation_time: float | None
    chain_length: int
    redraw_every: int
    thermostat: str = "global"
    friction: float = 0.0

    def start(self, seed: tf.Tensor, temperature: float) -> layers.ChainState:
        """A chain at rest, with velocities drawn at a temperature."""
        chain = layers.ChainState(
            [tuple(w.shape) for w in self.encoder.variables],
            self.chain_length,
            self.thermostat,
        )
        chain.draw_velocities(seed, temperature)
        return chain

    def state(self, chain: layers.ChainState) -> nose_hoover.State:
        """The encoder and its chain as tensors."""
        return chain.read(encoder_energy.values(self.encoder))

    def store(self, state: nose_hoover.State, chain: layers.ChainState) -> None:
        """Writes the encoder and its chain back."""
        for weight, value in zip(
            self.encoder.variables, state.position, strict=True
        ):
            weight.assign(value)
        chain.write(state)

    def kernel(self, evaluator: Any, temperature: Any) -> samplers.Kernel:
        """The dynamics at a temperature."""
        return nose_hoover.nose_hoover_chain(
            evaluator,
            step_size=self.step_size,
            temperature=temperature,
            chain_length=self.chain_length,
            relaxation_time=self.relaxation_time,
            redraw_every=self.redraw_every,
            chain_ndims=0,
            thermostat=self.thermostat,
            friction=self.friction,
        )

    def block(
        self,
        state: nose_hoover.State,
        batches: tf.Tensor,
        gathered: list[tf.Tensor],
        *,
        temperature: tf.Tensor,
        seed: tf.Tensor,
    ) -> tuple[nose_hoover.State, Any]:
        """Moves the encoder once per batch and gathers decoder gradients.

        Args:
            state: of the chain.
            batches: [steps, batch, H, W, C].
            gathered: decoder gradients summed so far.
            temperature: scalar.
            seed: int32[2] of the whole training run.

        Returns:
            The new state, and sums: (decoder gradients, energy, kinetic
            temperature, that of each tensor of the encoder [tensors]).
        """
        zero, tensors = tf.zeros(()), tf.zeros([len(state.position)])
        evaluator = encoder_energy.gathering(
            self.encoder, self.decoder, encoder_energy.values(self.decoder)
        )
        return samplers.run(
            self.kernel(evaluator, temperature),
            state,
            seed=seed,
            num_steps=batches.shape[0],
            first_step=state.step,
            batches=batches,
            observer=samplers.total(
                lambda _, info: (
                    info.aux,
                    info.energy,
                    info.kinetic_temperature,
                    info.tensor_kinetic_temperature,
                ),
                initial=(gathered, zero, zero, tensors),
            ),
        )

    def ensemble(
        self,
        state: nose_hoover.State,
        images: tf.Tensor,
        *,
        temperature: tf.Tensor,
        seed: tf.Tensor,
        members: int,
        interval: int,
        batch_size: int,
    ) -> tuple[list[tf.Tensor], tf.Tensor]:
        """Weights at `members` times, `interval` steps apart.

        Args:
            state: of the chain.
            images: [N, H, W, C], for the minibatches.
            temperature: scalar.
            seed: int32[2] of the minibatches.
            members: how many.
            interval: steps before each.
            batch_size: images of a minibatch.

        Returns:
            Weights [members, *shape] each, and the kinetic temperatures
            [members].
        """
        evaluator = encoder_energy.sampling(
            self.encoder,
            self.decoder,
            encoder_energy.values(self.decoder),
            images,
            batch_size,
        )
        _, observed = samplers.run(
            self.kernel(evaluator, temperature),
            state,
            seed=seed,
            num_steps=members * interval,
            observer=samplers.trace(
                lambda state, info: (state.position, info.kinetic_temperature),
                every=interval,
            ),
        )
        return observed
