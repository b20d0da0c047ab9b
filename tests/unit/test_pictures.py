"""Pictures of examples, by the kind of the data."""

from typing import Any

import numpy as np
import pytest

import zoo
from evaluators import pictures


def spec(kind: str, *shape: int) -> zoo.DataSpec:
    return zoo.DataSpec(kind, shape)


def array(values: Any) -> np.ndarray:
    return np.array(values, np.float32)


def test_a_grid_keeps_every_image_in_its_place():
    values = np.linspace(0, 1, 6, dtype=np.float32)
    images = np.tile(values[:, None, None, None], (1, 28, 28, 1))
    pixels = pictures.grid(images, columns=3)
    assert pixels.shape == (2 * 60 + 4, 3 * 60 + 4, 1)
    centres = pixels[32::60, 32::60, 0]
    expected = np.round(values * 255).reshape(2, 3)
    np.testing.assert_array_equal(centres, expected)


def test_a_grid_of_colours_and_of_an_odd_number():
    images = np.ones((5, 64, 64, 3), np.float32)
    pixels = pictures.picture("image", images)
    assert pixels.shape == (2 * 68 + 4, 3 * 68 + 4, 3)


def test_pairs_stand_below_each_other():
    images = np.arange(8, dtype=np.float32).reshape(8, 1, 1, 1)
    both = pictures.pairs(images, -images, columns=4).ravel()
    assert both.tolist() == [
        *(0, 1, 2, 3),
        *(0, -1, -2, -3),
        *(4, 5, 6, 7),
        *(-4, -5, -6, -7),
    ]


@pytest.mark.parametrize(
    ("number", "rows", "columns"), [(30, 3, 8), (8, 1, 8), (5, 1, 5)]
)
def test_pairs_fill_rows_of_eight(number, rows, columns):
    images = np.zeros((number, 56, 56, 1), np.float32)
    pixels = pictures.picture("image", (images, images + 1))
    assert pixels.shape == (2 * rows * 60 + 4, columns * 60 + 4, 1)
    # Originals are black, the others white.
    np.testing.assert_array_equal(pixels[32::120, 32::60], 0)
    np.testing.assert_array_equal(pixels[92::120, 32::60], 255)


def test_spins_are_black_and_white():
    lattice = array([[[1, -1], [-1, -1]]])
    pixels = pictures.picture("spins", lattice)
    np.testing.assert_array_equal(pixels[18::28, 18::28, 0], [[255, 0], [0, 0]])
    # In a line of five: in reading order, three a row.
    line = array([[1, -1, 1, 1, -1]])
    cells = pictures.picture("spins", line)[18::28, 18::28, 0]
    assert cells.tolist() == [[255, 0, 255], [255, 0, 128]]


def test_fields_have_the_colour_of_their_sign_or_length():
    waves = array([[[2], [0], [-2]]])[None]
    red, white, blue = pictures.picture("field", waves)[30, 32::56]
    assert red[0] > red[2] and blue[2] > blue[0] and white.min() > 240
    arrows = array([[[3, 4], [-5, 0], [0, 0]]])[None]
    one, other, none = pictures.picture("field", arrows)[30, 32::56]
    assert one.tolist() == other.tolist() != none.tolist()
    # Both of a pair have one scale.
    pixels = pictures.picture("field", (waves, waves / 2))
    assert pixels[30, 32].tolist() != pixels[90, 32].tolist()


def places(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Rows and columns of the pixels that are about as a colour."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    seen = 0.7 * np.array(wanted) + 0.3 * 255
    return np.argwhere(np.abs(pixels - seen).max(-1) < 6)


def test_points_lie_where_their_first_two_coordinates_say():
    corners = [[0, 0, 9], [2, 0, -9], [0, 1, 0]]
    pixels = pictures.picture("points", array(corners))
    assert pixels.dtype == np.uint8 and pixels.ndim == 3
    found = places(pixels, pictures._DATA)
    left, right = found[:, 1].min(), found[:, 1].max()
    top, bottom = found[:, 0].min(), found[:, 0].max()
    # One unit of each axis is as long; less the width of the points.
    width, height = right - left, bottom - top
    assert width > 150 and width == pytest.approx(2 * height, abs=12)
    assert len(places(pixels, pictures._MADE)) == 0
    again = pictures.picture("points", array(corners))
    np.testing.assert_array_equal(again, pixels)


def test_pairs_of_points_have_two_colours_and_lines():
    points = np.stack([np.zeros(3), np.linspace(0, 1, 3)], 1)
    others = points + np.array([1, 0])
    pixels = pictures.picture("points", (points, others))
    left = places(pixels, pictures._DATA)[:, 1].min()
    right = places(pixels, pictures._MADE)[:, 1].max()
    assert right > left + 150
    # Three lines and the frame's two; those of the grid are fainter.
    between = pixels[:, left + 30 : left + 90].max((1, 2))
    dark = np.flatnonzero(between < 225)
    assert np.sum(np.diff(dark, prepend=-9) > 1) == 5


@pytest.mark.parametrize("shape", [(1,), (2,), (7,)])
def test_points_of_any_dimension_are_drawn(shape):
    points = np.random.default_rng(0).normal(size=(9, *shape))
    assert pictures.picture("points", points).std() > 5
