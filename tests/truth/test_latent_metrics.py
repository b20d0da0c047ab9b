"""Metrics of codes and features against closed forms, each with a control."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import metrics


def rng() -> Any:
    return np.random.default_rng(0)


def normal(*shape) -> Any:
    return rng().normal(size=shape).astype(np.float32)


def test_shuffling_an_ignored_latent_changes_nothing():
    codes = normal(20_000, 3)
    # Images 1 * z0 + 2 * z1 and noise of variance 0.25; z2 is ignored.
    clean = codes[:, :1] + 2 * codes[:, 1:2]
    images = clean + 0.5 * np.random.default_rng(1).normal(size=clean.shape)

    def decode(z):
        return z[:, :1] + 2 * z[:, 1:2]

    order = rng().permutation(20_000)
    grown = metrics.permutation_sensitivity(
        decode, codes, tf.constant(images, tf.float32), order
    ).numpy()
    # A shuffled latent of weight a adds 2 a^2 to an error of 0.25.
    np.testing.assert_allclose(grown, [8.0, 32.0, 0.0], rtol=0.05, atol=1e-6)
    # Control: without a shuffle no latent scores.
    still = metrics.permutation_sensitivity(
        decode, codes, tf.constant(images, tf.float32), tf.range(20_000)
    )
    np.testing.assert_allclose(still, 0.0, atol=1e-6)


def test_participation_ratio_counts_equal_directions():
    turn, _ = np.linalg.qr(normal(6, 6))
    for rank in (1, 4, 6):
        codes = normal(50_000, 6) * (np.arange(6) < rank)
        ratio = metrics.participation_ratio(tf.constant(codes @ turn * 1e4))
        assert float(ratio) == pytest.approx(rank, rel=0.01)
    # Control: unequal directions do not count in full.
    codes = normal(50_000, 6) * np.array([10, 1, 1, 1, 1, 1], np.float32)
    assert float(metrics.participation_ratio(tf.constant(codes))) < 1.2


def test_class_share():
    labels: Any = np.repeat(np.arange(4), 5000)
    noise = normal(20_000, 2)
    # Means 0..3 have variance 1.25; the second latent knows no class.
    codes = noise + labels[:, None] * np.array([1, 0], np.float32)
    share = metrics.class_share(tf.constant(codes), labels).numpy()
    np.testing.assert_allclose(share, [1.25 / 2.25, 0.0], atol=0.01)
    # Control: labels that are shuffled tell nothing.
    lost = metrics.class_share(tf.constant(codes), rng().permutation(labels))
    assert np.max(lost) < 0.01


def test_ks_distance_equals_scipys():
    values = np.stack([normal(700) * 3 + 1, np.exp(normal(700))], axis=1)
    ours = metrics.ks_to_normal(tf.constant(values)).numpy()
    for column, distance in zip(values.T, ours, strict=True):
        fitted = (
            np.mean(column, dtype=np.float64),
            np.std(column, dtype=float),
        )
        expected = stats.kstest(column.astype(float), "norm", fitted)
        assert distance == pytest.approx(expected.statistic, abs=1e-6)
    # The normal column is at chance, the skewed one is not.
    assert ours[0] < 1.0 / np.sqrt(700) < 3.0 / np.sqrt(700) < ours[1]


def test_knn_accuracy():
    labels = np.repeat([0, 1], 200)
    far = normal(400, 2) + 20 * labels[:, None]
    assert metrics.knn_accuracy(far[::2], labels[::2], far, labels) == 1.0
    # Control: codes without classes vote at chance.
    near = normal(400, 2)
    guess = metrics.knn_accuracy(
        near[::2], labels[::2], near[1::2], labels[1::2]
    )
    assert 0.35 < guess < 0.65


def mmd_twin(x, y):
    """The definition, pair by pair."""

    def kernel(a, b):
        return (float(np.dot(a, b)) / len(a) + 1.0) ** 3

    def within(z):
        pairs = [
            kernel(z[i], z[j])
            for i in range(len(z))
            for j in range(len(z))
            if i != j
        ]
        return np.mean(pairs)

    between = np.mean([kernel(a, b) for a in x for b in y])
    return within(x) + within(y) - 2 * between


def test_mmd_equals_its_definition():
    x, y = normal(23, 5), normal(17, 5) * 2
    assert float(metrics.polynomial_mmd(x, y)) == pytest.approx(
        mmd_twin(x.astype(float), y.astype(float)), rel=1e-9
    )


def test_kid_of_one_distribution_is_zero_within_its_error():
    draw = np.random.default_rng(2).normal
    x, y = draw(size=(4000, 8)), draw(size=(4000, 8))
    same = metrics.kid(x, y, block_size=200)
    assert abs(same.estimate) < 3 * same.standard_error
    # Control: a shift of a quarter of a standard deviation is seen.
    moved = metrics.kid(x, y + 0.25, block_size=200)
    assert moved.estimate > 10 * moved.standard_error


def test_the_error_of_kid_is_its_spread():
    draw = np.random.default_rng(3).normal
    runs = [
        metrics.kid(draw(size=(500, 4)), draw(size=(500, 4)), block_size=50)
        for _ in range(60)
    ]
    spread = np.std([run.estimate for run in runs])
    stated = np.mean([run.standard_error for run in runs])
    assert 0.7 < stated / spread < 1.4


def test_kid_refuses_a_block_that_is_not_filled():
    with pytest.raises(ValueError, match="block_size=1000"):
        metrics.kid(normal(20, 2), normal(20, 2))
