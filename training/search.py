"""A search over keys of a config by KerasTuner, one training run a trial.

KerasTuner proposes the values. Which trials were run, and how they ended, is
kept in trials.jsonl: KerasTuner does not write its own files at once, and a
kill may cut them short. A resumed search proposes the same trials again and
takes the outcome of those that ended from there.
"""

import json
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import keras
import keras_tuner
import ml_collections
import numpy as np
import tqdm

import errors
from evaluators import registry
from training import search_record, settings, storage
from training.search_record import DONE, FAILED, Record
from training.search_space import Searched, with_values

TUNERS = ("random", "bayesian")
Run = Callable[[ml_collections.ConfigDict, pathlib.Path], Any]


def search(
    config: ml_collections.ConfigDict,
    workdir: pathlib.Path,
    searched: Sequence[Searched],
    run: Run,
    *,
    objective: str,
    direction: str,
    tuner: str,
    max_trials: int,
    seed: int,
    resume: bool,
    features: str | None = None,
) -> list[dict[str, Any]]:
    """Runs the trials; see tune.tune.

    Args:
        config: what the trials have in common.
        workdir: directory of the search.
        searched: what they differ in.
        run: trains a config in a directory, or goes on with it there.
        objective: name of a metric that a run reports.
        direction: "min" or "max".
        tuner: one of TUNERS.
        max_trials: how many, those of a resumed search included.
        seed: of the proposals; at least 0.
        resume: go on with the search in `workdir`.
        features: of the fidelity, where not the runs' own.

    Returns:
        The rows of trials.jsonl, the best first.

    Raises:
        InputError: see tune.tune.
    """
    _check(direction, tuner, max_trials, seed)
    record = Record(workdir, direction)
    plan = {
        "config": settings.complete(config),
        "search": {one.key: list(one[2:]) for one in searched},
        "tuner": tuner,
        "seed": seed,
        "objective": objective,
        "direction": direction,
        "features": features,
    }
    _check_objective(objective, plan["config"]["evals"])
    _check_workdir(workdir, plan, record, resume)
    storage.write_json(workdir / "search.json", plan)
    oracles = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": _Bayesian,
    }
    oracle = oracles[tuner](
        objective=keras_tuner.Objective(objective, direction),
        max_trials=max_trials,
        # It draws from successive seeds, which must not meet those of another
        # search, and takes 0 for a seed of its own choice.
        seed=(1_000_003 * seed + 1) % 2**31,
        hyperparameters=_space(searched),
        # A failed trial is a result; the search ends when its trials do.
        max_consecutive_failed_trials=max_trials + 1,
    )
    oracle.verbose = 0
    trials = _Trials(oracle, config, workdir, searched, run, record)
    try:
        trials.search()
    except OSError as error:
        reason = error.strerror or str(error)
        raise storage.refused(workdir, reason) from error
    finally:
        trials.bar.close()
    return _finish(record, config, workdir, searched, objective)


class _Bayesian(keras_tuner.oracles.BayesianOptimizationOracle):
    """Draws its starts anew for each trial, so that a resumed search agrees."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Values for a trial, none that was tried already."""
        # It asks for nothing but `uniform`.
        self._random_state = np.random.default_rng([self.seed, int(trial_id)])
        found = super().populate_space(trial_id)
        tried = [t.hyperparameters.values for t in self.trials.values()]
        # It knows nothing of failed trials, and would go back to them.
        return (
            self._random_populate_space() if found["values"] in tried else found
        )


