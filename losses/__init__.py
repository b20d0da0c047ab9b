"""Losses: free functions, tensors in, per-example tensors out."""

from losses.elbo import Elbo, elbo, gaussian_kl, standard_normal_log_density
from losses.likelihoods import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)
from losses.reconstruction import squared_error
from losses.thermodynamic import (
    Thermodynamic,
    summed_divergence,
    thermodynamic_integral,
    thermodynamic_surrogate,
    trapezoid_weights,
)

__all__ = [
    "Elbo",
    "Thermodynamic",
    "bernoulli_log_likelihood",
    "elbo",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "squared_error",
    "standard_normal_log_density",
    "summed_divergence",
    "thermodynamic_integral",
    "thermodynamic_surrogate",
    "trapezoid_weights",
]
