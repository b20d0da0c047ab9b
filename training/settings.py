"""The settings of a run: what there is to set, defaults, checks, comparison.

What a model takes stands in its constructor alone, and what an evaluator takes
in its own: `known` reads both. The rest stands here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import ml_collections

import errors
import zoo
from evaluators import registry
from zoo import arguments
from zoo.arguments import Parameter

_REQUIRED = "(required)"


class Data(NamedTuple):
    """What is trained on.

    Attributes:
        name: name of a data set, see sources.load.
        batch_size: examples of a minibatch.
        image_size: side that images are resized to.
        train_examples: how many of the training split; None: all.
        eval_examples: how many of the validation and of the test split; None:
            all.
    """

    name: str = _REQUIRED
    batch_size: int = 32
    image_size: int | None = None
    train_examples: int | None = None
    eval_examples: int | None = None


class Optimizer(NamedTuple):
    """One optimizer; a model with several players has one for each.

    Attributes:
        name: see training.optimizers.
        learning_rate: learning rate at the start.
        beta_1: decay of Adam's running mean of gradients; None: 0.9, the
            default of Keras.
        decay_rate: factor on the rate, every decay_steps; None: constant.
        decay_steps: see decay_rate.
        final_rate: the rate falls no lower.
    """

    name: str = "adam"
    learning_rate: float = 1e-3
    beta_1: float | None = None
    decay_rate: float | None = None
    decay_steps: int | None = None
    final_rate: float | None = None


class Training(NamedTuple):
    """How long, how fast, and what is written when.

    Attributes:
        steps: train steps in all.
        report_every: steps between two lines of metrics.jsonl.
        checkpoint_every: steps between checkpoints; None: at every report.
        images_every: steps between pictures; None: at the end only.
        steps_per_execution: steps of one call of the compiled loop.
        eval_batch_size: examples of a batch of the validation.
        jit_compile: by XLA: faster for dense bodies, slower for convolutions
            on a CPU.
        mixed_precision: bfloat16 layers.
    """

    steps: int = 1000
    report_every: int = 100
    checkpoint_every: int | None = None
    images_every: int | None = None
    steps_per_execution: int = 1
    eval_batch_size: int = 250
    jit_compile: bool = False
    mixed_precision: bool = False


_COUNTS = {
    "data": ("batch_size", "image_size", "train_examples", "eval_examples"),
    "training": (
        *("steps", "report_every", "checkpoint_every", "images_every"),
        *("steps_per_execution", "eval_batch_size"),
    ),
}


def known(model: str) -> dict[str, Any]:
    """What can be set of a run of a model.

    Args:
        model: its name.

    Returns:
        a Parameter by key; for a section, or a group of options, a dict of
        them.

    Raises:
        InputError: there is no such model.
    """
    optimizer = arguments.parameters(Optimizer.__new__)
    players = zoo.get(model).players
    return {
        "seed": Parameter(int, 0),
        "model": {"name": Parameter(str, model), **zoo.parameters(model)},
        "data": arguments.parameters(Data.__new__),
        "optimizer": (
            dict.fromkeys(players, optimizer) if len(players) > 1 else optimizer
        ),
        "training": arguments.parameters(Training.__new__),
        "evals": {
            name: registry.parameters(name) for name in registry.EVALUATORS
        },
    }


def descriptions(model: str) -> dict[str, str]:
    """What each key of a run of a model means, by path as "model.seed"."""
    documented: dict[str, Any] = {
        "model": zoo.get(model).__init__,
        "data": Data,
        "training": Training,
        "optimizer": Optimizer,
    }
    for name, evaluator in registry.EVALUATORS.items():
        documented[f"evals.{name}"] = evaluator.__init__
    return {
        f"{section}.{key}": text
        for section, one in documented.items()
        for key, text in arguments.descriptions(one).items()
    }


def complete(config: Any, **overrides: Any) -> dict[str, Any]:
    """Returns the settings as a plain dict, with every default filled in.

    Args:
        config: ConfigDict or dict with the keys of `known`; model.name,
            data.name are needed.
        **overrides: keys of the training section; None leaves the config's.

    Raises:
        InputError: an unknown or missing key, or a bad value.
    """
    is_config = isinstance(config, ml_collections.ConfigDict)
    given = config.to_dict() if is_config else config
    name = _section(_section(given, "config").get("model"), "config.model")
    if not isinstance(name.get("name"), str):
        raise errors.InputError(
            "config.model.name is missing: name a model of the zoo, such as "
            f"{zoo.names()[0]}"
        )
    settings = _filled(given, known(name["name"]), "config")
    training = settings["training"]
    training.update({k: v for k, v in overrides.items() if v is not None})
    if training["checkpoint_every"] is None:
        training["checkpoint_every"] = training["report_every"]
    _check(settings)
    return settings


def optimizers_of(settings: dict[str, Any]) -> dict[str, Any]:
    """The optimizer's section of each player, by the player's name."""
    players = zoo.get(settings["model"]["name"]).players
    section: Any = settings["optimizer"]
    return section if len(players) > 1 else dict.fromkeys(players, section)


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


def _filled(given: Any, keys: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values of a section, with the defaults of those that are missing."""
    values = _section(given, where)
    for key in values:
        if key not in keys:
            raise errors.InputError(
                f"{where}.{key} is unknown: {errors.nearest(key, keys)}"
            )
    found: dict[str, Any] = {}
    for key, one in keys.items():
        if not isinstance(one, Parameter):
            found[key] = _group(values.get(key), one, f"{where}.{key}")
        elif key in values:
            found[key] = values[key]
        elif one.default is _REQUIRED:
            raise errors.InputError(
                f"{where}.{key} is missing: set it in the config file"
            )
        else:
            found[key] = one.default
    return found


