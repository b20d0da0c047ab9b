"""The variational autoencoder (Hjorth-Jensen 2025), with a beta."""

from typing import Any, final

import keras
import tensorflow as tf

import errors
import layers
import losses
import metrics
from samplers import seeds
from zoo import arguments
from zoo.contract import Encoding, Generative
from zoo.rowwise import CODES, DATA, NOT_NEGATIVE, SEEDS, rowwise

_LIKELIHOODS = ("bernoulli", "gaussian")
# Salt of the prior's draw.
_PRIOR = 1


@final
@keras.saving.register_keras_serializable("thermozoo")
class VariationalAutoencoder(Generative, Encoding):
    """Amortised Gaussian posterior, standard normal prior.

    The loss is the negative evidence lower bound, one draw per image, with a
    closed-form divergence times `beta`.
    """

    kinds = ("image", "points")

    def __init__(
        self,
        *,
        data,
        latent_dim: int = 64,
        body: str = "dense",
        hidden_units: tuple[int, ...] = (512, 256),
        beta: float = 1.0,
        likelihood: str = "bernoulli",
        sigma: float = 0.1,
        seed: int = 0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            data: DataSpec of images or points.
            latent_dim: size of a code.
            body: "dense" or "conv" (see layers.bodies).
            hidden_units: hidden sizes of the dense body.
            beta: weight of the divergence; 1 is the evidence lower bound.
            likelihood: "bernoulli" (images alone) or "gaussian", of each
                number of an example.
            sigma: standard deviation of the Gaussian likelihood.
            seed: whole number.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(data=data, seed=seed, **kwargs)
        self.latent_dim = arguments.positive_int("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.beta = arguments.not_negative("beta", beta)
        self.likelihood = arguments.one_of(
            "likelihood", likelihood, _LIKELIHOODS
        )
        if likelihood == "bernoulli" and self.data.kind != "image":
            raise errors.InputError(
                f"likelihood='bernoulli' does not fit {self.data.plural}: take "
                "likelihood='gaussian'"
            )
        self.sigma = arguments.positive("sigma", sigma)
        shape, units = self.data.shape, self.hidden_units
        self.encoder = layers.encoder(
            body, shape, 2 * self.latent_dim, units, seed
        )
        self.decoder = layers.decoder(body, shape, self.latent_dim, units, seed)
        self.sample_posterior = layers.GaussianSample()
        self.kl_tracker = keras.metrics.Mean(name="kl")
        self.mse_tracker = keras.metrics.Mean(name="mse")
        self.reconstruction_tracker = keras.metrics.Mean(name="reconstruction")
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> dict:
        """One draw from the posterior, decoded.

        Training takes a fresh draw each time, anything else always the same.

        Returns:
            dict of linear outputs [B, *data.shape], mean and log_variance
            [B, latent].
        """
        mean, log_variance = self.encode(x)
        with seeds.xla(training and bool(self.jit_compile)):
            seed = self.next_seed() if training else seeds.seed(self.seed)
            codes = self.sample_posterior(mean, log_variance, seed)
        return {
            "outputs": self._outputs(codes),
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
        x = self.data.scaled(x)
        parts = losses.elbo(
            self._log_likelihood(x, y_pred["outputs"]),
            losses.gaussian_kl(y_pred["mean"], y_pred["log_variance"]),
            self.beta,
        )
        restored = (
            self.data.link(y_pred["outputs"])
            if training
            else self.decode(y_pred["mean"])
        )
        self.reconstruction_tracker.update_state(parts.reconstruction)
        self.kl_tracker.update_state(parts.kl)
        self.mse_tracker.update_state(losses.squared_error(x, restored))
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        return tf.reduce_mean(parts.loss) / replicas

    def _outputs(self, codes: tf.Tensor) -> tf.Tensor:
        return tf.cast(self.decoder(codes), tf.float32)

    def _log_likelihood(self, x: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
        if self.likelihood == "bernoulli":
            return losses.bernoulli_log_likelihood(x, outputs)
        return losses.gaussian_log_likelihood(
            x, self.data.link(outputs), self.sigma
        )

    def log_likelihood(
        self, x: Any, num_samples: int = 100, seed: int = 0
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Importance-weighted estimate of log p(x), in nats.

        Args:
            x: [B, *data.shape]; with the Bernoulli likelihood it is a
                log-probability for binary images only.
            num_samples: draws from the posterior per example.
            seed: whole number.

        Returns:
            estimate [B] and its standard error [B] (metrics.log_evidence).
        """
        number = arguments.positive_int("num_samples", num_samples)
        base = seeds.seed(arguments.not_negative_int("seed", seed))

        def log_weights(x: tf.Tensor) -> tf.Tensor:
            mean, log_variance = self.encode(x)
            return tf.map_fn(
                lambda index: self._log_weight(
                    x, mean, log_variance, seeds.fold_in(base, index)
                ),
                tf.range(number),
                fn_output_signature=tf.float32,
            )

        x = self.data.as_tensor(x)
        # One draw at a time keeps memory flat; compiled, it is fast as well.
        return metrics.importance_weighted(
            seeds.compiled(log_weights, False)(x)
        )

    def _log_weight(
        self,
        x: tf.Tensor,
        mean: tf.Tensor,
        log_variance: tf.Tensor,
        seed: tf.Tensor,
    ) -> tf.Tensor:
        """The log of p(x, z) / q(z | x) for one draw of z per example: [B]."""
        codes = self.sample_posterior(mean, log_variance, seed)
        noise = (codes - mean) * tf.exp(-0.5 * log_variance)
        posterior = losses.standard_normal_log_density(noise)
        posterior -= 0.5 * tf.reduce_sum(log_variance, -1)
        prior = losses.standard_normal_log_density(codes)
        return self._log_likelihood(x, self._outputs(codes)) + prior - posterior

    @rowwise("z", "log_variance", x=DATA)
    def encode(self, x: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the posterior's mean and log-variance, [B, latent] each."""
        outputs = tf.cast(self.encoder(x), tf.float32)
        mean, log_variance = tf.split(outputs, 2, axis=-1)
        return mean, log_variance

    @rowwise("x", z=CODES)
    def decode(self, z: Any) -> tf.Tensor:
        """Maps codes [B, latent] to examples [B, *data.shape]."""
        return self.data.link(self._outputs(z))

    @rowwise("samples", seed=SEEDS, temperature=NOT_NEGATIVE)
    def generate_rows(self, seed: Any, *, temperature: Any = 1.0) -> tf.Tensor:
        """Decodes a draw from the prior per row.

        Args:
            seed: int32[B, 2].
            temperature: variance of the prior, scalar or [B].

        Returns:
            [B, *data.shape].
        """
        noise = seeds.row_normal(seed, (self.latent_dim,), _PRIOR)
        rows = tf.shape(seed)[:1]
        variance = tf.broadcast_to(tf.cast(temperature, tf.float32), rows)
        return self.decode(tf.sqrt(variance)[:, None] * noise)
