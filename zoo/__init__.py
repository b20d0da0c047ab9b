"""The zoo: final keras.Model classes, built by name."""

from zoo.autoencoder.plain import Autoencoder
from zoo.autoencoder.variational import VariationalAutoencoder
from zoo.contract import Encoding, EnergyBased, Generative, Model
from zoo.data import KINDS, DataSpec
from zoo.entropic.entropic_autoencoder import EntropicAutoencoder
from zoo.latent_prior.latent_energy_prior import LatentEnergyPrior
from zoo.registry import (
    MODELS,
    build,
    defaults,
    get,
    names,
    parameters,
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
    "SimmeredEnsemble",
    "VariationalAutoencoder",
    "build",
    "defaults",
    "get",
    "names",
    "parameters",
    "simmer",
]
