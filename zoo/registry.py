"""Models by name, and what their constructors take."""

import inspect
import types
import typing
from typing import Any, NamedTuple

import errors
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


class Parameter(NamedTuple):
    """An argument of a constructor that a config may set.

    Attributes:
        type: int, float, bool, str or tuple.
        default: None where it may be left out.
    """

    type: type
    default: Any


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
    return parameters_of(get(name).__init__)


def defaults(name: str) -> dict[str, Any]:
    """The default of every argument that a config may set, groups as dicts."""
    return _defaults(parameters(name))


def _defaults(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _defaults(one) if isinstance(one, dict) else one.default
        for key, one in found.items()
    }


def parameters_of(function: Any) -> dict[str, Any]:
    """As `parameters`, of any annotated function or constructor."""
    hints = typing.get_type_hints(function)
    found: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        key, default = parameter.name, parameter.default
        if default is parameter.empty or key in _FROM_THE_RUN:
            continue
        kind = _main_type(hints[key])
        if issubclass(kind, tuple) and kind is not tuple:
            # A group of options is a NamedTuple whose fields have defaults.
            found[key] = parameters_of(kind.__new__)
        else:
            found[key] = Parameter(kind, default)
    return found


def _main_type(hint: Any) -> type:
    """The type of `int | None` or `tuple[int, ...]`, as a config knows it."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = typing.get_args(hint)[0]
    origin = typing.get_origin(hint) or hint
    return tuple if origin in (tuple, list) else origin
