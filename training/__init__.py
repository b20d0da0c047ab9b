"""Runs: their settings, checkpoints, reports and devices."""