def _group(value: Any, keys: Mapping[str, Any], where: str) -> Any:
    # A ladder may be its nodes: the model says what it takes in place of a
    # group of options.
    if where.startswith("config.model.") and not isinstance(value, dict | None):
        return value
    return _filled(value, keys, where)


def _section(value: Any, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise errors.InputError(
            f"{where}={value!r} must be a section: keys and their values"
        )
    return value


def _check(settings: Any) -> None:
    arguments.seed(settings["seed"])
    optional: dict[str, Any] = {
        section: [k for k, one in known_.items() if one.default is None]
        for section, known_ in (
            ("data", arguments.parameters(Data.__new__)),
            ("training", arguments.parameters(Training.__new__)),
        )
    }
    for section, keys in _COUNTS.items():
        for key in keys:
            value = settings[section][key]
            if value is not None or key not in optional[section]:
                _check_count(f"config.{section}.{key}", value)
    name = settings["data"]["name"]
    if not isinstance(name, str):
        raise errors.InputError(
            f"config.data.name={name!r} must be the name of a data set, such "
            "as 'digits'"
        )
    training = settings["training"]
    for key in ("jit_compile", "mixed_precision"):
        arguments.boolean(f"config.training.{key}", training[key])
    players = optimizers_of(settings)
    for player, values in players.items():
        below = f".{player}" if len(players) > 1 else ""
        _check_optimizer(values, f"config.optimizer{below}")
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


def _check_count(path: str, value: Any) -> None:
    if arguments.positive_int(path, value) >= 2**31:
        raise errors.InputError(f"{path}={value} must be below 2^31")


def _check_optimizer(values: dict[str, Any], where: str) -> None:
    rate = arguments.positive(f"{where}.learning_rate", values["learning_rate"])
    for key in ("beta_1", "decay_rate"):
        path, value = f"{where}.{key}", values[key]
        if value is not None and arguments.positive(path, value) > 1:
            raise errors.InputError(f"{path}={value!r} must be at most 1")
    steps, final = values["decay_steps"], values["final_rate"]
    if steps is not None:
        arguments.positive_int(f"{where}.decay_steps", steps)
    path = f"{where}.final_rate"
    if final is not None and arguments.not_negative(path, final) > rate:
        raise errors.InputError(
            f"{path}={final!r} must be a number from 0 to learning_rate={rate}"
        )
    if values["decay_rate"] is None and (steps, final) != (None, None):
        raise errors.InputError(
            f"{where}.decay_rate is missing beside decay_steps or final_rate: "
            "set it, such as 0.975"
        )
