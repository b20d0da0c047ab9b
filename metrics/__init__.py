"""Metrics: pure functions of chains, codes, predictions and log-weights."""

from metrics.active_units import active_units
from metrics.calibration import coverage, expected_calibration_error
from metrics.chains import effective_sample_size, split_r_hat
from metrics.kid import Kid, kid, polynomial_mmd
from metrics.latent_codes import (
    class_share,
    knn_accuracy,
    ks_to_normal,
    participation_ratio,
    permutation_sensitivity,
)
from metrics.log_evidence import importance_weighted

__all__ = [
    "Kid",
    "active_units",
    "class_share",
    "coverage",
    "effective_sample_size",
    "expected_calibration_error",
    "importance_weighted",
    "kid",
    "knn_accuracy",
    "ks_to_normal",
    "participation_ratio",
    "permutation_sensitivity",
    "polynomial_mmd",
    "split_r_hat",
]
