"""What is measured of a trained model, and pictures of what it makes."""

from evaluators.contract import Evaluator
from evaluators.fidelity import Fidelity
from evaluators.mse import Mse
from evaluators.pictures import picture
from evaluators.registry import EVALUATORS, build, is_on, parameters

__all__ = [
    "EVALUATORS",
    "Evaluator",
    "Fidelity",
    "Mse",
    "build",
    "is_on",
    "parameters",
    "picture",
]
