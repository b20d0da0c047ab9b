"""A bank of codes that a decoder can generate from."""

import keras
import tensorflow as tf

import errors
from samplers import seeds

# Salts of the two draws of a sample; one stream each.
_PICK, _NOISE = 1, 2


@keras.saving.register_keras_serializable("thermozoo")
class LatentBank(keras.layers.Layer):
    """Codes of training examples, and a kernel density around them.

    A sample is a code picked uniformly, plus Gaussian noise: the density is a
    kernel density estimate. The noise of dimension d has the standard
    deviation `bandwidth * scale[d]`, where

        scale[d] = sd[d] (4 / ((D + 2) n))^(1 / (D + 4))

    is Silverman's rule for n codes in D dimensions: bandwidth 1 is the rule
    (too wide for codes that are not Gaussian), 0 replays the codes.

    The bank is held in non-trainable weights, so that it is saved, shared and
    exported with the model.
    """

    def __init__(self, bank_size: int, latent_dim: int, **kwargs):
        """Makes an unfilled bank of `bank_size` codes."""
        super().__init__(**kwargs)
        self.bank_size = bank_size
        self.latent_dim = latent_dim
        self.codes = self.add_weight(
            shape=(bank_size, latent_dim),
            initializer="zeros",
            trainable=False,
            name="codes",
        )
        self.scale = self.add_weight(
            shape=(latent_dim,),
            initializer="zeros",
            trainable=False,
            name="scale",
        )
        # The number of codes held, which is also the "filled" flag.
        self.count = self.add_weight(
            shape=(),
            dtype="int64",
            initializer="zeros",
            trainable=False,
            name="count",
        )
        self.built = True

    def fill(self, codes: tf.Tensor) -> None:
        """Stores [n, latent_dim] codes, the first `bank_size` of them.

        Args:
            codes: in an order that does not matter, or already shuffled.

        Raises:
            errors.InputError: there is no code, or one is not finite.
        """
        codes = tf.cast(codes, tf.float32)[: self.bank_size]
        number = len(codes)
        if number == 0:
            raise errors.InputError(
                "0 examples given to prepare: at least 1 is needed"
            )
        if not bool(tf.reduce_all(tf.math.is_finite(codes))):
            raise errors.InputError(
                "the codes of the training examples are not finite: train with "
                "a smaller step size, learning rate or temperature"
            )
        dimension = self.latent_dim
        silverman = (4.0 / ((dimension + 2) * number)) ** (1 / (dimension + 4))
        self.scale.assign(tf.math.reduce_std(codes, 0) * silverman)
        padding = [[0, self.bank_size - number], [0, 0]]
        self.codes.assign(tf.pad(codes, padding))
        self.count.assign(number)

    def require_filled(self) -> None:
        """Raises InputError where nothing was stored yet.

        Python-side: inside a traced function it looks at the value at the
        time of tracing.
        """
        with tf.init_scope():
            filled = int(self.count.value) > 0
        if not filled:
            raise errors.InputError(
                "the latent bank is empty, so there is nothing to generate "
                "from: call model.prepare(x) with training examples first"
            )

    def sample(
        self, row_seeds: tf.Tensor, bandwidth: tf.Tensor | float
    ) -> tf.Tensor:
        """Draws one code per row.

        Args:
            row_seeds: int32[B, 2]; row i depends on row_seeds[i] alone.
            bandwidth: [B] or a scalar, in units of Silverman's rule.

        Returns:
            [B, latent_dim] float32.

        Raises:
            errors.InputError: the bank is empty.
        """
        self.require_filled()
        uniform = seeds.row_uniform(row_seeds, (), _PICK)
        count = tf.cast(self.count.value, tf.int32)
        index = tf.cast(uniform * tf.cast(count, tf.float32), tf.int32)
        picked = tf.gather(self.codes.value, tf.minimum(index, count - 1))
        noise = seeds.row_normal(row_seeds, (self.latent_dim,), _NOISE)
        width = tf.broadcast_to(
            tf.cast(bandwidth, tf.float32), tf.shape(index)
        )[:, None]
        return picked + width * self.scale.value * noise

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "bank_size": self.bank_size,
            "latent_dim": self.latent_dim,
        }
