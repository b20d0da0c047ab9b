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
    optimizer: Mapping[str, Any] | None = None,
    prior_optimizer: Mapping[str, Any] | None = None,
) -> Any:
    """Returns an unlocked ConfigDict, with every key that a flag may override.

    Args:
        arg: the word after the colon in --config=FILE.py:WORD.
        variants: the words that this file knows, besides none.
        data: name of the data set.
        batch_size: images of a minibatch.
        model: name and constructor arguments.
        training: steps and intervals; the rest has defaults.
        optimizer: name, learning_rate and options; the rest has defaults.
        prior_optimizer: likewise, of a model with two; None: has none.

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
            "train_images": config_dict.placeholder(int),
            "eval_images": config_dict.placeholder(int),
        },
        "optimizer": _optimizer(optimizer or {}),
        "training": {
            "checkpoint_every": training["report_every"],
            "steps_per_execution": 1,
            "eval_batch_size": 250,
            # Dense bodies; convolutions are faster without, on a CPU.
            "jit_compile": True,
            "mixed_precision": False,
            # Generated images that are compared with test images at the end.
            "fidelity_images": 0,
            **training,
        },
    }
    if prior_optimizer is not None:
        sections["prior_optimizer"] = _optimizer(prior_optimizer)
    return ml_collections.ConfigDict(sections)


def _optimizer(own: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "adam",
        "learning_rate": 1e-3,
        "beta_1": config_dict.placeholder(float),
        "decay_rate": config_dict.placeholder(float),
        "decay_steps": config_dict.placeholder(int),
        "final_rate": config_dict.placeholder(float),
        **own,
    }


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


def latent(**own: Any) -> dict[str, Any]:
    """Arguments of the latent energy prior: the thesis's, and a config's own.

    Raj 2024, Tables 4 and 5. Its Langevin steps s are our h; Pang's have
    h = s^2 / 2.
    """
    return {
        "name": "latent_energy_prior",
        "latent_dim": 80,
        "body": "conv",
        "filters": 64,
        "energy_units": (100, 100),
        "energy_slope": 0.1,
        "sigma": 0.3,
        "prior_sigma": 1.0,
        "dynamics": "langevin",
        "prior_steps": 60,
        "prior_step_size": 0.16,
        "posterior_steps": 20,
        "posterior_step_size": 0.01,
        "estimator": "mle",
        # Options of other ladders may stand beside; a search tries them.
        "ladder": {
            "name": "power_law",
            "num": 10,
            "p": 3.0,
            "first": config_dict.placeholder(float),
            "steepness": config_dict.placeholder(float),
            "nodes": config_dict.placeholder(tuple),
        },
        "batched": False,
        "exchange_every": 0,
        "stiffness": 0.0,
        "draws": 5,
        "rule": "corrected",
        "kl_weight": 0.0,
        "generator_gradient": "posterior",
        "prior_gradient": "samples",
        "persistent": False,
        **own,
    }
