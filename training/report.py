"""What a run leaves to look at: metrics.jsonl and grids of images."""

import json
import math
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from training import storage

# Enlarges small images, so that a grid is readable.
_SIDE = 56
# Pixels between images, and their shade.
_GAP, _GREY = 4, 0.4


class MetricsFile:
    """metrics.jsonl: one JSON object a line, in the order of the steps."""

    def __init__(self, workdir: pathlib.Path, step: int) -> None:
        """Opens the file, without the lines of steps after `step`.

        Lines of an earlier end of the run, and one that a crash cut short,
        go too.
        """
        self.path = workdir / "metrics.jsonl"
        kept = [
            line
            for line in self.read()
            if line["step"] <= step and not is_end(line)
        ]
        lines = [json.dumps(line) + "\n" for line in kept]
        storage.replace(
            self.path, lambda p: pathlib.Path(p).write_text("".join(lines))
        )

    def read(self) -> list[dict]:
        """The whole lines on disk."""
        return read_metrics(self.path)

    def append(self, **values: Any) -> None:
        """Adds a line; `step` is among the values."""
        with (
            storage.writing(self.path),
            self.path.open("a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(values) + "\n")


def is_end(line: dict) -> bool:
    """Whether a line of metrics.jsonl holds the results of a whole run."""
    return "test_mse" in line


def read_metrics(path: pathlib.Path) -> list[dict]:
    """The whole lines of a metrics file, each with its step."""
    found = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                values = json.loads(line)
            except ValueError:
                continue
            if isinstance(values, dict) and "step" in values:
                found.append(values)
    return found


def grid(images: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Tiles images [N, H, W, C] in [0, 1] with gaps: uint8 [rows, cols, C].

    Args:
        images: C is 1, 3, or more (the first three are shown). Small ones
            are enlarged.
        columns: images a row; default: a square.
    """
    count, height, width, channels = images.shape
    shown = 1 if channels < 3 else 3
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    scale = max(1, _SIDE // height)
    tiles = np.clip(images[..., :shown], 0, 1)
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


def save_png(pixels: np.ndarray, path: pathlib.Path) -> None:
    """Writes uint8 [H, W, 1 or 3] as a PNG, at once."""
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    storage.replace(path, lambda aside: Image.fromarray(flat).save(aside))


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
