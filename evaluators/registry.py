"""Evaluators by name, and those that a run has."""

from collections.abc import Mapping
from typing import Any

import errors
import sources
import zoo
from evaluators.contract import Evaluator
from evaluators.fidelity import Fidelity
from evaluators.mse import Mse

EVALUATORS: dict[str, type[Evaluator]] = {"fidelity": Fidelity, "mse": Mse}
# What a run gives to an evaluator by itself, where it takes it.
_FROM_THE_RUN = ("inception_weights",)


def defaults() -> dict[str, dict[str, Any]]:
    """The options of every evaluator that a config may set, by its name."""
    return {
        name: {
            key: one.default
            for key, one in zoo.parameters_of(cls.__init__).items()
            if key not in _FROM_THE_RUN
        }
        for name, cls in EVALUATORS.items()
    }


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
        options: by name of the evaluator, those that differ from `defaults`.
        inception_weights: file of InceptionV3's weights, for those that
            compare images; None: see evaluators.Fidelity.

    Raises:
        errors.InputError: an unknown name or option, a bad value, or an
            evaluator that is asked for and does not fit.
    """
    known = defaults()
    for name, given in options.items():
        _require_known("config.evals", name, known)
        for key in given:
            _require_known(f"config.evals.{name}", key, known[name])
    run = {"inception_weights": inception_weights}
    found = {}
    for name, cls in EVALUATORS.items():
        chosen = {**known[name], **options.get(name, {})}
        asked = cls.switch and chosen[cls.switch]
        if cls.switch and not asked:
            continue
        misfit = _misfit(cls, model_class, data)
        if misfit and asked:
            raise errors.InputError(
                f"config.evals.{name}.{cls.switch}={asked!r} is for {misfit}: "
                "leave it out"
            )
        if not misfit:
            takes = zoo.parameters_of(cls.__init__)
            of_run = {key: run[key] for key in _FROM_THE_RUN if key in takes}
            found[name] = cls(data, **chosen, **of_run)
    if inception_weights and "fidelity" not in found:
        raise errors.InputError(
            f"inception_weights={inception_weights!r} is of no use with "
            "config.evals.fidelity.num_images=0: set how many images to compare"
        )
    return found


def _require_known(where: str, key: str, known: Mapping[str, Any]) -> None:
    if key not in known:
        raise errors.InputError(
            f"{where}.{key} is unknown: {errors.nearest(key, known)}"
        )


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
