"""The plain autoencoder: the baseline without entropy and without a prior."""

from typing import Any, final

import keras
import tensorflow as tf

import layers
import losses
from zoo import arguments, serving
from zoo.base import LatentGenerator, lerp

_LOSSES = ("bernoulli", "mse")


@final
@keras.saving.register_keras_serializable("thermozoo")
class Autoencoder(LatentGenerator):
    """An encoder and a decoder trained on the reconstruction alone.

    It has no prior. It generates from a kernel density around the codes of
    training images, which `fit_prior` stores (see layers.LatentBank).
    """

    def __init__(
        self,
        *,
        image_shape,
        latent_dim=64,
        body="dense",
        hidden_units=(512, 256),
        loss="mse",
        bank_size=10_000,
        bandwidth=0.1,
        seed=0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            image_shape: (height, width, channels).
            latent_dim: size of a code.
            body: "dense" or "conv" (see layers.bodies).
            hidden_units: hidden sizes of the dense body.
            loss: "mse" (mean over pixels) or "bernoulli" (cross-entropy,
                summed over pixels, in nats).
            bank_size: number of codes to generate from.
            bandwidth: default noise around a code, in units of Silverman's
                rule.
            seed: whole number.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(image_shape=image_shape, seed=seed, **kwargs)
        self.latent_dim = arguments.positive_int("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.loss_name = arguments.one_of("loss", loss, _LOSSES)
        self.bank_size = arguments.positive_int("bank_size", bank_size)
        self.bandwidth = arguments.not_negative("bandwidth", bandwidth)
        self.encoder = layers.encoder(
            body, self.image_shape, self.latent_dim, self.hidden_units, seed
        )
        self.decoder = layers.decoder(
            body, self.image_shape, self.latent_dim, self.hidden_units, seed
        )
        self.bank = layers.LatentBank(self.bank_size, self.latent_dim)
        self.mse_tracker = keras.metrics.Mean(name="mse")
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the logits [B, H, W, C] of the reconstruction."""
        codes = self.encoder(self.scaled(images), training=training)
        logits = self.decoder(codes, training=training)
        return tf.cast(logits, tf.float32)

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
        x = self.scaled(x)
        error = losses.squared_error(x, tf.sigmoid(y_pred))
        self.mse_tracker.update_state(error)
        if self.loss_name == "bernoulli":
            error = -losses.bernoulli_log_likelihood(x, y_pred)
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.reduce_mean(error) / replicas

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Maps images [B, H, W, C] to codes [B, latent]."""
        return tf.cast(self.encoder(self.as_input(images)), tf.float32)

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return tf.sigmoid(
            tf.cast(self.decoder(self.as_codes(codes)), tf.float32)
        )

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """Returns the reconstruction [B, H, W, C] in [0, 1]."""
        return self.decode(self.encode(images))

    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes the line between two codes; see LatentGenerator."""
        return self.decode(lerp(self.encode(first), self.encode(second), alpha))

    def generate_rows(
        self, row_seeds: tf.Tensor, *, bandwidth=None
    ) -> tf.Tensor:
        """Decodes a draw from the latent bank per row.

        Args:
            row_seeds: int32[B, 2].
            bandwidth: scalar or [B]; default: the constructor's.

        Returns:
            [B, H, W, C] in [0, 1].

        Raises:
            errors.InputError: the bank is empty.
        """
        width = self.bandwidth if bandwidth is None else bandwidth
        return self.decode(self.bank.sample(row_seeds, width))

    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Stores the codes of up to `bank_size` of the images.

        Args:
            images: training images [N, H, W, C], float in [0, 1] or uint8.
            seed: of the choice of images.
        """
        chosen = self.choose(images, self.bank_size, seed)
        self.bank.fill(self.in_chunks(self.encode, chosen))

    def serving_functions(self) -> dict:
        """Signatures generate, generate_with, reconstruct, encode, ..."""
        self.bank.require_filled()

        def reconstruct(x):
            return {"x": self.reconstruct(x)}

        return serving.bank_functions(self, self.latent_dim, reconstruct)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "body": self.body,
            "hidden_units": list(self.hidden_units),
            "loss": self.loss_name,
            "bank_size": self.bank_size,
            "bandwidth": self.bandwidth,
            "seed": self.seed,
            "name": self.name,
        }
