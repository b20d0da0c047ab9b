"""Metrics of chains, codes, predictions, gradients, images, log-weights."""

from metrics.active_units import active_units
from metrics.calibration import coverage, expected_calibration_error
from metrics.chains import effective_sample_size, split_r_hat
from metrics.estimate import Estimate
from metrics.extractors import Extractor, convnet, inception
from metrics.fidelity import MEASURES, Fidelity, fidelity
from metrics.frechet import (
    THESIS_SIZES,
    fid,
    fid_infinity,
    frechet_distance,
    sample_sizes,
)
from metrics.gradients import (
    GradientSpread,
    GradientVariance,
    gradient_spread,
    gradient_variance,
)
from metrics.kid import kid, median_distance, polynomial_mmd, rbf_mmd
from metrics.latent_codes import (
    class_share,
    knn_accuracy,
    ks_to_normal,
    participation_ratio,
    permutation_sensitivity,
)
from metrics.log_evidence import importance_weighted
from metrics.manifold import PrecisionRecall, precision_recall

__all__ = [
    "MEASURES",
    "THESIS_SIZES",
    "Estimate",
    "Extractor",
    "Fidelity",
    "GradientSpread",
    "GradientVariance",
    "PrecisionRecall",
    "active_units",
    "class_share",
    "convnet",
    "coverage",
    "effective_sample_size",
    "expected_calibration_error",
    "fid",
    "fid_infinity",
    "fidelity",
    "frechet_distance",
    "gradient_spread",
    "gradient_variance",
    "importance_weighted",
    "inception",
    "kid",
    "knn_accuracy",
    "ks_to_normal",
    "median_distance",
    "participation_ratio",
    "permutation_sensitivity",
    "polynomial_mmd",
    "precision_recall",
    "rbf_mmd",
    "sample_sizes",
    "split_r_hat",
]
