"""Runs of the latent-space energy-based prior, and what each one gave.

A run trains, then draws gradients at the weights it ended with, then generates.
Rates of 0 do two things here without a code of their own: they freeze the
prior of a run, and they hold all weights still while its gradients are drawn.
"""

import json
import pathlib
import time
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tqdm

import metrics
import sources
import zoo
from metrics import extractors
from reproductions import ti_settings
from reproductions.ti_settings import NETWORKS, Plan, Setting
from training import storage

# Rates fall by 2.5 % an epoch to a half (Raj 2024). They start 30 times as
# high as there, as there are some 25 times fewer steps.
_DECAY, _FLOOR = 0.975, 0.5
_RATES = {"generator": 3e-3, "prior": 6e-4}
_BETA_1 = 0.5
# Draws of a run are counted from here, times its repetition.
_STRIDE = 10_000_000
# Generated images that a run keeps to be looked at.
SHOWN = 10
# Group and label of a setting in the tables.
Key = tuple[str, str]
Table = dict[Key, list[dict[str, Any]]]


class Watched(keras.optimizers.Adam):
    """Adam that measures the gradients it is given."""

    def watch(self, variables: list) -> None:
        """Sets up both measures, for gradients of these variables."""
        self.spread = metrics.GradientSpread()
        self.variance = metrics.GradientVariance([v.shape for v in variables])

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Measures; then as Adam does."""
        self.spread.update_state(grads)
        self.variance.update_state(grads)
        super().apply(grads, trainable_variables)


class Runner:
    """Trains settings on one data set, and keeps what each run gave."""

    def __init__(
        self,
        data: sources.Data,
        plan: Plan,
        folder: pathlib.Path,
        extractor: extractors.Extractor | None = None,
    ):
        """Takes the data and the plan.

        Args:
            data: images, with labels.
            plan: of every run.
            folder: of the results.
            extractor: of the features of fidelity; None: a ConvNet, which is
                trained where `folder` has none yet.
        """
        self.data, self.plan, self.folder = data, plan, folder
        # None of them is trained on.
        self.real = np.concatenate([data.validation, data.test])
        self.real = self.real[: plan.eval_images]
        self.extractor = extractor or extractors.convnet(
            data.name, data.train, data.train_labels, folder
        )
        self.models: dict[Setting, Any] = {}

    def table(self, settings: dict[Key, Setting]) -> Table:
        """A row for each repetition of each setting.

        Args:
            settings: by group and label; those that differ in `frozen` alone
                share a graph where they stand side by side.
        """
        jobs = [
            (name, setting, repetition)
            for name, setting in settings.items()
            for repetition in range(self.plan.repetitions)
        ]
        rows: Table = {name: [] for name in settings}
        bar = tqdm.tqdm(jobs, unit="run", mininterval=1.0)
        for name, setting, repetition in bar:
            bar.set_description(f"{', '.join(name)}, run {repetition + 1}")
            rows[name].append(self.row(setting, repetition))
            # A graph that no run needs any more is memory.
            if repetition == self.plan.repetitions - 1:
                self._forget(setting, settings.values())
        return rows

    def row(self, setting: Setting, repetition: int) -> dict[str, Any]:
        """What one run gave; a run that is finished is read, not trained.

        Args:
            setting: of the run.
            repetition: from 0; its seed.
        """
        row = self.kept(setting, repetition)
        if row is None:
            row = self._run(setting, repetition)
            path, what = self._record(setting, repetition)
            storage.write_json(path, {"what": what, "row": row})
        return row

    def kept(self, setting: Setting, repetition: int) -> dict | None:
        """What a finished run gave; None where there is none of this kind."""
        path, what = self._record(setting, repetition)
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            return None
        return found["row"] if found.get("what") == what else None

    def kept_table(self, settings: dict[Key, Setting]) -> Table:
        """As `table`, of the settings whose runs are all finished."""
        found = {
            key: [
                self.kept(setting, repetition)
                for repetition in range(self.plan.repetitions)
            ]
            for key, setting in settings.items()
        }
        return {
            key: [row for row in rows if row]
            for key, rows in found.items()
            if all(rows)
        }

    def _record(
        self, setting: Setting, repetition: int
    ) -> tuple[pathlib.Path, dict]:
        """Where a run is kept, and all that its numbers depend on."""
        what = {
            "data": self.data.name,
            "images": len(self.data.train),
            "extractor": self.extractor.name,
            "networks": json.loads(json.dumps(NETWORKS[self.data.name])),
            "rates": list(_RATES.values()),
            "plan": self.plan._replace(repetitions=0)._asdict(),
            "setting": setting._asdict(),
            "repetition": repetition,
        }
        slug = "-".join(str(value) for value in (*setting, repetition))
        return self.folder / "runs" / f"{slug}.json", what

    def _run(self, setting: Setting, repetition: int) -> dict[str, Any]:
        start = time.monotonic()
        model = self._model(setting)
        self._restart(model, repetition)
        steps = max(
            1, self.plan.epochs * len(self.data.train) // setting.batch_size
        )
        batches = sources.batches(
            self.data.train, batch_size=setting.batch_size, seed=repetition
        )
        rates = Rates(steps, self.plan.epochs, setting.frozen)
        # What Keras says of an option that it types too narrowly.
        silent: Any = 0
        options = {"shuffle": False, "verbose": silent}
        log = model.fit(
            batches, steps_per_epoch=steps, callbacks=[rates], **options
        )
        for optimizer in model.optimizers.values():
            optimizer.learning_rate = 0.0
            optimizer.spread.reset_state()
            optimizer.variance.reset_state()
        model.fit(batches, steps_per_epoch=self.plan.measured, **options)
        row: dict[str, Any] = {"steps": steps}
        row |= {key: float(seen[-1]) for key, seen in log.history.items()}
        for player, optimizer in model.optimizers.items():
            row[f"{player}_spread"] = float(optimizer.spread.result())
            row[f"{player}_variance"] = float(optimizer.variance.result())
        images = np.asarray(model.generate(len(self.real), seed=repetition))
        for name, found in metrics.fidelity(
            self.extractor, images, self.real
        ).items():
            row[name] = found.estimate
            row[f"{name}_error"] = found.standard_error
        shown = np.round(255 * images[:SHOWN]).astype(np.uint8)
        row["samples"] = shown.tobytes().hex()
        row["seconds"] = time.monotonic() - start
        return row

    def _model(self, setting: Setting) -> Any:
        """The compiled model, the same for a prior that is frozen or not."""
        key = setting._replace(frozen=False)
        if key not in self.models:
            model: Any = zoo.build(
                "latent_energy_prior",
                data=self.data.spec,
                body="dense",
                **NETWORKS[self.data.name],
                **setting.arguments(),
            )
            optimizers = {
                player: Watched(rate, beta_1=_BETA_1)
                for player, rate in _RATES.items()
            }
            model.compile(optimizers, jit_compile=True)
            for player, optimizer in optimizers.items():
                optimizer.watch(model.variables_of(player))
            self.models[key] = model
        return self.models[key]

    def _restart(self, model: Any, repetition: int) -> None:
        """As if the model were new, with another seed and the same graph."""
        config = {**model.get_config(), "seed": repetition}
        fresh = type(model).from_config(config)
        model.decoder.set_weights(fresh.decoder.get_weights())
        model.energy_net.set_weights(fresh.energy_net.get_weights())
        model.draw_count.assign(_STRIDE * repetition)
        for optimizer in model.optimizers.values():
            for variable in optimizer.variables:
                variable.assign(np.zeros(variable.shape))

    def _forget(self, setting: Setting, others: Iterable[Setting]) -> None:
        order = list(others)
        later = order[order.index(setting) + 1 :]
        key = setting._replace(frozen=False)
        if all(key != other._replace(frozen=False) for other in later):
            self.models.pop(key, None)


def from_flags(argv: list[str], values: Any) -> Runner:
    """What the flags ask for.

    Args:
        argv: what is left of the command line.
        values: the flags of `ti_tables.define_flags`.

    Raises:
        errors.InputError: a flag is out of range, or a file is missing.
    """
    weights = values.inception_weights
    extractor = extractors.inception(weights) if weights else None
    return Runner(*ti_settings.load(argv, values), extractor)


class Rates(keras.callbacks.Callback):
    """The thesis's decay of both rates; 0 for a prior that is frozen."""

    def __init__(self, steps: int, epochs: int, frozen: bool):
        """Takes the steps of all epochs, how many those are, and whether."""
        super().__init__()
        self.steps, self.epochs, self.frozen = steps, epochs, frozen

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the rates where an epoch begins."""
        del logs
        epoch = batch * self.epochs // self.steps
        if batch and epoch == (batch - 1) * self.epochs // self.steps:
            return
        factor = max(_DECAY**epoch, _FLOOR)
        model: Any = self.model
        for player, rate in _RATES.items():
            still = self.frozen and player == "prior"
            rate = 0.0 if still else factor * rate
            model.optimizers[player].learning_rate = rate
