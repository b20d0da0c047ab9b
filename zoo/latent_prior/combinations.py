"""Which arguments of the latent-space energy-based prior exclude each other."""

from typing import Any

import tensorflow as tf

import errors
import losses
from zoo.latent_prior.evidence import SERVED_STEPS
from zoo.latent_prior.tempering import nodes_of


def check(model: Any) -> None:
    """Refuses what does not fit together.

    Args:
        model: a LatentEnergyPrior, whose arguments are its attributes.

    Raises:
        errors.InputError: two arguments exclude each other.
    """
    if model.persistent:
        _check_persistent(model)
    if model.exchange_every:
        _check_exchanges(model)
    nodes = nodes_of(model.ladder)
    if model.estimator == "mle":
        _check_likelihood(model)
    else:
        _check_integral(model, nodes)


def _check_persistent(model: Any) -> None:
    if model.estimator == "ti":
        raise errors.InputError(
            "persistent=True with estimator='ti': its chains start at codes "
            "of the prior, at t = 0; take estimator='mle', or persistent=False"
        )
    if not model.data.num_examples:
        raise errors.InputError(
            "persistent=True with num_examples=0 in data: each training image "
            "needs a place for its chain; give data with num_examples=N"
        )


def _check_exchanges(model: Any) -> None:
    every = model.exchange_every
    if not model.batched:
        raise errors.InputError(
            f"exchange_every={every} needs all temperatures at once: take "
            "batched=True, or exchange_every=0"
        )
    if every > SERVED_STEPS:
        raise errors.InputError(
            f"exchange_every={every} is more than the {SERVED_STEPS} moves "
            "of a served log_evidence: no exchange would come"
        )
    if model.estimator == "mle":
        return
    if model.dynamics != "mala":
        raise errors.InputError(
            f"exchange_every={every} with dynamics={model.dynamics!r}: "
            "exchanges are exact beside exact moves only; take "
            "dynamics='mala', or exchange_every=0"
        )
    if every > model.posterior_steps:
        raise errors.InputError(
            f"exchange_every={every} is more than posterior_steps="
            f"{model.posterior_steps}: no exchange would come"
        )


def _check_likelihood(model: Any) -> None:
    for key, plain in (
        ("prior_gradient", "samples"),
        ("generator_gradient", "posterior"),
    ):
        if getattr(model, key) != plain:
            raise errors.InputError(
                f"{key}={getattr(model, key)!r} needs all temperatures: "
                f"take estimator='ti', or {key}={plain!r}"
            )


def _check_integral(model: Any, nodes: Any) -> None:
    if model.batched and model.dynamics == "nose_hoover":
        raise errors.InputError(
            "batched=True with dynamics='nose_hoover', which takes one time "
            "step for all temperatures: take other dynamics, or batched=False"
        )
    if model.prior_gradient == "chain" and model.dynamics == "mala":
        raise errors.InputError(
            "prior_gradient='chain' with dynamics='mala', whose tests of "
            "acceptance have no derivative: take dynamics='langevin', or "
            "prior_gradient='samples'"
        )
    if model.draws > model.posterior_steps:
        raise errors.InputError(
            f"draws={model.draws} is more than posterior_steps="
            f"{model.posterior_steps}: keep at most every step"
        )
    if model.draws < 2 and model.generator_gradient == "covariance":
        raise errors.InputError(
            f"generator_gradient='covariance' with draws={model.draws} has "
            "no covariance: take draws=2 or more"
        )
    # The loss knows what else excludes what.
    losses.thermodynamic_integral(
        nodes,
        tf.zeros([len(nodes), model.draws, 2]),
        tf.zeros([len(nodes), model.draws, 2, 1]),
        rule=model.rule,
        kl_weight=model.kl_weight,
        pooled=True,
    )
