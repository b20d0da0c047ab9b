"""Flags, tables and the authors' numbers of both experiments of Raj 2024."""

import itertools
import math
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags

from reproductions import ti_runs
from training import command_line, storage

# Of CelebA, from the logs behind the figures: spread of the gradient, its
# coefficient of variation over five repetitions in %, and KID, each at the
# last of 50 epochs.
AUTHORS = {
    "batch 25": (0.896, 24.0, 0.0359),
    "batch 50": (0.626, 22.7, 0.0374),
    "batch 75": (0.526, 29.9, 0.0405),
    "batch 150": (0.265, 24.8, 0.0440),
    "p = 0.1": (0.780, 7.6, 0.0771),
    "p = 0.3": (0.470, 2.6, 0.0714),
    "p = 1": (0.209, 6.4, 0.0620),
    "p = 3": (0.321, 5.0, 0.0448),
    "p = 6": (0.344, 3.4, 0.0427),
    "p = 10": (0.380, 4.8, 0.0451),
    "N_t = 30": (0.618, 10.2, 0.0729),
    "K = 40": (0.733, 3.6, 0.0812),
    "eta = 1": (0.780, 7.6, 0.0771),
    "eta = 2": (0.706, 4.1, 0.0743),
}
# By group and label: a measure of gradients and one of images.
Points = dict[str, dict[str, tuple[Any, Any]]]
# What the authors have not run.
DEFAULT, CONTROL = "TI, our default", "vanilla, frozen prior"
VANILLA, TRAINED, FROZEN = "vanilla", "TI, trained prior", "TI, frozen prior"
_COLUMNS = (
    ("generator_spread", "spread G"),
    ("generator_variance", "variance G"),
    ("prior_spread", "spread E"),
    ("prior_variance", "variance E"),
    ("kid", "KID"),
    ("fid_infinity", "FID inf"),
    ("mse", "MSE"),
)

_ERRORS = (("kid", "KID"), ("fid_infinity", "FID inf"))


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    flags.DEFINE_bool("quick", False, "A few steps of two repetitions.")
    flags.DEFINE_string("data", "digits", "digits or mnist.")
    flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS sets.")
    flags.DEFINE_bool("download", False, "Fetch the data where missing.")
    flags.DEFINE_integer("epochs", None, "Passes over the training images.")
    flags.DEFINE_integer("repetitions", None, "Runs of each setting.")
    flags.DEFINE_string(
        "output",
        "runs/thermodynamic_integration",
        "Folder of the results; finished runs in it are read, not trained.",
    )
    command_line.define_inception_weights()


def values(table: ti_runs.Table, key: ti_runs.Key, column: str) -> np.ndarray:
    """A column over the repetitions of a setting."""
    return np.array([row[column] for row in table[key]])


def mean(table: ti_runs.Table, key: ti_runs.Key, column: str) -> float:
    """Over the repetitions."""
    return float(values(table, key, column).mean())


def standard_error(
    table: ti_runs.Table, key: ti_runs.Key, column: str
) -> float:
    """Of `mean`, from the repetitions."""
    found = values(table, key, column)
    return float(found.std(ddof=1) / math.sqrt(len(found)))


def variation(table: ti_runs.Table, key: ti_runs.Key, column: str) -> float:
    """Coefficient of variation over the repetitions, in %."""
    found = values(table, key, column)
    return float(100 * found.std(ddof=1) / found.mean())


def lines(table: ti_runs.Table) -> list[str]:
    """Means over repetitions as text, the authors' numbers in brackets."""
    head = "".join(title.rjust(11) for _, title in _COLUMNS)
    head += "".join(f"{title} +-".rjust(11) for _, title in _ERRORS)
    out = [" " * 34 + head + "CV, %".rjust(8)]
    for key in table:
        group, label = key
        cells = [
            format(mean(table, key, column), ".4g").rjust(11)
            for column, _ in _COLUMNS
        ]
        cells += [
            format(standard_error(table, key, column), ".2g").rjust(11)
            for column, _ in _ERRORS
        ]
        spread = variation(table, key, "generator_spread")
        line = f"{group}, {label}".ljust(34) + "".join(cells)
        line += f"{spread:8.1f}"
        if label in AUTHORS and group not in (DEFAULT, CONTROL):
            theirs = AUTHORS[label]
            line += f"  [{theirs[0]:.3f}, CV {theirs[1]:.0f} %, {theirs[2]}]"
        out.append(line)
    return out


