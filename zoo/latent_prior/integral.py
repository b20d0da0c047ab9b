"""The thermodynamic integral of a batch, and the codes that it leaves."""

from typing import Any, NamedTuple

import tensorflow as tf

import losses
from samplers.tempering import Tempered
from zoo.latent_prior.density import Density
from zoo.latent_prior.gradients import dense
from zoo.latent_prior.tempering import Tempering

PRIOR = ("samples", "chain")


class Integral(NamedTuple):
    """How the integral is taken, and what is learnt from it.

    Attributes:
        tempering: the chains.
        rule: "corrected" or "trapezoid", see losses.thermodynamic_integral.
        kl_weight: eta, of the KL correction beside the trapezoid. Its
            Gaussians are fitted to the codes of a whole batch (the thesis's).
        generator_gradient: one of zoo.latent_prior.gradients.GENERATOR.
        prior_gradient: one of PRIOR.
    """

    tempering: Tempering
    rule: str
    kl_weight: float = 0.0
    generator_gradient: str = "posterior"
    prior_gradient: str = "samples"

    @property
    def at_endings(self) -> bool:
        """Whether the generator can learn while the chains run."""
        through = self.prior_gradient == "chain" or self.tempering.batched
        return self.generator_gradient == "trapezoid" and not through

    def log_evidence(
        self, samples: tf.Tensor, log_likelihood: tf.Tensor
    ) -> tf.Tensor:
        """Log p(x) in nats, without the constant of log p(x | z): [B].

        Args:
            samples: [N_t, draws, B, latent].
            log_likelihood: [N_t, draws, B] of them, likewise without it.
        """
        return losses.thermodynamic_integral(
            self.tempering.ladder,
            log_likelihood,
            samples if self.kl_weight else None,
            rule=self.rule,
            kl_weight=self.kl_weight,
            pooled=True,
        ).log_evidence

    def through_chains(
        self,
        density: Density,
        x: tf.Tensor,
        start: tf.Tensor,
        seed: Any,
        variables: Any,
    ) -> tuple[list, Tempered]:
        """The gradient of the mean of -log p(x), through the chains.

        Args:
            density: whose codes move.
            x: [B, ...].
            start: [B, latent], from the prior.
            seed: int32[2].
            variables: of E.

        Returns:
            gradients like `variables`, and what the chains gave, as constants
            to a tape.
        """
        with tf.GradientTape() as tape:
            found = self.tempering.run(
                density, x, start, seed, differentiable=True
            )
            evidence = self.log_evidence(found.samples, found.log_likelihood)
            loss = -tf.reduce_mean(evidence)
        constants = tf.nest.map_structure(tf.stop_gradient, found)
        return dense(tape, loss, variables), constants
