"""One step of learning: the chains, and the gradients of both networks."""

from typing import Any, NamedTuple

import tensorflow as tf

from samplers import seeds
from zoo import latent_chains, latent_gradients
from zoo.latent_prior.density import LatentModel
from zoo.latent_settings import Settings


class Step(NamedTuple):
    """Gradients of -log p(x), averaged over the batch, and what to report.

    Attributes:
      prior_gradients: of E's variables.
      generator_gradients: of g's.
      loss: [], -log p(x | z) at the posterior's codes ("mle"), or [B],
        -log p(x) ("ti"), without the constant of log p(x | z).
      error: [] or [B], -log p(x | z) at the posterior's codes.
      gap: [], the mean of E over codes of the posterior less the prior's.
      codes: [B, latent], the posterior's, constants to a tape.
    """

    prior_gradients: Any
    generator_gradients: Any
    loss: Any
    error: Any
    gap: Any
    codes: Any


def update(model: Any, x: tf.Tensor, numbers: Any = None) -> Step:
    """Takes a step of a LatentEnergyPrior: both networks, and its chains.

    Args:
      model: compiled.
      x: [B, ...], on the scale of g.
      numbers: [B], the places of the images in the data set, for persistent
        chains.

    Returns:
      what the step was.
    """
    prior = model.tilt.trainable_variables
    generator = model.decoder.trainable_variables
    bank = model.persistent_codes
    start = None if bank is None else bank.read(numbers)
    with seeds.xla(bool(model.jit_compile)):
        found = step(
            model.pieces,
            model.settings,
            x,
            model.next_seed(),
            prior,
            generator,
            start,
        )
    if bank is not None:
        bank.write(numbers, found.codes)
    _apply(model.prior_optimizer, found.prior_gradients, prior)
    _apply(model.optimizer, found.generator_gradients, generator)
    return found


def _apply(optimizer: Any, gradients: list, variables: list) -> None:
    # Keras sums the gradients of the replicas.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    scaled = [gradient / replicas for gradient in gradients]
    optimizer.apply_gradients(zip(scaled, variables, strict=True))


def step(
    model: LatentModel,
    settings: Settings,
    x: tf.Tensor,
    seed: Any,
    prior_variables: Any,
    generator_variables: Any,
    start: Any = None,
) -> Step:
    """Draws codes of the prior and of the posteriors of x; differentiates.

    Args:
      model: its E and g depend on the variables.
      settings: which chains, and what is learnt from them.
      x: [B, ...], on the scale of g.
      seed: int32[2].
      prior_variables: of E.
      generator_variables: of g.
      start: codes [B, latent] where the posterior's chains start, with
        estimator="mle"; None: draws from N(0, s0^2).
    """
    size = latent_chains.shape(x, settings.latent_dim)
    prior_seed, seed = seeds.split(seed, 2)
    prior = latent_chains.prior(model, settings.prior_chain, prior_seed, size)
    if settings.estimator == "ti":
        return _by_integral(
            model,
            settings,
            x,
            seed,
            prior,
            prior_variables,
            generator_variables,
        )
    posterior = latent_chains.posterior(
        model, settings.posterior_chain, x, seed, settings.latent_dim, start
    )
    codes, weights = posterior[tf.newaxis], tf.ones([1, size[0]])
    gradients, error = latent_gradients.of_generator(
        model, x, codes, weights, generator_variables
    )
    prior_gradients, gap = latent_gradients.of_prior(
        model, posterior, prior, prior_variables
    )
    return Step(prior_gradients, gradients, error, error, gap, posterior)


def _by_integral(
    model: LatentModel,
    settings: Settings,
    x: tf.Tensor,
    seed: Any,
    prior: tf.Tensor,
    prior_variables: Any,
    generator_variables: Any,
) -> Step:
    """A step with codes of all temperatures, from the prior's upwards."""
    integral, kind = settings.integral, settings.generator_gradient
    chains, through = integral.tempering, settings.prior_gradient == "chain"
    chain_gradients = ending = None
    if kind == "trapezoid" and not (through or chains.batched):
        ending = latent_gradients.at_endings(
            model, x, chains.ladder, generator_variables
        )
    if through:
        chain_gradients, found = integral.prior_gradients(
            model, x, prior, seed, prior_variables
        )
    else:
        found = chains.run(model, x, prior, seed, ending=ending)
    if ending:
        gradients = found.total
    else:
        codes, weights = latent_gradients.weighted_codes(
            kind,
            chains.ladder,
            found.samples,
            found.log_likelihood,
            integral.rule,
        )
        gradients, _ = latent_gradients.of_generator(
            model, x, codes, weights, generator_variables
        )
    posterior = found.samples[-1, -1]
    prior_gradients, gap = latent_gradients.of_prior(
        model, posterior, prior, prior_variables
    )
    return Step(
        chain_gradients or prior_gradients,
        gradients,
        -integral.log_evidence(found.samples, found.log_likelihood),
        -found.log_likelihood[-1, -1],
        gap,
        posterior,
    )
