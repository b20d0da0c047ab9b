"""When and how the decoder of an entropic autoencoder is updated."""

from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

import errors
import layers
from zoo.entropic import schedules


@keras.saving.register_keras_serializable("thermozoo")
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
        schedule: Mapping | None,
        **kwargs,
    ):
        """Makes a decoder that was never updated.

        Args:
            shapes: of the decoder's weights.
            encoder_steps: gradients averaged for one update.
            temperature: before the first update.
            schedule: None or a dict (zoo.temperature_schedules).
            **kwargs: Keras's own, as `name`.
        """
        super().__init__(**kwargs)
        self.shapes = [tuple(shape) for shape in shapes]
        self.encoder_steps = encoder_steps
        self.initial_temperature = temperature
        self.schedule = schedule
        self.gathered = layers.GradientAccumulator(self.shapes)
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
        optimizer: keras.optimizers.Optimizer,
        variables: Sequence[keras.Variable],
    ) -> None:
        """Updates the decoder if enough is gathered, or keeps the sums.

        Args:
            gradients: summed so far, those of this block included.
            length: encoder steps of this block.
            optimizer: the decoder's, built.
            variables: the decoder's.
        """
        gathered = self.gathered.count.value + length

        def update() -> None:
            mean = [gradient / self.encoder_steps for gradient in gradients]
            optimizer.apply(mean, variables)
            self.gathered.clear()
            count = self.count.value + 1
            self.count.assign(count)
            temperature = schedules.temperature(
                self.schedule, self.initial_temperature
            )
            self.temperature.assign(temperature(count))

        if length == self.encoder_steps:
            update()
        else:
            tf.cond(
                gathered >= self.encoder_steps,
                update,
                lambda: self.gathered.write(gradients, gathered),
            )

    def settings(self) -> dict:
        """The model's arguments that are kept here."""
        return {
            "encoder_steps": self.encoder_steps,
            "temperature": self.initial_temperature,
            "temperature_schedule": (
                None if self.schedule is None else dict(self.schedule)
            ),
        }

    def get_config(self) -> dict:
        """The constructor's arguments."""
        own = self.settings()
        return {
            **super().get_config(),
            "shapes": [list(shape) for shape in self.shapes],
            "schedule": own.pop("temperature_schedule"),
            **own,
        }
