"""What happens during `fit`: guard, progress, report, pictures, checkpoint.

One epoch of `fit` is one report interval. The callbacks run in the order
guard, progress, report, pictures, checkpoint: nothing is saved that the guard
would refuse, and a checkpoint holds whatever the pictures changed.
"""

import math
import pathlib
import sys
import time
from typing import Any

import keras
import tensorflow as tf
import tqdm

import errors
import sources
from evaluators import pictures
from training import checkpoints, report, single_device


class Guard(keras.callbacks.Callback):
    """Stops the run at the first number that is not finite."""

    def __init__(self, step: int, per_execution: int) -> None:
        """Takes the restored step and the steps of one call."""
        super().__init__()
        self._step = step
        self._per_execution = per_execution

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks at what the model logged."""
        self._step += self._per_execution
        self._look(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the validation too."""
        self._look(logs)

    def _look(self, logs: dict | None) -> None:
        logs = logs or {}
        if any(not math.isfinite(value) for value in logs.values()):
            seen = ", ".join(f"{k}={v:.4g}" for k, v in sorted(logs.items()))
            raise errors.InputError(
                f"step {self._step}: not finite ({seen}): lower the step "
                "size, temperature or learning rate; the last good "
                "checkpoint is kept"
            )


class Progress(keras.callbacks.Callback):
    """A progress bar: loss, temperature, rate and the time left."""

    def __init__(self, step: int, steps: int, per_execution: int) -> None:
        """Takes the restored step, the last step, the steps of one call."""
        super().__init__()
        self._bar = tqdm.tqdm(
            total=steps,
            initial=step,
            unit="step",
            dynamic_ncols=True,
            mininterval=0.5 if sys.stderr.isatty() else 10.0,
        )
        self._per_execution = per_execution

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Advances the bar."""
        logs = logs or {}
        shown = {k: logs[k] for k in ("loss", "temperature") if k in logs}
        self._bar.set_postfix(
            {k: f"{v:.4g}" for k, v in shown.items()}, refresh=False
        )
        self._bar.update(self._per_execution)

    def close(self) -> None:
        """Leaves the last state of the bar on the screen."""
        self._bar.close()


class Report(keras.callbacks.Callback):
    """Writes metrics.jsonl and TensorBoard's scalars, once an interval."""

    def __init__(
        self,
        metrics: report.MetricsFile,
        board: tf.summary.SummaryWriter,
        every: int,
    ) -> None:
        """Takes the two sinks and the steps of an interval."""
        super().__init__()
        self._metrics = metrics
        self._board = board
        self._every = every
        self._start = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes a line."""
        step = (epoch + 1) * self._every
        values = {key: float(value) for key, value in (logs or {}).items()}
        seconds = time.monotonic() - self._start
        self._metrics.append(step=step, **values, seconds=round(seconds, 4))
        write_scalars(self._board, step, values)


class Pictures(keras.callbacks.Callback):
    """Draws what the model exhibits, every so many steps."""

    def __init__(
        self,
        workdir: pathlib.Path,
        board: tf.summary.SummaryWriter,
        data: sources.Data,
        every: int | None,
        interval: int,
        steps: int,
    ) -> None:
        """Takes where to draw, the data, how often, and the last step."""
        super().__init__()
        self._workdir = workdir
        self._board = board
        self._data = data
        self._every = every
        self._interval = interval
        self._steps = steps

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Prepares the model and draws, where pictures are due."""
        step = (epoch + 1) * self._interval
        # The end of the run draws for itself.
        due = self._every and step % self._every == 0
        if due and step < self._steps:
            trained: Any = self.model
            model = single_device.prepared(trained, self._data.train)
            self.draw(model, step)

    def draw(self, model: Any, step: int) -> None:
        """Writes NAME/step_*.png for everything that the model exhibits."""
        spec = self._data.spec
        # Half as many originals as samples: each has a reconstruction.
        rows = spec.as_rows(self._data.test[: spec.shown // 2])
        for name, shown in model.exhibits(rows).items():
            pixels = pictures.picture(spec.kind, shown)
            path = self._workdir / name / f"step_{step:09d}.png"
            report.save_png(pixels, path)
            with self._board.as_default():
                tf.summary.image(name, pixels[None], step=step)


class Save(keras.callbacks.Callback):
    """Saves a checkpoint every so many steps."""

    def __init__(
        self, saved: checkpoints.Checkpoints, every: int, interval: int
    ) -> None:
        """Takes the checkpoints and how often."""
        super().__init__()
        self._saved = saved
        self._every = every
        self._interval = interval

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves, where a checkpoint is due."""
        step = (epoch + 1) * self._interval
        if step % self._every == 0:
            self._saved.save(step)


def write_scalars(
    board: tf.summary.SummaryWriter, step: int, values: dict[str, float]
) -> None:
    """Writes TensorBoard's scalars of a step."""
    with board.as_default():
        for key, value in values.items():
            tf.summary.scalar(key, value, step=step)
    board.flush()
