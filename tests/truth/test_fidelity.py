"""FID, KID, precision and recall against closed forms and other codes."""

from typing import Any

import numpy as np
import pytest
from scipy import linalg

import errors
import metrics
from metrics import frechet


def gaussian(seed: int, size: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """A mean and a covariance."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size)) / size**0.5
    return rng.normal(size=size), root @ root.T + 0.1 * np.eye(size)


def draw(law: tuple, rows: int, rng: Any) -> np.ndarray:
    return rng.multivariate_normal(*law, size=rows)


def sqrtm_twin(law: tuple, other: tuple) -> float:
    """The formula as it is usually coded."""
    (mean, covariance), (mean_2, covariance_2) = law, other
    root: Any = linalg.sqrtm(covariance @ covariance_2)
    traces = np.trace(covariance) + np.trace(covariance_2)
    shift = np.sum((mean - mean_2) ** 2)
    return float(shift + traces - 2 * np.trace(root.real))


def test_distance_of_commuting_gaussians_is_the_closed_form():
    """In each direction of the common axes (m - m')^2 + (s - s')^2."""
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    one, two = rng.uniform(0.1, 3, 5), rng.uniform(0.1, 3, 5)
    mean, other = rng.normal(size=5), rng.normal(size=5)
    found = metrics.frechet_distance(
        mean, axes * one**2 @ axes.T, other, axes * two**2 @ axes.T
    )
    expected = np.sum((mean - other) ** 2) + np.sum((one - two) ** 2)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1, 6, 40])
def test_distance_equals_scipys(size):
    one, two = gaussian(1, size), gaussian(2, size)
    found = metrics.frechet_distance(*one, *two)
    assert found == pytest.approx(sqrtm_twin(one, two), rel=1e-9)
    back = metrics.frechet_distance(*two, *one)
    assert back == pytest.approx(found, rel=1e-12)
    # Control: the root of each covariance alone is another number.
    if size > 1:
        roots: Any = [linalg.sqrtm(law[1]) for law in (one, two)]
        gap = np.sum((roots[0] - roots[1]) ** 2)
        assert found - np.sum((one[0] - two[0]) ** 2) < 0.99 * gap


def test_fid_of_sets_equals_that_of_their_moments():
    rng = np.random.default_rng(3)
    x, y = draw(gaussian(1), 500, rng), draw(gaussian(2), 400, rng)
    laws = [(z.mean(0), np.cov(z.T)) for z in (x, y)]
    assert metrics.fid(x, y).estimate == pytest.approx(
        sqrtm_twin(laws[0], laws[1]), rel=1e-9
    )


@pytest.mark.parametrize("rows", [500, 4])
def test_a_set_against_itself_is_zero(rows):
    """Also where the rows are too few for a covariance of full rank."""
    x = draw(gaussian(1), rows, np.random.default_rng(4))
    for found in (
        metrics.fid(x, x),
        metrics.kid(x, x, rows // 2),
        metrics.kid(x, x, rows // 2, kernel="rbf"),
    ):
        # Rounding may leave both a little off zero.
        assert abs(found.estimate) <= 3 * found.standard_error + 1e-12
    if rows > 4:
        limit = metrics.fid_infinity(x, x)
        assert abs(limit.estimate) <= 3 * limit.standard_error + 1e-12
        # Control: the same rows moved a little are not.
        assert metrics.fid(x, x + 0.1).estimate > 0.05


def test_the_errors_of_fid_are_its_spread():
    """Of FID and of its limit, over fresh draws of both sets."""
    rng = np.random.default_rng(5)
    laws = gaussian(1), gaussian(2)
    for measure in (metrics.fid, metrics.fid_infinity):
        runs = [
            measure(draw(laws[0], 300, rng), draw(laws[1], 300, rng))
            for _ in range(120)
        ]
        spread = np.std([run.estimate for run in runs])
        stated = np.mean([run.standard_error for run in runs])
        # The spread of 120 is itself known to 6 %.
        assert stated == pytest.approx(spread, rel=0.2), measure


def test_influence_is_the_derivative():
    """Weight moved to one row moves the distance by its influence."""
    rng = np.random.default_rng(6)
    x, y = draw(gaussian(1, 3), 40, rng), draw(gaussian(2, 3), 50, rng)

    def distance(weights: np.ndarray) -> float:
        mean = weights @ x
        centred = x - mean
        covariance = (centred.T * weights) @ centred
        return metrics.frechet_distance(mean, covariance, y.mean(0), cov)

    cov = np.cov(y.T)
    ours = frechet._Moments(x.mean(0), frechet._root(np.cov(x.T, bias=True)))
    theirs = frechet._moments(y)
    influence = frechet._influence(x, ours, theirs)
    even = np.full(40, 1 / 40)
    for row in (0, 7):
        step = 1e-6 * (np.eye(40)[row] - even)
        slope = (distance(even + step) - distance(even - step)) / 2e-6
        expected = influence[row] - influence.mean()
        assert slope == pytest.approx(expected, rel=1e-5)


def test_the_thesis_s_sizes():
    assert metrics.sample_sizes(4500) == metrics.THESIS_SIZES
    assert len(metrics.THESIS_SIZES) == 10


@pytest.mark.parametrize("stretch", [1.0, 1.3])
def test_extrapolation_beats_every_finite_size(stretch):
    """Mean over draws: the limit is met, no finite size comes as near."""
    rng = np.random.default_rng(7)
    one = gaussian(1, 16)
    two = one[0] + 0.1 * (stretch > 1), one[1] * stretch**2
    truth = metrics.frechet_distance(*one, *two)
    sizes = [200, 400, 600, 900]
    limits, finite = [], []
    for _ in range(100):
        x, y = draw(one, 900, rng), draw(two, 900, rng)
        limits.append(metrics.fid_infinity(x, y, sizes).estimate)
        finite.append(
            [metrics.fid(x[:n], y[:n]).estimate for n in sizes],
        )
    error = np.std(limits) / len(limits) ** 0.5
    off = abs(np.mean(limits) - truth)
    biases = np.mean(finite, 0) - truth
    # What is left of the bias is of second order in d / N.
    assert off < 3 * error + 0.1 * biases[-1]
    # Control: every finite size is off, and seen to be.
    assert np.all(biases > 5 * np.std(finite, 0) / len(finite) ** 0.5)
    assert np.all(biases > 3 * off)
    # A constant over N: twice the rows, half the bias.
    assert biases[0] / biases[1] == pytest.approx(2.0, rel=0.25)


def cubic_mmd_of_centred_gaussians(one, two) -> float:
    """E (x.y / d + 1)^3 = 1 + 3 Tr(C C') / d^2 where the means are 0."""
    gap = one[1] - two[1]
    return float(3 * np.sum(gap**2) / len(gap) ** 2)


def rbf_mmd_of_gaussians(one, two, scale: float) -> float:
    def kernel(law, other):
        shift = law[0] - other[0]
        total = law[1] + other[1] + scale**2 * np.eye(len(shift))
        exponent = shift @ np.linalg.solve(total, shift)
        ratio = np.linalg.det(total) / scale ** (2 * len(shift))
        return np.exp(-0.5 * exponent) / ratio**0.5

    return kernel(one, one) + kernel(two, two) - 2 * kernel(one, two)


@pytest.mark.parametrize(("size", "rows"), [(10, 3000), (100, 20_000)])
def test_kid_is_unbiased_at_every_size(size, rows):
    """Which is why it is not extrapolated: FID is not, at the same sizes."""
    rng = np.random.default_rng(8)
    one, two = ((np.zeros(6), gaussian(seed)[1]) for seed in (1, 2))
    x, y = draw(one, rows, rng), draw(two, rows, rng)
    found = metrics.kid(x, y, size)
    expected = cubic_mmd_of_centred_gaussians(one, two)
    assert abs(found.estimate - expected) < 3 * found.standard_error
    assert found.standard_error < 0.3 * expected
    found = metrics.kid(x, y, size, kernel="rbf", length_scale=2.0)
    expected = rbf_mmd_of_gaussians(one, two, 2.0)
    assert abs(found.estimate - expected) < 3 * found.standard_error
    # Controls: a wrong length scale, and FID by blocks.
    wrong = rbf_mmd_of_gaussians(one, two, 8.0)
    assert abs(found.estimate - wrong) > 3 * found.standard_error
    blocks = [
        metrics.fid(x[i : i + size], y[i : i + size]).estimate
        for i in range(0, rows, size)
    ]
    error = np.std(blocks) / len(blocks) ** 0.5
    truth = metrics.frechet_distance(*one, *two)
    assert np.mean(blocks) - truth > 5 * error


def rbf_twin(x, y, scale: float) -> float:
    def kernel(a, b):
        return np.exp(-np.sum((a - b) ** 2) / (2 * scale**2))

    def within(z):
        pairs = [
            kernel(z[i], z[j])
            for i in range(len(z))
            for j in range(len(z))
            if i != j
        ]
        return np.mean(pairs)

    between = np.mean([kernel(a, b) for a in x for b in y])
    return float(within(x) + within(y) - 2 * between)


def test_rbf_mmd_equals_its_definition():
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(23, 5)), 2 * rng.normal(size=(17, 5))
    assert float(metrics.rbf_mmd(x, y, 1.7)) == pytest.approx(
        rbf_twin(x, y, 1.7), rel=1e-9
    )


@pytest.mark.parametrize("kernel", ["polynomial", "rbf"])
def test_kid_equals_its_definition_by_blocks(kernel):
    """Pair by pair in NumPy, without (i, i) in any of the three means."""
    rng = np.random.default_rng(10)
    x, y = rng.normal(size=(31, 5)), 0.3 + rng.normal(size=(33, 5))
    distances = [
        np.linalg.norm(y[i] - y[j]) for i in range(33) for j in range(i)
    ]
    scale = np.median(distances)
    assert metrics.median_distance(y) == pytest.approx(scale, rel=1e-9)

    def value(a, b):
        if kernel == "rbf":
            return np.exp(-np.sum((a - b) ** 2) / (2 * scale**2))
        return (np.dot(a, b) / 5 + 1) ** 3

    blocks = []
    for start in (0, 10, 20):
        a, b = x[start : start + 10], y[start : start + 10]
        blocks.append(
            np.mean(
                [
                    value(a[i], a[j])
                    + value(b[i], b[j])
                    - 2 * value(a[i], b[j])
                    for i in range(10)
                    for j in range(10)
                    if i != j
                ]
            )
        )
    found = metrics.kid(x, y, 10, kernel=kernel)
    assert found.estimate == pytest.approx(np.mean(blocks), rel=1e-9)
    assert found.standard_error == pytest.approx(
        np.std(blocks, ddof=1) / 3**0.5, rel=1e-9
    )


def share_twin(x, y, neighbours: int) -> float:
    """Share of rows of x in a ball of y, by sorting."""
    inside = []
    for a in x:
        hits = []
        for j, b in enumerate(y):
            rest = [np.linalg.norm(b - c) for i, c in enumerate(y) if i != j]
            radius = sorted(rest)[neighbours - 1]
            hits.append(np.linalg.norm(a - b) <= radius)
        inside.append(any(hits))
    return float(np.mean(inside))


def test_precision_and_recall_equal_their_definition():
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(60, 3)), 0.7 + rng.normal(size=(50, 3))
    for neighbours in (1, 3):
        precision, recall = metrics.precision_recall(x, y, neighbours)
        assert precision.estimate == share_twin(x, y, neighbours)
        assert recall.estimate == share_twin(y, x, neighbours)
        assert precision.estimate != recall.estimate
        share = precision.estimate
        expected = (share * (1 - share) / 60) ** 0.5
        assert precision.standard_error == pytest.approx(expected)


