"""The variational autoencoder (Hjorth-Jensen 2025), with a beta."""

from typing import Any, final

import keras
import tensorflow as tf

import layers
import losses
import metrics
from samplers import seeds
from zoo import arguments, serving
from zoo.base import LatentGenerator, lerp

_LIKELIHOODS = ("bernoulli", "gaussian")
# Salt of the prior's draw.
_PRIOR = 1


@final
@keras.saving.register_keras_serializable("thermozoo")
class VariationalAutoencoder(LatentGenerator):
    """Amortised Gaussian posterior, standard normal prior.

    The loss is the negative evidence lower bound, one draw per image, with a
    closed-form divergence times `beta`.
    """

    def __init__(
        self,
        *,
        image_shape,
        latent_dim=64,
        body="dense",
        hidden_units=(512, 256),
        beta=1.0,
        likelihood="bernoulli",
        sigma=0.1,
        seed=0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            image_shape: (height, width, channels).
            latent_dim: size of a code.
            body: "dense" or "conv" (see layers.bodies).
            hidden_units: hidden sizes of the dense body.
            beta: weight of the divergence; 1 is the evidence lower bound.
            likelihood: of a pixel, "bernoulli" or "gaussian".
            sigma: standard deviation of the Gaussian likelihood.
            seed: whole number.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(image_shape=image_shape, seed=seed, **kwargs)
        self.latent_dim = arguments.positive_int("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.beta = arguments.not_negative("beta", beta)
        self.likelihood = arguments.one_of(
            "likelihood", likelihood, _LIKELIHOODS
        )
        self.sigma = arguments.positive("sigma", sigma)
        self.encoder = layers.encoder(
            body,
            self.image_shape,
            2 * self.latent_dim,
            self.hidden_units,
            seed,
        )
        self.decoder = layers.decoder(
            body, self.image_shape, self.latent_dim, self.hidden_units, seed
        )
        self.sample_posterior = layers.GaussianSample()
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self.mse_tracker = keras.metrics.Mean(name="mse")
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> dict:
        """One draw from the posterior, decoded.

        Training takes a fresh draw each time, anything else always the same.

        Returns:
            dict of logits [B, H, W, C], mean and log_variance [B, latent].
        """
        mean, log_variance = self.encode(images)
        with seeds.xla(training and bool(self.jit_compile)):
            seed = self.next_seed() if training else seeds.seed(self.seed)
            codes = self.sample_posterior(mean, log_variance, seed)
        return {
            "logits": self._logits(codes),
            "mean": mean,
            "log_variance": log_variance,
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> tf.Tensor:
        """The negative evidence lower bound, averaged over the batch.

        Logs its parts, and the squared error: of the drawn codes in training,
        of the posterior means (as `reconstruct`) in evaluation.
        """
        del y, sample_weight
        x = self.scaled(x)
        parts = losses.elbo(
            self._log_likelihood(x, y_pred["logits"]),
            losses.gaussian_kl(y_pred["mean"], y_pred["log_variance"]),
            self.beta,
        )
        images = (
            tf.sigmoid(y_pred["logits"])
            if training
            else self.decode(y_pred["mean"])
        )
        self.reconstruction_tracker.update_state(parts.reconstruction)
        self.kl_tracker.update_state(parts.kl)
        self.mse_tracker.update_state(losses.squared_error(x, images))
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.reduce_mean(parts.loss) / replicas

    def _logits(self, codes: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.decoder(codes), tf.float32)

    def _log_likelihood(
        self, images: tf.Tensor, logits: tf.Tensor
    ) -> tf.Tensor:
        if self.likelihood == "bernoulli":
            return losses.bernoulli_log_likelihood(images, logits)
        return losses.gaussian_log_likelihood(
            images, tf.sigmoid(logits), self.sigma
        )

    def log_likelihood(
        self, images: tf.Tensor, num_samples: int = 100, seed: int = 0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Importance-weighted estimate of log p(x), in nats.

        Args:
            images: [B, H, W, C]; with the Bernoulli likelihood it is a
                log-probability for binary images only.
            num_samples: draws from the posterior per image.
            seed: whole number.

        Returns:
            estimate [B] and its standard error [B] (metrics.log_evidence).
        """
        number = arguments.positive_int("num_samples", num_samples)
        base = seeds.seed(arguments.not_negative_int("seed", seed))

        def log_weights(images: tf.Tensor) -> tf.Tensor:
            mean, log_variance = self.encode(images)
            return tf.map_fn(
                lambda index: self._log_weight(
                    images, mean, log_variance, seeds.fold_in(base, index)
                ),
                tf.range(number),
                fn_output_signature=tf.float32,
            )

        images = self.as_input(images)
        # One draw at a time keeps memory flat; compiled, it is fast as well.
        return metrics.importance_weighted(
            seeds.compiled(log_weights, False)(images)
        )

    def _log_weight(
        self,
        images: tf.Tensor,
        mean: tf.Tensor,
        log_variance: tf.Tensor,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """The log of p(x, z) / q(z | x) for one draw of z per image: [B]."""
        codes = self.sample_posterior(mean, log_variance, seed)
        noise = (codes - mean) * tf.exp(-0.5 * log_variance)
        posterior = losses.standard_normal_log_density(noise)
        posterior -= 0.5 * tf.reduce_sum(log_variance, -1)
        prior = losses.standard_normal_log_density(codes)
        return (
            self._log_likelihood(images, self._logits(codes))
            + prior
            - posterior
        )

    def encode(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the posterior's mean and log-variance, [B, latent] each."""
        outputs = tf.cast(self.encoder(self.as_input(images)), tf.float32)
        mean, log_variance = tf.split(outputs, 2, axis=-1)
        return mean, log_variance

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return tf.sigmoid(self._logits(self.as_codes(codes)))

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """Decodes the posterior mean: [B, H, W, C] in [0, 1]."""
        return self.decode(self.encode(images)[0])

    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes the line between two means; see LatentGenerator."""
        return self.decode(
            lerp(self.encode(first)[0], self.encode(second)[0], alpha)
        )

    def generate_rows(
        self, row_seeds: tf.Tensor, *, temperature: Any = 1.0
    ) -> tf.Tensor:
        """Decodes a draw from the prior per row.

        Args:
            row_seeds: int32[B, 2].
            temperature: variance of the prior, scalar or [B].

        Returns:
            [B, H, W, C] in [0, 1].
        """
        noise = seeds.row_normal(row_seeds, (self.latent_dim,), _PRIOR)
        scale = tf.sqrt(
            tf.broadcast_to(
                tf.convert_to_tensor(temperature, tf.float32),
                tf.shape(row_seeds)[:1],
            )
        )
        return self.decode(scale[:, None] * noise)

    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Nothing to fit, as the prior is a standard normal; checks alone."""
        del seed
        self.as_images(images[:1])

    def serving_functions(self) -> dict:
        """Signatures generate, generate_with, reconstruct, encode, ..."""
        image = serving.image_spec(self.image_shape)

        def generate_with(seed, temperature):
            variance = serving.option(temperature)
            samples = self.generate_rows(seed, temperature=variance)
            return {"samples": samples}

        def reconstruct(x):
            return {"x": self.reconstruct(x)}

        def encode(x):
            mean, log_variance = self.encode(x)
            return {"z": mean, "log_variance": log_variance}

        return {
            **serving.latent_functions(self, self.latent_dim),
            "generate_with": serving.function(
                generate_with, serving.seed_spec(), serving.scalar_spec()
            ),
            "reconstruct": serving.function(reconstruct, image),
            "encode": serving.function(encode, image),
        }

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "body": self.body,
            "hidden_units": list(self.hidden_units),
            "beta": self.beta,
            "likelihood": self.likelihood,
            "sigma": self.sigma,
            "seed": self.seed,
            "name": self.name,
        }
