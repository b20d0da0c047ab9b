"""Codes that chains go on from, one for each image of a data set."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import errors
from samplers import seeds

# Salt of the first codes: training counts its draws from 0 upwards.
_FIRST = -1
_REMEDY = (
    "give fit(images, numbers) the place of every image in the data set, such "
    "as np.arange(len(images)), or a data set of (images, numbers)"
)


@keras.saving.register_keras_serializable("thermozoo")
class PersistentCodes(keras.layers.Layer):
    """Where the chain of each image ended when the image was last seen.

    An image that was never seen has a draw from N(0, deviation^2). The codes
    are weights that are not trained: a run that is resumed goes on with them,
    and as nothing that is served reads them, they are not exported.
    """

    def __init__(
        self,
        num_images: int,
        latent_dim: int,
        deviation: float,
        seed: int,
        **kwargs,
    ):
        """Draws the first code of every image.

        Args:
            num_images: of the data set.
            latent_dim: size of a code.
            deviation: of the first codes.
            seed: the model's.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: there is more than one replica.
        """
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            raise errors.InputError(
                f"{replicas} replicas: persistent chains end in one bank of "
                "codes, which cannot be split; take one device "
                "(--strategy=cpu or --strategy=gpu) or persistent=False"
            )
        super().__init__(**kwargs)
        self.num_images = num_images
        self.latent_dim = latent_dim
        self.deviation = deviation
        self.seed = seed
        self.codes = self.add_weight(
            shape=(num_images, latent_dim),
            initializer=self._first,
            trainable=False,
            name="codes",
        )
        self.built = True

    def _first(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        own = seeds.fold_in(seeds.seed(self.seed), _FIRST)
        return tf.cast(self.deviation * seeds.normal(own, shape), dtype)

    def check(self, numbers: Any) -> None:
        """Refuses an array of numbers that no bank of this size has.

        Raises:
            errors.InputError: they are no whole numbers from 0 up to below
                num_images.
        """
        array = np.asarray(numbers)
        self._check_kind(array)
        for number in (array.min(), array.max()) if array.size else ():
            if not 0 <= number < self.num_images:
                raise errors.InputError(
                    f"image number {number} is outside the {self.num_images} "
                    "of the persistent chains: build the model with "
                    "num_images=N for a data set of N images, counted from 0"
                )

    def _check_kind(self, numbers: Any) -> None:
        if numbers is None:
            raise errors.InputError(
                f"persistent=True needs the numbers of the images: {_REMEDY}"
            )
        kind = tf.as_dtype(numbers.dtype)
        if not kind.is_integer or len(numbers.shape) != 1:
            raise errors.InputError(
                f"{kind.name} of shape {tuple(numbers.shape)} beside the "
                f"images are no numbers of images: {_REMEDY}"
            )

    def read(self, numbers: Any) -> tf.Tensor:
        """The codes [B, latent_dim] of the images with these numbers.

        Args:
            numbers: whole numbers [B], below num_images. Others give NaN.

        Raises:
            errors.InputError: they are missing or of another kind.
        """
        self._check_kind(numbers)
        rows = tf.cast(numbers, tf.int64)
        known = (rows >= 0) & (rows < self.num_images)
        codes = tf.gather(self.codes.value, tf.where(known, rows, 0))
        return tf.where(known[:, tf.newaxis], codes, np.nan)

    def write(self, numbers: tf.Tensor, codes: tf.Tensor) -> None:
        """Keeps codes [B, latent_dim] for the images with numbers [B].

        Of an image that is in the batch twice, the last one stays.
        """
        rows = tf.cast(numbers, tf.int64)
        same = tf.equal(rows[:, tf.newaxis], rows)
        last = tf.reduce_max(tf.where(same, tf.range(tf.size(rows)), -1), 1)
        # Writes to one row come in any order, so they must be the same.
        slices = tf.IndexedSlices(tf.gather(codes, last), rows)
        self.codes.value.scatter_update(slices)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_images": self.num_images,
            "latent_dim": self.latent_dim,
            "deviation": self.deviation,
            "seed": self.seed,
        }
