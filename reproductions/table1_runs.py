"""The settings of the runs behind Table 1, derived from configs/."""

import importlib
import pathlib
from typing import Any

MODELS = ("eae", "vae", "ae")
SCAN_TEMPERATURES = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6)

# The paper's 784-512-256-64 and its mirror image, for all three.
_ARCHITECTURE = {"latent_dim": 64, "body": "dense", "hidden_units": (512, 256)}


def settings(model: str, quick: bool = False) -> dict[str, Any]:
    """The settings of one model's run, for train.train.

    Args:
        model: "eae", "vae" or "ae".
        quick: a tenth of the work, or less.

    Returns:
        The paper's schedule (Aliahmadi 2026, A.5.2), with the batch of 32 and
        Adam at 1e-3: 250 decoder updates of 3,126 encoder steps; 70 and 140
        epochs of 50,000 images. Quick: 150 updates of 312 steps of twice the
        length; 15 and 10 epochs with a batch of 128.
    """
    config = _base(model)
    config["optimizer"] = {"name": "adam", "learning_rate": 1e-3}
    if model == "eae":
        return _merged(config, _eae(150, 312) if quick else _eae(250, 3126))
    if quick:
        steps = {"vae": 15, "ae": 10}[model] * 390
        return _merged(config, _by_gradient(steps, 390, 30, 128))
    # 50,000 images are 1,562.5 batches of 32: report every two epochs.
    steps = {"vae": 35, "ae": 70}[model] * 3125
    return _merged(config, _by_gradient(steps, 3125, 25, 32))


def scan_settings(
    temperature: float, updates: int = 60, encoder_steps: int = 150
) -> dict[str, Any]:
    """A short run of the entropic autoencoder at one temperature."""
    config = _merged(_base("eae"), _eae(updates, encoder_steps, step_size=1.0))
    config["model"]["temperature"] = temperature
    return config


def scan_reference_settings() -> dict[str, Any]:
    """The plain autoencoder with as many steps as a run of the scan."""
    return _merged(_base("ae"), _by_gradient(9000, 1000, 20, 32))


def workdir(output: pathlib.Path, name: str, quick: bool) -> pathlib.Path:
    """Where a run lives: quick runs never meet the paper's."""
    return output / ("quick" if quick else "paper") / name


def _base(model: str) -> dict[str, Any]:
    module = importlib.import_module(f"configs.{model}_mnist")
    config = module.get_config().to_dict()
    config["model"].update(_ARCHITECTURE)
    return config


def _eae(
    updates: int, encoder_steps: int, step_size: float | None = None
) -> dict[str, Any]:
    paper = encoder_steps == 3126
    interval = 30 if paper else 10
    return {
        "model": {
            "temperature": 3e-9,
            "step_size": step_size or (1.0 if paper else 2.0),
            "chain_length": 30,
            "encoder_steps": encoder_steps,
            "members": 20,
            "member_interval": 500 if paper else 250,
            "batch_size": 32,
        },
        "data": {"batch_size": 32},
        "training": {
            # 3126 = 6 x 521: a decoder update takes six train steps.
            "steps": updates * (6 if paper else 1),
            "report_every": interval,
            "checkpoint_every": 2 * interval,
            "images_every": None,
            "steps_per_execution": 1,
            "jit_compile": True,
        },
    }


def _by_gradient(
    steps: int, interval: int, fused: int, batch_size: int
) -> dict[str, Any]:
    return {
        "data": {"batch_size": batch_size},
        "training": {
            "steps": steps,
            "report_every": interval,
            "checkpoint_every": interval,
            "images_every": None,
            "steps_per_execution": fused,
            "jit_compile": True,
        },
    }


def _merged(config: dict, changes: dict) -> dict[str, Any]:
    """`config` with the values of `changes`, a section at a time."""
    return {
        **config,
        **{key: {**config[key], **values} for key, values in changes.items()},
    }
