"""Custom Keras layers and network bodies, one idea a file."""

from layers.bodies import BODIES, check_body, decoder, encoder
from layers.latent_bank import LatentBank
from layers.stochastic import GaussianSample

__all__ = [
    "BODIES",
    "GaussianSample",
    "LatentBank",
    "check_body",
    "decoder",
    "encoder",
]
