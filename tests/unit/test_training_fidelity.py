"""Image fidelity of a run, by train.py's Python door."""

import json
import pathlib
import re
import shutil
from typing import Any

import ml_collections
import numpy as np
import pytest

import errors
import metrics
import train
import tune
from evaluators import fidelity
from metrics import extractors
from training import search_record

_NUMBER = 60
_SCORES = fidelity.Fidelity.scores


def config(num_images: int = 0) -> Any:
    return ml_collections.ConfigDict(
        {
            "evals": {"fidelity": {"num_images": num_images}},
            "model": {
                "name": "autoencoder",
                "latent_dim": 2,
                "hidden_units": (8,),
                "bank_size": 50,
            },
            "data": {"name": "digits", "batch_size": 16},
            "optimizer": {"learning_rate": 1e-3},
            "training": {"steps": 4, "report_every": 2},
        }
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A user's cache of its own, and a folder of data."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        # Three epochs of the ConvNet, and not a hundred.
        patch.setattr(extractors, "_STEPS", 20)
        yield folder


@pytest.fixture(scope="module")
def options(home) -> dict[str, Any]:
    return {"data_dir": str(home / "data")}


@pytest.fixture(scope="module")
def ran(home, options):
    workdir = home / "run"
    wanted = config(_NUMBER)
    return workdir, train.train(wanted, workdir, **options)


def test_a_run_reports_its_fidelity(ran, home):
    workdir, results = ran
    assert set(_SCORES) <= set(results)
    assert all(np.isfinite(value) for value in results.values())
    assert results["kid"] > 3 * results["kid_error"] > 0
    reported = search_record.reported(workdir)
    assert reported.items() >= {k: results[k] for k in _SCORES}.items()
    lines = (workdir / "fidelity.txt").read_text().splitlines()
    assert len(lines) == len(metrics.MEASURES)
    form = r"\w+ \S+ \+- \S+ \(n = 60, ConvNet [0-9a-f]{8} of digits 8x8x1\)"
    assert all(re.fullmatch(form, line) for line in lines)
    (cached,) = (home / "cache" / "thermozoo").iterdir()
    assert cached.name.startswith("convnet-digits-8x8x1-1297-")


def test_a_run_without_it_reports_none(options, tmp_path, capsys):
    results = train.train(config(), tmp_path / "run", **options)
    assert set(results) == {"step", "test_mse"}
    assert not (tmp_path / "run" / "fidelity.txt").exists()
    assert "kid" not in capsys.readouterr().out


def test_a_finished_run_keeps_it(ran, options, monkeypatch):
    workdir, results = ran
    monkeypatch.setattr(fidelity.Fidelity, "__call__", None)
    wanted = config(_NUMBER)
    assert train.train(wanted, workdir, resume=True, **options) == results


@pytest.mark.parametrize(
    "name",
    [
        "autoencoder",
        pytest.param("latent_energy_prior", marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_before_it_computes_it_on_resume(
    name, ran, options, tmp_path, monkeypatch, capsys
):
    wanted = config(_NUMBER)
    whole = ran[0]
    if name == "latent_energy_prior":
        wanted.model = ml_collections.ConfigDict(
            {
                "name": name,
                "latent_dim": 2,
                "body": "dense",
                "hidden_units": (8,),
                "prior_steps": 2,
                "posterior_steps": 2,
            }
        )
        whole = tmp_path / "whole"
        train.train(wanted, whole, **options)

    def killed(*_):
        raise KeyboardInterrupt

    workdir = tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(fidelity.Fidelity, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(wanted, workdir, **options)
    assert "kid" not in search_record.reported(workdir)
    capsys.readouterr()
    train.train(wanted, workdir, resume=True, **options)
    printed = capsys.readouterr().out
    assert printed == (whole / "fidelity.txt").read_text()
    assert kept(workdir) == kept(whole)


def kept(workdir: pathlib.Path) -> list[dict]:
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if k != "seconds"}
        for line in lines
    ]


def test_a_search_by_fidelity(ran, options, tmp_path):
    words = ["optimizer.learning_rate=1e-5..1e-2:log"]
    chosen: dict[str, Any] = {"objective": "kid", "max_trials": 1, **options}
    with pytest.raises(
        errors.InputError, match=r"kid needs config\.evals\.fid"
    ):
        tune.tune(config(), tmp_path / "a", words, **chosen)
    assert not (tmp_path / "a").exists()
    wanted = config(_NUMBER)
    (row,) = tune.tune(wanted, tmp_path / "a", words, **chosen)
    assert row["objective"] == row["metrics"]["kid"] > 0
    # Trials that other features judged do not compare.
    chosen |= {"resume": True, "max_trials": 2, "inception_weights": "x.h5"}
    with pytest.raises(errors.InputError, match="features: InceptionV3, was"):
        tune.tune(wanted, tmp_path / "a", words, **chosen)


def test_a_search_of_an_earlier_version_goes_on(options, tmp_path):
    words = ["optimizer.learning_rate=1e-5..1e-2:log"]
    tune.tune(config(), tmp_path / "a", words, max_trials=1, **options)
    older = tmp_path / "b"
    shutil.copytree(tmp_path / "a", older)
    plan = json.loads((older / "search.json").read_text())
    del plan["features"], plan["config"]["evals"]
    (older / "search.json").write_text(json.dumps(plan))
    rows = tune.tune(
        config(), older, words, max_trials=1, resume=True, **options
    )
    assert rows[0]["status"] == "done"
