"""Runs a SavedModel the way TF-Serving does: through a Session.

Run as a script it is the check of an export in a process of its own:

    python -I session_loader.py SAVED_MODEL INPUTS.npz OUTPUTS.npz

reads arrays named SIGNATURE/INPUT and writes arrays SIGNATURE/OUTPUT. It
imports TensorFlow and NumPy alone, so an export that needs the code that
made it fails here.
"""

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


class LoadedModel:
    """A SavedModel in a Session; `run` may be called from several threads.

    Args:
      path: the SavedModel's directory.

    Raises:
      OSError, tf.errors.OpError, RuntimeError: it cannot be loaded.
    """

    def __init__(self, path: str):
        v1 = tf.compat.v1
        self._session = v1.Session(graph=tf.Graph())
        try:
            with self._session.graph.as_default():
                meta_graph = v1.saved_model.loader.load(
                    self._session, [tf.saved_model.SERVING], path
                )
        except BaseException:
            self._session.close()
            raise
        self.signatures: dict[str, Any] = dict(meta_graph.signature_def)

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Sequence[str] | None = None,
        timeout_ms: int = 0,
    ) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
          signature: its name.
          inputs: arrays by input name, every input of the signature.
          outputs: names of the outputs wanted; all of them when None.
          timeout_ms: 0 for none.

        Returns:
          Arrays by output name.
        """
        definition = self.signatures[signature]
        names = list(definition.outputs) if outputs is None else list(outputs)
        values = self._session.run(
            [definition.outputs[name].name for name in names],
            {definition.inputs[name].name: inputs[name] for name in inputs},
            options=tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms),
        )
        return dict(zip(names, values, strict=True))

    def close(self) -> None:
        """Frees the variables; no call of `run` may be under way."""
        self._session.close()


def disable_xla() -> bool:
    """Forbids XLA in this process, as TF-Serving does unless told otherwise.

    Returns:
      Whether it was possible: the library exports the switch on Linux.
    """
    folder = os.path.dirname(tf.__file__)
    try:
        library = ctypes.CDLL(os.path.join(folder, "libtensorflow_cc.so.2"))
        library._ZN10tensorflow21DisableXlaCompilationEv()
    except (OSError, AttributeError):
        return False
    return True


def main(path: str, inputs_path: str, outputs_path: str) -> None:
    """Runs every signature named in the inputs file, twice."""
    disable_xla()
    requests: dict[str, dict[str, np.ndarray]] = {}
    with np.load(inputs_path, allow_pickle=True) as arrays:
        for key in arrays.files:
            signature, name = key.split("/", 1)
            requests.setdefault(signature, {})[name] = arrays[key]
    model = LoadedModel(path)
    results: dict[str, Any] = {}
    # The second answer is kept: a model that remembers gives another one.
    for _ in range(2):
        for signature, inputs in requests.items():
            for name, value in model.run(signature, inputs).items():
                results[f"{signature}/{name}"] = value
    model.close()
    np.savez(outputs_path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
