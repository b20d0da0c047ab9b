"""Models by name, and what their constructors take."""

from typing import Any

import errors
from zoo import arguments
from zoo.autoencoder.plain import Autoencoder
from zoo.autoencoder.variational import VariationalAutoencoder
from zoo.contract import Model
from zoo.entropic.entropic_autoencoder import EntropicAutoencoder
from zoo.latent_prior.latent_energy_prior import LatentEnergyPrior

MODELS: dict[str, type[Model]] = {
    "autoencoder": Autoencoder,
    "entropic_autoencoder": EntropicAutoencoder,
    "latent_energy_prior": LatentEnergyPrior,
    "variational_autoencoder": VariationalAutoencoder,
}
# What a run gives to every model by itself.
_FROM_THE_RUN = ("data", "seed")


def names() -> list[str]:
    """The names that `build` knows."""
    return sorted(MODELS)


def get(name: str) -> type[Model]:
    """The class of a name.

    Raises:
        errors.InputError: the name is unknown.
    """
    if name not in MODELS:
        raise errors.InputError(
            f"model {name!r} is unknown: {errors.nearest(name, MODELS)}"
        )
    return MODELS[name]


def build(name: str, **kwargs: Any) -> Any:
    """Builds a model.

    Args:
        name: one of `names()`.
        **kwargs: arguments of the constructor; `data`, a DataSpec, is needed.

    Raises:
        errors.InputError: the name or an argument is unknown, or an argument
            has a bad value.
    """
    cls = get(name)
    known = [*_FROM_THE_RUN, *parameters(name), "name"]
    for key in kwargs:
        if key not in known:
            raise errors.InputError(
                f"{key!r} is no argument of {name}: "
                f"{errors.nearest(key, known)}"
            )
    if "data" not in kwargs:
        raise errors.InputError(
            f"{name} needs data: give the spec of a source, or "
            "zoo.DataSpec('image', (28, 28, 1))"
        )
    return cls(**kwargs)


def parameters(name: str) -> dict[str, Any]:
    """What a config may set of a model, from its annotated constructor.

    Args:
        name: one of `names()`.

    Returns:
        a Parameter by name; for a group of options a dict of them.
    """
    found = arguments.parameters(get(name).__init__)
    return {k: one for k, one in found.items() if k not in _FROM_THE_RUN}


def defaults(name: str) -> dict[str, Any]:
    """The default of every argument that a config may set, groups as dicts."""
    return arguments.defaults(parameters(name))