def caption(table: ti_runs.Table, extractor: str, number: int) -> str:
    """What KID and FID are of, and what their errors are.

    Args:
        table: of the experiment.
        extractor: name of the features.
        number: generated images of a run, and real ones.
    """
    rows = list(itertools.chain(*table.values()))
    errors = [
        f"{title} {max(row[f'{column}_error'] for row in rows):.2g}"
        for column, title in _ERRORS
    ]
    runs = shown(sorted({len(rows) for rows in table.values()}))
    return (
        f"KID and FID inf: features of {extractor}, n = {number} generated "
        "images of a run beside as many real ones; +-: standard error of the "
        f"mean over {runs} runs, which share the real images; of one run, over "
        f"images of both kinds, it is at most {', '.join(errors)}"
    )


def falls(numbers: Sequence[float]) -> bool:
    """Whether each is less than the one before."""
    return all(a > b for a, b in itertools.pairwise(numbers))


def shown(numbers: Sequence[float]) -> str:
    """Numbers with three digits each."""
    return " ".join(format(number, ".3g") for number in numbers)


def verdict(claim: str, seen: str, holds: bool) -> str:
    """One line of what is claimed and what is seen."""
    return f"- {claim}: {seen}: {'holds' if holds else 'does not hold'}"


def measures(
    table: ti_runs.Table, group: str, column: str
) -> dict[str, np.ndarray]:
    """A column of a group, by label."""
    return {
        label: values(table, (name, label), column)
        for name, label in table
        if name == group
    }


def points(
    table: ti_runs.Table, groups: Sequence[str], column: str, fidelity: str
) -> Points:
    """Measures of gradients and of images, for pictures.trade_offs."""
    return {
        group: {
            label: (found, values(table, (group, label), fidelity))
            for label, found in measures(table, group, column).items()
        }
        for group in groups
    }


def authors_points(table: ti_runs.Table, groups: Sequence[str]) -> Points:
    """The authors' means of the same settings, for pictures.trade_offs."""
    return {
        group: {
            label: (AUTHORS[label][0], AUTHORS[label][2])
            for name, label in table
            if name == group and label in AUTHORS
        }
        for group in groups
    }


def images(
    table: ti_runs.Table, shape: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Generated images of each setting's first run, in [0, 1]."""
    return {
        ", ".join(key): np.frombuffer(
            bytes.fromhex(rows[0]["samples"]), np.uint8
        ).reshape(-1, *shape)
        / 255.0
        for key, rows in table.items()
    }


def publish(
    table: ti_runs.Table,
    runner: ti_runs.Runner,
    path: pathlib.Path,
    note: str,
    verdicts: Sequence[str],
) -> None:
    """Writes the numbers of every run as JSON; prints means and verdicts.

    Args:
        table: of the experiment.
        runner: of its runs.
        path: of the JSON file, beside the pictures.
        note: a line below the table.
        verdicts: lines, what is claimed and what is seen.
    """
    what = {
        "plan": runner.plan._asdict(),
        "extractor": runner.extractor.name,
        "images": len(runner.real),
        "rows": json_rows(table),
    }
    storage.write_json(path, what)
    print("means over runs [Raj 2024, CelebA: spread, its CV, KID]")
    of = caption(table, runner.extractor.name, len(runner.real))
    print(*lines(table), of, note, sep="\n")
    print("what is claimed, and what is seen:", *verdicts, sep="\n")
    print(f"numbers of every run, and pictures: {path.parent}")


def json_rows(table: ti_runs.Table) -> list[dict[str, Any]]:
    """The table as JSON has it: the numbers of every run."""
    return [
        {"group": group, "label": label, "repetition": index}
        | {k: v for k, v in row.items() if k != "samples"}
        for (group, label), rows in table.items()
        for index, row in enumerate(rows)
    ]
