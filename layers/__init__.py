"""Custom Keras layers and network bodies, one idea a file."""

from layers.bodies import decoder, encoder
from layers.chain_state import ChainState
from layers.gradient_accumulator import GradientAccumulator
from layers.latent_bank import LatentBank
from layers.latent_energy import latent_energy
from layers.latent_generator import latent_generator
from layers.persistent_codes import PersistentCodes
from layers.stochastic import GaussianSample
from layers.weight_ensemble import WeightEnsemble

__all__ = [
    "ChainState",
    "GaussianSample",
    "GradientAccumulator",
    "LatentBank",
    "PersistentCodes",
    "WeightEnsemble",
    "decoder",
    "encoder",
    "latent_energy",
    "latent_generator",
]
