"""The latent-space energy-based prior (Pang 2020), and its generator."""

import math
from typing import Any, final

import keras
import tensorflow as tf

from samplers import seeds
from zoo import (
    latent_chains,
    latent_evidence,
    latent_report,
    latent_serving,
    latent_step,
)
from zoo.base import lerp
from zoo.compiled import Compiled
from zoo.latent_prior.density import of_networks
from zoo.latent_scores import Scored
from zoo.latent_settings import SETTINGS, Settings

# Salt of the noise that encoding takes.
_ENCODING = 1
# Adam of the prior where none is given (Raj 2024, Table 4).
_PRIOR_RATE, _PRIOR_BETA = 2e-5, 0.5


@final
@keras.saving.register_keras_serializable("thermozoo")
class LatentEnergyPrior(Scored):
    """A generator whose codes have a learned energy.

        p(z) ~ exp(-E(z)) N(z; 0, prior_sigma^2)
        p(x | z) = N(2 x - 1; tanh g(z), sigma^2), for x in [0, 1]

    There is no encoder: the codes of an image are drawn by a short chain from
    p(z | x), those of a new image by one from p(z). Two optimizers train the
    two networks: `compile(optimizer, prior_optimizer=...)`.

    With estimator="mle" a step learns from one chain at the posterior, with
    "ti" from chains at all temperatures between prior and posterior, whose
    integral is the log-evidence it reports (Raj 2024). Under both, the prior
    learns from codes of the posterior and a chain of its own.
    """

    def __init__(
        self,
        *,
        image_shape,
        latent_dim=64,
        body="conv",
        filters=64,
        hidden_units=(512, 256),
        energy_units=(100, 100),
        energy_slope=0.1,
        sigma=0.3,
        prior_sigma=1.0,
        dynamics="langevin",
        prior_steps=60,
        prior_step_size=0.16,
        posterior_steps=20,
        posterior_step_size=0.01,
        estimator="mle",
        ladder=None,
        batched=False,
        exchange_every=0,
        stiffness=0.0,
        draws=5,
        rule="corrected",
        kl_weight=0.0,
        generator_gradient="posterior",
        prior_gradient="samples",
        persistent=False,
        num_images=None,
        seed=0,
        **kwargs,
    ):
        """Builds the model.

        The arguments are those of zoo.latent_settings.Settings, and
        image_shape (height, width, channels), seed, and Keras's own.

        Raises:
            errors.InputError: an argument is out of range, or no generator
                makes images of that shape.
        """
        given = dict(locals())
        super().__init__(image_shape=image_shape, seed=seed, **kwargs)
        self.settings = Settings(**{field: given[field] for field in SETTINGS})
        self.latent_dim = self.settings.latent_dim
        self.tilt, self.decoder = self.settings.networks(
            self.image_shape, self.seed
        )
        self.evidence = latent_evidence.Evidence(
            self.latent_dim, self.settings.posterior_step_size
        )
        self.persistent_codes = self.settings.persistent_codes(self.seed)
        self.trackers = latent_report.trackers(self.tilt, self.decoder)
        self.prior_optimizer: Any = None
        # Both networks as functions, on the generator's scale of [-1, 1].
        self.pieces = of_networks(self.tilt, self.decoder, prior_sigma, sigma)
        self._compiled = Compiled()
        self.built = True

    def compile(
        self, optimizer: Any = "adam", *, prior_optimizer: Any = None, **kwargs
    ) -> None:
        """Sets the two optimizers, and Keras's other options.

        Args:
            optimizer: of the generator.
            prior_optimizer: of E; None: Adam(2e-5, beta_1=0.5), the thesis's.
            **kwargs: Keras's own, as `jit_compile`: True suits the dense body;
                convolutions are faster without on a CPU.
        """
        if prior_optimizer is None:
            prior_optimizer = keras.optimizers.Adam(
                _PRIOR_RATE, beta_1=_PRIOR_BETA
            )
        super().compile(optimizer=optimizer, **kwargs)
        self.prior_optimizer = keras.optimizers.get(prior_optimizer)
        # Each has slots for its own network alone.
        self.optimizer.build(self.decoder.trainable_variables)
        self.prior_optimizer.build(self.tilt.trainable_variables)

    def get_compile_config(self) -> dict:
        """Keras's, and the optimizer of the prior."""
        config = super().get_compile_config()
        if config:
            config["prior_optimizer"] = keras.saving.serialize_keras_object(
                self.prior_optimizer
            )
        return config

    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` says."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    @property
    def metrics(self) -> list:
        """Own trackers."""
        return list(self.trackers.values())

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The reconstruction of images, as `reconstruct`."""
        del training
        return self.reconstruct(images)

    def fit(self, x=None, y=None, *args, **kwargs):
        """Keras's; with persistent=True, y says which image each one is.

        Args:
            x: images, or batches of images or of (images, numbers).
            y: whole numbers [N] from 0 up to below num_images.
            *args: Keras's own, as **kwargs.
            **kwargs: as `epochs`.

        Raises:
            errors.InputError: the numbers are missing or out of range.
        """
        if self.persistent_codes is not None and y is not None:
            self.persistent_codes.check(y)
        return super().fit(x, y, *args, **kwargs)

    def train_step(self, data) -> dict:
        """Runs the chains of prior and posterior; updates both networks.

        Raises:
            errors.InputError: persistent chains, and images without numbers.
        """
        images, numbers, _ = keras.utils.unpack_x_y_sample_weight(data)
        found = latent_step.update(self, self._centred(images), numbers)
        latent_report.update(self.trackers, found, *self._scale)
        return self.get_metrics_result()

    def test_step(self, data) -> dict:
        """The error at codes of the images, as loss and mse."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        x = self._centred(images)
        with seeds.xla(bool(self.jit_compile)):
            energy = -self.pieces.log_likelihood(x, self.encode(images))
        latent_report.errors(self.trackers, energy, energy, *self._scale)
        return {name: self.trackers[name].result() for name in ("loss", "mse")}

    @property
    def _scale(self) -> tuple[float, int]:
        return self.settings.sigma, math.prod(self.image_shape)

    def encode(self, images: tf.Tensor, row_seeds: Any = None) -> tf.Tensor:
        """Draws a code from p(z | x) for each image, by the posterior's chain.

        Args:
            images: [B, H, W, C].
            row_seeds: int32[B, 2]; None: the same noise for every image.

        Returns:
            [B, latent]; row i depends on image i and row_seeds[i] alone.
        """
        images = self.as_input(images)
        if row_seeds is None:
            # Outside the graph: the same seed whatever compiles the caller.
            with tf.init_scope():
                seed = seeds.fold_in(seeds.seed(self.seed), _ENCODING)
            row_seeds = tf.broadcast_to(seed, [tf.shape(images)[0], 2])
        return self._compiled(self._encode, images, row_seeds)

    def _encode(self, images: tf.Tensor, row_seeds: tf.Tensor) -> tf.Tensor:
        return latent_chains.posterior(
            self.pieces,
            self.settings.posterior_chain,
            self._centred(images),
            row_seeds,
            self.latent_dim,
        )

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return 0.5 + 0.5 * self.pieces.generator(self.as_codes(codes))

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """Decodes a code drawn for each image: [B, H, W, C] in [0, 1]."""
        return self.decode(self.encode(images))

    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes the line between two codes; see LatentGenerator."""
        return self.decode(lerp(self.encode(first), self.encode(second), alpha))

    def generate_rows(
        self, row_seeds: tf.Tensor, *, temperature: Any = 1.0
    ) -> tf.Tensor:
        """Decodes a code from the prior's chain per row.

        Args:
            row_seeds: int32[B, 2].
            temperature: of the chain and of the Gaussian it starts from,
                scalar or [B]; 1 is the prior.

        Returns:
            [B, H, W, C] in [0, 1].
        """
        temperature = tf.cast(temperature, tf.float32)
        by_row = tf.broadcast_to(temperature, tf.shape(row_seeds)[:1])
        return self._compiled(self._generate, row_seeds, by_row)

    def _generate(self, row_seeds: tf.Tensor, temperature: Any) -> tf.Tensor:
        return self.decode(
            latent_chains.prior(
                self.pieces,
                self.settings.prior_chain,
                row_seeds,
                latent_chains.shape(row_seeds, self.latent_dim),
                temperature,
            )
        )

    def serving_functions(self) -> dict:
        """Signatures generate, generate_with, reconstruct, encode, ...

        Raises:
            errors.InputError: `fit_prior` was not called.
        """
        self.evidence.check()
        return latent_serving.functions(self)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {
            **self.settings.config(),
            "image_shape": list(self.image_shape),
            "seed": self.seed,
            "name": self.name,
        }
