"""Codes at every inverse temperature between the prior and the posterior."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from samplers import ladders, power_posteriors, step_sizes, tempering
from zoo import arguments
from zoo.latent_prior.chains import Chain
from zoo.latent_prior.density import Density


class Ladder(NamedTuple):
    """Which inverse temperatures, as options of a config.

    Options of other ladders may stand beside, so that one config holds all
    that a search tries.

    Attributes:
        name: see samplers.ladders.make.
        num: N_t, how many nodes.
        p: of "power_law".
        first: of "geometric".
        steepness: of "sigmoidal".
        nodes: the inverse temperatures themselves, 0 to 1, whatever stands
            beside; None: as the others say.
    """

    name: str = "power_law"
    num: int = 10
    p: float = 3.0
    first: float | None = None
    steepness: float | None = None
    nodes: tuple[float, ...] | None = None


DEFAULT = Ladder()


def options(ladder: Any) -> dict[str, Any]:
    """The options of a ladder as a dict with every key.

    Args:
        ladder: a Ladder, None, a dict with some of its fields, or the nodes
            themselves, [N_t].

    Raises:
        errors.InputError: no ladder, or an unknown option.
    """
    if not isinstance(ladder, Ladder | Mapping | None):
        ladder = Ladder(nodes=ladders.check(ladder).tolist())
    return arguments.group("ladder", Ladder, ladder)


def nodes_of(ladder: Any) -> np.ndarray:
    """The nodes of a ladder, as `options` takes it: float64 [N_t].

    Raises:
        errors.InputError: no ladder, an unknown name or option, or a value
            outside its range.
    """
    given = options(ladder)
    if given["nodes"] is not None:
        return ladders.check(given["nodes"])
    name, num = given["name"], given["num"]
    build = ladders.NAMED.get(name)
    taken = inspect.signature(build).parameters if build else ()
    return ladders.make(
        name,
        num,
        **{
            key: value
            for key, value in given.items()
            if key in taken and key != "num" and value is not None
        },
    )


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
        density: Density,
        x: tf.Tensor,
        start: tf.Tensor,
        seed: Any,
        differentiable: bool = False,
        ending: Callable[[Any, tf.Tensor], tempering.Ending] | None = None,
    ) -> tempering.Tempered:
        """Runs the chains.

        Args:
            density: whose codes move.
            x: [B, ...].
            start: codes [B, latent], best from the prior.
            seed: int32[2], or int32[B, 2].
            differentiable: keep the gradient through the chains.
            ending: of the last codes of each temperature, see
                samplers.tempering.temper.
        """

        def log_likelihood(codes: tf.Tensor) -> tf.Tensor:
            return density.log_likelihood(tempering.rows(x, codes), codes)

        def kernel_at(t: tf.Tensor, index: tf.Tensor, below: Any = None) -> Any:
            del index
            step = step_sizes.at(t, self.chain.step_size, self.stiffness)

            def kernel(likelihood: Any) -> Any:
                energy = power_posteriors.energy(
                    density.prior_energy, likelihood, t
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
