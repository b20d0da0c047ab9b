"""Searches over keys of a config: python tune.py --config=... --search=...

    python tune.py --config=configs/lebm_mnist.py:ti --workdir=runs/search \
        --config.model.rule=trapezoid --config.model.prior_gradient=chain \
        --search=model.ladder.p=0.3..10:log --search=model.ladder.num=5,10,20 \
        --search=model.kl_weight=0..1 --search=model.posterior_steps=10..40 \
        --config.evals.fidelity.num_images=1000 --objective=kid

A trial is a training run of its own, in trials/ of the work directory. It
ends with trials.jsonl (the best trial first), best.json (its config),
search.png, and the command that trains the best. A search that was killed
goes on with --resume; --resume with more --max_trials adds trials.
The objective here is the fidelity of generated images; val_mse, the default, is
that of reconstructions, which longer chains improve by themselves.
"""

import os
import pathlib
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import ml_collections
from absl import flags
from ml_collections import config_flags

import errors
import train
from training import command_line


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    train.define_flags()
    flags.adopt_module_key_flags(train)
    flags.DEFINE_multi_string(
        "search",
        [],
        "A key of the config and its values: KEY=LOW..HIGH, "
        "KEY=LOW..HIGH:log or KEY=A,B,...; again for each key.",
    )
    flags.DEFINE_string(
        "objective",
        "val_mse",
        "A metric that the run reports in metrics.jsonl; its last value "
        "counts.",
    )
    flags.DEFINE_enum(
        "direction", "min", ["min", "max"], "Which objective is the better."
    )
    flags.DEFINE_enum(
        "tuner", "random", ["random", "bayesian"], "Who proposes the values."
    )
    flags.DEFINE_integer(
        "max_trials", 10, "Trials in all, those of a resumed search included."
    )
    flags.DEFINE_integer("search_seed", 0, "Same seed, same trials.")


def tune(
    config: Any,
    workdir: str | os.PathLike,
    search: Sequence[str],
    *,
    objective: str = "val_mse",
    direction: str = "min",
    tuner: str = "random",
    max_trials: int = 10,
    seed: int = 0,
    resume: bool = False,
    **options: Any,
) -> list[dict[str, Any]]:
    """Searches over keys of a config.

    A trial whose values make no model, or whose numbers are not finite, is
    recorded as failed, and the search goes on.

    Args:
        config: ConfigDict or dict; see training/settings.py for the keys.
        workdir: directory of the search.
        search: what to vary, such as "model.ladder.p=0.3..10:log".
        objective: name of a metric of metrics.jsonl; its last value counts.
        direction: "min" or "max".
        tuner: "random" or "bayesian".
        max_trials: how many, those of a resumed search included.
        seed: of the proposals; the runs have that of the config.
        resume: go on with the search in `workdir`.
        **options: of train.train, such as data_dir.

    Returns:
        The trials, the best first: each a dict with trial, status, objective,
        values, metrics (where done) and reason (where failed).

    Raises:
        InputError: bad settings, a search that cannot be read, an objective
            that the run does not report, another search in `workdir`, a full
            disk, or no trial that finished.
    """
    if not os.fspath(workdir):
        raise errors.InputError("workdir='' is empty: name a directory")
    from training import search_space

    wanted = ml_collections.ConfigDict(config)
    features = "InceptionV3" if options.get("inception_weights") else None
    searched = search_space.parse(search, wanted)
    # KerasTuner is slow to import: a wrong search should not wait for it.
    from training import search as searching

    def run(changed: ml_collections.ConfigDict, folder: pathlib.Path) -> None:
        train.train(changed, folder, resume=True, **options)

    return searching.search(
        wanted,
        pathlib.Path(workdir),
        searched,
        run,
        objective=objective,
        direction=direction,
        tuner=tuner,
        max_trials=max_trials,
        seed=seed,
        resume=resume,
        features=features,
    )


def command(
    config_file: str, changes: dict[str, Any], workdir: str | os.PathLike
) -> str:
    """The command that trains a config with changes."""
    words = [
        *("python", "train.py", f"--config={config_file}"),
        *(f"--config.{key}={value}" for key, value in changes.items()),
        f"--workdir={os.fspath(workdir)}",
    ]
    return shlex.join(words)


def main(argv: list[str]) -> None:
    """Searches as the flags say, and prints how to train the best."""
    values = command_line.alone(argv)
    rows = tune(
        values.config,
        values.workdir,
        values.search,
        objective=values.objective,
        direction=values.direction,
        tuner=values.tuner,
        max_trials=values.max_trials,
        seed=values.search_seed,
        resume=values.resume,
        data_dir=values.data_dir,
        download=values.download,
        strategy=values.strategy,
        jit_compile=values.jit_compile,
        mixed_precision=values.mixed_precision,
        inception_weights=values.inception_weights,
    )
    changes = {
        **config_flags.get_override_values(values["config"]),
        **rows[0]["values"],
    }
    filename = config_flags.get_config_filename(values["config"])
    best = pathlib.Path(values.workdir) / "best"
    print(f"the best: {command(filename, changes, best)}")


if __name__ == "__main__":
    # TensorFlow's start-up notices are no news to a user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # scikit-learn's threads and TensorFlow's fight for the cores.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    define_flags()
    # absl parses again: the overrides must not be defined twice.
    sys.argv[1:] = command_line.check(sys.argv)[1:]
    errors.run(main)
