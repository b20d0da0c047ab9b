"""Metrics: pure functions of codes, images and log-weights."""

from metrics.active_units import active_units
from metrics.log_evidence import importance_weighted

__all__ = ["active_units", "importance_weighted"]
