"""What a latent-space energy-based prior says of given images."""

import abc
import functools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from samplers import seeds
from zoo import arguments, latent_evidence, latent_ladders
from zoo.base import LatentGenerator
from zoo.compiled import Compiled
from zoo.latent_prior.density import LatentModel
from zoo.latent_settings import Settings

# Images that moves and ladders are measured on, and that log_evidence takes at
# a time.
_TUNING, _CHUNK = 64, 32


class Scored(LatentGenerator):
    """Adds `energy` and `log_evidence` to a model that draws codes of images.

    Attributes:
        settings: of the model.
        pieces: its networks as functions.
        evidence: the moves of log_evidence, which `fit_prior` tunes.
    """

    settings: Settings
    pieces: LatentModel
    evidence: latent_evidence.Evidence
    _compiled: Compiled

    @abc.abstractmethod
    def encode(self, images: tf.Tensor, row_seeds: Any = None) -> tf.Tensor:
        """Draws a code [B, latent] from p(z | x) for each image."""

    def _centred(self, images: Any) -> tf.Tensor:
        return 2.0 * self.as_input(images) - 1.0

    def energy(self, images: tf.Tensor) -> tf.Tensor:
        """Energy of the prior at a code of each image: [B], in nats.

        High where the prior finds the image unlikely: a score of images from
        elsewhere. Its zero is arbitrary.
        """
        return self.pieces.prior_energy(self.encode(images))

    def fit_prior(self, images, *, seed: int = 0) -> None:
        """Tunes the moves of `log_evidence`; the prior itself is trained.

        Args:
            images: training images [N, H, W, C], float in [0, 1] or uint8.
            seed: of the choice of images and of the chains.
        """
        chosen = self.choose(images, _TUNING, seed)
        row = seeds.rows(arguments.not_negative_int("seed", seed), 1)
        self.evidence.step_sizes.assign(
            self._compiled(self._tuned, chosen, row)
        )

    def _tuned(self, images: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        chain = self.settings.prior_chain
        x = self._centred(images)
        return self.evidence.tuned(self.pieces, chain, x, row[0])

    def log_evidence(
        self,
        images,
        *,
        seed=0,
        ladder=None,
        rule="corrected",
        num_steps=50,
        num_chains=8,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Log p(x) by thermodynamic integration, after `fit_prior`.

        Args:
            images: [N, H, W, C], float in [0, 1] or uint8.
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
            errors.InputError: an argument is out of range, or `fit_prior` was
                not called.
        """
        array = self.as_images(images)
        self.evidence.check()
        rows = seeds.rows(arguments.not_negative_int("seed", seed), len(array))
        options = latent_evidence.options(
            self.settings,
            ladder,
            rule,
            num_steps=num_steps,
            num_chains=num_chains,
        )
        body = functools.partial(self.log_evidence_rows, options=options)
        key = ("log_evidence", options)
        return self._compiled.in_chunks(_CHUNK, body, array, rows, key=key)

    def measured_ladder(
        self, images, name="equalised", *, num=10, seed=0
    ) -> np.ndarray:
        """Temperatures where this model wants them, after `fit_prior`.

            ladder = model.measured_ladder(images)
            model.log_evidence(images, ladder=ladder)

        and `zoo.build(..., estimator="ti", ladder=ladder)` to learn along it.

        Args:
            images: to measure on, [N, H, W, C], float in [0, 1] or uint8; 64
                of more.
            name: "equalised" for equal divergences KL(p|q) + KL(q|p) between
                neighbours, or "fixed_variance" for temperatures that add the
                same to the variance of log p(x); see samplers.ladders.
            num: N_t, how many.
            seed: of the choice of images and of the chains.

        Returns:
            float64 [N_t], from 0 to 1.

        Raises:
            errors.InputError: an argument is out of range, or `fit_prior` was
                not called.
        """
        arguments.one_of("name", name, latent_ladders.MEASURED)
        self.evidence.check()
        chosen = self.choose(images, _TUNING, seed)
        rows = seeds.rows(arguments.not_negative_int("seed", seed), len(chosen))

        def log_likelihood_at(ladder: np.ndarray) -> tf.Tensor:
            return self._compiled(self._log_likelihoods, chosen, rows, ladder)

        return latent_ladders.placed(name, num, log_likelihood_at)

    def _log_likelihoods(
        self, images: tf.Tensor, row_seeds: tf.Tensor, ladder: tf.Tensor
    ) -> tf.Tensor:
        options = latent_evidence.options(self.settings, num_steps=50)
        return self.evidence.log_likelihoods(
            self.pieces,
            self.settings.prior_chain,
            self._centred(images),
            row_seeds,
            options._replace(ladder=ladder),
        )

    def log_evidence_rows(
        self, images: tf.Tensor, row_seeds: tf.Tensor, options: Any = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """As `log_evidence`, [B] each, with a seed int32[B, 2] for each row."""
        value, error = self.evidence.estimate(
            self.pieces,
            self.settings.prior_chain,
            self._centred(images),
            row_seeds,
            options or latent_evidence.options(self.settings),
        )
        # A density on [0, 1], where the generator's is on [-1, 1].
        return value + math.prod(self.image_shape) * math.log(2.0), error
