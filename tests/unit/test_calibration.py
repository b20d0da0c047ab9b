"""Calibration metrics against counts by hand and known laws."""

import numpy as np
import pytest

import errors
import metrics


def test_calibration_error_by_hand():
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]])
    labels = np.array([0, 1, 1, 1])
    # Two bins: all confidences above a half, 3 of 4 right, mean 0.7375.
    error = metrics.expected_calibration_error(p, labels, bins=2)
    np.testing.assert_allclose(error, 0.0125, rtol=1e-6)
    # Ten bins of (0.8, 0.9], (0.7, 0.8], (0.6, 0.7], (0.5, 0.6].
    error = metrics.expected_calibration_error(p + 1e-9, labels, bins=10)
    gaps = [0.1, 0.8, 0.3, 0.45]
    np.testing.assert_allclose(error, np.mean(gaps), rtol=1e-6)


def test_a_certain_classifier_counts_in_the_last_bin():
    p = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    assert metrics.expected_calibration_error(p, [0, 1, 2, 0]) == 0
    assert metrics.expected_calibration_error(p, [1, 2, 0, 1]) == 1


def test_calibrated_draws_have_little_error_and_others_much():
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1.0, 1.0, 1.0], size=50_000)
    labels = (rng.uniform(size=(50_000, 1)) > p.cumsum(1)).sum(1)
    assert metrics.expected_calibration_error(p, labels) < 0.01
    sharp = p**2 / (p**2).sum(1, keepdims=True)
    assert metrics.expected_calibration_error(sharp, labels) > 0.1


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_normal_intervals_cover_their_level(level):
    rng = np.random.default_rng(1)
    mean, spread = rng.normal(size=40_000), rng.uniform(0.5, 2, 40_000)
    targets = mean + spread * rng.normal(size=40_000)
    covered = metrics.coverage(mean, spread, targets, level)
    assert abs(covered - level) < 0.01
    assert metrics.coverage(mean, spread / 2, targets, level) < level - 0.2


def test_bad_arguments_are_one_line():
    p, labels = np.full([4, 2], 0.5), np.zeros(4, int)
    with pytest.raises(errors.InputError, match="at least 1 bin"):
        metrics.expected_calibration_error(p, labels, bins=0)
    with pytest.raises(errors.InputError, match=r"\(4,\)"):
        metrics.expected_calibration_error(p[:, 0], labels)
    with pytest.raises(errors.InputError, match="differ"):
        metrics.coverage(p, p[:, :1], p)
    with pytest.raises(errors.InputError, match=r"level=1\.0"):
        metrics.coverage(p, p, p, level=1.0)
