"""Losses: free functions, tensors in, per-example tensors out."""

from losses.elbo import Elbo, elbo, gaussian_kl, standard_normal_log_density
from losses.likelihoods import (
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)
from losses.reconstruction import squared_error

__all__ = [
    "Elbo",
    "bernoulli_log_likelihood",
    "elbo",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "squared_error",
    "standard_normal_log_density",
]
