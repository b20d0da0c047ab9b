"""A run that is cut and resumed ends as the uninterrupted run does."""

import json
import pathlib
import shutil
from typing import Any

import h5py
import numpy as np
import pytest

import errors
import train
from tests import processes, table
from training import checkpoints, report

_HALF = table.STEPS // 2


def _arrays(path: pathlib.Path) -> dict[str, bytes]:
    found = {}
    with h5py.File(path) as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[()].tobytes()

        file.visititems(visit)
    return found


def _assert_same_run(ours: pathlib.Path, theirs: pathlib.Path) -> None:
    weights = "model.weights.h5"
    assert _arrays(ours / weights) == _arrays(theirs / weights)
    assert len(_arrays(ours / weights)) > 5
    for name in ("config.json", "results.json"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    one, other = (
        processes.lines(run / "metrics.jsonl") for run in (ours, theirs)
    )
    assert one == other
    pictures = [p.relative_to(ours) for p in ours.glob("*/*.png")]
    assert pictures
    for path in pictures:
        assert (ours / path).read_bytes() == (theirs / path).read_bytes(), path


@table.every_row
def test_resumed_from_the_middle_equals_uninterrupted(row, tmp_path):
    halved = tmp_path / "run"
    shutil.copytree(row.workdir, halved)
    for path in (halved / "checkpoints").glob("ckpt-[2-9].*"):
        path.unlink()
    (halved / "results.json").unlink()
    (halved / "model.weights.h5").unlink()
    assert str(checkpoints.latest(halved)).endswith("ckpt-1")
    train.train(row.config(), halved, data_dir=table.data_dir(), resume=True)
    _assert_same_run(row.workdir, halved)


@table.every_row
def test_another_seed_gives_another_run(row, tmp_path):
    """Negative control: equality is no accident."""
    first, other = row.build(), row.build(seed=1)
    same = row.build()
    table.assert_equal_weights(first, same)
    # Its networks, and not only what it draws.
    kernels = (np.asarray(m.trainable_variables[0]) for m in (first, other))
    assert np.abs(np.subtract(*kernels)).max() > 1e-3


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(
            (
                "configs/vae_digits.py",
                "--config.training.jit_compile=False",
                "--config.training.steps_per_execution=5",
            ),
            id="vae",
        ),
        pytest.param(
            (
                "configs/lebm_mnist.py",
                "--config.data.name=digits",
                # An epoch is no whole number of batches.
                "--config.data.train_examples=200",
                "--config.data.eval_examples=50",
                "--config.model.filters=1",
                "--config.model.prior_steps=5",
                "--config.model.posterior_steps=5",
                "--config.model.persistent=True",
                # Both rates fall within the run.
                "--config.optimizer.generator.decay_steps=10",
                "--config.optimizer.prior.decay_steps=10",
            ),
            id="lebm_persistent",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_killed_at_any_moment_and_resumed_equals_uninterrupted(
    config, tmp_path
):
    def command(workdir, *more):
        return [
            *("train.py", f"--config={config[0]}"),
            *config[1:],
            "--config.training.steps=200",
            "--config.training.report_every=10",
            "--config.training.checkpoint_every=10",
            "--config.training.images_every=50",
            *(f"--workdir={workdir}", f"--data_dir={tmp_path}/data", *more),
        ]

    straight, killed = tmp_path / "a", tmp_path / "b"
    finished = processes.run(command(straight))
    assert finished.returncode == 0, finished.stderr
    third = killed / "checkpoints" / "ckpt-3.index"
    processes.kill_after(command(killed), third)
    resumed = processes.run(command(killed, "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    _assert_same_run(straight, killed)


def test_a_finished_run_says_so_and_keeps_its_results(capsys):
    row = table.row("ae")
    results = report.read_results(row.workdir)
    before = (row.workdir / "metrics.jsonl").read_bytes()
    again = train.train(
        row.config(), row.workdir, data_dir=table.data_dir(), resume=True
    )
    assert again == results
    assert "the run is finished" in capsys.readouterr().out
    assert (row.workdir / "metrics.jsonl").read_bytes() == before


def test_a_run_of_an_earlier_version_is_gone_on_with(tmp_path):
    """Its config lacks what came later: the defaults are what it did."""
    row = table.row("ae")
    older = tmp_path / "older"
    shutil.copytree(row.workdir, older)
    path = older / "config.json"
    settings = json.loads(path.read_text())
    del settings["training"]["mixed_precision"]
    del settings["model"]["reconstruction_loss"]
    path.write_text(json.dumps(settings))
    newer: Any = row.config()
    options: Any = {"data_dir": table.data_dir(), "resume": True}
    again = train.train(newer, older, **options)
    assert again == report.read_results(row.workdir)
    # Of a run that has not ended, too.
    (older / "results.json").unlink()
    assert train.train(newer, older, **options) == again
    newer.model.reconstruction_loss = "bernoulli"
    with pytest.raises(errors.InputError, match="loss: bernoulli, was mse"):
        train.train(newer, older, **options)
    newer.model.reconstruction_loss = "mse"
    newer.training.mixed_precision = True
    with pytest.raises(errors.InputError, match="precision: True, was False"):
        train.train(newer, older, **options)


@table.every_row
def test_a_run_is_loaded_without_its_data(row):
    config, model = checkpoints.load_run(row.workdir)
    assert config.is_locked and config.model.name == row.model["name"]
    assert model.data == row.source.spec
    stored = _arrays(row.workdir / "model.weights.h5").values()
    kernel = np.asarray(model.trainable_variables[0]).tobytes()
    assert kernel in stored


@table.every_row
def test_what_a_run_leaves(row):
    pictures = set(row.trained.exhibits(row.x[:8]))
    assert {path.name for path in row.workdir.iterdir()} == {
        *("config.json", "metrics.jsonl", "results.json", "model.weights.h5"),
        *("checkpoints", "tensorboard", *pictures),
    }
    scores = json.loads((row.workdir / "results.json").read_text())
    assert scores["step"] == table.STEPS
    assert all(np.isfinite(value) for value in scores.values())


def test_an_untrained_workdir_is_no_run(tmp_path):
    with pytest.raises(errors.InputError, match="holds no run: train first"):
        checkpoints.load_run(tmp_path)
