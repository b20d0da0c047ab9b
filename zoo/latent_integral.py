"""The thermodynamic integral of a batch, and the codes that it leaves."""

from typing import Any, NamedTuple

import tensorflow as tf

import losses
from zoo.latent_model import LatentModel
from zoo.latent_tempering import Tempering

PRIOR = ("samples", "chain")


class Integrated(NamedTuple):
    """What the chains at all temperatures gave.

    Attributes:
      log_evidence: [B], log p(x) in nats, without the constant of
        log p(x | z).
      samples: [N_t, draws, B, latent], constants to a tape.
      log_likelihood: [N_t, draws, B] of them, likewise without the constant.
      prior_gradients: of the mean of -log_evidence through the chains, like
        the variables of E; None for prior="samples".
    """

    log_evidence: Any
    samples: Any
    log_likelihood: Any
    prior_gradients: Any


class Integral(NamedTuple):
    """How the integral is taken.

    Attributes:
      tempering: the chains.
      rule: "corrected" or "trapezoid", see losses.thermodynamic_integral.
      kl_weight: eta, of the KL correction beside the trapezoid. Its Gaussians
        are fitted to the codes of a whole batch (the thesis's).
      prior: "samples", or "chain" to differentiate through the chains.
    """

    tempering: Tempering
    rule: str
    kl_weight: float
    prior: str

    def take(
        self,
        model: LatentModel,
        x: tf.Tensor,
        start: tf.Tensor,
        seed: Any,
        variables: Any,
    ) -> Integrated:
        """Runs the chains from codes of the prior.

        Args:
          model: whose codes move.
          x: [B, ...].
          start: [B, latent], from the prior.
          seed: int32[2].
          variables: of E, for prior="chain".
        """
        through = self.prior == "chain"
        with tf.GradientTape() as tape:
            tempered = self.tempering.run(model, x, start, seed, through)
            evidence = losses.thermodynamic_integral(
                self.tempering.ladder,
                tempered.log_likelihood,
                tempered.samples if self.kl_weight else None,
                rule=self.rule,
                kl_weight=self.kl_weight,
                pooled=True,
            ).log_evidence
            loss = -tf.reduce_mean(evidence)
        return Integrated(
            evidence,
            tf.stop_gradient(tempered.samples),
            tf.stop_gradient(tempered.log_likelihood),
            tape.gradient(loss, variables) if through else None,
        )
