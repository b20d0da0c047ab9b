"""Optimizers by name."""

import difflib

import keras

import errors

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build(name: str, learning_rate: float) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a name.

    Raises:
        InputError: the name is unknown.
    """
    if name not in _OPTIMIZERS:
        known = sorted(_OPTIMIZERS)
        near = difflib.get_close_matches(str(name), known, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
        raise errors.InputError(
            f"config.optimizer.name={name!r} is unknown: {hint}"
        )
    return _OPTIMIZERS[name](learning_rate=learning_rate)
