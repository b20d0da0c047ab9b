"""The zoo: final keras.Model classes, built by name."""

from zoo.autoencoder.plain import Autoencoder
from zoo.autoencoder.variational import VariationalAutoencoder
from zoo.contract import EnergyBased, Encoding, Generative, Model
from zoo.data import KINDS, DataSpec
from zoo.entropic.entropic_autoencoder import EntropicAutoencoder
from zoo.latent_prior.latent_energy_prior import LatentEnergyPrior
from zoo.registry import (
    MODELS,
    Parameter,
    build,
    defaults,
    get,
    names,
    parameters,
    parameters_of,
)
from zoo.weights.simmered_ensemble import SimmeredEnsemble
from zoo.weights.simmering import simmer

__all__ = [
    "KINDS",
    "MODELS",
    "Autoencoder",
    "DataSpec",
    "Encoding",
    "EnergyBased",
    "EntropicAutoencoder",
    "Generative",
    "LatentEnergyPrior",
    "Model",
    "Parameter",
    "SimmeredEnsemble",
    "VariationalAutoencoder",
    "build",
    "defaults",
    "get",
    "names",
    "parameters",
    "parameters_of",
    "simmer",
]
