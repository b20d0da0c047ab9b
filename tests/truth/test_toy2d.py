"""Toys in the plane: what is drawn has the moments and densities it should."""

import numpy as np
import pytest

import errors
import sources
import zoo
from sources import toy2d

_NUMBER = 40_000
_KNOWN = [name for name, toy in toy2d.TOYS.items() if toy.log_density]


def off(found: np.ndarray, expected: float) -> np.ndarray:
    """How many standard errors the mean of rows lies from what it should."""
    error = found.std(0, ddof=1) / len(found) ** 0.5
    return np.abs(found.mean(0) - expected) / error


@pytest.mark.parametrize("name", toy2d.TOYS)
def test_a_toy_has_mean_0_and_deviation_1(name):
    points, component = toy2d.draw(name, _NUMBER, 1)
    assert points.dtype == np.float32 and points.shape == (_NUMBER, 2)
    points = points.astype(float)
    assert np.all(off(points, 0.0) < 4)
    assert np.all(off(points**2, 1.0) < 4)
    # Control: a scale of another toy would be seen.
    assert np.all(off((1.02 * points) ** 2, 1.0) > 4)
    number = toy2d.TOYS[name].components
    share = np.bincount(component, minlength=number) / _NUMBER
    assert len(share) == number
    np.testing.assert_allclose(share, 1 / number, atol=0.01)


def test_eight_normals_have_the_moments_of_their_closed_form():
    """Each lies on a circle of radius 4 and has deviation 1/2."""
    points, component = toy2d.draw("eight_normals", _NUMBER, 2)
    scale = (4.0**2 / 2 + 0.5**2) ** 0.5
    for index in range(8):
        angle = 2 * np.pi * index / 8
        mean = 4.0 * np.array([np.cos(angle), np.sin(angle)])
        gap = points[component == index] * scale - mean
        assert np.all(off(gap, 0.0) < 4), index
        squares = np.stack([gap[:, 0] ** 2, gap[:, 1] ** 2], 1)
        assert np.all(off(squares, 0.25) < 4), index
        assert off(gap[:, 0] * gap[:, 1], 0.0) < 4, index
        # Controls: another radius, another width.
        assert np.any(off(gap - 0.02 * mean, 0.0) > 4), index
        assert np.all(off(squares, 0.22) > 4), index


@pytest.mark.parametrize("name", _KNOWN)
def test_a_density_is_that_of_the_points(name):
    """Its mass in cells of a grid is 1 in all, and what is drawn there."""
    side, fine = 16, 16
    # Two cells to a square of the board.
    edges = 2 * 3**0.5 * np.linspace(-1, 1, side * fine + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    grid = np.stack(np.meshgrid(middle, middle, indexing="ij"), -1)
    density = np.exp(toy2d.log_density(name, grid.reshape(-1, 2)))
    cells = density.reshape(side, fine, side, fine).sum((1, 3))
    expected = cells.ravel() * (edges[1] - edges[0]) ** 2
    points, _ = toy2d.draw(name, _NUMBER, 3)
    coarse = edges[::fine]
    seen = np.histogram2d(*points.T, bins=(coarse, coarse))[0].ravel()
    assert expected.sum() == pytest.approx(1.0, abs=1e-3)
    assert chi_square(seen, expected) < 1.5
    # Control: the points a little wider.
    wide = np.histogram2d(*1.1 * points.T, bins=(coarse, coarse))[0].ravel()
    assert chi_square(wide, expected) > 10


def chi_square(seen: np.ndarray, expected: np.ndarray) -> float:
    """Of counts, over its mean; cells of few points are left out."""
    counts = expected / expected.sum() * seen.sum()
    kept = counts > 20
    return float(np.mean((seen - counts)[kept] ** 2 / counts[kept]))


def test_a_toy_is_loaded_by_name():
    data = sources.load("toy2d/moons")
    assert data.name == "toy2d/moons"
    assert data.spec == zoo.DataSpec("points", (2,), 10_000)
    parts = (data.train, data.validation, data.test)
    assert [len(part) for part in parts] == [10_000, 2_000, 2_000]
    assert [len(y) for y in data[5:]] == [10_000, 2_000, 2_000]
    everything = np.concatenate(parts)
    assert len(np.unique(everything, axis=0)) == len(everything)
    # A part of it is its first points.
    part = sources.load("toy2d/moons", train_examples=70, eval_examples=30)
    assert part.spec.num_examples == 70
    np.testing.assert_array_equal(part.train, data.train[:70])
    np.testing.assert_array_equal(part.test, data.test[:30])
    np.testing.assert_array_equal(part.train_labels, data.train_labels[:70])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("toy2d", {}, "name='toy2d' is unknown: known: checkerboard, eight_"),
        ("toy2d/moon", {}, "did you mean 'moons'"),
        ("toy2d/moons", {"image_size": 8}, "data.image_size=8 is for images"),
        ("toy2d/moons", {"train_examples": 0}, "data.train_examples=0 must"),
        ("toy2d/moons", {"eval_examples": 2.5}, "data.eval_examples=2.5 must"),
    ],
)
def test_a_bad_toy_is_refused_in_one_line(name, arguments, message):
    with pytest.raises(errors.InputError, match=message) as caught:
        sources.load(name, **arguments)
    assert "\n" not in str(caught.value)


def test_a_toy_without_a_closed_form_says_so():
    with pytest.raises(errors.InputError, match="moons has no density"):
        toy2d.log_density("moons", np.zeros((1, 2)))
