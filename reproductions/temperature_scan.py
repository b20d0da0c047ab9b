"""The three regimes of temperature (Aliahmadi 2026, section 3.3).

Measured, 60 decoder updates of 150 encoder steps of length 1, 5,000 images:

- Cold, T = 1e-10: the gradient noise of batches of 32 heats the encoder to
  5.8 T; the members agree (0.6 % of the codes' variance lies between them),
  and the error is 0.0125. So the limit T -> 0 shows in the members' spread,
  not in the error: Adam on both parts reaches 0.0050 in as many steps.
- Window, T = 1e-9 and 1e-8: errors 0.0108 and 0.0128, kinetic temperature
  1.35 T and 1.00 T, 1 % and 6 % of the variance between members.
- Hot, T = 1e-7 and 1e-6: errors 0.064 and 0.068, a participation ratio of 1,
  neighbours read 23 % and 17 % of the digits. The weights have diffused away
  (rms 2 and 9, from 0.06). All 64 latents still count as used, by shuffling:
  activity alone does not tell this regime.
"""

import pathlib
from typing import Any

import numpy as np

import errors
import train
from reproductions import codes, table1_runs
from sources import Data
from training import checkpoints, report

# Test images that a run of the scan is judged on.
_IMAGES = 5000


def table(
    output: pathlib.Path,
    data: Data,
    temperatures: tuple[float, ...] = table1_runs.SCAN_TEMPERATURES,
    **options: Any,
) -> list[dict[str, Any]]:
    """Trains a short run at each temperature; a finished one is only read.

    Args:
        output: folder of the runs.
        data: images, with labels.
        temperatures: T, in units of the energy.
        **options: of train.train.

    Returns:
        A row a temperature, then the plain autoencoder after as many steps,
        its "temperature" None. A run whose numbers ceased to be finite has
        only its temperature and "diverged".
    """
    rows = []
    for temperature in temperatures:
        config = table1_runs.scan_settings(temperature)
        name = f"T={temperature:.0e}"
        rows.append({"temperature": temperature})
        rows[-1].update(_row(config, output / "scan" / name, data, options))
    config = table1_runs.scan_reference_settings()
    rows.append({"temperature": None})
    rows[-1].update(_row(config, output / "scan" / "ae", data, options))
    return rows


def _row(
    config: dict, workdir: pathlib.Path, data: Data, options: dict
) -> dict[str, Any]:
    try:
        train.train(config, workdir, resume=True, **options)
    except errors.InputError as error:
        if "finite" not in str(error):
            raise
        return {"diverged": str(error)}
    _, model = checkpoints.load_run(workdir)
    scale = np.float32(255)
    described = codes.describe(
        model,
        data.test[:_IMAGES] / scale,
        data.test_labels[:_IMAGES],
        data.train[:_IMAGES] / scale,
        data.train_labels[:_IMAGES],
    )
    lines = report.read_metrics(workdir)
    logged = [line for line in lines if "kinetic_ratio" in line]
    weights = [np.ravel(w) for w in model.encoder.get_weights()]
    return {
        **described.row,
        "kinetic_ratio": logged[-1]["kinetic_ratio"] if logged else None,
        "single_mse": ([r["val_mse"] for r in lines if "val_mse" in r])[-1],
        "weight_rms": float(
            np.sqrt(np.mean(np.concatenate(weights).astype(float) ** 2))
        ),
    }


def lines(rows: list[dict[str, Any]]) -> list[str]:
    """The table as text; "one enc.": one encoder, on validation images."""
    columns = (
        ("MSE", "mse", "9.4f"),
        ("one enc.", "single_mse", "9.4f"),
        ("kT/T", "kinetic_ratio", "9.3g"),
        ("permut.", "permutation_active", "8d"),
        ("particip.", "participation_ratio", "10.1f"),
        ("5-NN", "knn_accuracy", "7.3f"),
        ("noise", "member_share", "8.3f"),
        ("rms w", "weight_rms", "8.3g"),
    )
    head = "        T"
    for title, _, form in columns:
        head += title.rjust(int(form.split(".")[0].rstrip("d")))
    out = [head]
    for row in rows:
        temperature = row["temperature"]
        start = "AE, Adam" if temperature is None else f"{temperature:.0e}"
        text = start.rjust(9)
        if "diverged" in row:
            text += "  diverged: " + row["diverged"][:60]
        else:
            for _, key, form in columns:
                width = int(form.split(".")[0].rstrip("d"))
                known = row[key] is not None
                text += format(row[key], form) if known else "-".rjust(width)
        out.append(text)
    return out
