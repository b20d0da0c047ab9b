"""The parts of both scripts on thermodynamic integration, on tiny runs."""

import json
import pathlib
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import errors
import sources
from metrics import extractors
from reproductions import (
    ti_components,
    ti_gradient_variance,
    ti_runs,
    ti_tables,
)
from reproductions.ti_settings import Plan, Setting
from tests import processes

ROOT = pathlib.Path(__file__).parents[2]
PLAN = Plan(
    epochs=2, repetitions=2, measured=3, train_images=60, eval_images=40
)
TINY: dict[str, Any] = {"batch_size": 20, "num": 3, "steps": 2}
SETTINGS = {
    (ti_tables.VANILLA, "batch 75"): Setting("mle", 20, steps=2),
    (ti_tables.TRAINED, "p = 1"): Setting(**TINY),
    (ti_tables.FROZEN, "p = 1"): Setting(**TINY, frozen=True),
}
PIXELS = extractors.Extractor(
    "pixels",
    lambda x: np.asarray(x / x.max(), float).reshape(len(x), -1)[:, ::9],
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ti")
    data = sources.load(
        "digits", data_dir=str(folder / "data"), train_examples=60
    )
    runner = ti_runs.Runner(data, PLAN, folder, PIXELS)
    return runner, runner.table(SETTINGS)


def test_every_run_is_measured(ran):
    _, table = ran
    assert list(table) == list(SETTINGS)
    for rows in table.values():
        assert len(rows) == 2 and rows[0] != rows[1]
        for row in rows:
            numbers = [v for k, v in row.items() if k != "samples"]
            assert all(np.isfinite(value) for value in numbers)
            assert row["steps"] == 6
            for player in ("generator", "prior"):
                assert row[f"{player}_variance"] > 0 < row[f"{player}_spread"]
    text = ti_tables.lines(table)
    assert len(text) == 4 and "[0.209, CV 6 %, 0.062]" in text[2]


def test_the_table_says_what_fidelity_is_of(ran, tmp_path, capsys):
    runner, table = ran
    path = tmp_path / "numbers.json"
    ti_tables.publish(table, runner, path, "a note", ["- a verdict"])
    head, *_ = ti_tables.lines(table)
    assert [head.count(f"{name} +-") for name in ("KID", "FID inf")] == [1, 1]
    printed = capsys.readouterr().out
    assert "features of pixels, n = 40 generated" in printed
    most = max(row["kid_error"] for rows in table.values() for row in rows)
    assert f"at most KID {most:.2g}, FID inf" in printed
    kept = json.loads(path.read_text())
    assert kept["extractor"] == "pixels" and kept["images"] == 40


def test_runs_of_other_features_are_not_read(ran):
    runner, _ = ran
    other = PIXELS._replace(name="other pixels")
    again = ti_runs.Runner(runner.data, PLAN, runner.folder, other)
    assert not again.kept_table(SETTINGS)


def test_finished_runs_are_read_and_others_are_not(ran, monkeypatch):
    runner, table = ran

    def fail(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(runner, "_run", fail)
    assert runner.table(SETTINGS) == runner.kept_table(SETTINGS) == table
    setting = SETTINGS[ti_tables.VANILLA, "batch 75"]
    assert runner.kept(setting._replace(steps=3), 0) is None
    longer = ti_runs.Runner(
        runner.data, PLAN._replace(epochs=3), runner.folder, PIXELS
    )
    assert not longer.kept_table(SETTINGS)
    # A file that was cut short is no run.
    path = next((runner.folder / "runs").glob("mle-*-1.json"))
    whole = path.read_text()
    path.write_text(whole[:100])
    assert runner.kept(setting, 1) is None
    path.write_text(whole)


def test_a_frozen_prior_stays_and_a_run_forgets_the_last(ran):
    runner, table = ran
    weights = {}
    for name in (ti_tables.TRAINED, ti_tables.FROZEN):
        setting = SETTINGS[name, "p = 1"]
        row = runner._run(setting, 1)
        before = table[name, "p = 1"][1]
        for key in ("generator_spread", "prior_variance", "mse"):
            assert row[key] == before[key]
        model = runner._model(setting)
        weights[name] = [w.copy() for w in model.energy_net.get_weights()]
    config = {**model.get_config(), "seed": 1}
    first = type(model).from_config(config).energy_net.get_weights()
    for one, other in zip(weights[ti_tables.FROZEN], first, strict=True):
        np.testing.assert_array_equal(one, other)
    moved = zip(weights[ti_tables.TRAINED], first, strict=True)
    assert any(np.any(one != other) for one, other in moved)


@pytest.mark.slow
def test_eta_moves_no_gradient_beside_the_chains(ran):
    runner, _ = ran
    rows = [runner._run(Setting(**TINY, kl_weight=w), 0) for w in (1.0, 9.0)]
    assert rows[0]["generator_spread"] == rows[1]["generator_spread"]
    assert rows[0]["prior_spread"] == rows[1]["prior_spread"]
    # Control: the loss has it.
    assert rows[0]["loss"] != rows[1]["loss"]


def test_watched_gradients_by_hand():
    variable = keras.Variable(np.ones(3, np.float32))
    optimizer: Any = ti_runs.Watched(0.0)
    optimizer.watch([variable])
    draws = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    for draw in draws:
        optimizer.apply_gradients([(draw, variable)])
    np.testing.assert_array_equal(variable.numpy(), 1.0)
    np.testing.assert_allclose(
        float(optimizer.spread.result()), draws.var(1).mean(), rtol=1e-5
    )
    steps = np.diff(draws, axis=0)
    np.testing.assert_allclose(
        float(optimizer.variance.result()), 0.5 * np.mean(steps**2), rtol=1e-5
    )


def test_both_experiments_are_the_thesiss():
    first = ti_gradient_variance.settings()
    assert len(first) == 4 + 2 * 6 + 2
    second = ti_components.settings()
    assert len(second) == 2 * 3 + 2
    for (group, label), setting in (first | second).items():
        assert label in ti_tables.AUTHORS
        assert setting.frozen == ("frozen" in group)
        if group in (ti_tables.TRAINED, ti_tables.FROZEN):
            assert setting.generator_gradient == "trapezoid"
            assert setting.batch_size == 75
    # They share a run that both need.
    key = (ti_tables.FROZEN, "p = 0.1")
    assert first[key] == second[key]


def authors_table(flipped: bool, scale: float = 1.0) -> ti_runs.Table:
    """The authors' means as if every setting had two runs."""
    table: ti_runs.Table = {}
    settings = ti_gradient_variance.settings() | ti_components.settings()
    for group, label in settings:
        spread, percent, kid = ti_tables.AUTHORS[label]
        if flipped:
            spread, percent, kid = 1 - spread, 30 - percent, 1 - kid
        # Two runs of this coefficient of variation.
        half = scale * percent / 100 / 2**0.5
        table[group, label] = [
            {
                "generator_spread": spread * (1 + sign * half),
                "generator_variance": spread,
                "kid": kid + 1e-6 * sign,
            }
            for sign in (-1, 1)
        ]
    return table


def test_trends_follow_the_numbers():
    table = authors_table(False)
    found = ti_gradient_variance.trends(table)
    by_letter = {
        letter: [not s.endswith("not hold") for s in found if letter in s]
        for letter in ("(a)", "(b)", "(c)", "(d)", "(e)")
    }
    for letter in ("(a)", "(b)", "(c)", "(d)"):
        assert all(by_letter[letter]), letter
    # The authors' gap to the vanilla model is open.
    assert not any(by_letter["(e)"])
    # Control: the opposite numbers.
    found = ti_gradient_variance.trends(authors_table(True))
    held = [s[:5] for s in found if not s.endswith("not hold")]
    assert held == ["- (e)"] * 3
    claims = ti_components.claims(authors_table(False, 0.01))
    assert all(claim.endswith(": holds") for claim in claims)
    opposite = ti_components.claims(authors_table(True, 0.01))
    assert all(claim.endswith("not hold") for claim in opposite)
    # Noise of the runs tells none of the noise's changes.
    noisy = ti_components.claims(authors_table(False, 50.0))
    assert any("within 2 errors" in claim for claim in noisy)


def test_pictures_are_written(ran, tmp_path):
    shape, shown = ran[0].data.spec.shape, ran[1]
    samples = shown[ti_tables.FROZEN, "p = 1"][0]["samples"]
    table = authors_table(False)
    for rows in table.values():
        for row in rows:
            row.update(fid_infinity=1.0, samples=samples)
            row.update(prior_spread=1.0, prior_variance=1.0)
    first = {k: table[k] for k in ti_gradient_variance.settings()}
    second = {k: table[k] for k in ti_components.settings()}
    ti_gradient_variance.draw(first, shape, tmp_path)
    ti_components.draw(second, first, shape, tmp_path)
    # The second experiment may be the only one that was run.
    ti_components.draw(second, {}, shape, tmp_path)
    pictures = list(tmp_path.glob("*.png"))
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            assert min(picture.size) > 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "cats"}, "--data=cats is unknown: choose one of digits"),
        ({"repetitions": 1}, "--repetitions=1 is out of range: give 2"),
        ({"epochs": 0}, "--epochs=0 is out of range: give 1"),
        ({"output": "file/below"}, "--output=file/below cannot be made"),
        ({"inception_weights": "no.h5"}, "weights are not at 'no.h5': fetch"),
    ],
)
def test_wrong_flags_are_one_line(changes, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    given = {"quick": True, "data": "digits", "epochs": None, "output": "out"}
    given |= {"repetitions": None, "data_dir": None, "download": False}
    given |= {"inception_weights": None}

    class Flags(SimpleNamespace):
        def __getitem__(self, key):
            return SimpleNamespace(present=True)

    with pytest.raises(errors.InputError, match=message) as caught:
        ti_runs.from_flags(["script"], Flags(**(given | changes)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("script", ["ti_gradient_variance", "ti_components"])
def test_scripts_name_missing_data_in_one_line(script, tmp_path):
    words = ["--data=mnist", f"--data_dir={tmp_path}"]
    done = processes.run(
        [ROOT / "reproductions" / f"{script}.py", *words], tmp_path
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: data set 'mnist' is not in")
    assert "Traceback" not in done.stderr
