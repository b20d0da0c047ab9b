"""Evaluators by name, and those that a run has."""

import inspect
from collections.abc import Mapping
from typing import Any

import errors
import sources
import zoo
from evaluators.contract import Evaluator
from evaluators.fidelity import Fidelity
from evaluators.mse import Mse
from zoo import arguments

EVALUATORS: dict[str, type[Evaluator]] = {"fidelity": Fidelity, "mse": Mse}
# What a run gives to an evaluator by itself, where it takes it.
_FROM_THE_RUN = ("inception_weights",)


def parameters(name: str) -> dict[str, Any]:
    """The options of an evaluator that a config may set, by their names."""
    found = arguments.parameters(EVALUATORS[name].__init__)
    return {k: one for k, one in found.items() if k not in _FROM_THE_RUN}


def is_on(name: str, options: Mapping[str, Any]) -> bool:
    """Whether a run with these options has the evaluator, if it fits."""
    switch = EVALUATORS[name].switch
    return switch is None or bool(options.get(switch))


def build(
    model_class: type[zoo.Model],
    data: sources.Data,
    options: Mapping[str, Mapping[str, Any]],
    inception_weights: str | None = None,
) -> dict[str, Evaluator]:
    """The evaluators of a run: those that are on, and fit model and data.

    Args:
        model_class: of the model that will be measured.
        data: of the run.
        options: by name of the evaluator, what differs from its defaults.
        inception_weights: file of InceptionV3's weights, for those that
            compare images; None: see evaluators.Fidelity.

    Raises:
        errors.InputError: a bad value, or an evaluator that is asked for and
            does not fit.
    """
    run = {"inception_weights": inception_weights}
    found = {}
    for name, cls in EVALUATORS.items():
        chosen = options.get(name, {})
        if not is_on(name, chosen):
            continue
        misfit = _misfit(cls, model_class, data)
        if misfit and cls.switch:
            raise errors.InputError(
                f"config.evals.{name}.{cls.switch}={chosen[cls.switch]!r} is "
                f"for {misfit}: leave it out"
            )
        if not misfit:
            takes = inspect.signature(cls.__init__).parameters
            of_run = {key: run[key] for key in _FROM_THE_RUN if key in takes}
            found[name] = cls(data, **chosen, **of_run)
    if inception_weights and "fidelity" not in found:
        raise errors.InputError(
            f"inception_weights={inception_weights!r} is of no use with "
            "config.evals.fidelity.num_images=0: set how many images to compare"
        )
    return found


def _misfit(
    cls: type[Evaluator], model_class: type[zoo.Model], data: sources.Data
) -> str:
    """What the evaluator is for, where the run is something else."""
    if data.spec.kind not in cls.kinds:
        kinds = " or ".join(zoo.KINDS[kind].plural for kind in cls.kinds)
        return f"{kinds}, and {data.name!r} holds {data.spec.plural}"
    if not issubclass(model_class, cls.needs):
        needs, name = cls.needs.__name__, model_class.__name__
        return f"models that are {needs}, which {name} is not"
    return ""
