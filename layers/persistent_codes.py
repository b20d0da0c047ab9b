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
    "give fit(images, index) whole numbers, such as np.arange(len(images)), or "
    "a data set of (images, index)"
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
        num_examples: int,
        latent_dim: int,
        deviation: float,
        seed: int,
        **kwargs,
    ):
        """Draws the first code of every image.

        Args:
            num_examples: images of the data set.
            latent_dim: size of a code.
            deviation: of the first codes.
            seed: whole number.
            **kwargs: as for keras.layers.Layer, such as `name`.
        """
        super().__init__(**kwargs)
        self.num_examples = num_examples
        self.latent_dim = latent_dim
        self.deviation = deviation
        self.seed = seed
        self.codes = self.add_weight(
            shape=(num_examples, latent_dim),
            initializer=self._first,
            trainable=False,
            name="codes",
        )
        self.built = True

    def _first(self, shape: Any, dtype: Any = None) -> tf.Tensor:
        seed = seeds.fold_in(seeds.seed(self.seed), _FIRST)
        return tf.cast(self.deviation * seeds.normal(seed, shape), dtype)

    def read(self, index: Any) -> tf.Tensor:
        """The codes [B, latent_dim] of the images at these places.

        Args:
            index: whole numbers [B], below num_examples. Others give NaN.

        Raises:
            errors.InputError: they are missing or of another kind.
        """
        if index is None:
            raise errors.InputError(
                f"persistent=True needs the places of the images: {_REMEDY}"
            )
        dtype = tf.as_dtype(index.dtype)
        if not dtype.is_integer or len(index.shape) != 1:
            raise errors.InputError(
                f"{dtype.name} of shape {tuple(index.shape)} beside the images "
                f"are not their places in the data set: {_REMEDY}"
            )
        rows = tf.cast(index, tf.int64)
        known = (rows >= 0) & (rows < self.num_examples)
        codes = tf.gather(self.codes.value, tf.where(known, rows, 0))
        return tf.where(known[:, tf.newaxis], codes, np.nan)

    def write(self, index: Any, codes: tf.Tensor) -> None:
        """Keeps codes [B, latent_dim] for the images at the places [B].

        Of an image that is in the batch twice, the last one stays.
        """
        rows = tf.cast(index, tf.int64)
        same = tf.equal(rows[:, tf.newaxis], rows)
        last = tf.reduce_max(tf.where(same, tf.range(tf.size(rows)), -1), 1)
        # Writes to one row come in any order, so they must be the same.
        slices = tf.IndexedSlices(tf.gather(codes, last), rows)
        self.codes.value.scatter_update(slices)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "num_examples": self.num_examples,
            "latent_dim": self.latent_dim,
            "deviation": self.deviation,
            "seed": self.seed,
        }
