"""The entropic autoencoder (Aliahmadi 2026, Algorithm 1)."""

from typing import final

import keras
import numpy as np
import tensorflow as tf

import layers
import losses
from samplers import seeds
from zoo import arguments, serving, temperature_schedules
from zoo.base import LatentGenerator, lerp
from zoo.entropic.decoder_updates import DecoderUpdates
from zoo.entropic.dynamics import EncoderDynamics
from zoo.entropic.ensemble import EncoderEnsemble
from zoo.entropic.report import EncoderLog

# Streams of the model's seed.
_VELOCITIES, _TRAINING = 1, 2
# Arguments that are kept under their own names.
_SAME = (
    *("latent_dim", "body", "members", "member_interval"),
    *("batch_size", "bank_size", "bandwidth", "seed", "name"),
)


@final
@keras.saving.register_keras_serializable("thermozoo")
class EntropicAutoencoder(LatentGenerator):
    """A decoder trained against a thermal ensemble of encoders.

    The encoder's weights w are particles in the energy U(w, phi), the mean
    squared error of the reconstruction, under a Nose-Hoover chain at
    temperature T. The decoder's weights phi follow the average of dU/dphi
    over the trajectory, which is the gradient of the free energy
    F(phi) = -T log integral exp(-U(w, phi) / T) dw.

    One train step is a block of encoder steps: data [block, batch, H, W, C]
    (or [batch, H, W, C], a block of one). When `encoder_steps` gradients are
    gathered, over as many train steps as it takes, the decoder is updated.

    After training, `fit_prior` continues the chain at the fixed decoder,
    keeps `members` encoders and fills the bank of codes to generate from.
    """

    def __init__(
        self,
        *,
        image_shape,
        latent_dim=64,
        body="dense",
        hidden_units=(512, 256),
        temperature=3e-9,
        temperature_schedule=None,
        step_size=1.0,
        relaxation_time=None,
        chain_length=None,
        redraw_every=0,
        thermostat="global",
        friction=0.0,
        encoder_steps=312,
        members=20,
        member_interval=250,
        batch_size=32,
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
            temperature: T, in units of the energy (squared grey values).
            temperature_schedule: None or a dict (zoo.temperature_schedules).
            step_size: h, time step of the encoder's dynamics (unit masses):
                h^2 plays the part of a learning rate.
            relaxation_time: of the thermostats, in units of time; None: 20 h.
            chain_length: number of thermostats; None: 30 (the paper's), or 2
                with "massive", which keeps so many copies of the encoder.
            redraw_every: velocities are drawn anew every so many encoder
                steps; 0: never.
            thermostat: "global" (one chain for all weights: the paper's),
                "per_tensor" or "massive" (one for each weight). On a Gaussian
                posterior "global" gave single directions 0.4 to 2.7 times
                their variance, unless with friction or redraw_every;
                "massive" was within 10 % (minibatches of 32).
            friction: Langevin's, of the velocities, in 1 / time; 0: none. It
                draws noise for every weight at each step, which takes longer
                than the step itself; redraw_every costs next to nothing.
            encoder_steps: gradients averaged for one decoder update.
            members: encoders kept after training.
            member_interval: encoder steps between two members.
            batch_size: minibatch of the dynamics after training.
            bank_size: number of codes to generate from.
            bandwidth: default noise around a code, in units of Silverman's
                rule.
            seed: whole number.
            **kwargs: Keras's own, as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(image_shape=image_shape, seed=seed, **kwargs)
        temperature = arguments.positive("temperature", temperature)
        whole = arguments.positive_int
        self.latent_dim = whole("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.members = whole("members", members)
        self.member_interval = whole("member_interval", member_interval)
        self.batch_size = whole("batch_size", batch_size)
        self.bank_size = whole("bank_size", bank_size)
        self.bandwidth = arguments.not_negative("bandwidth", bandwidth)
        if chain_length is None:
            chain_length = 2 if thermostat == "massive" else 30
        sizes = self.image_shape, self.latent_dim, self.hidden_units
        self.encoder = layers.encoder(body, *sizes, seed)
        # The sampler moves these weights, not the optimizer.
        self.encoder.trainable = False
        self.decoder = layers.decoder(body, *sizes, seed)
        self.dynamics = EncoderDynamics(
            self.encoder,
            self.decoder,
            step_size,
            relaxation_time,
            chain_length,
            redraw_every,
            thermostat,
            friction,
        )
        self.chain = self.dynamics.start(self._stream(_VELOCITIES), temperature)
        self.ensemble = layers.WeightEnsemble(self.chain.shapes, self.members)
        self.bank = layers.LatentBank(self.bank_size, self.latent_dim)
        self.updates = DecoderUpdates(
            [tuple(w.shape) for w in self.decoder.trainable_variables],
            arguments.positive_int("encoder_steps", encoder_steps),
            temperature,
            schedules.check(temperature_schedule),
        )
        self._log = EncoderLog(len(self.chain.shapes))
        self._encoders = EncoderEnsemble(
            self.dynamics, self.ensemble, self.member_interval, self.batch_size
        )
        self.built = True

    def _stream(self, salt: int) -> tf.Tensor:
        # Outside the graph: the same seed whatever compiles the step.
        with tf.init_scope():
            return seeds.fold_in(seeds.seed(self.seed), salt)

    @property
    def metrics(self) -> list:
        """Own trackers: the energy, and the state of the thermostat."""
        return self._log.metrics

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits [B, H, W, C] of the reconstruction by the current encoder."""
        codes = self.encoder(self.scaled(images), training=training)
        return tf.cast(self.decoder(codes, training=training), tf.float32)

    def train_step(self, data) -> dict:
        """Runs a block of encoder steps; updates the decoder when due.

        Raises:
            errors.InputError: the block does not divide `encoder_steps`, or
                there is more than one replica.
        """
        self.dynamics.refuse_replicas()
        # Slots must exist before the update is traced under a condition.
        variables = self.decoder.trainable_variables
        self.optimizer.build(variables)
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        block, length = self.updates.block(self.scaled(images))
        temperature = tf.convert_to_tensor(self.updates.temperature.value)
        with seeds.xla(bool(self.jit_compile)):
            state, (gradients, *sums) = self.dynamics.block(
                self.dynamics.state(self.chain),
                block,
                self.updates.gathered.read(),
                temperature=temperature,
                seed=self._stream(_TRAINING),
            )
        self.dynamics.store(state, self.chain)
        self.updates.spend(gradients, length, self.optimizer, variables)
        self._log.block(length, temperature, *sums)
        return self.get_metrics_result()

    def test_step(self, data) -> dict:
        """The error of the current encoder, which is cheap, as loss and mse."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        # Blocks are taken apart.
        images = tf.reshape(self.scaled(images), [-1, *self.image_shape])
        logits = self(images, training=False)
        return self._log.error(losses.squared_error(images, tf.sigmoid(logits)))

    def collect_ensemble(
        self, images, members: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """Samples encoders at the fixed decoder, in place of those before.

        A copy of the chain goes on from where training left it, on minibatches
        drawn from `images`; the training chain is not disturbed.

        Args:
            images: training images [N, H, W, C], float in [0, 1] or uint8.
            members: how many, at most the constructor's; None: as many.
            seed: of the minibatches.

        Returns:
            [members], the kinetic temperature over T at each member: near 1
            where the thermostat holds.

        Raises:
            errors.InputError: images of another shape, too many members, or
                weights that are not finite.
        """
        return self._encoders.collect(
            self.dynamics.state(self.chain),
            self.as_images(images),
            temperature=tf.convert_to_tensor(self.updates.temperature.value),
            seed=seeds.seed(seed),
            members=members,
            jit_compile=bool(self.jit_compile),
        )

    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Samples the ensemble and stores its codes to generate from.

        Args:
            images: training images [N, H, W, C], float in [0, 1] or uint8.
            seed: of the minibatches and of the choice of images.
        """
        self.collect_ensemble(images, seed=seed)
        chosen = self.choose(images, self.bank_size, seed)
        self.bank.fill(
            self._encoders.spread_codes(chosen, self.bank_size, self.in_chunks)
        )

    def encode(self, images: tf.Tensor) -> tf.Tensor:
        """Every member's code of images: [B, members, latent].

        Raises:
            errors.InputError: no ensemble was collected yet.
        """
        return self._encoders.codes(self.as_input(images))

    def decode(self, codes: tf.Tensor) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return tf.sigmoid(
            tf.cast(self.decoder(self.as_codes(codes)), tf.float32)
        )

    def reconstruct(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation over members, each [B, H, W, C].

        Raises:
            errors.InputError: no ensemble was collected yet.
        """
        return self._encoders.reconstruction(self.as_input(images), self.decode)

    def interpolate(
        self, first: tf.Tensor, second: tf.Tensor, alpha: tf.Tensor
    ) -> tf.Tensor:
        """Decodes the line between two codes averaged over members."""
        ends = [tf.reduce_mean(self.encode(x), 1) for x in (first, second)]
        return self.decode(lerp(ends[0], ends[1], alpha))

    def generate_rows(
        self, row_seeds: tf.Tensor, *, bandwidth=None
    ) -> tf.Tensor:
        """Decodes a draw from the latent bank per row; as Autoencoder's."""
        width = self.bandwidth if bandwidth is None else bandwidth
        return self.decode(self.bank.sample(row_seeds, width))

    def serving_functions(self) -> dict:
        """Signatures generate, generate_with, reconstruct, encode, ..."""
        self.bank.require_filled()

        def reconstruct(x):
            mean, spread = self.reconstruct(x)
            return {"x": mean, "spread": spread}

        return serving.bank_functions(self, self.latent_dim, reconstruct)

    def get_config(self) -> dict:
        """The constructor's arguments."""
        own = {key: getattr(self, key) for key in _SAME}
        return {
            **own,
            **self.dynamics.settings(),
            **self.updates.settings(),
            "image_shape": list(self.image_shape),
            "hidden_units": list(self.hidden_units),
        }
