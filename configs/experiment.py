"""What the config files have in common, so that each says what is its own."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

import ml_collections
from ml_collections import config_dict


def config(
    arg: str,
    variants: Sequence[str],
    *,
    data: str,
    batch_size: int,
    model: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Any:
    """Returns an unlocked ConfigDict, with every key that a flag may override.

    Args:
        arg: the word after the colon in --config=FILE.py:WORD.
        variants: the words that this file knows, besides none.
        data: name of the data set.
        batch_size: images of a minibatch.
        model: name and constructor arguments.
        training: steps and intervals; the rest has defaults.

    Raises:
        ValueError: `arg` is no variant of this file.
    """
    if arg and arg not in variants:
        near = difflib.get_close_matches(arg, variants, 1) or list(variants)
        raise ValueError(f"{arg!r} is unknown: did you mean {near[0]!r}?")
    sections = {
        "seed": 0,
        "model": dict(model),
        "data": {
            "name": data,
            "batch_size": batch_size,
            # Encoder steps of one train step, for models that take blocks.
            "block": config_dict.placeholder(int),
            "image_size": config_dict.placeholder(int),
        },
        "optimizer": {"name": "adam", "learning_rate": 1e-3},
        "training": {
            "checkpoint_every": training["report_every"],
            "steps_per_execution": 1,
            "eval_batch_size": 250,
            # Dense bodies; convolutions are faster without, on a CPU.
            "jit_compile": True,
            "mixed_precision": False,
            **training,
        },
    }
    return ml_collections.ConfigDict(sections)


def entropic(**own: Any) -> dict[str, Any]:
    """Arguments of the entropic autoencoder: defaults, and a config's own."""
    return {
        "name": "entropic_autoencoder",
        "body": "dense",
        "temperature_schedule": {
            "name": "constant",
            "final": config_dict.placeholder(float),
            "updates": config_dict.placeholder(int),
        },
        "relaxation_time": config_dict.placeholder(float),
        "chain_length": config_dict.placeholder(int),
        "redraw_every": 0,
        "thermostat": "global",
        "friction": 0.0,
        "bank_size": 10_000,
        "bandwidth": 0.1,
        **own,
    }