class _Trials(keras_tuner.Tuner):
    """Runs a trial: a training run in a directory of its own."""

    def __init__(
        self,
        oracle: keras_tuner.Oracle,
        config: ml_collections.ConfigDict,
        workdir: pathlib.Path,
        searched: Sequence[Searched],
        run: Run,
        record: Record,
    ) -> None:
        """Takes what `search` has."""
        super().__init__(
            oracle=oracle,
            directory=str(workdir),
            project_name="tuner",
            overwrite=True,
        )
        self.bar = tqdm.tqdm(
            total=oracle.max_trials, unit="trial", dynamic_ncols=True
        )
        self._config = config
        self._workdir = workdir
        self._kinds = {one.key: one.kind for one in searched}
        self._run = run
        self._record = record

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> Any:
        """Returns the objective; a mistake in the values fails the trial."""
        return {self.oracle.objective.name: self._score(trial)}

    def _try_run_and_update_trial(
        self, trial: Any, *args: Any, **kwargs: Any
    ) -> None:
        # KerasTuner's own prints a page for a failed trial, and goes on after
        # errors that are none of the values.
        try:
            self._run_and_update_trial(trial)
            trial.status = "COMPLETED"
        except keras_tuner.errors.FailedTrialError as error:
            trial.status = "FAILED"
            trial.message = str(error)

    def on_trial_end(self, trial: Any) -> None:
        """Advances the bar."""
        super().on_trial_end(trial)
        best = self._record.rows()[0]["objective"]
        if best is not None:
            self.bar.set_postfix(best=f"{best:.5g}", refresh=False)
        self.bar.update()

    def _score(self, trial: Any) -> float:
        proposed = trial.hyperparameters.values
        values = {key: kind(proposed[key]) for key, kind in self._kinds.items()}
        row = self._record.begin(int(trial.trial_id), values)
        trial.hyperparameters.values = dict(row["values"])
        if row["status"] == DONE:
            return row["objective"]
        if row["status"] == FAILED:
            raise keras_tuner.errors.FailedTrialError(row["reason"])
        folder = self._workdir / "trials" / f"{row['trial']:03d}"
        keras.utils.clear_session()
        try:
            self._run(with_values(self._config, row["values"]), folder)
        except errors.InputError as error:
            self._fail(row, str(error))
        metrics = search_record.reported(folder)
        name = self.oracle.objective.name
        if name not in metrics:
            raise errors.InputError(
                f"--objective={name} is not among what the run reported: take "
                f"one of {', '.join(sorted(metrics))}, with --resume"
            )
        if not math.isfinite(metrics[name]):
            self._fail(row, f"{name}={metrics[name]} is not finite")
        self._record.put(
            **{
                **row,
                "status": DONE,
                "objective": metrics[name],
                "metrics": metrics,
            }
        )
        return metrics[name]

    def _fail(self, row: dict[str, Any], reason: str) -> None:
        self._record.put(**{**row, "status": FAILED, "reason": reason})
        raise keras_tuner.errors.FailedTrialError(reason)


def _check(direction: str, tuner: str, max_trials: int, seed: int) -> None:
    if direction not in ("min", "max"):
        raise errors.InputError(f"direction={direction!r} must be min or max")
    if tuner not in TUNERS:
        raise errors.InputError(
            f"tuner={tuner!r} is unknown: take {' or '.join(TUNERS)}"
        )
    if max_trials < 1:
        raise errors.InputError(f"max_trials={max_trials} must be at least 1")
    if not 0 <= seed < 2**31:
        raise errors.InputError(
            f"seed={seed} must be at least 0 and below 2^31"
        )


def _check_objective(objective: str, evals: dict[str, dict]) -> None:
    """Refuses the score of an evaluator that the runs do not have."""
    for name, evaluator in registry.EVALUATORS.items():
        if objective in evaluator.scores and not registry.is_on(
            name, evals[name]
        ):
            raise errors.InputError(
                f"--objective={objective} needs config.evals.{name}."
                f"{evaluator.switch}: set it"
            )


def _check_workdir(
    workdir: pathlib.Path, plan: dict, record: Record, resume: bool
) -> None:
    """Refuses the directory of another search, or of a run."""
    path = workdir / "search.json"
    if (workdir / "config.json").exists():
        raise errors.InputError(
            f"{workdir} holds a training run: name another --workdir"
        )
    if not path.exists():
        return
    if not resume:
        raise errors.InputError(
            f"{workdir} holds a search already: add --resume to go on with "
            "it, or name another --workdir"
        )
    # As it reads when it comes back from a file.
    ours = json.loads(json.dumps(plan))
    theirs = json.loads(path.read_text())
    # Searches of earlier versions lack the keys that came later.
    theirs["config"] = settings.complete(theirs["config"])
    if not any(row["status"] == DONE for row in record.rows()):
        # No trial was judged by it.
        for key in ("objective", "direction"):
            theirs[key] = ours[key]
    found = settings.differences(ours, theirs)
    if found:
        raise errors.InputError(
            f"{workdir} holds another search ({'; '.join(found)}): give that "
            "one or name another --workdir"
        )


def _space(searched: Sequence[Searched]) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for one in searched:
        if not one.is_range:
            space.Choice(one.key, list(one.choices))
            continue
        add = space.Int if one.kind is int else space.Float
        low, high = one.choices
        scale = "log" if one.log else "linear"
        add(one.key, min_value=low, max_value=high, sampling=scale)
    return space


def _finish(
    record: Record,
    config: ml_collections.ConfigDict,
    workdir: pathlib.Path,
    searched: Sequence[Searched],
    objective: str,
) -> list[dict[str, Any]]:
    rows = record.rows()
    print(search_record.table(rows, objective))
    best = rows[0]
    if best["status"] != DONE:
        raise errors.InputError(
            f"none of {len(rows)} trials finished; trial {best['trial']}: "
            f"{best['reason']}"
        )
    search_record.picture(rows, searched, objective, workdir / "search.png")
    storage.write_json(
        workdir / "best.json",
        settings.complete(with_values(config, best["values"])),
    )
    return rows
