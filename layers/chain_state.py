"""The state of a Nose-Hoover chain on a network's weights, as weights."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from layers import weight_lists
from samplers import couplings, nose_hoover, seeds


@keras.saving.register_keras_serializable("thermozoo")
class ChainState(keras.layers.Layer):
    """What of nose_hoover.State moves a network's weights, which are its rest.

    The thermostats' positions are not kept: nothing depends on them but the
    extended energy, which no training reads, so that XLA leaves them out.

    The weights are not trainable; they are saved and restored with the model
    that owns the layer, so that a chain goes on where it stopped.
    """

    def __init__(
        self,
        shapes: Sequence,
        chain_length: int,
        thermostat: str = "global",
        **kwargs,
    ):
        """Makes a chain at rest.

        Args:
            shapes: of the tensors of the position.
            chain_length: number of thermostats.
            thermostat: "global", "per_tensor" or "massive", as in
                samplers.nose_hoover; "massive" holds chain_length copies of
                the position.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: the thermostat is unknown.
        """
        super().__init__(**kwargs)
        couplings.of(thermostat)
        self.shapes = [tuple(shape) for shape in shapes]
        self.chain_length = chain_length
        self.thermostat = thermostat
        self.velocity = weight_lists.add(self, "velocity", self.shapes)
        self.gradient = weight_lists.add(self, "gradient", self.shapes)
        self.energy = self._zeros(())
        chains = (len(self.shapes),) if thermostat == "per_tensor" else ()
        self.kinetic_energy = self._zeros(chains)
        if thermostat == "massive":
            self.eta_velocity: Any = weight_lists.add(
                self, "eta_velocity", self.shapes * chain_length
            )
        else:
            self.eta_velocity = self._zeros((*chains, chain_length))
        # Only a chain for each weight has one, and earlier runs have none.
        self.lag: Any = self._zeros(()) if thermostat == "massive" else None
        self.step = self._zeros((), "int64")
        self.built = True

    def _zeros(self, shape, dtype="float32"):
        return self.add_weight(
            shape=shape, dtype=dtype, initializer="zeros", trainable=False
        )

    def draw_velocities(self, seed: tf.Tensor, temperature: float) -> None:
        """Draws all velocities from N(0, temperature), for unit masses.

        The gradient stays zero, so the first half kick is a free flight.
        """
        deviation = tf.sqrt(tf.constant(temperature, tf.float32))
        squares = []
        own = seeds.split(seed, len(self.shapes))
        for weight, weight_seed, shape in zip(
            self.velocity, own, self.shapes, strict=True
        ):
            drawn = deviation * seeds.normal(weight_seed, shape)
            weight.assign(drawn)
            squares.append(tf.reduce_sum(tf.square(drawn)))
        each = self.thermostat == "per_tensor"
        square = tf.stack(squares) if each else sum(squares)
        self.kinetic_energy.assign(0.5 * square)

    def read(self, position: Sequence[tf.Tensor]) -> nose_hoover.State:
        """The state as tensors, with the given position."""
        kinetic_energy = tf.convert_to_tensor(self.kinetic_energy.value)
        return nose_hoover.State(
            position=list(position),
            move=[tf.convert_to_tensor(w.value) for w in self.velocity],
            kick=tf.zeros(()),
            scale=tf.ones_like(kinetic_energy),
            energy=tf.convert_to_tensor(self.energy.value),
            gradient=[tf.convert_to_tensor(w.value) for w in self.gradient],
            kinetic_energy=kinetic_energy,
            eta=self._eta(),
            eta_velocity=self._eta_velocity(),
            lag=self._lag(),
            step=tf.cast(self.step.value, tf.int32),
        )

    def _eta(self) -> tf.Tensor:
        if self.thermostat == "massive":
            return tf.zeros(())
        return tf.zeros_like(self.eta_velocity.value)

    def _lag(self) -> tf.Tensor:
        if self.lag is None:
            return tf.zeros(())
        return tf.convert_to_tensor(self.lag.value)

    def _eta_velocity(self) -> Any:
        if self.thermostat != "massive":
            return tf.convert_to_tensor(self.eta_velocity.value)
        flat = [tf.convert_to_tensor(w.value) for w in self.eta_velocity]
        number = len(self.shapes)
        return [flat[i : i + number] for i in range(0, len(flat), number)]

    def write(self, state: nose_hoover.State) -> None:
        """Stores all that `read` gives back."""
        for weight, value in zip(self.velocity, state.velocity, strict=True):
            weight.assign(value)
        for weight, value in zip(self.gradient, state.gradient, strict=True):
            weight.assign(value)
        self.energy.assign(state.energy)
        self.kinetic_energy.assign(state.kinetic_energy)
        if self.thermostat == "massive":
            flat = tf.nest.flatten(state.eta_velocity)
            for weight, value in zip(self.eta_velocity, flat, strict=True):
                weight.assign(value)
            self.lag.assign(state.lag)
        else:
            self.eta_velocity.assign(state.eta_velocity)
        self.step.assign(tf.cast(state.step, tf.int64))

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "shapes": [list(shape) for shape in self.shapes],
            "chain_length": self.chain_length,
            "thermostat": self.thermostat,
        }
