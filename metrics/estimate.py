"""A number and how well it is known."""

from typing import NamedTuple


class Estimate(NamedTuple):
    """An estimate and its standard error, floats."""

    estimate: float
    standard_error: float
