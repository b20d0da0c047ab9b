"""Checkpoints of a run, for exact resume and for export.

A work directory holds config.json (the resolved settings) and checkpoints/
(model, optimizers and step, by tf.train.CheckpointManager). `load_run` needs
nothing else.
"""

import json
import os
import pathlib
import re
from typing import Any

import ml_collections
import tensorflow as tf

import errors
import zoo
from training import storage

_KEEP = 3
_CONFIG = "config.json"
_NAME = re.compile(r"ckpt-(\d+)\.index")


def config_path(workdir: str | os.PathLike) -> pathlib.Path:
    """Where the resolved settings stand."""
    return pathlib.Path(workdir) / _CONFIG


def read_config(workdir: str | os.PathLike) -> dict | None:
    """The settings of the run in `workdir`; None where there is no run.

    Raises:
        InputError: config.json cannot be read.
    """
    path = config_path(workdir)
    try:
        settings = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise errors.InputError(
            f"{path} cannot be read ({error}): put the file back, or train "
            "again in another --workdir"
        ) from error
    if not isinstance(settings, dict) or not {"model", "spec"} <= {*settings}:
        raise errors.InputError(
            f"{path} is not the config of a run, or of one of an earlier "
            "version: name another --workdir, or train again"
        )
    return settings


def latest(workdir: str | os.PathLike) -> str | None:
    """The newest complete checkpoint's prefix; None where there is none."""
    folder = pathlib.Path(workdir) / "checkpoints"
    numbers = [
        int(match[1])
        for path in folder.glob("ckpt-*.index")
        if (match := _NAME.fullmatch(path.name))
    ]
    return str(folder / f"ckpt-{max(numbers)}") if numbers else None


class Checkpoints:
    """Saves and restores (model, optimizers, step) of one run."""

    def __init__(self, model: zoo.Model, workdir: str | os.PathLike) -> None:
        """Takes a compiled model."""
        self._model = model
        self._folder = pathlib.Path(workdir) / "checkpoints"
        self._step = tf.Variable(tf.zeros((), tf.int64))
        self._checkpoint = tf.train.Checkpoint(
            model=model, step=self._step, **_optimizers(model)
        )
        self._manager = tf.train.CheckpointManager(
            self._checkpoint, str(self._folder), max_to_keep=_KEEP
        )

    def restore(self) -> int:
        """Restores the newest checkpoint; returns its step, 0 for none.

        Raises:
            InputError: the checkpoint is damaged, or of another model.
        """
        prefix = latest(self._folder.parent)
        if prefix is None:
            return 0
        _read(self._checkpoint, prefix)
        return int(self._step.numpy())

    def save(self, step: int) -> None:
        """Saves; a save cut short leaves the earlier checkpoints valid.

        Raises:
            InputError: a weight is not finite, or the disk refuses.
        """
        require_finite(self._model, step)
        self._step.assign(step)
        with storage.writing(self._folder):
            self._manager.save()


def _optimizers(model: zoo.Model) -> dict[str, Any]:
    return {f"optimizer_{k}": one for k, one in model.optimizers.items()}


def require_finite(model: zoo.Model, step: int) -> None:
    """Raises InputError where a weight is NaN or infinite."""
    for variable in model.variables:
        value = variable.value
        if value.dtype.is_floating and not bool(
            tf.reduce_all(tf.math.is_finite(value))
        ):
            raise errors.InputError(
                f"step {step}: weight {variable.path!r} is not finite: lower "
                "the step size, temperature or learning rate; the last good "
                "checkpoint is kept"
            )


def restore(model: zoo.Model, workdir: str | os.PathLike) -> None:
    """Restores the weights of `model` from the newest checkpoint.

    Raises:
        InputError: no checkpoint there, a damaged one, or another model's.
    """
    prefix = latest(workdir)
    if prefix is None:
        raise errors.InputError(
            f"{os.fspath(workdir)} has no checkpoint yet: train first with "
            f"`python train.py --config=... --workdir={os.fspath(workdir)}`"
        )
    # By way of a copy: what is read in part goes on to restore whatever is
    # attached later, such as the optimizers of another `compile`.
    copy: Any = type(model).from_config(model.get_config())
    _read(tf.train.Checkpoint(model=copy), prefix, partial=True)
    model.set_weights(copy.get_weights())


def load_run(workdir: str | os.PathLike) -> tuple[Any, Any]:
    """Rebuilds the model of a run and restores its newest checkpoint.

    Args:
        workdir: of train.py.

    Returns:
        The resolved settings (a locked ConfigDict), and the model.

    Raises:
        InputError: no run there, or one that cannot be read.
    """
    settings = read_config(workdir)
    if settings is None:
        raise errors.InputError(
            f"{os.fspath(workdir)} holds no run: train first with "
            f"`python train.py --config=... --workdir={os.fspath(workdir)}`"
        )
    model = build_model(settings)
    restore(model, workdir)
    return ml_collections.ConfigDict(settings).lock(), model


def build_model(settings: dict) -> Any:
    """Builds the model that the settings describe, for their spec of data."""
    arguments = dict(settings["model"])
    return zoo.build(
        arguments.pop("name"),
        data=settings["spec"],
        seed=settings["seed"],
        **arguments,
    )


def _read(
    checkpoint: tf.train.Checkpoint, prefix: str, partial: bool = False
) -> None:
    try:
        status = checkpoint.read(prefix) if partial else None
        status = status or checkpoint.restore(prefix)
        # Silences a notice at exit about what the asserts below check.
        status.expect_partial().assert_existing_objects_matched()
        if not partial:
            status.assert_consumed()
    except (AssertionError, ValueError) as error:
        # Its files are whole, and so are those of the one before it.
        raise errors.InputError(
            f"checkpoint {prefix} is of another model, or of an earlier "
            f"version of this one ({_first_line(error)}): train again in "
            "another --workdir"
        ) from error
    except (tf.errors.OpError, OSError) as error:
        raise errors.InputError(
            f"checkpoint {prefix} is damaged ({_first_line(error)}): delete "
            f"{prefix}.* to take the one before it, or train again in another "
            "--workdir"
        ) from error


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
