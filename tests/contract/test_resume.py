"""A run killed at any moment ends as the uninterrupted run does."""

import json
import shutil
import sys
from typing import Any

import h5py
import ml_collections
import numpy as np
import pytest

import errors
import train
from tests import processes
from training import checkpoints

_CONFIG = {
    "eae": (
        "configs/eae_digits.py",
        "--config.model.encoder_steps=20",
        "--config.model.members=2",
        "--config.model.member_interval=5",
        "--config.data.block=10",
        "--config.training.jit_compile=False",
    ),
    "vae": (
        "configs/vae_digits.py",
        "--config.training.jit_compile=False",
        "--config.training.steps_per_execution=5",
    ),
    "lebm": (
        "configs/lebm_mnist.py:ti",
        "--config.data.name=digits",
        "--config.data.train_images=1000",
        "--config.data.eval_images=50",
        "--config.model.filters=1",
        "--config.model.ladder.num=3",
        "--config.model.prior_steps=5",
        "--config.model.posterior_steps=5",
        # Both rates fall within the run.
        "--config.optimizer.decay_steps=10",
        "--config.prior_optimizer.decay_steps=10",
    ),
    "lebm_persistent": (
        "configs/lebm_mnist.py",
        "--config.data.name=digits",
        # An epoch is no whole number of batches.
        "--config.data.train_images=200",
        "--config.data.eval_images=50",
        "--config.model.filters=1",
        "--config.model.prior_steps=5",
        "--config.model.posterior_steps=5",
        "--config.model.persistent=True",
    ),
}
_CASES = [
    pytest.param(name, marks=[pytest.mark.slow] * (name == "lebm_persistent"))
    for name in _CONFIG
]
_STEPS = 200


def _command(name, workdir, data_dir, *more):
    config, *overrides = _CONFIG[name]
    return [
        *(sys.executable, "train.py", f"--config={config}", *overrides),
        f"--config.training.steps={_STEPS}",
        "--config.training.report_every=10",
        "--config.training.checkpoint_every=10",
        "--config.training.images_every=50",
        *(f"--workdir={workdir}", f"--data_dir={data_dir}", *more),
    ]


def _arrays(path):
    found = {}
    with h5py.File(path) as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                found[name] = item[()]

        file.visititems(visit)
    return found


@pytest.mark.parametrize("name", _CASES)
def test_killed_and_resumed_equals_uninterrupted(name, tmp_path):
    data, straight, killed = (tmp_path / n for n in ("data", "a", "b"))
    finished = processes.run(_command(name, straight, data))
    assert finished.returncode == 0, finished.stderr
    third = killed / "checkpoints" / "ckpt-3.index"
    processes.kill_after(_command(name, killed, data), third)
    resumed = processes.run(_command(name, killed, data, "--resume"))
    assert resumed.returncode == 0, resumed.stderr
    ours = _arrays(straight / "model.weights.h5")
    theirs = _arrays(killed / "model.weights.h5")
    assert ours.keys() == theirs.keys() and len(ours) > 8
    for key, value in ours.items():
        assert value.tobytes() == theirs[key].tobytes(), key
    ours, theirs = (
        processes.lines(run / "metrics.jsonl") for run in (straight, killed)
    )
    assert ours == theirs
    for kind in ("samples", "reconstructions"):
        for path in sorted((straight / kind).iterdir()):
            other = killed / kind / path.name
            assert path.read_bytes() == other.read_bytes(), path


def _small(seed=0, **training):
    settings = {
        "seed": seed,
        "model": {
            "name": "autoencoder",
            "latent_dim": 2,
            "hidden_units": (8,),
            "bank_size": 50,
        },
        "data": {"name": "digits", "batch_size": 16},
        "training": {"steps": 20, "report_every": 10, **training},
    }
    return ml_collections.ConfigDict(settings)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("small") / "run"
    data = workdir.parent / "data"
    results = train.train(_small(), workdir, data_dir=str(data))
    return workdir, str(data), results


def test_another_seed_gives_another_run(small_run, tmp_path):
    """Negative control: equality is no accident."""
    workdir, data, _ = small_run
    train.train(_small(seed=1), tmp_path / "other", data_dir=data)
    ours = _arrays(workdir / "model.weights.h5")
    theirs = _arrays(tmp_path / "other" / "model.weights.h5")
    assert any(ours[key].tobytes() != theirs[key].tobytes() for key in ours)


def test_a_finished_run_says_so_and_keeps_its_results(small_run, capsys):
    workdir, data, results = small_run
    before = (workdir / "metrics.jsonl").read_bytes()
    again = train.train(_small(), workdir, data_dir=data, resume=True)
    assert again == results
    assert "the run is finished" in capsys.readouterr().out
    assert (workdir / "metrics.jsonl").read_bytes() == before


def test_a_run_of_an_earlier_version_is_gone_on_with(small_run, tmp_path):
    """Its config lacks what came later: the defaults are what it did."""
    workdir, data, results = small_run
    older = tmp_path / "older"
    shutil.copytree(workdir, older)
    path = older / "config.json"
    settings = json.loads(path.read_text())
    del settings["training"]["mixed_precision"]
    del settings["data"]["image_size"]
    path.write_text(json.dumps(settings))
    newer: Any = _small()
    newer.model.loss = "mse"
    again = train.train(newer, older, data_dir=data, resume=True)
    assert again == results
    newer.model.loss = "bernoulli"
    with pytest.raises(errors.InputError, match="loss: bernoulli, was mse"):
        train.train(newer, older, data_dir=data, resume=True)
    newer.model.loss = "mse"
    newer.training.mixed_precision = True
    with pytest.raises(errors.InputError, match="precision: True, was False"):
        train.train(newer, older, data_dir=data, resume=True)


def test_a_run_is_loaded_for_export(small_run):
    workdir, _, results = small_run
    config, model = checkpoints.load_run(workdir)
    assert config.model.latent_dim == 2
    assert config.is_locked
    assert np.asarray(model.generate(3, seed=1)).shape == (3, 8, 8, 1)
    assert 0 < results["test_mse"] < 0.3
    h5 = _arrays(workdir / "model.weights.h5")
    kernel = np.asarray(model.decoder.variables[0])
    assert any(np.array_equal(kernel, value) for value in h5.values())


def test_what_a_run_leaves(small_run):
    workdir, _, _ = small_run
    assert {p.name for p in workdir.iterdir()} == {
        *("config.json", "metrics.jsonl", "model.weights.h5"),
        *("checkpoints", "samples", "reconstructions", "tensorboard"),
    }


def test_an_untrained_workdir_is_no_run(tmp_path):
    with pytest.raises(errors.InputError, match="holds no run: train first"):
        checkpoints.load_run(tmp_path)
