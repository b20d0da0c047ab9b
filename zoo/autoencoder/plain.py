"""The plain autoencoder: the baseline without entropy and without a prior."""

from typing import Any, final

import keras
import tensorflow as tf

import errors
import layers
import losses
from zoo import arguments
from zoo.contract import Encoding, Generative
from zoo.rowwise import CODES, DATA, NOT_NEGATIVE, SEEDS, rowwise

_LOSSES = ("bernoulli", "mse")


@final
@keras.saving.register_keras_serializable("thermozoo")
class Autoencoder(Generative, Encoding):
    """An encoder and a decoder trained on the reconstruction alone.

    It has no prior. It generates from a kernel density around the codes of
    training examples, which `prepare` stores (see layers.LatentBank).
    """

    kinds = ("image", "points")

    def __init__(
        self,
        *,
        data,
        latent_dim: int = 64,
        body: str = "dense",
        hidden_units: tuple[int, ...] = (512, 256),
        reconstruction_loss: str = "mse",
        bank_size: int = 10_000,
        bandwidth: float = 0.1,
        seed: int = 0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            data: DataSpec of images or points.
            latent_dim: size of a code.
            body: "dense" or "conv" (see layers.bodies).
            hidden_units: hidden sizes of the dense body.
            reconstruction_loss: "mse" (mean over pixels) or, for images,
                "bernoulli" (cross-entropy, summed over pixels, in nats).
            bank_size: number of codes to generate from.
            bandwidth: default noise around a code, in units of Silverman's
                rule.
            seed: whole number.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(data=data, seed=seed, **kwargs)
        self.latent_dim = arguments.positive_int("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.reconstruction_loss = arguments.one_of(
            "reconstruction_loss", reconstruction_loss, _LOSSES
        )
        if reconstruction_loss == "bernoulli" and self.data.kind != "image":
            raise errors.InputError(
                f"reconstruction_loss='bernoulli' does not fit "
                f"{self.data.plural}: take reconstruction_loss='mse'"
            )
        self.bank_size = arguments.positive_int("bank_size", bank_size)
        self.bandwidth = arguments.not_negative("bandwidth", bandwidth)
        sizes = self.data.shape, self.latent_dim, self.hidden_units
        self.encoder = layers.encoder(body, *sizes, seed)
        self.decoder = layers.decoder(body, *sizes, seed)
        self.bank = layers.LatentBank(self.bank_size, self.latent_dim)
        self.mse_tracker = keras.metrics.Mean(name="mse")
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The linear outputs [B, *data.shape] of the reconstruction."""
        codes = self.encoder(self.data.scaled(x), training=training)
        outputs = self.decoder(codes, training=training)
        return tf.cast(outputs, tf.float32)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The reconstruction loss, averaged over the batch."""
        del y, sample_weight, training
        x = self.data.scaled(x)
        error = losses.squared_error(x, self.data.link(y_pred))
        self.mse_tracker.update_state(error)
        if self.reconstruction_loss == "bernoulli":
            error = -losses.bernoulli_log_likelihood(x, y_pred)
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.reduce_mean(error) / replicas

    @rowwise("z", x=DATA)
    def encode(self, x: Any) -> tf.Tensor:
        """Maps examples [B, *data.shape] to codes [B, latent]."""
        return tf.cast(self.encoder(x), tf.float32)

    @rowwise("x", z=CODES)
    def decode(self, z: Any) -> tf.Tensor:
        """Maps codes [B, latent] to examples [B, *data.shape]."""
        return self.data.link(tf.cast(self.decoder(z), tf.float32))

    @rowwise("samples", seed=SEEDS, bandwidth=NOT_NEGATIVE)
    def generate_rows(self, seed: Any, *, bandwidth: Any = None) -> tf.Tensor:
        """Decodes a draw from the latent bank per row.

        Args:
            seed: int32[B, 2].
            bandwidth: scalar or [B]; default: the constructor's.

        Returns:
            [B, *data.shape].

        Raises:
            errors.InputError: the bank is empty.
        """
        width = self.bandwidth if bandwidth is None else bandwidth
        return self.decode(self.bank.sample(seed, width))

    def prepare(self, rows: Any, *, seed: int = 0) -> None:
        """Stores the codes of up to `bank_size` of the examples.

        Args:
            rows: training examples [N, *data.shape]; images may be uint8.
            seed: seed for choosing the examples.
        """
        self.bank.fill(self.encode(self.choose(rows, self.bank_size, seed)))
