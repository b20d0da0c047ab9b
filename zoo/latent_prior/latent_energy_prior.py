"""The latent-space energy-based prior (Pang 2020), and its generator."""

import math
from types import MappingProxyType
from typing import Any, final

import keras
import numpy as np
import tensorflow as tf

from samplers import seeds
from zoo import arguments
from zoo.contract import Encoding, Generative
from zoo.latent_prior import (
    chains,
    combinations,
    evidence,
    gradients,
    integral,
    ladders,
    parts,
    report,
    step,
    tempering,
)
from zoo.latent_prior.density import Density
from zoo.rowwise import CODES, DATA, NOT_NEGATIVE, SEEDS, rowwise

# Salt of the noise that encoding takes.
_ENCODING = 1
# Images that moves and ladders are measured on, at most.
_TUNING = 64
# Images that log_evidence takes at a time: each has several chains.
_CHUNK = 32


@final
@keras.saving.register_keras_serializable("thermozoo")
class LatentEnergyPrior(Generative, Encoding):
    """A generator whose codes have a learned energy.

        p(z) ~ exp(-E(z)) N(z; 0, prior_sigma^2)
        p(x | z) = N(2 x - 1; tanh g(z), sigma^2), for x in [0, 1]

    There is no encoder: the codes of an image are drawn by a short chain from
    p(z | x), those of a new image by one from p(z). Two optimizers train the
    two networks: `compile({"generator": ..., "prior": ...})`.

    With estimator="mle" a step learns from one chain at the posterior, with
    "ti" from chains at all temperatures between prior and posterior, whose
    integral is the log-evidence it reports (Raj 2024). Under both, the prior
    learns from codes of the posterior and a chain of its own.

    Attributes:
        codes: how they are drawn.
        evidence: the moves of `log_evidence`, which `prepare` tunes.
    """

    players = MappingProxyType(
        {"generator": ("decoder",), "prior": ("energy_net",)}
    )

    def __init__(
        self,
        *,
        data,
        latent_dim: int = 64,
        body: str = "conv",
        filters: int = 64,
        hidden_units: tuple[int, ...] = (512, 256),
        energy_units: tuple[int, ...] = (100, 100),
        energy_slope: float = 0.1,
        sigma: float = 0.3,
        prior_sigma: float = 1.0,
        dynamics: str = "langevin",
        prior_steps: int = 60,
        prior_step_size: float = 0.16,
        posterior_steps: int = 20,
        posterior_step_size: float = 0.01,
        estimator: str = "mle",
        ladder: tempering.Ladder = tempering.DEFAULT,
        batched: bool = False,
        exchange_every: int = 0,
        stiffness: float = 0.0,
        draws: int = 5,
        rule: str = "corrected",
        kl_weight: float = 0.0,
        generator_gradient: str = "posterior",
        prior_gradient: str = "samples",
        persistent: bool = False,
        seed: int = 0,
        **kwargs,
    ):
        """Builds the model.

        Args:
            data: DataSpec of images; persistent=True needs its num_examples.
            latent_dim: size of a code.
            body: of the generator, "conv" (layers.latent_generator) or "dense".
            filters: of the convolutional generator.
            hidden_units: sizes of the dense generator, as seen from the image.
            energy_units: hidden sizes of E.
            energy_slope: of E's leaky ReLUs below zero.
            sigma: standard deviation of a pixel given its code, on the scale
                of [-1, 1]; 0.3 is both papers'.
            prior_sigma: standard deviation of the Gaussian that E tilts.
            dynamics: of the codes, "langevin" (the papers'), "mala", "baoab"
                or "nose_hoover".
            prior_steps: of a chain on the prior.
            prior_step_size: h of z <- z - h grad U + sqrt(2 h) xi; the
                inertial dynamics take sqrt(2 h) as their time step.
            posterior_steps: number of steps of a chain on the posterior, and
                of one at each temperature.
            posterior_step_size: h of these chains.
            estimator: "mle", or "ti" for the thermodynamic integral.
            ladder: the inverse temperatures of estimator="ti": a Ladder, a
                dict with some of its fields, or the nodes themselves, as from
                `measured_ladder`.
            batched: whether the chains of all temperatures run at once, all
                from codes of the prior, or one after the other from where the
                last one ended: more accurate in equal steps, and no slower on
                a CPU. For estimator="ti" and for log_evidence; takes N_t
                times the memory.
            exchange_every: moves between exchanges of the codes of neighbouring
                temperatures (Calderhead 2009), with batched=True; 0: none.
                With estimator="ti" they need exact moves, dynamics="mala";
                log_evidence always makes them.
            stiffness: k of step sizes posterior_step_size / (1 + t k); 0 is
                the thesis's.
            draws: codes of a temperature, the last ones of its chain, whose
                log-likelihoods the integral averages. Those of short steps are
                alike, so that the variances of rule="corrected" come out small
                and it is nearer to the trapezoid; log_evidence has chains of
                its own.
            rule: of the integral, "corrected" (Friel 2014; needs 2 draws) or
                "trapezoid".
            kl_weight: eta, of the KL correction, beside rule="trapezoid"; it
                moves the loss, and the prior with prior_gradient="chain".
            generator_gradient: what the generator learns from with "ti":
                "posterior" (codes at t = 1: exact), "trapezoid" (all, the
                thesis's: not the gradient of log p(x)) or "covariance" (all:
                noisy); see zoo.latent_prior.gradients.
            prior_gradient: "samples" (exact), or with "ti" also "chain", the
                derivative of the integral through the chains, the thesis's.
            persistent: whether the posterior's chain of a training image
                starts where it ended when the image was last seen (Pang 2020),
                instead of at a draw from N(0, prior_sigma^2). `fit` then needs
                the place of each image in the data set, as y. Only training
                has it: `encode` and all that builds on it start afresh.
            seed: whole number.
            **kwargs: as for keras.Model, such as `name`.

        Raises:
            errors.InputError: an argument is out of range, or no generator
                makes images of that shape.
        """
        super().__init__(data=data, seed=seed, **kwargs)
        check = arguments
        self.latent_dim = check.positive_int("latent_dim", latent_dim)
        self.body = check.one_of("body", body, ("conv", "dense"))
        self.filters = check.positive_int("filters", filters)
        self.hidden_units = check.units("hidden_units", hidden_units)
        self.energy_units = check.units("energy_units", energy_units)
        self.energy_slope = check.not_negative("energy_slope", energy_slope)
        self.sigma = check.positive("sigma", sigma)
        self.prior_sigma = check.positive("prior_sigma", prior_sigma)
        self.dynamics = check.one_of("dynamics", dynamics, chains.DYNAMICS)
        self.prior_steps = check.positive_int("prior_steps", prior_steps)
        self.prior_step_size = check.positive(
            "prior_step_size", prior_step_size
        )
        self.posterior_steps = check.positive_int(
            "posterior_steps", posterior_steps
        )
        self.posterior_step_size = check.positive(
            "posterior_step_size", posterior_step_size
        )
        self.estimator = check.one_of("estimator", estimator, ("mle", "ti"))
        self.ladder = tempering.options(ladder)
        self.batched = check.boolean("batched", batched)
        self.exchange_every = check.not_negative_int(
            "exchange_every", exchange_every
        )
        self.stiffness = check.not_negative("stiffness", stiffness)
        self.draws = check.positive_int("draws", draws)
        self.rule = check.one_of("rule", rule, evidence.RULES)
        self.kl_weight = check.not_negative("kl_weight", kl_weight)
        self.generator_gradient = check.one_of(
            "generator_gradient", generator_gradient, gradients.GENERATOR
        )
        self.prior_gradient = check.one_of(
            "prior_gradient", prior_gradient, integral.PRIOR
        )
        self.persistent = check.boolean("persistent", persistent)
        combinations.check(self)
        self.energy_net = parts.energy_net(self)
        self.decoder = parts.decoder(self)
        self.evidence = evidence.Evidence(self.posterior_step_size)
        self.persistent_codes = parts.persistent_codes(self)
        if persistent:
            self.columns = ("x", "index")
            self.max_replicas = 1
        self.trackers = report.trackers(self._variables())
        self.codes = parts.codes(self)
        self.integral = parts.integral(self)
        self.built = True

    @property
    def density(self) -> Density:
        """Both networks as functions, on the generator's scale of [-1, 1]."""
        return self.codes.density

    def _variables(self) -> dict[str, list]:
        return {player: self.variables_of(player) for player in self.players}

    @property
    def metrics(self) -> list:
        """The trackers alone: Keras's loss would always be 0."""
        return list(self.trackers.values())

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The reconstruction of images, as `reconstruct`."""
        del training
        return self.reconstruct(x)

    def train_step(self, data: Any) -> dict:
        """Runs the chains of prior and posterior; updates both networks.

        Raises:
            errors.InputError: persistent chains, and images without places.
        """
        images, index, _ = keras.utils.unpack_x_y_sample_weight(data)
        x, bank = self._centred(images), self.persistent_codes
        start = None if bank is None else bank.read(index)
        with seeds.xla(bool(self.jit_compile)):
            seed, variables = self.next_seed(), self._variables()
            found = (
                step.by_likelihood(self.codes, x, seed, variables, start)
                if self.estimator == "mle"
                else step.by_integral(
                    self.codes, self.integral, x, seed, variables
                )
            )
        if bank is not None:
            bank.write(index, found.codes)
        for player, ones in found.gradients.items():
            self.apply(player, ones)
        report.update(self.trackers, found, self.sigma, self._size)
        return self.get_metrics_result()

    def test_step(self, data: Any) -> dict:
        """The error at codes of the images, as loss and mse."""
        images, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        with seeds.xla(bool(self.jit_compile)):
            codes = self.encode(images)
        error = -self.density.log_likelihood(self._centred(images), codes)
        report.errors(self.trackers, error, error, self.sigma, self._size)
        return {name: self.trackers[name].result() for name in ("loss", "mse")}

    @property
    def _size(self) -> int:
        """Numbers of an image."""
        return math.prod(self.data.shape)

    def _centred(self, images: Any) -> tf.Tensor:
        """Images on the generator's scale of [-1, 1]."""
        return 2.0 * self.data.as_tensor(images) - 1.0

    @rowwise("z", x=DATA, seed=SEEDS)
    def encode(self, x: Any, seed: Any = None) -> tf.Tensor:
        """Draws a code from p(z | x) for each image, by the posterior's chain.

        Args:
            x: [B, *data.shape].
            seed: int32[B, 2]; None: the same noise for every image.

        Returns:
            [B, latent]; row i depends on x[i] and seed[i] alone.
        """
        if seed is None:
            # Outside the graph: the same seed whatever compiles the caller.
            with tf.init_scope():
                one = seeds.fold_in(seeds.seed(self.seed), _ENCODING)
            seed = tf.broadcast_to(one, [tf.shape(x)[0], 2])
        return self.codes.posterior(self._centred(x), seed)

    @rowwise("x", z=CODES)
    def decode(self, z: Any) -> tf.Tensor:
        """Maps codes [B, latent] to images [B, *data.shape] in [0, 1]."""
        return 0.5 + 0.5 * self.density.generator(z)

    @rowwise("samples", seed=SEEDS, temperature=NOT_NEGATIVE)
    def generate_rows(self, seed: Any, *, temperature: Any = 1.0) -> tf.Tensor:
        """Decodes a code from the prior's chain per row.

        Args:
            seed: int32[B, 2].
            temperature: of the chain and of the Gaussian it starts from,
                scalar or [B]; 1 is the prior.

        Returns:
            [B, *data.shape] in [0, 1].
        """
        warm = tf.broadcast_to(
            tf.cast(temperature, tf.float32), tf.shape(seed)[:1]
        )
        number = chains.number_of(seed)
        return self.decode(self.codes.prior(seed, number, warm))

    @rowwise("energy", x=DATA)
    def energy(self, x: Any) -> tf.Tensor:
        """Energy of the prior at a code of each image: [B], in nats.

        High where the prior finds the image unlikely: a score of images from
        elsewhere. Its zero is arbitrary.

        Args:
            x: [B, *data.shape].
        """
        return self.density.prior_energy(self.encode(x))

    def prepare(self, rows: Any, *, seed: int = 0) -> None:
        """Tunes the moves of `log_evidence`; the prior itself is trained.

        Args:
            rows: training images [N, *data.shape], in [0, 1] or uint8.
            seed: seed for choosing the images, and of the chains.
        """
        x = self._centred(self.choose(rows, _TUNING, seed))
        row = seeds.rows(arguments.not_negative_int("seed", seed), 1)
        self.evidence.tune(self.codes, x, row[0])

    @rowwise("log_evidence", "standard_error", chunk=_CHUNK, x=DATA, seed=SEEDS)
    def log_evidence_rows(
        self, x: Any, seed: Any, options: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """As `log_evidence`, [B] each, with a seed for each row.

        Args:
            x: [B, *data.shape].
            seed: int32[B, 2].
            options: evidence.Options; None: what is served.

        Raises:
            errors.InputError: `prepare` was not called.
        """
        self.evidence.require_tuned()
        value, error = self.evidence.estimate(
            self.codes,
            self._centred(x),
            seed,
            options or self._options(),
        )
        # A density on [0, 1], where the generator's is on [-1, 1].
        return value + self._size * math.log(2.0), error

    def log_evidence(
        self,
        images: Any,
        *,
        seed: int = 0,
        ladder: Any = None,
        rule: str = "corrected",
        num_steps: int = 50,
        num_chains: int = 8,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Log p(x) by thermodynamic integration, after `prepare`.

        Args:
            images: [N, *data.shape], in [0, 1] or uint8.
            seed: whole number; image i depends on (seed, i) alone.
            ladder: as the constructor's; None: 10 nodes of the power law with
                p = 3, whatever ladder the model learnt along.
            rule: "corrected", or "trapezoid" for ladders with a long first
                step (the power law with p < 2), where the correction is off.
            num_steps: moves at each temperature.
            num_chains: of each image; at least 2.

        Returns:
            the log-density [N] of x in [0, 1], in nats, and the standard error
            [N] of the chains; what the ladder leaves out is not in it.

        Raises:
            errors.InputError: an argument is out of range, or `prepare` was
                not called.
        """
        x = self.data.as_rows(images)
        self.evidence.require_tuned()
        rows = seeds.rows(arguments.not_negative_int("seed", seed), len(x))
        options = self._options(
            ladder=ladder,
            rule=rule,
            num_steps=num_steps,
            num_chains=num_chains,
        )
        return self.log_evidence_rows(x, rows, options)

    def measured_ladder(
        self,
        images: Any,
        name: str = "equalised",
        *,
        num: int = 10,
        seed: int = 0,
    ) -> np.ndarray:
        """Temperatures where this model wants them, after `prepare`.

            ladder = model.measured_ladder(images)
            model.log_evidence(images, ladder=ladder)

        and `zoo.build(..., estimator="ti", ladder=ladder)` to learn along it.

        Args:
            images: to measure on, [N, *data.shape], in [0, 1] or uint8; 64 of
                them where there are more.
            name: "equalised" for equal divergences KL(p|q) + KL(q|p) between
                neighbours, or "fixed_variance" for temperatures that add the
                same to the variance of log p(x); see samplers.ladders.
            num: N_t, how many.
            seed: seed for choosing the images, and of the chains.

        Returns:
            float64 [N_t], from 0 to 1.

        Raises:
            errors.InputError: an argument is out of range, or `prepare` was
                not called.
        """
        arguments.one_of("name", name, ladders.MEASURED)
        self.evidence.require_tuned()
        x = self._centred(self.choose(images, _TUNING, seed))
        return self.evidence.measured_ladder(
            self.codes,
            x,
            seeds.rows(arguments.not_negative_int("seed", seed), len(x)),
            self._options(num_steps=50),
            name,
            num,
        )

    def _options(self, **changes: Any) -> evidence.Options:
        return evidence.options(self.batched, self.exchange_every, **changes)
