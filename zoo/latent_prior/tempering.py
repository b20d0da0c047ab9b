"""Codes at every inverse temperature between the prior and the posterior."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import errors
from samplers import ladders, power_posteriors, step_sizes, tempering
from zoo.latent_prior.chains import Chain
from zoo.latent_prior.density import LatentModel

DEFAULT = {"name": "power_law", "num": 10, "p": 3.0}


def ladder_of(settings: Any) -> np.ndarray:
    """The ladder of {"name": ..., "num": N_t, option: value, ...} or of nodes.

    Options of other ladders, and those that are None, may stand beside, so
    that one config holds all that a search tries; DEFAULT is what it leaves
    out. {"nodes": [0, ..., 1]} are the nodes, whatever stands beside.

    Args:
      settings: a dict for samplers.ladders.make, or the nodes themselves.

    Raises:
      InputError: no ladder, an unknown name or option, or a value outside its
        range.
    """
    if not isinstance(settings, Mapping):
        return ladders.check(settings)
    given = {**DEFAULT, **{k: v for k, v in settings.items() if v is not None}}
    if "nodes" in given:
        return ladders.check(given["nodes"])
    name, num = given.pop("name"), given.pop("num")
    options = {key: _options(key) for key in ladders.NAMED}
    known = sorted(set().union(*options.values()))
    for key in given:
        if key not in known:
            raise errors.InputError(
                f"ladder.{key} is unknown: known: name, num, nodes, "
                f"{', '.join(known)}"
            )
    wanted = options.get(name, given)
    return ladders.make(
        name, num, **{k: given[k] for k in given if k in wanted}
    )


def _options(name: str) -> set[str]:
    return {*inspect.signature(ladders.NAMED[name]).parameters} - {"num"}


class Tempering(NamedTuple):
    """Chains on the power posteriors p(z) p(x | z)^t, of all temperatures.

    Attributes:
      ladder: [N_t], see samplers.ladders.
      chain: of each temperature; its step_size is that at t = 0.
      stiffness: k of the step sizes h / (1 + t k).
      draws: how many of the last codes of each temperature are kept.
      batched: whether all temperatures run at once, from the same start, or
        each starts where the one below ended.
      exchange_every: with `batched`, moves between exchanges of neighbouring
        temperatures; 0: none.
    """

    ladder: Any
    chain: Chain
    stiffness: Any
    draws: int
    batched: bool = False
    exchange_every: int = 0

    def run(
        self,
        model: LatentModel,
        x: tf.Tensor,
        start: tf.Tensor,
        seed: Any,
        differentiable: bool = False,
        ending: Callable[[Any, tf.Tensor], tempering.Ending] | None = None,
    ) -> tempering.Tempered:
        """Runs the chains.

        Args:
          model: whose codes move.
          x: [B, ...].
          start: codes [B, latent], best from the prior.
          seed: int32[2], or int32[B, 2].
          differentiable: keep the gradient through the chains.
          ending: of the last codes of each temperature, see
            samplers.tempering.temper.
        """

        def log_likelihood(codes: tf.Tensor) -> tf.Tensor:
            return model.log_likelihood(tempering.rows(x, codes), codes)

        def kernel_at(t: tf.Tensor, index: tf.Tensor, below: Any = None) -> Any:
            del index
            step = step_sizes.at(t, self.chain.step_size, self.stiffness)

            def kernel(likelihood: Any) -> Any:
                energy = power_posteriors.energy(
                    model.prior_energy, likelihood, t
                )
                return self.chain.kernel(energy, step)

            moves = kernel(log_likelihood)
            if below is None:
                return moves
            there = power_posteriors.evaluated(*below[:2])
            return moves._replace(init=kernel(there).init)

        return tempering.temper(
            kernel_at,
            self.ladder,
            start,
            seed=seed,
            num_steps=self.chain.steps,
            keep=self.draws,
            log_likelihood_fn=log_likelihood,
            ending=ending,
            batched=self.batched,
            exchange_every=self.exchange_every,
            differentiable=differentiable,
        )
