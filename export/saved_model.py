"""Writes a version that TF-Serving may pick up the moment it appears.

The server polls the base path every second and loads any directory whose name
is a number, so a version is written under another name, loaded and compared in
a process of its own, and renamed only then.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import errors
from export import session_loader, signatures, warmup

_PROBE_ROWS = 3
# Another batch size can pick another matrix kernel; bits are not promised.
_TOLERANCE = 1e-5


def export_model(
    model: Any,
    base_path: str,
    *,
    metadata: Mapping[str, Any] | None = None,
    allowed_batch_sizes: Sequence[int] = (1, 8, 32, 64),
) -> str:
    """Exports the model's serving functions as the next version.

    Args:
      model: a zoo.Model, or what has `serving_functions()` and `variables`.
      base_path: the directory of the versions; created when absent.
      metadata: JSON-able facts kept in `assets.extra/thermozoo.json`.
      allowed_batch_sizes: batch sizes to warm up.

    Returns:
      The directory of the new version, base_path/N.

    Raises:
      InputError: a signature breaks a rule, the path cannot be written, or
        the export does not give what the model gives. No version is left.
    """
    served = signatures.collect(model)
    base_path = os.path.abspath(base_path)
    try:
        os.makedirs(base_path, exist_ok=True)
        aside = tempfile.mkdtemp(prefix=".tmp-", dir=base_path)
    except OSError as error:
        raise _unwritable(base_path, error) from error
    try:
        staged = os.path.join(aside, "model")
        # Of a tf.function, save would trace every signature once more.
        traced = {
            name: signature.function.get_concrete_function()
            for name, signature in served.items()
        }
        tf.saved_model.save(_module(model, traced), staged, traced)
        signatures.check_saved(staged)
        warmup.write(staged, served, allowed_batch_sizes)
        _write_metadata(staged, metadata or {})
        _verify(staged, served, aside)
        return _rename(staged, base_path)
    except (OSError, tf.errors.OpError) as error:
        raise _unwritable(base_path, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def versions(base_path: str) -> dict[int, str]:
    """Returns the version directories by number, as TF-Serving reads them."""
    found = {}
    for entry in os.scandir(base_path):
        if entry.name.isascii() and entry.name.isdigit() and entry.is_dir():
            found[int(entry.name)] = entry.path
    return dict(sorted(found.items()))


def _module(model: Any, traced: Mapping[str, Any]) -> tf.Module:
    """Holds the raw variables that the functions read, and nothing else.

    The Session loader cannot restore a variable reached through a Keras
    model, and an optimizer's or a chain's state has no business on a server.
    """
    used = {
        id(variable)
        for function in traced.values()
        for variable in function.variables
    }
    raw = [variable.value for variable in model.variables]
    unknown = used - {id(variable) for variable in raw}
    if unknown:
        raise errors.InputError(
            f"{len(unknown)} variables of the serving functions are not among "
            f"the weights of {type(model).__name__}; make them with add_weight"
        )
    return _Served([v for v in raw if id(v) in used])


class _Served(tf.Module):
    def __init__(self, weights: Sequence[Any]):
        super().__init__(name="served")
        self.weights = list(weights)


def _write_metadata(path: str, metadata: Mapping[str, Any]) -> None:
    target = os.path.join(path, "assets.extra", "thermozoo.json")
    with open(target, "w", encoding="utf-8") as file:
        json.dump(dict(metadata), file, indent=2, sort_keys=True, default=str)


def _verify(path: str, served: Mapping[str, Any], scratch: str) -> None:
    """Compares the export, loaded by a fresh process, with the live model."""
    samples = _samples(served)
    inputs = {
        name: signature.examples(_PROBE_ROWS, samples)
        for name, signature in served.items()
    }
    inputs_path = os.path.join(scratch, "inputs.npz")
    outputs_path = os.path.join(scratch, "outputs.npz")
    flat: dict[str, Any] = {
        f"{name}/{key}": value
        for name, arrays in inputs.items()
        for key, value in arrays.items()
    }
    np.savez(inputs_path, **flat)
    script = session_loader.__file__
    # -I: neither the working directory nor PYTHONPATH may help it.
    command = [sys.executable, "-I", script, path, inputs_path, outputs_path]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    # A served model needs no accelerator, and this process may hold it all.
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    child = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or ["no message"]
        raise errors.InputError(
            "the export does not load in a fresh process, no version was "
            f"written: {lines[-1]}"
        )
    with np.load(outputs_path, allow_pickle=True) as answers:
        for name, signature in served.items():
            for key, expected in _run(signature, inputs[name]).items():
                _compare(f"{name}/{key}", expected.numpy(), answers)


def _samples(served: Mapping[str, Any]) -> np.ndarray | None:
    """Samples of the model, for signatures that take data.

    Chains that start at an example magnify rounding where the example is like
    nothing that the model knows.
    """
    if "generate" not in served:
        return None
    generate = served["generate"]
    made = _run(generate, generate.examples(_PROBE_ROWS))
    return next(iter(made.values())).numpy()


def _run(signature: Any, inputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    return signature.function(*(tf.constant(v) for v in inputs.values()))


def _compare(key: str, expected: np.ndarray, found: Any) -> None:
    if key not in found.files:
        same = False
    elif np.issubdtype(expected.dtype, np.floating):
        same = found[key].shape == expected.shape and np.allclose(
            found[key], expected, _TOLERANCE, _TOLERANCE, equal_nan=True
        )
    else:
        same = np.array_equal(found[key], expected)
    if not same:
        raise errors.InputError(
            f"the export's output {key} differs from the live model's, no "
            "version was written: look for state that the serving functions "
            "change or draw from"
        )


def _rename(staged: str, base_path: str) -> str:
    number = max(versions(base_path), default=0) + 1
    while True:
        target = os.path.join(base_path, str(number))
        try:
            os.rename(staged, target)
        except OSError:
            if not os.path.exists(target):
                raise
            number += 1  # Another export took the number first.
        else:
            return target


def _unwritable(base_path: str, error: Exception) -> errors.InputError:
    reason = str(error).splitlines()[0]
    return errors.InputError(
        f"cannot write the export under {base_path!r} ({reason}); choose a "
        "directory that can be written, with room on its disk"
    )
