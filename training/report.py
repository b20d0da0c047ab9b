"""What a run leaves to look at: metrics.jsonl, results.json and pictures."""

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

        One that a crash cut short goes too.
        """
        self.path = workdir / "metrics.jsonl"
        kept = [line for line in read_metrics(workdir) if line["step"] <= step]
        lines = [json.dumps(line) + "\n" for line in kept]
        storage.replace(
            self.path, lambda p: pathlib.Path(p).write_text("".join(lines))
        )

    def append(self, **values: Any) -> None:
        """Adds a line; `step` is among the values."""
        with (
            storage.writing(self.path),
            self.path.open("a", encoding="utf-8") as file,
        ):
            file.write(json.dumps(values) + "\n")


def read_metrics(workdir: pathlib.Path) -> list[dict]:
    """The whole lines of the metrics file, each with its step."""
    path = workdir / "metrics.jsonl"
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


def results_path(workdir: pathlib.Path) -> pathlib.Path:
    """Where the scores of a finished run stand; a run has it at its end."""
    return workdir / "results.json"


def read_results(workdir: pathlib.Path) -> dict[str, float] | None:
    """The scores of a finished run; None where the run has not ended."""
    try:
        found = json.loads(results_path(workdir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def save_png(pixels: np.ndarray, path: pathlib.Path) -> None:
    """Writes uint8 [H, W, 1 or 3] as a PNG, at once."""
    flat = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    storage.replace(path, lambda aside: Image.fromarray(flat).save(aside))
