"""Sums of gradients that outlive a train step."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from layers import weight_lists


@keras.saving.register_keras_serializable("thermozoo")
class GradientAccumulator(keras.layers.Layer):
    """Sums of gradients, and how many were added, as non-trainable weights."""

    def __init__(self, shapes: Sequence, **kwargs):
        """Makes empty sums of tensors of the given shapes."""
        super().__init__(**kwargs)
        self.shapes = [tuple(shape) for shape in shapes]
        self.sums = weight_lists.add(self, "sums", self.shapes)
        self.count = self.add_weight(
            shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        self.built = True

    def read(self) -> list[tf.Tensor]:
        """The sums."""
        return [tf.convert_to_tensor(weight.value) for weight in self.sums]

    def write(self, sums: Sequence[tf.Tensor], count: tf.Tensor) -> None:
        """Stores new sums of `count` gradients."""
        for weight, value in zip(self.sums, sums, strict=True):
            weight.assign(value)
        self.count.assign(count)

    def clear(self) -> None:
        """Starts again from nothing."""
        self.write(
            [tf.zeros_like(weight.value) for weight in self.sums],
            tf.zeros((), tf.int64),
        )

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "shapes": [list(shape) for shape in self.shapes],
        }
