"""The contract of evaluators: what one needs, and what it then gives."""

import abc
from typing import Any, ClassVar

import sources
import zoo


class Evaluator(abc.ABC):
    """A measure of a trained model on the data of its run.

    A constructor takes the data and annotated options with defaults, which
    are config keys evals.NAME.OPTION. It refuses what cannot be measured, so
    that a run says it before it trains.

    Attributes:
        needs: capability of the zoo that a model must have.
        kinds: of data that it takes, names of zoo.KINDS.
        scores: names of the numbers that it gives.
        switch: name of the option without which (0, None or False) it is off;
            None: it is on for every model and data that it fits.
        lines: of the last call, what a person reads of it.
    """

    needs: ClassVar[type[zoo.Model]]
    kinds: ClassVar[tuple[str, ...]]
    scores: ClassVar[tuple[str, ...]]
    switch: ClassVar[str | None] = None
    lines: tuple[str, ...] = ()

    @abc.abstractmethod
    def __init__(self, data: sources.Data) -> None:
        """Takes the data, and options; checks them.

        Raises:
            errors.InputError: an option that does not fit the data.
        """

    @abc.abstractmethod
    def __call__(self, model: Any, seed: int) -> dict[str, float]:
        """Measures a model.

        Args:
            model: has the capability `needs`, and was prepared.
            seed: of the run.

        Returns:
            a number for each name of `scores`.
        """
