"""When and how the decoder of an entropic autoencoder is updated."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import errors
import layers
from zoo.entropic import schedules


class DecoderUpdates(keras.layers.Layer):
    """The outer loop of Algorithm 1 (Aliahmadi 2026), as weights.

    Gradients of `encoder_steps` encoders are averaged for one update, over as
    many train steps as it takes; each update sets the temperature.
    """

    def __init__(
        self,
        shapes: Sequence,
        encoder_steps: int,
        temperature: float,
        schedule: Mapping[str, Any],
    ):
        """Makes a decoder that was never updated.

        Args:
            shapes: of the decoder's weights.
            encoder_steps: gradients averaged for one update.
            temperature: before the first update.
            schedule: as schedules.check returns it.
        """
        super().__init__()
        self.encoder_steps = encoder_steps
        self.scheduled = schedules.temperature(schedule, temperature)
        self.gathered = layers.GradientAccumulator(shapes)
        self.temperature = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(temperature),
            trainable=False,
            name="temperature",
        )
        self.count = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            name="count",
        )
        self.built = True

    def block(self, images: tf.Tensor) -> tuple[tf.Tensor, int]:
        """Images as [block, batch, H, W, C], and the length of the block.

        Raises:
            errors.InputError: the length does not divide `encoder_steps`.
        """
        if images.shape.rank == 4:
            images = images[tf.newaxis]
        length = images.shape[0]
        if length is None or self.encoder_steps % length:
            raise errors.InputError(
                f"a block of {length} encoder steps does not divide "
                f"encoder_steps={self.encoder_steps}: choose a divisor, and "
                "batches of equal length (drop_remainder=True)"
            )
        return images, length

    def spend(
        self,
        gradients: Sequence[tf.Tensor],
        length: int,
        apply: Callable[[list[tf.Tensor]], None],
    ) -> None:
        """Updates the decoder if enough is gathered, or keeps the sums.

        Args:
            gradients: summed so far, those of this block included.
            length: encoder steps of this block.
            apply: moves the decoder by gradients.
        """
        gathered = self.gathered.count.value + length

        def update() -> None:
            apply([gradient / self.encoder_steps for gradient in gradients])
            self.gathered.clear()
            count = self.count.value + 1
            self.count.assign(count)
            self.temperature.assign(self.scheduled(count))

        if length == self.encoder_steps:
            update()
        else:
            tf.cond(
                gathered >= self.encoder_steps,
                update,
                lambda: self.gathered.write(gradients, gathered),
            )
