"""What a search leaves: trials.jsonl, best.json, a table and a picture."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from matplotlib import figure

from training import report, storage
from training.search_space import Searched

DONE, FAILED, RUNNING = "done", "failed", "running"


class Record:
    """The trials of a search, on disk after every change.

    A row has trial (its number), status, objective (None unless done),
    values (of the searched keys), metrics (the last of each that the run
    reported) and reason (one line, of a failed trial).
    """

    def __init__(self, workdir: pathlib.Path, direction: str) -> None:
        """Reads what an earlier search left in `workdir`."""
        self.path = workdir / "trials.jsonl"
        self._sign = 1.0 if direction == "min" else -1.0
        self._rows: dict[int, dict[str, Any]] = {}
        if self.path.is_file():
            text = self.path.read_text(encoding="utf-8")
            rows = [json.loads(line) for line in text.splitlines()]
            # Where nothing worked, the cause may lie outside the values, as
            # missing data do: all is tried again.
            if any(row["status"] == DONE for row in rows):
                self._rows = {row["trial"]: row for row in rows}

    def begin(self, trial: int, values: dict[str, Any]) -> dict[str, Any]:
        """The row of a trial; one that is there keeps its values."""
        if trial not in self._rows:
            self.put(trial=trial, status=RUNNING, objective=None, values=values)
        return self._rows[trial]

    def put(self, **row: Any) -> None:
        """Writes a row in the place of the trial's former one."""
        self._rows[row["trial"]] = row
        text = "".join(json.dumps(row) + "\n" for row in self.rows())
        storage.replace(
            self.path, lambda aside: pathlib.Path(aside).write_text(text)
        )

    def rows(self) -> list[dict[str, Any]]:
        """The best first; trials without an objective last."""

        def rank(row: dict[str, Any]) -> tuple[bool, float, int]:
            score = row["objective"]
            return score is None, self._sign * (score or 0.0), row["trial"]

        return sorted(self._rows.values(), key=rank)


def reported(workdir: pathlib.Path) -> dict[str, float]:
    """The last value of everything that the run in `workdir` reported."""
    found: dict[str, float] = {}
    for line in report.read_metrics(workdir):
        found.update(line)
    found.update(report.read_results(workdir) or {})
    found.pop("step", None)
    return found


def table(rows: Sequence[dict[str, Any]], objective: str) -> str:
    """The rows as text, a line each; a failed trial says why."""
    keys = list(rows[0]["values"]) if rows else []
    lines = [["trial", objective, *keys, ""]]
    for row in rows:
        score = row["objective"]
        lines.append(
            [
                str(row["trial"]),
                row["status"] if score is None else f"{score:.5g}",
                *(_short(row["values"][key]) for key in keys),
                row.get("reason", ""),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    # The reason is as long as it likes.
    widths[-1] = 0
    return "\n".join(
        "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines
    )


def picture(
    rows: Sequence[dict[str, Any]],
    searched: Sequence[Searched],
    objective: str,
    path: pathlib.Path,
) -> None:
    """Draws the objective against each searched value; crosses failed."""
    drawn = figure.Figure(
        figsize=(2.8 * len(searched) + 0.6, 2.8), layout="constrained"
    )
    panels = drawn.subplots(1, len(searched), sharey=True, squeeze=False)[0]
    for panel, one in zip(panels, searched, strict=True):
        done = [row for row in rows if row["status"] == DONE]
        failed = [row for row in rows if row["status"] == FAILED]
        panel.plot(
            [_drawable(row, one) for row in done],
            [row["objective"] for row in done],
            "o",
        )
        panel.plot(
            [_drawable(row, one) for row in failed],
            [0.03] * len(failed),
            "rx",
            transform=panel.get_xaxis_transform(),
        )
        if one.log:
            panel.set_xscale("log")
        panel.set_xlabel(one.key)
    panels[0].set_ylabel(objective)
    storage.replace(path, lambda aside: drawn.savefig(aside, dpi=120))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _drawable(row: dict[str, Any], one: Searched) -> Any:
    value = row["values"][one.key]
    return value if one.kind in (int, float) else str(value)
