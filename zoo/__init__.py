"""The zoo: final keras.Model classes, built by name."""

from zoo.autoencoder import Autoencoder
from zoo.base import Generator, LatentGenerator
from zoo.entropic_autoencoder import EntropicAutoencoder
from zoo.latent_energy_prior import LatentEnergyPrior
from zoo.registry import MODELS, build, names
from zoo.simmered_ensemble import SimmeredEnsemble
from zoo.simmering import simmer
from zoo.variational_autoencoder import VariationalAutoencoder

__all__ = [
    "MODELS",
    "Autoencoder",
    "EntropicAutoencoder",
    "Generator",
    "LatentEnergyPrior",
    "LatentGenerator",
    "SimmeredEnsemble",
    "VariationalAutoencoder",
    "build",
    "names",
    "simmer",
]
