"""Networks of one architecture whose weights were sampled at a temperature."""

import dataclasses
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

import errors
import layers
import metrics
from zoo import arguments
from zoo.weights import energy as weight_energy


@dataclasses.dataclass(frozen=True)
class Diagnostics:
    """How a chain on weights went, in pieces of some steps each.

    Attributes:
        step: [pieces], the last step of each piece.
        energy: [pieces], mean over the piece of the loss and all penalties,
            on minibatches if the chain used them; level after the burn-in if
            that was long enough.
        loss: [pieces], the loss alone.
        kinetic_ratio: [pieces], kinetic temperature over T: 1 on average
            where the thermostat holds, more where the minibatches' noise or
            too long a step heats.
        tensor_kinetic_ratio: [pieces, tensors], the same of each weight
            tensor: one that is not 1 shows weights that the thermostat does
            not reach.
        tensors: paths of the weights.
        burn_in: steps before the first member's interval.
    """

    step: np.ndarray
    energy: np.ndarray
    loss: np.ndarray
    kinetic_ratio: np.ndarray
    tensor_kinetic_ratio: np.ndarray
    tensors: tuple[str, ...]
    burn_in: int

    def summary(self) -> dict[str, float]:
        """Means after the burn-in, and the tensor that is furthest from T."""
        kept = self.step > self.burn_in
        by_tensor = self.tensor_kinetic_ratio[kept].mean(0)
        worst = int(np.argmax(np.abs(np.log(by_tensor))))
        return {
            "energy": float(self.energy[kept].mean()),
            "loss": float(self.loss[kept].mean()),
            "kinetic_ratio": float(self.kinetic_ratio[kept].mean()),
            "worst_tensor": worst,
            "worst_tensor_kinetic_ratio": float(by_tensor[worst]),
        }


@final
@keras.saving.register_keras_serializable("thermozoo")
class SimmeredEnsemble(keras.Model):
    """Predicts by the mean over sampled networks, and their spread.

    Calling it, or `predict`, gives (mean, spread): mean and standard deviation
    of the members' outputs, each shaped like one network's output. It saves
    and loads as any Keras model does. `zoo.simmer` makes and fills it.
    """

    def __init__(self, network, members, activation=None, **kwargs):
        """Makes an ensemble without members.

        Args:
            network: a built keras.Model; each member has its trainable
                weights, and shares the others.
            members: how many.
            activation: None, a Keras name or a function, applied to each
                member's output before the mean: "softmax" or "sigmoid" where
                the network gives logits, so that probabilities are averaged.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(**kwargs)
        self.network = network
        self.members = arguments.positive_int("members", members)
        self.activation = _activation(activation)
        self.ensemble = layers.WeightEnsemble(
            [tuple(w.shape) for w in network.trainable_variables], self.members
        )
        # Diagnostics of the chain; None in an ensemble from a file.
        self.diagnostics: Any = None
        # XLA would slow convolutions on CPUs; Keras's default is "auto".
        self.jit_compile = False
        self._functions: dict = {}
        self.built = True

    def _member_outputs(self, inputs: Any) -> tf.Tensor:
        def one(weights):
            found = weight_energy.outputs(self.network, weights, inputs)
            return self.activation(tf.cast(found, tf.float32))

        return self.ensemble.apply(one, tf.float32)

    def call(self, inputs: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation over members, [B, ...] each."""
        outputs = self._member_outputs(inputs)
        return tf.reduce_mean(outputs, 0), tf.math.reduce_std(outputs, 0)

    def member_predictions(self, x: Any, batch_size: int = 256) -> np.ndarray:
        """Every member's output: float32 [members, B, ...].

        Args:
            x: structure of arrays [B, ...], as the network takes it.
            batch_size: rows at a time, so that memory stays flat.

        Raises:
            errors.InputError: the ensemble has no members yet.
        """
        size = arguments.positive_int("batch_size", batch_size)
        number = len(tf.nest.flatten(x)[0])
        parts = []
        for first in range(0, number, size):
            rows = slice(first, first + size)
            batch = tf.nest.map_structure(
                lambda array, rows=rows: tf.convert_to_tensor(array[rows]), x
            )
            parts.append(self._apply(batch)(batch))
        return np.concatenate([np.asarray(part) for part in parts], axis=1)

    def _apply(self, batch: Any) -> Any:
        """The compiled members for batches of this kind, of any length."""
        specs = tf.nest.map_structure(
            lambda t: tf.TensorSpec([None, *t.shape[1:]], t.dtype), batch
        )
        key = repr(specs)
        if key not in self._functions:
            self._functions[key] = tf.function(
                self._member_outputs, input_signature=[specs], autograph=False
            )
        return self._functions[key]

    def calibration_error(
        self, x: Any, labels: Any, bins: int = 15
    ) -> tf.Tensor:
        """Expected calibration error of the averaged class probabilities.

        Args:
            x: structure of arrays [B, ...].
            labels: int [B].
            bins: see metrics.expected_calibration_error.
        """
        probabilities = self.member_predictions(x).mean(0)
        return metrics.expected_calibration_error(probabilities, labels, bins)

    def coverage(
        self, x: Any, targets: Any, level: float = 0.9, noise: float = 0.0
    ) -> tf.Tensor:
        """Share of targets inside the central interval of that level.

        Args:
            x: structure of arrays [B, ...].
            targets: shaped like the network's output.
            level: of the interval, in (0, 1).
            noise: standard deviation of the targets about the true function,
                which the spread of members does not include.
        """
        outputs = self.member_predictions(x)
        spread = np.sqrt(outputs.var(0) + noise**2)
        return metrics.coverage(outputs.mean(0), spread, targets, level)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            "network": keras.saving.serialize_keras_object(self.network),
            "members": self.members,
            "activation": keras.activations.serialize(self.activation),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: Any = None) -> Any:
        """Rebuilds the ensemble around its network."""
        network = keras.saving.deserialize_keras_object(
            config["network"], custom_objects=custom_objects
        )
        return cls(**{**config, "network": network})


def _activation(activation: Any) -> Any:
    try:
        return keras.activations.get(activation)
    except ValueError as error:
        raise errors.InputError(
            f"activation={activation!r} is unknown: pass None, a Keras name "
            "such as 'softmax', or a function"
        ) from error
