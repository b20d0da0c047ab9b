"""What the training of an entropic autoencoder reports."""

import keras
import tensorflow as tf


class TensorRange(keras.metrics.Metric):
    """Mean over steps of one number a tensor: its extremes over tensors.

    The mean comes first: the extremes of single steps would show how much a
    small tensor fluctuates, and not which tensor is off.
    """

    def __init__(self, tensors: int, name: str) -> None:
        """Takes how many tensors there are, and what the number is."""
        super().__init__(name=name)
        self.total = self.add_variable((tensors,), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: tf.Tensor) -> None:
        """Adds values [tensors]."""
        self.total.assign(self.total.value + values)
        self.count.assign(self.count.value + 1.0)

    def result(self) -> dict:
        """The smallest and the largest mean; 0 before the first step."""
        means = tf.math.divide_no_nan(self.total.value, self.count.value)
        return {
            f"{self.name}_min": tf.reduce_min(means),
            f"{self.name}_max": tf.reduce_max(means),
        }


class EncoderLog:
    """The energy, and the state of the thermostat.

    Attributes:
        metrics: Keras's; checkpoints and files of weights hold none of them.
    """

    def __init__(self, tensors: int) -> None:
        """Takes how many tensors the encoder's weights are."""
        means = "loss mse temperature kinetic_temperature kinetic_ratio"
        self._means = {
            name: keras.metrics.Mean(name=name) for name in means.split()
        }
        self._range = TensorRange(tensors, "kinetic_ratio")
        self.metrics = [*self._means.values(), self._range]

    def block(
        self,
        length: int,
        temperature: tf.Tensor,
        energy: tf.Tensor,
        kinetic: tf.Tensor,
        by_tensor: tf.Tensor,
    ) -> None:
        """Notes a block of encoder steps.

        Args:
            length: how many steps.
            temperature: T, scalar.
            energy: summed over the steps, scalar.
            kinetic: kinetic temperature, likewise.
            by_tensor: that of each tensor, likewise: [tensors].
        """
        energy, kinetic = energy / length, kinetic / length
        report = (energy, energy, temperature, kinetic, kinetic / temperature)
        for tracker, value in zip(self._means.values(), report, strict=True):
            tracker.update_state(value)
        self._range.update_state(by_tensor / length / temperature)

    def error(self, error: tf.Tensor) -> dict:
        """Notes an error [B] as loss and mse, and returns their means."""
        trackers = {name: self._means[name] for name in ("loss", "mse")}
        for tracker in trackers.values():
            tracker.update_state(error)
        return {name: tracker.result() for name, tracker in trackers.items()}
