"""A search: the same trials again, killed or not, failures on the way."""

import json
from typing import Any

import ml_collections
import pytest

import errors
import tune
from tests import processes
from training import search, search_space

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning"
)


def _config() -> Any:
    return ml_collections.ConfigDict(
        {
            "model": {
                "name": "variational_autoencoder",
                "latent_dim": 2,
                "hidden_units": (4,),
            },
            "data": {"name": "digits"},
            "optimizer": {"learning_rate": 1e-3},
            "training": {"steps": 4, "report_every": 2},
        }
    )


def _parabola(calls, fail=(), killed=None):
    """Stands for the training: least at a rate of 0.3."""

    def run(config, folder):
        rate = config.optimizer.learning_rate
        calls.append(rate)
        if len(calls) == killed:
            raise KeyboardInterrupt
        if len(calls) in fail:
            raise errors.InputError("not finite")
        folder.mkdir(parents=True, exist_ok=True)
        line = {"step": 4, "val_mse": (rate - 0.3) ** 2}
        (folder / "metrics.jsonl").write_text(json.dumps(line) + "\n")

    return run


def _search(workdir, run, **changes):
    config = _config()
    words = ["optimizer.learning_rate=0.01..1"]
    options: dict[str, Any] = {
        "objective": "val_mse",
        "direction": "min",
        "tuner": "random",
        "max_trials": 5,
        "seed": 0,
        "resume": False,
        **changes,
    }
    found = search_space.parse(words, config)
    return search.search(config, workdir, found, run, **options)


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_a_killed_search_ends_as_the_whole_one(tuner, tmp_path, capsys):
    calls = []
    whole = _search(tmp_path / "a", _parabola(calls, fail=[2]), tuner=tuner)
    assert len(set(calls)) == 5
    assert whole[-1]["reason"] == "not finite"
    assert [row["status"] for row in whole] == ["done"] * 4 + ["failed"]
    assert "not finite" in capsys.readouterr().out
    first = []
    with pytest.raises(KeyboardInterrupt):
        run = _parabola(first, fail=[2], killed=5)
        _search(tmp_path / "b", run, tuner=tuner)
    rest = []
    resumed = _search(tmp_path / "b", _parabola(rest), tuner=tuner, resume=True)
    # Only the trial that was cut short ran again.
    assert rest == calls[4:]
    assert resumed == whole
    best = json.loads((tmp_path / "b" / "best.json").read_text())
    assert best["optimizer"] == {
        **best["optimizer"],
        **{
            "learning_rate": min(
                (r for i, r in enumerate(calls) if i != 1),
                key=lambda rate: abs(rate - 0.3),
            )
        },
    }
    assert (tmp_path / "b" / "search.png").stat().st_size > 1000


def test_another_seed_gives_other_trials(tmp_path):
    calls, others = [], []
    _search(tmp_path / "a", _parabola(calls), max_trials=2)
    _search(tmp_path / "b", _parabola(others), max_trials=2, seed=1)
    assert not set(calls) & set(others)


def test_an_unknown_objective_is_named_and_can_be_mended(tmp_path):
    with pytest.raises(errors.InputError, match="one of val_mse"):
        _search(tmp_path, _parabola([]), objective="mse", max_trials=1)
    rows = _search(tmp_path, _parabola([]), max_trials=1, resume=True)
    assert rows[0]["status"] == "done"
    with pytest.raises(errors.InputError, match="add --resume"):
        _search(tmp_path, _parabola([]), max_trials=1)
    with pytest.raises(errors.InputError, match="seed: 1, was 0"):
        _search(tmp_path, _parabola([]), max_trials=1, seed=1, resume=True)


def test_a_search_without_a_result_says_why(tmp_path):
    with pytest.raises(errors.InputError, match=r"none of 2 .*: not finite"):
        run = _parabola([], fail=[1, 2])
        _search(tmp_path, run, max_trials=2)


def test_two_trials_on_digits(tmp_path):
    options: dict[str, Any] = {
        "search": ["model.latent_dim=-2,4"],
        "max_trials": 2,
    }
    rows = tune.tune(_config(), tmp_path, **options)
    assert [row["status"] for row in rows] == ["done", "failed"]
    assert 0 < rows[0]["objective"] < 1
    assert "latent_dim=-2" in rows[1]["reason"]
    again = tune.tune(_config(), tmp_path, **options, resume=True)
    assert again == rows


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["trials.jsonl", "trials/001"])
def test_a_search_killed_by_the_machine_ends_as_the_whole_one(moment, tmp_path):
    def command(workdir, *more):
        return [
            *("tune.py", "--config=configs/vae_digits.py"),
            "--config.training.steps=200",
            "--config.training.report_every=20",
            "--config.training.checkpoint_every=20",
            "--config.training.jit_compile=False",
            "--search=optimizer.learning_rate=1e-4..1e-2:log",
            "--search=model.latent_dim=2,4,-1",
            *("--max_trials=4", f"--workdir={workdir}", *more),
        ]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    finished = processes.run(command(whole))
    assert finished.returncode == 0, finished.stderr
    inside = {"trials/001": "trials/001/checkpoints/ckpt-3.index"}
    processes.kill_after(command(killed), killed / inside.get(moment, moment))
    again = processes.run(command(killed))
    assert again.returncode == 1
    assert "--resume" in again.stderr
    resumed = processes.run(command(killed, "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    ours, theirs = (
        processes.lines(folder / "trials.jsonl") for folder in (whole, killed)
    )
    for row in ours + theirs:
        row.get("metrics", {}).pop("seconds", None)
    assert ours == theirs
    best = "best.json"
    assert (whole / best).read_bytes() == (killed / best).read_bytes()
