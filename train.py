"""Trains a model: python train.py --config=configs/eae_mnist.py --workdir=...

A run is a pure function of its config: killed at any moment and resumed, it
ends with the weights of the uninterrupted run. The work directory holds
config.json, metrics.jsonl, checkpoints/, tensorboard/, a folder of pictures for
each thing that the model exhibits, such as samples/ and reconstructions/, and
at the end model.weights.h5 and results.json, the scores of the evaluators. With
--config.evals.fidelity.num_images=1000 these are FID, KID, precision and recall
too, of as many generated images beside as many test images (fidelity.txt).
"""

import os
import pathlib
import sys
from typing import Any

from absl import flags
from ml_collections import config_flags

import errors
from training import command_line


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    config_flags.DEFINE_config_file(
        "config", None, "Config file, as configs/eae_mnist.py:quick."
    )
    flags.DEFINE_string("workdir", None, "Directory of the run.")
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared TFDS sets; TFDS's own by default."
    )
    flags.DEFINE_bool("download", False, "Fetch a data set that is missing.")
    flags.DEFINE_enum(
        "strategy",
        "auto",
        ["auto", "cpu", "gpu", "mirrored"],
        "Devices; mirrored runs without XLA.",
    )
    flags.DEFINE_bool(
        "jit_compile", None, "Compile with XLA; the config's choice by default."
    )
    flags.DEFINE_bool(
        "mixed_precision", None, "bfloat16 layers; the config's by default."
    )
    flags.DEFINE_bool("resume", False, "Go on with the run in --workdir.")
    command_line.define_inception_weights()
    flags.mark_flags_as_required(["config", "workdir"])


def train(
    config: Any,
    workdir: str | os.PathLike,
    *,
    data_dir: str | None = None,
    download: bool = False,
    strategy: str = "auto",
    jit_compile: bool | None = None,
    mixed_precision: bool | None = None,
    resume: bool = False,
    inception_weights: str | None = None,
) -> dict[str, float]:
    """Trains a model and returns its final metrics.

    Args:
        config: ConfigDict or dict; see training/settings.py for the keys.
        workdir: directory of the run.
        data_dir: folder of prepared TFDS sets.
        download: fetch a data set that is missing.
        strategy: "auto", "cpu", "gpu" or "mirrored".
        jit_compile: XLA or not; None: as the config says.
        mixed_precision: bfloat16 layers; None: as the config says.
        resume: go on with the run in `workdir`, to the same result.
        inception_weights: file of InceptionV3's weights without the top, for
            config.evals.fidelity; None: the features are those of a ConvNet
            that is trained on the labels of the data, once.

    Returns:
        The scores in results.json: step and what the evaluators measure, such
        as test_mse, and with config.evals.fidelity.num_images kid, kid_error,
        fid, fid_infinity, precision, recall, ...

    Raises:
        InputError: bad settings, missing data, a run of another config in
            `workdir`, a full disk, or numbers that are not finite.
    """
    if not os.fspath(workdir):
        # It would mean the current directory, which nobody asks for so.
        raise errors.InputError("workdir='' is empty: name a directory")
    # TensorFlow is slow to import: a wrong flag should not wait for it.
    from training import run, settings

    wanted = settings.complete(
        config, jit_compile=jit_compile, mixed_precision=mixed_precision
    )
    with run.enough_memory():
        return run.execute(
            wanted,
            pathlib.Path(workdir),
            data_dir=data_dir,
            download=download,
            device_name=strategy,
            resume=resume,
            inception_weights=inception_weights,
        )


def main(argv: list[str]) -> None:
    """Trains as the flags say, and prints the result."""
    values = command_line.alone(argv)
    results = train(
        values.config,
        values.workdir,
        data_dir=values.data_dir,
        download=values.download,
        strategy=values.strategy,
        jit_compile=values.jit_compile,
        mixed_precision=values.mixed_precision,
        resume=values.resume,
        inception_weights=values.inception_weights,
    )
    shown = ", ".join(f"{k} {v:.5g}" for k, v in results.items())
    print(f"{values.workdir}: {shown}")


if __name__ == "__main__":
    # TensorFlow's start-up notices are no news to a user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    define_flags()
    # absl parses again: the overrides must not be defined twice.
    sys.argv[1:] = command_line.check(sys.argv)[1:]
    errors.run(main)