def test_a_lost_mode_costs_recall_and_a_blur_precision():
    rng = np.random.default_rng(12)
    # Chunks: more rows than are compared at once.
    real = rng.normal(size=(3000, 2)) + 40 * (np.arange(3000) % 2)[:, None]
    half = rng.normal(size=(3000, 2))
    precision, recall = metrics.precision_recall(half, real)
    assert precision.estimate > 0.95
    assert recall.estimate == pytest.approx(0.5, abs=0.03)
    # A third of the images lie where nothing real does.
    blurred = real + 20 * (np.arange(3000) % 3 == 0)[:, None]
    precision, recall = metrics.precision_recall(blurred, real)
    assert precision.estimate == pytest.approx(2 / 3, abs=0.03)
    assert recall.estimate > 0.95


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda x: metrics.fid(x, x[:, :2]), "cannot be compared"),
        (lambda x: metrics.fid(x, x[:1]), "2 rows or more"),
        (lambda x: metrics.fid(x * np.nan, x), "not finite"),
        (lambda x: metrics.fid_infinity(x, x, [5]), "two or more numbers"),
        (lambda x: metrics.fid_infinity(x, x, [5, 99]), "9 of the shorter"),
        (lambda x: metrics.kid(x, x, 5, kernel="cubic"), "kernel='cubic'"),
        (lambda x: metrics.kid(x, x, 99), "block_size=99"),
        (lambda x: metrics.rbf_mmd(x, x, 0.0), "length_scale=0.0"),
        (lambda x: metrics.precision_recall(x, x, 9), "neighbours=9"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(call, line):
    with pytest.raises(errors.InputError, match=line) as caught:
        call(np.ones((9, 3)))
    assert "\n" not in str(caught.value)
