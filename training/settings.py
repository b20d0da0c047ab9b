"""The settings of a run: completed with defaults, checked, compared."""

import difflib
import numbers
from typing import Any, TypeGuard

import ml_collections

import errors

_REQUIRED = object()
_OPTIMIZER = {
    "name": "adam",
    "learning_rate": 1e-3,
    "beta_1": None,
    # The rate is multiplied by decay_rate every decay_steps, down to
    # final_rate; None: it is constant.
    "decay_rate": None,
    "decay_steps": None,
    "final_rate": None,
}
_SECTIONS: dict[str, dict[str, Any]] = {
    "data": {
        "name": _REQUIRED,
        "batch_size": 32,
        "block": None,
        "image_size": None,
        # None: all images of the split.
        "train_images": None,
        "eval_images": None,
    },
    "optimizer": _OPTIMIZER,
    "training": {
        "steps": _REQUIRED,
        "report_every": _REQUIRED,
        # None: at every report.
        "checkpoint_every": None,
        # None: at the end only.
        "images_every": None,
        "steps_per_execution": 1,
        "eval_batch_size": 250,
        "jit_compile": False,
        "mixed_precision": False,
        # Generated images beside as many of the test set, at the end.
        "fidelity_images": 0,
    },
}
# Ten blocks of two images, whose spread gives the error of KID.
_LEAST_FIDELITY = 20
# Of models with a network that has an optimizer of its own.
_SECOND = "prior_optimizer"
_OPTIONAL = (
    *("block", "image_size", "train_images", "eval_images"),
    *("checkpoint_every", "images_every"),
)
_COUNTS = (
    *("data.batch_size", "data.block", "data.image_size"),
    *("data.train_images", "data.eval_images"),
    *("training.steps", "training.report_every", "training.checkpoint_every"),
    *("training.images_every", "training.steps_per_execution"),
    "training.eval_batch_size",
)


def complete(config: Any, **overrides: Any) -> dict:
    """Returns the settings as a plain dict, with every default filled in.

    Args:
        config: ConfigDict or dict with seed, model, data, optimizer and
            training; model holds "name" and constructor arguments. A model
            with two optimizers may have a section prior_optimizer.
        **overrides: keys of the training section; None leaves the config's.

    Raises:
        InputError: an unknown or missing key, or a bad value.
    """
    is_config = isinstance(config, ml_collections.ConfigDict)
    given = _section(config.to_dict() if is_config else config, "config")
    sections = dict(_SECTIONS)
    if given.get(_SECOND) is not None:
        sections[_SECOND] = _OPTIMIZER
    _check_keys(given, ["seed", "model", *_SECTIONS, _SECOND], "config")
    settings: dict[str, Any] = {
        "seed": given.get("seed", 0),
        "model": _model(given),
    }
    for section, defaults in sections.items():
        values = _section(given.get(section), f"config.{section}")
        _check_keys(values, list(defaults), f"config.{section}")
        settings[section] = {**defaults, **values}
        for key, value in settings[section].items():
            if value is _REQUIRED:
                raise errors.InputError(
                    f"config.{section}.{key} is missing: set it in the "
                    "config file"
                )
    changed = {key: v for key, v in overrides.items() if v is not None}
    settings["training"].update(changed)
    _check_values(settings)
    return settings


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """The leaves at which two settings differ, as "key: a, was b"."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for key in sorted({*ours, *theirs}):
            below = f"{path}.{key}" if path else key
            found += differences(ours.get(key), theirs.get(key), below)
        return found
    if _plain(ours) == _plain(theirs):
        return []
    return [f"{path}: {_plain(ours)}, was {_plain(theirs)}"]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _section(value: Any, where: str) -> dict:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.InputError(
            f"{where}={value!r} must be a section: keys and their values"
        )
    return value


def _model(given: dict) -> dict:
    model = dict(_section(given.get("model"), "config.model"))
    if not isinstance(model.get("name"), str):
        raise errors.InputError(
            "config.model.name is missing: name a model of the zoo, such as "
            "entropic_autoencoder"
        )
    return model


def _check_keys(values: dict, known: list[str], where: str) -> None:
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
            raise errors.InputError(f"{where}.{key} is unknown: {hint}")


def _check_values(settings: dict) -> None:
    seed = settings["seed"]
    if not (_is_whole(seed) and 0 <= seed < 2**64):
        raise errors.InputError(
            f"config.seed={seed!r} must be a whole number, at least 0 and "
            "below 2^64"
        )
    for path in _COUNTS:
        section, key = path.split(".")
        value = settings[section][key]
        if value is None and key in _OPTIONAL:
            continue
        if not (_is_whole(value) and 1 <= value < 2**31):
            raise errors.InputError(
                f"config.{path}={value!r} must be a whole number, at least 1 "
                "and below 2^31"
            )
    images = settings["training"]["fidelity_images"]
    if not (_is_whole(images) and (images == 0 or images >= _LEAST_FIDELITY)):
        raise errors.InputError(
            f"config.training.fidelity_images={images!r} must be 0, for no "
            f"comparison, or a whole number of at least {_LEAST_FIDELITY}"
        )
    name = settings["data"]["name"]
    if not isinstance(name, str):
        raise errors.InputError(
            f"config.data.name={name!r} must be the name of a data set, such "
            "as 'digits'"
        )
    for key in ("jit_compile", "mixed_precision"):
        if not isinstance(settings["training"][key], bool):
            raise errors.InputError(
                f"config.training.{key}={settings['training'][key]!r} must be "
                "True or False"
            )
    for section in ("optimizer", _SECOND):
        if section in settings:
            _check_optimizer(settings[section], f"config.{section}")
    training = settings["training"]
    report = training["report_every"]
    for key in ("steps", "checkpoint_every", "images_every"):
        value = training[key]
        if value is not None and value % report:
            near = max(report, round(value / report) * report)
            raise errors.InputError(
                f"config.training.{key}={value} is no multiple of "
                f"config.training.report_every={report}: take {near}"
            )
    execution = training["steps_per_execution"]
    if report % execution:
        raise errors.InputError(
            f"config.training.steps_per_execution={execution} does not divide "
            f"config.training.report_every={report}: take a divisor"
        )


def _check_optimizer(values: dict, where: str) -> None:
    rate = values["learning_rate"]
    if not _is_number(rate) or not 0 < rate < float("inf"):
        raise errors.InputError(
            f"{where}.learning_rate={rate!r} must be a positive number, such "
            "as 0.001"
        )
    for key in ("beta_1", "decay_rate"):
        value = values[key]
        if value is not None and not (_is_number(value) and 0 < value <= 1):
            raise errors.InputError(
                f"{where}.{key}={value!r} must be a number above 0 and at "
                "most 1, or None"
            )
    steps, final = values["decay_steps"], values["final_rate"]
    if steps is not None and not (_is_whole(steps) and steps >= 1):
        raise errors.InputError(
            f"{where}.decay_steps={steps!r} must be a whole number, at least 1"
        )
    if final is not None and not (_is_number(final) and 0 <= final <= rate):
        raise errors.InputError(
            f"{where}.final_rate={final!r} must be a number from 0 to "
            f"learning_rate={rate}"
        )
    if values["decay_rate"] is None and (steps, final) != (None, None):
        raise errors.InputError(
            f"{where}.decay_rate is missing beside decay_steps or final_rate: "
            "set it, such as 0.975"
        )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)
