"""One step of learning: the chains, and the gradients of both networks."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from samplers import seeds
from zoo.latent_prior import chains, gradients
from zoo.latent_prior.chains import Codes
from zoo.latent_prior.integral import Integral


class Step(NamedTuple):
    """Gradients of -log p(x), averaged over the batch, and what to report.

    Attributes:
        gradients: of "prior", E's variables, and of "generator", g's.
        loss: [], -log p(x | z) at the posterior's codes (maximum likelihood),
            or [B], -log p(x) (the integral), without the constant of
            log p(x | z).
        error: [] or [B], -log p(x | z) at the posterior's codes.
        gap: [], the mean of E over codes of the posterior less the prior's.
        codes: [B, latent], the posterior's, constants to a tape.
    """

    gradients: Mapping[str, list]
    loss: Any
    error: Any
    gap: Any
    codes: Any


def by_likelihood(
    codes: Codes,
    x: tf.Tensor,
    seed: Any,
    variables: Mapping[str, list],
    start: Any = None,
) -> Step:
    """Learns from codes of the prior and of the posteriors of x.

    Args:
        codes: how they are drawn, from E and g, which depend on the variables.
        x: [B, ...], on the scale of g.
        seed: int32[2].
        variables: of "prior" and of "generator".
        start: codes [B, latent] where the posterior's chains start; None:
            draws from N(0, s0^2).
    """
    number = chains.number_of(x)
    prior_seed, seed = seeds.split(seed, 2)
    prior = codes.prior(prior_seed, number)
    posterior = codes.posterior(x, seed, start)
    of_generator, error = gradients.of_generator(
        codes.density,
        x,
        posterior,
        tf.ones([number]),
        variables["generator"],
    )
    of_prior, gap = gradients.of_prior(
        codes.density, posterior, prior, variables["prior"]
    )
    both = {"prior": of_prior, "generator": of_generator}
    return Step(both, error, error, gap, posterior)


def by_integral(
    codes: Codes,
    integral: Integral,
    x: tf.Tensor,
    seed: Any,
    variables: Mapping[str, list],
) -> Step:
    """Learns from codes of all temperatures, from the prior's upwards.

    Args:
        codes: how those of the prior are drawn; E and g depend on the
            variables.
        integral: how codes of all temperatures move, and what is learnt.
        x: [B, ...], on the scale of g.
        seed: int32[2].
        variables: of "prior" and of "generator".
    """
    density, tempering = codes.density, integral.tempering
    prior_seed, seed = seeds.split(seed, 2)
    prior = codes.prior(prior_seed, chains.number_of(x))
    of_prior = ending = None
    if integral.prior_gradient == "chain":
        of_prior, found = integral.through_chains(
            density, x, prior, seed, variables["prior"]
        )
    else:
        if integral.at_endings:
            ending = gradients.at_endings(
                density, x, tempering.ladder, variables["generator"]
            )
        found = tempering.run(density, x, prior, seed, ending=ending)
    of_generator = found.total
    if ending is None:
        drawn, weights = gradients.weighted_codes(
            integral.generator_gradient,
            tempering.ladder,
            found.samples,
            found.log_likelihood,
            integral.rule,
        )
        of_generator = gradients.of_generator_by_all(
            density, x, drawn, weights, variables["generator"]
        )
    posterior = found.samples[-1, -1]
    of_samples, gap = gradients.of_prior(
        density, posterior, prior, variables["prior"]
    )
    return Step(
        {"prior": of_prior or of_samples, "generator": of_generator},
        -integral.log_evidence(found.samples, found.log_likelihood),
        -found.log_likelihood[-1, -1],
        gap,
        posterior,
    )
