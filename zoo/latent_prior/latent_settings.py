"""The settings of a latent-space energy-based prior, checked."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import errors
import layers
import losses
from samplers import ladders, seeds
from zoo import arguments, latent_chains, latent_gradients
from zoo.latent_prior.chains import Chain
from zoo.latent_prior.evidence import RULES, SERVED_STEPS
from zoo.latent_prior.integral import PRIOR, Integral
from zoo.latent_prior.tempering import DEFAULT, Tempering, ladder_of

_CHOICES = {
    "body": ("conv", "dense"),
    "dynamics": latent_chains.DYNAMICS,
    "estimator": ("mle", "ti"),
    "rule": RULES,
    "generator_gradient": latent_gradients.GENERATOR,
    "prior_gradient": PRIOR,
}
_WHOLE = ("latent_dim", "filters", "prior_steps", "posterior_steps", "draws")
_POSITIVE = ("sigma", "prior_sigma", "prior_step_size", "posterior_step_size")
_NOT_NEGATIVE = ("energy_slope", "stiffness", "kl_weight")
# Salt of the generator's weights: the layers of E count from 0 too.
_GENERATOR = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What the model of that name takes, besides image_shape and seed.

    Attributes:
        latent_dim: size of a code.
        body: of the generator, "conv" (layers.latent_generator) or "dense".
        filters: of the convolutional generator.
        hidden_units: sizes of the dense generator, as seen from the image.
        energy_units: hidden sizes of E.
        energy_slope: of E's leaky ReLUs below zero.
        sigma: standard deviation of a pixel given its code, on the scale of
            [-1, 1]; 0.3 is both papers'.
        prior_sigma: standard deviation of the Gaussian that E tilts.
        dynamics: of the codes, "langevin" (the papers'), "mala", "baoab" or
            "nose_hoover".
        prior_steps: of a chain on the prior.
        prior_step_size: h of z <- z - h grad U + sqrt(2 h) xi; the inertial
            dynamics take sqrt(2 h) as their time step.
        posterior_steps: of a chain on the posterior, and at each temperature.
        posterior_step_size: its h.
        estimator: "mle", or "ti" for the thermodynamic integral.
        ladder: of inverse temperatures: a dict of "name", "num" (N_t nodes)
            and the options of samplers.ladders.make, or the nodes themselves
            (in a dict: "nodes"), as from `measured_ladder`. None: 10 of the
            power law with p = 3. Of estimator="ti".
        batched: whether the chains of all temperatures run at once, all from
            codes of the prior, or one after the other from where the last
            one ended: more accurate in equal steps, and no slower on a CPU.
            Of estimator="ti" and of log_evidence; takes N_t times the memory.
        exchange_every: moves between exchanges of the codes of neighbouring
            temperatures (Calderhead 2009), with batched=True; 0: none. With
            estimator="ti" they need exact moves, dynamics="mala";
            log_evidence always makes them.
        stiffness: k of step sizes posterior_step_size / (1 + t k); 0 is the
            thesis's.
        draws: codes of a temperature, the last ones of its chain, whose
            log-likelihoods the integral averages. Those of short steps are
            alike, so that the variances of rule="corrected" come out small
            and it is nearer to the trapezoid; log_evidence has chains of its
            own.
        rule: of the integral, "corrected" (Friel 2014; needs 2 draws) or
            "trapezoid".
        kl_weight: eta, of the KL correction, beside rule="trapezoid"; it
            moves the loss, and the prior with prior_gradient="chain".
        generator_gradient: what the generator learns from with "ti":
            "posterior" (codes at t = 1: exact), "trapezoid" (all, the
            thesis's: not the gradient of log p(x)) or "covariance" (all:
            noisy); see zoo.latent_gradients.
        prior_gradient: "samples" (exact), or with "ti" also "chain", the
            derivative of the integral through the chains, the thesis's.
        persistent: whether the posterior's chain of a training image starts
            where it ended when the image was last seen (Pang 2020), instead
            of at a draw from N(0, prior_sigma^2). `fit` then needs the number
            of each image, as y. Only training has it: `encode` and all that
            builds on it start afresh.
        num_images: with persistent=True, of the training images; train.py
            fills it in.
    """

    latent_dim: int
    body: str
    filters: int
    hidden_units: Sequence[int]
    energy_units: Sequence[int]
    energy_slope: float
    sigma: float
    prior_sigma: float
    dynamics: str
    prior_steps: int
    prior_step_size: float
    posterior_steps: int
    posterior_step_size: float
    estimator: str
    ladder: Any
    batched: bool
    exchange_every: int
    stiffness: float
    draws: int
    rule: str
    kl_weight: float
    generator_gradient: str
    prior_gradient: str
    persistent: bool
    num_images: int | None

    def __post_init__(self):
        """Raises errors.InputError where a value is out of range."""
        for key, choices in _CHOICES.items():
            arguments.one_of(key, getattr(self, key), choices)
        for keys, check in (
            (_WHOLE, arguments.positive_int),
            (_POSITIVE, arguments.positive),
            (_NOT_NEGATIVE, arguments.not_negative),
            (("hidden_units", "energy_units"), arguments.units),
        ):
            for key in keys:
                value = check(key, getattr(self, key))
                object.__setattr__(self, key, value)
        if self.ladder is None:
            object.__setattr__(self, "ladder", dict(DEFAULT))
        elif not isinstance(self.ladder, Mapping):
            nodes = ladders.check(self.ladder).tolist()
            object.__setattr__(self, "ladder", nodes)
        self._check_persistent()
        self._check_batch()
        self._check_integral()

    def _check_persistent(self) -> None:
        if not arguments.boolean("persistent", self.persistent):
            if self.num_images is not None:
                raise errors.InputError(
                    f"num_images={self.num_images!r} is for persistent=True: "
                    "leave it out"
                )
            return
        if self.num_images is None:
            raise errors.InputError(
                "persistent=True needs num_images, one place for the chain of "
                "each training image: set it to their number"
            )
        arguments.positive_int("num_images", self.num_images)
        if self.estimator == "ti":
            raise errors.InputError(
                "persistent=True with estimator='ti': its chains start at "
                "codes of the prior, at t = 0; take estimator='mle', or "
                "persistent=False"
            )

    def _check_batch(self) -> None:
        arguments.boolean("batched", self.batched)
        every = arguments.not_negative_int(
            "exchange_every", self.exchange_every
        )
        if every and not self.batched:
            raise errors.InputError(
                f"exchange_every={every} needs all temperatures at once: take "
                "batched=True, or exchange_every=0"
            )
        if every > SERVED_STEPS:
            raise errors.InputError(
                f"exchange_every={every} is more than the {SERVED_STEPS} moves "
                "of a served log_evidence: no exchange would come"
            )
        if not self.batched or self.estimator == "mle":
            return
        if self.dynamics == "nose_hoover":
            raise errors.InputError(
                "batched=True with dynamics='nose_hoover', which takes one "
                "time step for all temperatures: take other dynamics, or "
                "batched=False"
            )
        if not every:
            return
        if self.dynamics != "mala":
            raise errors.InputError(
                f"exchange_every={every} with dynamics={self.dynamics!r}: "
                "exchanges are exact beside exact moves only; take "
                "dynamics='mala', or exchange_every=0"
            )
        if every > self.posterior_steps:
            raise errors.InputError(
                f"exchange_every={every} is more than posterior_steps="
                f"{self.posterior_steps}: no exchange would come"
            )

    def _check_integral(self) -> None:
        for key, plain in (
            ("prior_gradient", "samples"),
            ("generator_gradient", "posterior"),
        ):
            if self.estimator == "mle" and getattr(self, key) != plain:
                raise errors.InputError(
                    f"{key}={getattr(self, key)!r} needs all temperatures: "
                    f"take estimator='ti', or {key}={plain!r}"
                )
        nodes = ladder_of(self.ladder)
        if self.estimator == "mle":
            return
        if self.prior_gradient == "chain" and self.dynamics == "mala":
            raise errors.InputError(
                "prior_gradient='chain' with dynamics='mala', whose tests of "
                "acceptance have no derivative: take dynamics='langevin', or "
                "prior_gradient='samples'"
            )
        if self.draws > self.posterior_steps:
            raise errors.InputError(
                f"draws={self.draws} is more than posterior_steps="
                f"{self.posterior_steps}: keep at most every step"
            )
        if self.draws < 2 and self.generator_gradient == "covariance":
            raise errors.InputError(
                f"generator_gradient='covariance' with draws={self.draws} has "
                "no covariance: take draws=2 or more"
            )
        # The loss knows what else excludes what.
        losses.thermodynamic_integral(
            nodes,
            tf.zeros([len(nodes), self.draws, 2]),
            tf.zeros([len(nodes), self.draws, 2, 1]),
            rule=self.rule,
            kl_weight=self.kl_weight,
            pooled=True,
        )

    @property
    def prior_chain(self) -> Chain:
        """Of codes on the prior."""
        return Chain(self.dynamics, self.prior_steps, self.prior_step_size)

    @property
    def posterior_chain(self) -> Chain:
        """Of codes on the posterior, and at each temperature."""
        return Chain(
            self.dynamics, self.posterior_steps, self.posterior_step_size
        )

    @property
    def integral(self) -> Integral:
        """How the thermodynamic integral is taken."""
        chains = Tempering(
            ladder_of(self.ladder),
            self.posterior_chain,
            self.stiffness,
            self.draws,
            self.batched,
            self.exchange_every,
        )
        return Integral(chains, self.rule, self.kl_weight)

    def networks(
        self, image_shape: tuple, seed: int
    ) -> tuple[keras.Sequential, keras.Sequential]:
        """E and the generator, whose last layer is linear."""
        tilt = layers.latent_energy(
            self.latent_dim, self.energy_units, self.energy_slope, seed
        )
        own = seeds.fold_in(seeds.seed(seed), _GENERATOR)
        seed = int(own[0]) & 0x7FFFFFFF
        if self.body == "conv":
            return tilt, layers.latent_generator(
                image_shape, self.latent_dim, self.filters, seed=seed
            )
        return tilt, layers.decoder(
            "dense", image_shape, self.latent_dim, self.hidden_units, seed
        )

    def persistent_codes(self, seed: int) -> layers.PersistentCodes | None:
        """Where the chains of the training images go on from; None: nowhere."""
        if self.num_images is None:
            return None
        return layers.PersistentCodes(
            self.num_images, self.latent_dim, self.prior_sigma, seed
        )

    def config(self) -> dict[str, Any]:
        """The settings as Keras keeps them."""
        own = dataclasses.asdict(self)
        return {
            k: list(v) if isinstance(v, tuple) else v for k, v in own.items()
        }


SETTINGS = tuple(field.name for field in dataclasses.fields(Settings))
