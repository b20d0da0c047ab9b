"""The latent-space energy-based prior (Pang 2020), and its generator."""

from typing import Any, final

import keras
import tensorflow as tf

import layers
from samplers import seeds
from zoo import arguments, latent_chains, latent_gradients, serving
from zoo.base import LatentGenerator, lerp
from zoo.latent_model import LatentModel

_BODIES = ("conv", "dense")
# Salts of the model's seed: the generator's weights, and the noise that
# encoding takes.
_GENERATOR, _ENCODING = 1, 2
# Adam of the prior where none is given (Raj 2024, Table 4).
_PRIOR_RATE, _PRIOR_BETA = 2e-5, 0.5
_LOGS = ("loss", "mse", "energy_gap")


@final
@keras.saving.register_keras_serializable("thermozoo")
class LatentEnergyPrior(LatentGenerator):
    """A generator whose codes have a learned energy.

        p(z) ~ exp(-E(z)) N(z; 0, prior_sigma^2)
        p(x | z) = N(2 x - 1; tanh g(z), sigma^2), for x in [0, 1]

    There is no encoder: the codes of an image are drawn by a short chain from
    p(z | x), those of a new image by one from p(z). Two optimizers train the
    two networks: `compile(optimizer, prior_optimizer=...)`.
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
        seed=0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            image_shape: (height, width, channels).
            latent_dim: size of a code.
            body: of the generator, "conv" (layers.latent_generator) or
                "dense".
            filters: of the convolutional generator.
            hidden_units: hidden sizes of the dense generator, as seen from
                the image.
            energy_units: hidden sizes of E.
            energy_slope: of E's leaky ReLUs below zero.
            sigma: standard deviation of a pixel given its code, on the scale
                of [-1, 1].
            prior_sigma: standard deviation of the Gaussian that E tilts, where
                every chain starts.
            dynamics: of the codes, "langevin" (the papers'), "mala", "baoab"
                or "nose_hoover".
            prior_steps: of a chain on the prior.
            prior_step_size: h of z <- z - h grad U + sqrt(2 h) xi; the
                inertial dynamics take sqrt(2 h) as their time step.
            posterior_steps: of a chain on the posterior of an image.
            posterior_step_size: its h.
            seed: whole number.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: an argument is out of range, or no generator
                makes images of that shape.
        """
        super().__init__(image_shape=image_shape, seed=seed, **kwargs)
        self.latent_dim = arguments.positive_int("latent_dim", latent_dim)
        self.body = arguments.one_of("body", body, _BODIES)
        self.filters = arguments.positive_int("filters", filters)
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.energy_units = arguments.units("energy_units", energy_units)
        self.energy_slope = arguments.not_negative("energy_slope", energy_slope)
        self.sigma = arguments.positive("sigma", sigma)
        self.prior_sigma = arguments.positive("prior_sigma", prior_sigma)
        arguments.one_of("dynamics", dynamics, latent_chains.DYNAMICS)
        self.prior_chain = latent_chains.Chain(
            dynamics,
            arguments.positive_int("prior_steps", prior_steps),
            arguments.positive("prior_step_size", prior_step_size),
        )
        self.posterior_chain = latent_chains.Chain(
            dynamics,
            arguments.positive_int("posterior_steps", posterior_steps),
            arguments.positive("posterior_step_size", posterior_step_size),
        )
        self.tilt = layers.latent_energy(
            self.latent_dim, self.energy_units, self.energy_slope, self.seed
        )
        self.decoder = self._generator()
        self.trackers = {name: keras.metrics.Mean(name=name) for name in _LOGS}
        self.prior_optimizer: Any = None
        self.built = True

    def _generator(self) -> keras.Sequential:
        # Not the seed of E, whose layers count from 0 too.
        seed = int(self._stream(_GENERATOR)[0]) & 0x7FFFFFFF
        if self.body == "dense":
            return layers.decoder(
                "dense",
                self.image_shape,
                self.latent_dim,
                self.hidden_units,
                seed,
            )
        return layers.latent_generator(
            self.image_shape, self.latent_dim, self.filters, seed=seed
        )

    def _stream(self, salt: int) -> tf.Tensor:
        # Outside the graph: the same seed whatever compiles the caller.
        with tf.init_scope():
            return seeds.fold_in(seeds.seed(self.seed), salt)

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

    @property
    def pieces(self) -> LatentModel:
        """Both networks as functions of tensors, on the scale of [-1, 1]."""
        return LatentModel(
            lambda z: tf.cast(self.tilt(z), tf.float32)[:, 0],
            lambda z: tf.tanh(tf.cast(self.decoder(z), tf.float32)),
            self.prior_sigma,
            self.sigma,
        )

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The reconstruction of images, as `reconstruct`."""
        del training
        return self.reconstruct(images)

    def train_step(self, data) -> dict:
        """Runs the chains of prior and posterior; updates both networks."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        x = self._centred(images)
        model, shape = self.pieces, self._codes_shape(x)
        with seeds.xla(bool(self.jit_compile)):
            prior_seed, posterior_seed = seeds.split(self.next_seed(), 2)
            prior = latent_chains.prior(
                model, self.prior_chain, prior_seed, shape
            )
            posterior = latent_chains.posterior(
                model, self.posterior_chain, x, posterior_seed, shape
            )
        variables = self.tilt.trainable_variables
        gradients, gap = latent_gradients.of_prior(
            model, posterior, prior, variables
        )
        self._apply(self.prior_optimizer, gradients, variables)
        variables = self.decoder.trainable_variables
        gradients, energy = latent_gradients.of_generator(
            model, x, posterior, variables
        )
        self._apply(self.optimizer, gradients, variables)
        self._log(x, energy)
        self.trackers["energy_gap"].update_state(gap)
        return self.get_metrics_result()

    def _apply(self, optimizer: Any, gradients: list, variables: list) -> None:
        # Keras sums the gradients of the replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scaled = [gradient / replicas for gradient in gradients]
        optimizer.apply_gradients(zip(scaled, variables, strict=True))

    def _log(self, x: tf.Tensor, energy: tf.Tensor) -> None:
        """The loss, and the squared error on the images' own scale."""
        error = 2.0 * self.sigma**2 * energy / x.shape[1:].num_elements()
        self.trackers["loss"].update_state(energy)
        self.trackers["mse"].update_state(error / 4.0)

    def test_step(self, data) -> dict:
        """The error at codes of the images, as loss and mse."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        x = self._centred(images)
        with seeds.xla(bool(self.jit_compile)):
            codes = self.encode(images)
        self._log(x, -self.pieces.log_likelihood(x, codes))
        return {name: self.trackers[name].result() for name in ("loss", "mse")}

    def _centred(self, images: Any) -> tf.Tensor:
        return 2.0 * self.as_input(images) - 1.0

    def _codes_shape(self, rows: tf.Tensor) -> list:
        number = rows.shape[0]
        return [
            tf.shape(rows)[0] if number is None else number,
            self.latent_dim,
        ]

    def encode(self, images: tf.Tensor, row_seeds: Any = None) -> tf.Tensor:
        """Draws a code from p(z | x) for each image, by the posterior's chain.

        Args:
            images: [B, H, W, C].
            row_seeds: int32[B, 2]; None: the same noise for every image.

        Returns:
            [B, latent]; row i depends on image i and row_seeds[i] alone.
        """
        x = self._centred(images)
        if row_seeds is None:
            seed = self._stream(_ENCODING)
            row_seeds = tf.broadcast_to(seed, [tf.shape(x)[0], 2])
        return latent_chains.posterior(
            self.pieces,
            self.posterior_chain,
            x,
            row_seeds,
            self._codes_shape(x),
        )

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return 0.5 + 0.5 * self.pieces.generator(codes)

    def reconstruct(self, images: tf.Tensor) -> tf.Tensor:
        """Decodes a code drawn for each image: [B, H, W, C] in [0, 1]."""
        return self.decode(self.encode(images))

    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes the line between two codes; see LatentGenerator."""
        return self.decode(lerp(self.encode(first), self.encode(second), alpha))

    def energy(self, images: tf.Tensor) -> tf.Tensor:
        """Energy of the prior at a code of each image: [B], in nats.

        High where the prior finds the image unlikely: a score of images from
        elsewhere. Its zero is arbitrary.
        """
        return self.pieces.prior_energy(self.encode(images))

    def generate_rows(
        self, row_seeds: tf.Tensor, *, temperature=1.0
    ) -> tf.Tensor:
        """Decodes a code from the prior's chain per row.

        Args:
            row_seeds: int32[B, 2].
            temperature: of the chain and of the Gaussian it starts from,
                scalar or [B]; 1 is the prior.

        Returns:
            [B, H, W, C] in [0, 1].
        """
        codes = latent_chains.prior(
            self.pieces,
            self.prior_chain,
            row_seeds,
            self._codes_shape(row_seeds),
            temperature,
        )
        return self.decode(codes)

    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Nothing to fit: the prior is trained."""
        del images, seed

    def serving_functions(self) -> dict:
        """Signatures generate, generate_with, reconstruct, encode, ..."""
        image = serving.image_spec(self.image_shape)

        def generate_with(seed, temperature):
            samples = self.generate_rows(seed, temperature=temperature)
            return {"samples": samples}

        def reconstruct(x):
            return {"x": self.reconstruct(x)}

        def encode(x):
            return {"z": self.encode(x)}

        def encode_with(x, seed):
            return {"z": self.encode(x, seed)}

        def energy(x):
            return {"energy": self.energy(x)}

        return {
            **serving.latent_functions(self, self.latent_dim),
            "generate_with": serving.function(
                generate_with, serving.seed_spec(), serving.scalar_spec()
            ),
            "reconstruct": serving.function(reconstruct, image),
            "encode": serving.function(encode, image),
            "encode_with": serving.function(
                encode_with, image, serving.seed_spec()
            ),
            "energy": serving.function(energy, image),
        }

    def get_config(self) -> dict:
        """The constructor's arguments."""
        prior, posterior = self.prior_chain, self.posterior_chain
        return {
            "image_shape": list(self.image_shape),
            "latent_dim": self.latent_dim,
            "body": self.body,
            "filters": self.filters,
            "hidden_units": list(self.hidden_units),
            "energy_units": list(self.energy_units),
            "energy_slope": self.energy_slope,
            "sigma": self.sigma,
            "prior_sigma": self.prior_sigma,
            "dynamics": prior.dynamics,
            "prior_steps": prior.steps,
            "prior_step_size": prior.step_size,
            "posterior_steps": posterior.steps,
            "posterior_step_size": posterior.step_size,
            "seed": self.seed,
            "name": self.name,
        }
