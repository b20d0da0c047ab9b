"""Models by name."""

import difflib
import inspect

import errors
from zoo.autoencoder import Autoencoder
from zoo.base import Generator
from zoo.entropic_autoencoder import EntropicAutoencoder
from zoo.latent_energy_prior import LatentEnergyPrior
from zoo.variational_autoencoder import VariationalAutoencoder

MODELS: dict[str, type[Generator]] = {
    "autoencoder": Autoencoder,
    "entropic_autoencoder": EntropicAutoencoder,
    "latent_energy_prior": LatentEnergyPrior,
    "variational_autoencoder": VariationalAutoencoder,
}


def names() -> list[str]:
    """The names that `build` knows."""
    return sorted(MODELS)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {known}"


def build(name: str, **kwargs) -> Generator:
    """Builds a model.

    Args:
        name: one of `names()`.
        **kwargs: the constructor's arguments.

    Raises:
        errors.InputError: the name or an argument is unknown, or an
            argument has a bad value.
    """
    if name not in MODELS:
        raise errors.InputError(
            f"model {name!r} is unknown: {_nearest(name, names())}"
        )
    known = [
        parameter.name
        for parameter in inspect.signature(MODELS[name]).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    for key in kwargs:
        if key not in [*known, "name"]:
            raise errors.InputError(
                f"{key!r} is no argument of {name}: {_nearest(key, known)}"
            )
    return MODELS[name](**kwargs)
