"""Pictures of examples, by their kind: grids of tiles, and scattered points."""

import math
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from matplotlib import collections, figure
from matplotlib.backends import backend_agg

# Pairs of tiles a row.
_COLUMNS = 8
# Enlarges small images, so that a grid is readable.
_SIDE = 56
# Pixels between images, and their shade.
_GAP, _GREY = 4, 0.4
_DATA, _MADE, _LINE = "#1f4e79", "#d1495b", "#9a9a9a"


def picture(kind: str, shown: Any) -> np.ndarray:
    """Draws examples, or pairs of them such as reconstructions.

    Images, spins and fields become a grid of tiles: examples in a square,
    pairs in rows of eight, each row of originals above that of the others.
    Points become a scatter plot of their first two coordinates, pairs joined
    by lines.

    Args:
        kind: kind of the data, a name of zoo.data.KINDS.
        shown: float32 [N, ...] examples, or a pair of two such arrays.

    Returns:
        pixels uint8 [H, W, 1 or 3].
    """
    pair = isinstance(shown, tuple)
    sets = np.stack([np.asarray(one) for one in (shown if pair else [shown])])
    if kind == "points":
        return _scatter(sets.reshape(*sets.shape[:2], -1))
    images = _TILES[kind](sets)
    if not pair:
        return grid(images[0])
    columns = min(_COLUMNS, len(images[0]))
    whole = len(images[0]) // columns * columns
    return grid(pairs(images[0, :whole], images[1, :whole], columns), columns)


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Tiles images [N, H, W, C] in [0, 1] with gaps: uint8 [rows, cols, C].

    Args:
        images: C is 1, 3, or more (the first three are shown). Small ones
            are enlarged; what is not a number is black.
        columns: images a row; default: a square.
    """
    count, height, width, channels = images.shape
    shown = 1 if channels < 3 else 3
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    scale = max(1, _SIDE // height)
    tiles = np.nan_to_num(np.clip(images[..., :shown], 0, 1))
    tiles = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    height, width = height * scale + _GAP, width * scale + _GAP
    canvas = np.full((rows * columns, height, width, shown), _GREY, np.float32)
    canvas[:count, _GAP:, _GAP:] = tiles
    tiled = canvas.reshape(rows, columns, height, width, shown)
    pixels = tiled.transpose(0, 2, 1, 3, 4).reshape(
        rows * height, columns * width, shown
    )
    framed = np.pad(
        pixels, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=_GREY
    )
    return np.round(framed * 255).astype(np.uint8)


def pairs(images: np.ndarray, others: np.ndarray, columns: int) -> np.ndarray:
    """Rows of images, each above the row of their counterparts.

    Args:
        images: [N, H, W, C] with N a multiple of `columns`.
        others: [N, H, W, C].
        columns: images a row.

    Returns:
        [2 N, H, W, C], ordered for `grid` with the same `columns`.
    """
    shape = (-1, 1, columns, *images.shape[1:])
    both = np.concatenate([images.reshape(shape), others.reshape(shape)], 1)
    return both.reshape(-1, *images.shape[1:])


def _spins(sets: np.ndarray) -> np.ndarray:
    """White for up and black for down; a lattice of rank 2 as it is."""
    if sets.ndim != 4:
        # Others in reading order, as wide as high, the end left grey.
        flat = sets.reshape(*sets.shape[:2], -1)
        side = math.isqrt(flat.shape[2] - 1) + 1
        rows = -(-flat.shape[2] // side)
        left = rows * side - flat.shape[2]
        flat = np.pad(flat, ((0, 0), (0, 0), (0, left)))
        sets = flat.reshape(*flat.shape[:2], rows, side)
    return (sets[..., None] + 1) / 2


def _fields(sets: np.ndarray) -> np.ndarray:
    """Red above 0 and blue below; of several components their length."""
    if sets.shape[-1] == 1:
        values, low, colours = sets[..., 0], -1.0, "RdBu_r"
    else:
        values, low, colours = np.linalg.norm(sets, axis=-1), 0.0, "viridis"
    most = np.abs(values).max(initial=1e-30)
    shares = (values / most - low) / (1.0 - low)
    return matplotlib.colormaps[colours](shares)[..., :3]


_TILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "image": lambda sets: sets,
    "spins": _spins,
    "field": _fields,
}


def _scatter(sets: np.ndarray) -> np.ndarray:
    """Points [1 or 2, N, dimensions]; those of one coordinate as a line."""
    if sets.shape[2] == 1:
        sets = np.concatenate([sets, np.zeros_like(sets)], 2)
    sets = sets[..., :2]
    drawn = figure.Figure((5.6, 5.6), dpi=120, layout="constrained")
    canvas = backend_agg.FigureCanvasAgg(drawn)
    axes = drawn.add_subplot()
    size = float(np.clip(6000 / sets.shape[1], 5, 24))
    style = {"s": size, "alpha": 0.7, "linewidths": 0}
    if len(sets) == 2:
        lines = collections.LineCollection(
            list(sets.transpose(1, 0, 2)), colors=_LINE, linewidths=0.5
        )
        axes.add_collection(lines)
    labels = ("data", "reconstruction")
    for points, colour, label in zip(
        sets, (_DATA, _MADE), labels, strict=False
    ):
        axes.scatter(*points.T, color=colour, label=label, zorder=2, **style)
    if len(sets) == 2:
        axes.legend(loc="upper right", fontsize=9, markerscale=1.5)
    axes.set_aspect("equal", "datalim")
    axes.set_xlabel("$x_1$")
    axes.set_ylabel("$x_2$")
    axes.grid(alpha=0.25, linewidth=0.6)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
