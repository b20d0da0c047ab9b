"""What a latent-space energy-based prior reports while it trains."""

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

import metrics
from zoo.latent_prior.step import Step


def trackers(variables: Mapping[str, list]) -> dict[str, Any]:
    """Keras metrics by name.

    "loss": -log p(x | z) at codes of the posterior, or with estimator="ti" the
    integral -log p(x), both without the constant of log p(x | z), which
    `log_evidence` has. "mse". "energy_gap": the mean of E over codes of the
    posterior less that over the prior's. Of each player's gradient the spread
    over its entries (the thesis's measure of noise) and the variance over
    batches and chains.

    Args:
        variables: of each player.
    """
    means = ("loss", "mse", "energy_gap")
    found: dict[str, Any] = {
        name: keras.metrics.Mean(name=name) for name in means
    }
    for player, ones in variables.items():
        name = f"{player}_gradient_spread"
        found[name] = metrics.GradientSpread(name)
        name = f"{player}_gradient_variance"
        shapes = [tuple(variable.shape) for variable in ones]
        found[name] = metrics.GradientVariance(shapes, name)
    return found


def update(
    found: Mapping[str, Any], step: Step, sigma: float, size: int
) -> None:
    """Adds a train step; see `errors` for the last two arguments."""
    errors(found, step.loss, step.error, sigma, size)
    found["energy_gap"].update_state(step.gap)
    for player, gradients in step.gradients.items():
        found[f"{player}_gradient_spread"].update_state(gradients)
        found[f"{player}_gradient_variance"].update_state(gradients)


def errors(
    found: Mapping[str, Any], loss: Any, energy: Any, sigma: float, size: int
) -> None:
    """Adds the loss, and the squared error of images of `size` numbers.

    Args:
        found: the trackers.
        loss: [] or [B].
        energy: -log p(x | z) without its constant, [] or [B].
        sigma: on the generator's scale [-1, 1], twice the images'.
        size: numbers of an image.
    """
    found["loss"].update_state(loss)
    found["mse"].update_state(
        tf.convert_to_tensor(energy) * sigma**2 / 2 / size
    )
