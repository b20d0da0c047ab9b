"""The entropic autoencoder (Aliahmadi 2026, Algorithm 1)."""

from typing import Any, ClassVar, final

import keras
import numpy as np
import tensorflow as tf

import errors
import layers
import losses
from samplers import seeds
from zoo import arguments
from zoo.contract import Encoding, Generative
from zoo.entropic import energy, schedules
from zoo.entropic.decoder_updates import DecoderUpdates
from zoo.entropic.dynamics import EncoderDynamics
from zoo.entropic.report import EncoderLog
from zoo.rowwise import CHUNK, CODES, DATA, NOT_NEGATIVE, SEEDS, rowwise

# Streams of the model's seed.
_VELOCITIES, _TRAINING = 1, 2
# Most encoder steps of one train step, unless it is told.
_BATCHES = 1000


@final
@keras.saving.register_keras_serializable("thermozoo")
class EntropicAutoencoder(Generative, Encoding):
    """A decoder trained against a thermal ensemble of encoders.

    The encoder's weights w are particles in the energy U(w, phi), the mean
    squared error of the reconstruction, under a Nose-Hoover chain at
    temperature T. The decoder's weights phi follow the average of dU/dphi
    over the trajectory, which is the gradient of the free energy
    F(phi) = -T log integral exp(-U(w, phi) / T) dw.

    One train step is a block of encoder steps: data [block, batch, H, W, C]
    (or [batch, H, W, C], a block of one). When `encoder_steps` gradients are
    gathered, over as many train steps as it takes, the decoder is updated.

    After training, `prepare` continues the chain at the fixed decoder, keeps
    `members` encoders and fills the bank of codes to generate from.
    """

    max_replicas = 1
    # Chains move the encoder.
    players: ClassVar = {"decoder": ("decoder",)}

    def __init__(
        self,
        *,
        data,
        latent_dim: int = 64,
        body: str = "dense",
        hidden_units: tuple[int, ...] = (512, 256),
        temperature: float = 3e-9,
        temperature_schedule: schedules.Schedule = schedules.CONSTANT,
        step_size: float = 1.0,
        relaxation_time: float | None = None,
        chain_length: int | None = None,
        redraw_every: int = 0,
        thermostat: str = "global",
        friction: float = 0.0,
        encoder_steps: int = 312,
        batches_per_step: int | None = None,
        members: int = 20,
        member_interval: int = 250,
        batch_size: int = 32,
        bank_size: int = 10_000,
        bandwidth: float = 0.1,
        seed: int = 0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            data: DataSpec of images.
            latent_dim: size of a code.
            body: "dense" or "conv" (see layers.bodies).
            hidden_units: hidden sizes of the dense body.
            temperature: T, in units of the energy (squared grey values).
            temperature_schedule: how T changes; a Schedule, None for a
                constant one, or a dict.
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
            batches_per_step: batches, and so encoder steps, of one train
                step; a divisor of encoder_steps. None: the largest one up to
                1,000.
            members: encoders kept after training.
            member_interval: encoder steps between two members.
            batch_size: minibatch of the dynamics after training.
            bank_size: number of codes to generate from.
            bandwidth: default noise around a code, in units of Silverman's
                rule.
            seed: whole number.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: an argument is out of range.
        """
        super().__init__(data=data, seed=seed, **kwargs)
        whole, positive = arguments.positive_int, arguments.positive
        self.latent_dim = whole("latent_dim", latent_dim)
        self.body = body
        self.hidden_units = arguments.units("hidden_units", hidden_units)
        self.temperature = positive("temperature", temperature)
        self.temperature_schedule = schedules.check(temperature_schedule)
        self.step_size = positive("step_size", step_size)
        self.relaxation_time = relaxation_time
        if relaxation_time is not None:
            positive("relaxation_time", relaxation_time)
        self.thermostat = arguments.one_of(
            "thermostat", thermostat, ("global", "per_tensor", "massive")
        )
        if chain_length is None:
            chain_length = 2 if thermostat == "massive" else 30
        self.chain_length = whole("chain_length", chain_length)
        self.redraw_every = arguments.not_negative_int(
            "redraw_every", redraw_every
        )
        self.friction = arguments.not_negative("friction", friction)
        self.encoder_steps = whole("encoder_steps", encoder_steps)
        self.batches_per_step = _divisor(self.encoder_steps, batches_per_step)
        self.members = whole("members", members)
        self.member_interval = whole("member_interval", member_interval)
        self.batch_size = whole("batch_size", batch_size)
        self.bank_size = whole("bank_size", bank_size)
        self.bandwidth = arguments.not_negative("bandwidth", bandwidth)
        sizes = self.data.shape, self.latent_dim, self.hidden_units
        self.encoder = layers.encoder(body, *sizes, seed)
        # The sampler moves these weights, not the optimizer.
        self.encoder.trainable = False
        self.decoder = layers.decoder(body, *sizes, seed)
        self.dynamics = EncoderDynamics(
            self.encoder,
            self.decoder,
            self.step_size,
            self.relaxation_time,
            self.chain_length,
            self.redraw_every,
            self.thermostat,
            self.friction,
        )
        start = self._stream(_VELOCITIES)
        self.chain = self.dynamics.start(start, self.temperature)
        self.ensemble = layers.WeightEnsemble(self.chain.shapes, self.members)
        self.bank = layers.LatentBank(self.bank_size, self.latent_dim)
        self.updates = DecoderUpdates(
            [tuple(w.shape) for w in self.decoder.trainable_variables],
            self.encoder_steps,
            self.temperature,
            self.temperature_schedule,
        )
        self._log = EncoderLog(len(self.chain.shapes))
        self.built = True

    def _stream(self, salt: int) -> tf.Tensor:
        # Outside the graph: the same seed whatever compiles the step.
        with tf.init_scope():
            return seeds.fold_in(seeds.seed(self.seed), salt)

    @property
    def metrics(self) -> list:
        """Own trackers: the energy, and the state of the thermostat."""
        return self._log.metrics

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits [B, H, W, C] of the reconstruction by the current encoder."""
        codes = self.encoder(self.data.scaled(x), training=training)
        return tf.cast(self.decoder(codes, training=training), tf.float32)

    def train_step(self, data) -> dict:
        """Runs a block of encoder steps; updates the decoder when due.

        Raises:
            errors.InputError: the block does not divide `encoder_steps`.
        """
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        block, length = self.updates.block(self.data.scaled(x))
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
        self.updates.spend(
            gradients, length, lambda mean: self.apply("decoder", mean)
        )
        self._log.block(length, temperature, *sums)
        return self.get_metrics_result()

    def test_step(self, data) -> dict:
        """The error of the current encoder, which is cheap, as loss and mse."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        # Blocks are taken apart.
        x = tf.reshape(self.data.scaled(x), [-1, *self.data.shape])
        restored = self.data.link(self(x, training=False))
        return self._log.error(losses.squared_error(x, restored))

    def collect_ensemble(
        self, rows: Any, members: int | None = None, seed: int = 0
    ) -> np.ndarray:
        """Samples encoders at the fixed decoder, in place of those before.

        A copy of the chain goes on from where training left it, on minibatches
        drawn from `rows`; the training chain is not disturbed.

        Args:
            rows: training images [N, H, W, C], float in [0, 1] or uint8.
            members: how many, at most the constructor's; None: as many.
            seed: seed of the minibatches.

        Returns:
            [members], the kinetic temperature over T at each member: near 1
            where the thermostat holds.

        Raises:
            errors.InputError: images of another shape, too many members, or
                weights that are not finite.
        """
        number = self.members
        if members is not None:
            number = arguments.positive_int("members", members)
        if number > self.members:
            raise errors.InputError(
                f"members={number} is more than the {self.members} that the "
                f"model holds: take {self.members} or fewer, or build it with "
                f"members={number}"
            )
        sample = self.graph_of(self.dynamics.ensemble, bool(self.jit_compile))
        temperature = tf.convert_to_tensor(self.updates.temperature.value)
        weights, kinetic = sample(
            self.dynamics.state(self.chain),
            tf.constant(self.data.as_rows(rows)),
            temperature=temperature,
            seed=seeds.seed(seed),
            members=number,
            interval=self.member_interval,
            batch_size=self.batch_size,
        )
        self.ensemble.fill(weights)
        return np.asarray(kinetic / temperature)

    def prepare(self, rows: Any, *, seed: int = 0) -> None:
        """Samples the ensemble and stores its codes to generate from.

        Args:
            rows: training images [N, H, W, C], float in [0, 1] or uint8, of
                which the first 50,000 are taken.
            seed: seed of the minibatches, and for choosing the images.
        """
        rows = self.first(rows)
        self.collect_ensemble(rows, seed=seed)
        self.bank.fill(self._spread(self.choose(rows, self.bank_size, seed)))

    def _spread(self, x: np.ndarray) -> tf.Tensor:
        """Codes [M, latent] of images that are shared out among the members.

        M is about the smaller of bank_size and the number of images times
        that of members.
        """
        share = -(-self.bank_size // self.members)
        parts = []
        for index in range(self.members):
            rows = index * share + np.arange(min(share, len(x)))
            weights = self.ensemble.member(index)
            for first in range(0, len(rows), CHUNK):
                some = tf.constant(x[rows[first : first + CHUNK] % len(x)])
                parts.append(energy.codes(self.encoder, weights, some))
        return tf.concat(parts, 0)

    @rowwise("z", x=DATA)
    def encode(self, x: Any) -> tf.Tensor:
        """Every member's code of images [B, H, W, C]: [B, members, latent].

        Raises:
            errors.InputError: no ensemble was collected yet.
        """
        codes = self.ensemble.apply(
            lambda weights: energy.codes(self.encoder, weights, x), tf.float32
        )
        return tf.transpose(codes, [1, 0, 2])

    @rowwise("x", z=CODES)
    def decode(self, z: Any) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, H, W, C] in [0, 1]."""
        return self.data.link(tf.cast(self.decoder(z), tf.float32))

    @rowwise("x", "spread", x=DATA)
    def reconstruct(self, x: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Mean and standard deviation over members, each [B, H, W, C].

        Args:
            x: [B, H, W, C].

        Raises:
            errors.InputError: no ensemble was collected yet.
        """
        return self.ensemble.moments(
            lambda weights: self.decode(energy.codes(self.encoder, weights, x)),
            tf.zeros_like(x),
        )

    @rowwise("samples", seed=SEEDS, bandwidth=NOT_NEGATIVE)
    def generate_rows(self, seed: Any, *, bandwidth: Any = None) -> tf.Tensor:
        """Decodes a draw from the latent bank per row.

        Args:
            seed: int32[B, 2].
            bandwidth: scalar or [B]; default: the constructor's.

        Returns:
            [B, H, W, C] in [0, 1].

        Raises:
            errors.InputError: the bank is empty.
        """
        width = self.bandwidth if bandwidth is None else bandwidth
        return self.decode(self.bank.sample(seed, width))


def _divisor(encoder_steps: int, given: int | None) -> int:
    """The batches of a train step: what is given, or the largest divisor."""
    most = _BATCHES
    if given is not None:
        most = arguments.positive_int("batches_per_step", given)
    numbers = range(min(most, encoder_steps), 0, -1)
    largest = next(n for n in numbers if encoder_steps % n == 0)
    if given is not None and largest != given:
        raise errors.InputError(
            f"batches_per_step={given} does not divide "
            f"encoder_steps={encoder_steps}: take {largest}"
        )
    return largest
