"""What a run leaves to look at: metrics.jsonl and pictures."""

import json
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from training import storage


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


def save_png(pixels: np.ndarray, path: pathlib.Path) -> None:
    """Writes uint8 [H, W, 1 or 3] as a PNG, at once."""
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    storage.replace(path, lambda aside: Image.fromarray(flat).save(aside))
