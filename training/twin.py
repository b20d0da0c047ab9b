"""A model on one device, for what replicas cannot do."""

from typing import Any

import zoo


def plain(model: Any) -> Any:
    """Returns the model, or its twin on one device if it is mirrored.

    Priors are fitted and images drawn outside a strategy: a mirrored variable
    has no single value there.
    """
    if model.distribute_strategy.num_replicas_in_sync == 1:
        return model
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    return twin


def fit_prior(model: zoo.Generator, images: Any, seed: int) -> Any:
    """Fits the prior of `model`; returns the model to draw from."""
    twin = plain(model)
    twin.fit_prior(images, seed=seed)
    if twin is not model:
        model.set_weights(twin.get_weights())
    return twin
