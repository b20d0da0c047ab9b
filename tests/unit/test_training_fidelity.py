"""Image fidelity of a run, by train.py's Python door and by its parts."""

import json
import pathlib
import re
import shutil
from typing import Any

import ml_collections
import numpy as np
import pytest

import datasets
import errors
import metrics
import train
import tune
import zoo
from metrics import extractors
from training import fidelity, run, search_record

_NUMBER = 60


def config(**training) -> Any:
    return ml_collections.ConfigDict(
        {
            "model": {
                "name": "autoencoder",
                "latent_dim": 2,
                "hidden_units": (8,),
                "bank_size": 50,
            },
            "data": {"name": "digits", "batch_size": 16},
            "optimizer": {"learning_rate": 1e-3},
            "training": {"steps": 4, "report_every": 2, **training},
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
def splits(options) -> datasets.Splits:
    return datasets.load("digits", **options)


@pytest.fixture(scope="module")
def ran(home, options):
    workdir = home / "run"
    wanted = config(fidelity_images=_NUMBER)
    return workdir, train.train(wanted, workdir, **options)


def test_a_run_reports_its_fidelity(ran, home):
    workdir, results = ran
    assert set(fidelity.NAMES) <= set(results)
    assert all(np.isfinite(value) for value in results.values())
    assert results["kid"] > 3 * results["kid_error"] > 0
    reported = search_record.reported(workdir)
    assert reported.items() >= {k: results[k] for k in fidelity.NAMES}.items()
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
    monkeypatch.setattr(fidelity, "measure", None)
    wanted = config(fidelity_images=_NUMBER)
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
    wanted = config(fidelity_images=_NUMBER)
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
        patch.setattr(fidelity, "measure", killed)
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


def test_noise_is_told_from_test_images(ran, splits):
    """Negative control: noise, beside other real images and themselves."""
    features = fidelity.extractor(splits, None)
    real, others = splits.test, splits.validation

    class Plays:
        """A model that draws what it is given."""

        def __init__(self, images):
            self.images, self.at = images, 0

        def generate_rows(self, rows):
            first, self.at = self.at, self.at + len(rows)
            return self.images[first : self.at]

    def measured(images) -> dict[str, float]:
        model: Any = Plays(images / np.float32(255))
        return fidelity.scores(fidelity.measure(model, features, real, 0))

    noise = np.random.default_rng(0).integers(0, 256, real.shape)
    same, near, far = map(measured, (real, others, noise))
    assert abs(same["kid"]) < 1e-9 and abs(same["fid"]) < 1e-6
    assert same["precision"] == same["recall"] == 1
    assert abs(near["kid"]) < 4 * near["kid_error"]
    assert far["kid"] > near["kid"] + 10 * far["kid_error"]
    assert far["fid"] > near["fid"] + 10 * far["fid_error"]


def test_generated_images_are_the_seeds_alone(splits):
    model: Any = zoo.build(
        "variational_autoencoder",
        image_shape=splits.image_shape,
        latent_dim=2,
        hidden_units=(8,),
    )
    # Of more than one batch, the last one not whole.
    images = fidelity.generated(model, 300, 0)
    assert images.shape == (300, 8, 8, 1) and images.dtype == np.uint8
    np.testing.assert_array_equal(images[:20], fidelity.generated(model, 20, 0))
    assert len(np.unique(images.reshape(300, -1), axis=0)) > 290
    assert np.any(images != fidelity.generated(model, 300, 1))
    for variable in model.decoder.variables:
        variable.assign(np.full(variable.shape, np.nan))
    with pytest.raises(errors.InputError, match="not finite: lower"):
        fidelity.generated(model, 20, 0)


@pytest.mark.parametrize(
    ("number", "data", "weights", "expected"),
    [
        (-5, {}, None, "fidelity_images=-5 must be 0"),
        (7, {}, None, "at least 20"),
        (251, {}, None, "more than the 250 test images of 'digits': take 250"),
        (40, {"eval_images": 30}, None, "the 30 test images"),
        (40, {}, "no.h5", "weights are not at 'no.h5': fetch"),
        (0, {}, "no.h5", "of no use with config.training.fidelity_images=0"),
    ],
)
def test_bad_input_is_one_line_before_training(
    number, data, weights, expected, options, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "_train", None)
    wanted = config(fidelity_images=number)
    wanted.data.update(data)
    with pytest.raises(errors.InputError) as caught:
        train.train(
            wanted, tmp_path / "run", inception_weights=weights, **options
        )
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_data_without_labels_need_inception(
    splits, options, tmp_path, monkeypatch
):
    monkeypatch.setattr(run, "_train", None)
    bare = splits._replace(train_labels=np.full(len(splits.train), -1))
    monkeypatch.setattr(datasets, "load", lambda *_, **__: bare)
    with pytest.raises(errors.InputError) as caught:
        train.train(
            config(fidelity_images=_NUMBER), tmp_path / "run", **options
        )
    assert "'digits' has no labels" in str(caught.value)
    assert "--inception_weights" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_search_by_fidelity(ran, options, tmp_path):
    words = ["optimizer.learning_rate=1e-5..1e-2:log"]
    chosen: dict[str, Any] = {"objective": "kid", "max_trials": 1, **options}
    with pytest.raises(errors.InputError, match="kid needs images to compare"):
        tune.tune(config(), tmp_path / "a", words, **chosen)
    assert not (tmp_path / "a").exists()
    wanted = config(fidelity_images=_NUMBER)
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
    del plan["features"], plan["config"]["training"]["fidelity_images"]
    (older / "search.json").write_text(json.dumps(plan))
    rows = tune.tune(
        config(), older, words, max_trials=1, resume=True, **options
    )
    assert rows[0]["status"] == "done"
