"""How a config file becomes a config: what it states, and all other keys."""

from collections.abc import Mapping
from typing import Any

import ml_collections
from ml_collections import config_dict

import errors
from training import settings
from zoo.arguments import Parameter


def config(
    arg: str,
    stated: Mapping[str, Any],
    **variants: Mapping[str, Any],
) -> ml_collections.ConfigDict:
    """Returns the locked config of an experiment.

    Every key that a flag may override is in it, with the default of the
    constructor or of training.settings where the file states nothing.

    Args:
        arg: the word after the colon in --config=FILE.py:WORD, a variant; ""
            for none.
        stated: sections model (with the model's name), data, optimizer,
            training and evals, with what differs from the defaults.
        **variants: by word, sections likewise: what differs from `stated`.

    Raises:
        ValueError: `arg` is no variant of this file.
    """
    if arg and arg not in variants:
        raise ValueError(f"{arg!r} is unknown: {errors.nearest(arg, variants)}")
    known = settings.known(stated["model"]["name"])
    # Locked, it refuses unknown keys and other types.
    found = ml_collections.ConfigDict(_typed(known)).lock()
    for one in (stated, variants.get(arg, {})):
        found.update(one)
    return found


def _typed(known: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults, with the types of those that are None."""
    return {
        key: (
            _typed(one)
            if not isinstance(one, Parameter)
            else config_dict.placeholder(one.type)
            if one.default is None
            else one.default
        )
        for key, one in known.items()
    }
