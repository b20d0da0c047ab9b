"""The parts of the script behind Table 1, on tiny data."""

import json
import math
import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import io

import errors
import zoo
from metrics import classifier
from reproductions import (
    codes,
    eae_table1,
    frey_faces,
    judge,
    pictures,
    table1_runs,
    temperature_scan,
)
from tests import processes
from training import settings

ROOT = pathlib.Path(__file__).parents[2]


def draws(*shape) -> Any:
    return np.random.default_rng(0).uniform(size=shape).astype(np.float32)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize("name", table1_runs.MODELS)
def test_settings_are_valid_and_share_one_architecture(name, quick):
    full = settings.complete(table1_runs.settings(name, quick))
    assert full["model"]["latent_dim"] == 64
    assert tuple(full["model"]["hidden_units"]) == (512, 256)


def test_settings_are_the_papers():
    """250 updates of 3,126 steps; 70 and 140 epochs; batch 32; Adam 1e-3."""
    runs = {k: table1_runs.settings(k) for k in table1_runs.MODELS}
    for run in runs.values():
        assert run["data"]["batch_size"] == 32
        assert run["optimizer"] == {"name": "adam", "learning_rate": 1e-3}
    eae = runs["eae"]
    assert eae["model"]["encoder_steps"] == 3126
    spec = zoo.DataSpec("image", (2, 2, 1))
    arguments = {**eae["model"], "data": spec, "hidden_units": (2,)}
    model: Any = zoo.build(arguments.pop("name"), **arguments)
    assert eae["training"]["steps"] * model.batches_per_step == 250 * 3126
    for name, epochs in (("vae", 70), ("ae", 140)):
        assert runs[name]["training"]["steps"] * 32 == epochs * 50_000


def test_quick_and_full_runs_never_share_a_folder():
    output = pathlib.Path("out")
    folders = {
        table1_runs.workdir(output, name, quick)
        for name in table1_runs.MODELS
        for quick in (True, False)
    }
    assert len(folders) == 6


def test_scan_settings_differ_in_the_temperature_alone():
    cold, hot = (table1_runs.scan_settings(t) for t in (1e-10, 1e-6))
    found = settings.differences(cold, hot)
    assert [f.split(":")[0] for f in found] == ["model.temperature"]
    settings.complete(cold)
    settings.complete(table1_runs.scan_reference_settings())


def small_models() -> dict[str, Any]:
    spec = zoo.DataSpec("image", (8, 8, 1))
    shape: dict[str, Any] = {"data": spec, "latent_dim": 5}
    eae: Any = zoo.build(
        "entropic_autoencoder",
        **shape,
        hidden_units=(8,),
        members=3,
        member_interval=2,
        bank_size=9,
        batch_size=4,
    )
    eae.prepare(draws(20, 8, 8, 1))
    plain = {"hidden_units": (8,), **shape}
    return {
        "eae": eae,
        "vae": zoo.build("variational_autoencoder", **plain),
        "ae": zoo.build("autoencoder", **plain),
    }


def test_models_are_described_and_drawn(tmp_path):
    images, labels = draws(60, 8, 8, 1), np.arange(60) % 10
    models = small_models()
    encoded = {}
    for name, model in models.items():
        described = codes.describe(model, images, labels, images, labels)
        row, found = described.row, described.codes
        assert all(math.isfinite(value) for value in row.values())
        assert row["active_units"] in range(6)
        # Members of an ensemble differ; a single encoder has no spread.
        assert (row["member_share"] > 0) == (name == "eae")
        encoded[name] = found.mean
        assert codes.gaussian_samples(model, found.mean, 7).shape == (
            *(7, 8, 8),
            1,
        )
    used = dict.fromkeys(encoded, np.array([0, 2]))
    pictures.interpolations(models, encoded, images, labels, tmp_path / "a.png")
    pictures.distributions(encoded, used, labels, tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 100


def test_an_ensembles_code_is_the_mean_of_its_members():
    model, images = small_models()["eae"], draws(6, 8, 8, 1)
    members = np.asarray(model.encode(tf.constant(images)))
    found = codes.encode(model, images)
    np.testing.assert_allclose(found.mean, members.mean(1), rtol=1e-5)
    np.testing.assert_allclose(
        found.spread, members.var(1).mean(0), rtol=1e-3, atol=1e-12
    )


def test_gaussian_samples_have_the_moments_of_the_codes():
    class Echo:
        def decode(self, z):
            return z

    mixed = draws(5000, 3) @ np.array(
        [[1, 2, 0], [0, 1, 0], [0, 0, 5]], np.float32
    )
    drawn = codes.gaussian_samples(Echo(), mixed, 20_000)
    np.testing.assert_allclose(drawn.mean(0), mixed.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(mixed.T), atol=0.08)


def test_judge_learns_tells_and_is_kept(tmp_path):
    labels = np.arange(600) % 2
    images = 0.2 * draws(600, 8, 8, 1)
    # Ink on the left or on the right.
    images[labels == 0, :, :4] += 0.6
    images[labels == 1, :, 4:] += 0.6
    path = tmp_path / "judge.weights.h5"
    model = classifier.load(path, images, labels, epochs=8)
    assert classifier.accuracy(model, images, labels) > 0.95
    # Control: wrong labels are not read.
    assert classifier.accuracy(model, images, 1 - labels) < 0.05
    again = classifier.load(path, images, labels, epochs=0)
    np.testing.assert_allclose(
        classifier.features(again, images),
        classifier.features(model, images),
        rtol=1e-5,
    )
    good = judge.verdict(model, images[:300], images[300:])
    noise = judge.verdict(model, draws(300, 8, 8, 1), images[300:])
    assert noise.kid.estimate > 10 * abs(good.kid.estimate)


def test_table_shows_ours_beside_theirs():
    row = {key: 1 for key, *_ in eae_table1.ROWS}
    text = eae_table1.lines({name: row for name in eae_table1.PAPER})
    assert "1.0000 [0.026]" in text[1] and "1 [53]" in text[2]
    assert len(text) == 1 + len(eae_table1.ROWS)


def test_scan_table_shows_a_run_that_diverged():
    rows: list[dict[str, Any]] = [
        {"temperature": 1e-6, "diverged": "step 3: loss is not finite"}
    ]
    numbers = "mse single_mse participation_ratio knn_accuracy member_share"
    rows.append({key: 0.5 for key in numbers.split()})
    # The plain autoencoder has no temperature of either kind.
    rows[1].update(temperature=None, kinetic_ratio=None, weight_rms=1.0)
    rows[1]["permutation_active"] = 5
    head, hot, plain = temperature_scan.lines(rows)
    assert "diverged" in hot
    assert len(plain) == len(head) and " - " in plain


def test_frey_faces_are_read_and_split(tmp_path):
    frames = np.arange(560 * 30).reshape(560, 30).astype(np.uint8)
    path = tmp_path / "frey_rawface.mat"
    io.savemat(path, {"ff": frames})
    read = frey_faces.read(path)
    assert read.shape == (30, 28, 20, 1) and read.dtype == np.uint8
    np.testing.assert_array_equal(read[4].ravel(), frames[:, 4])
    training, test = frey_faces.split(read)
    assert (len(training), len(test)) == (24, 3)
    kept = {image.tobytes() for image in training}
    assert not kept & {image.tobytes() for image in test}


@pytest.mark.parametrize("content", [None, b"no such format" * 20, "cut"])
def test_a_bad_file_of_faces_is_one_line(tmp_path, content):
    path = tmp_path / "frey_rawface.mat"
    if content == "cut":
        frames = np.random.default_rng(0).integers(0, 256, (560, 30), np.uint8)
        io.savemat(path, {"ff": frames}, do_compression=True)
        whole = bytearray(path.read_bytes())
        whole[2000:3000] = bytes(1000)
        path.write_bytes(bytes(whole))
    elif content:
        path.write_bytes(content)
    with pytest.raises(errors.InputError, match="fetch it from") as caught:
        frey_faces.read(path)
    assert "\n" not in str(caught.value)


def test_faces_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "frey_rawface.mat"
    io.savemat(path, {"ff": np.zeros((10, 3), np.uint8)})
    with pytest.raises(errors.InputError, match=r"\(10, 3\)"):
        frey_faces.read(path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--frey_faces=none.mat"], "--frey_faces=none.mat cannot be read"),
        (["--scan", "--quick"], "leave out --quick"),
        (["--output=setup.cfg/below"], "--output=setup.cfg/below cannot be"),
    ],
)
def test_the_table_refuses_before_it_trains(words, message):
    script = ROOT / "reproductions" / "eae_table1.py"
    done = processes.run([script, *words])
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[-1]


def test_script_names_missing_data_in_one_line(tmp_path):
    script = ROOT / "reproductions" / "eae_table1.py"
    done = processes.run([script, f"--data_dir={tmp_path}"], tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: data set 'mnist' is not in")
    assert "Traceback" not in done.stderr


def test_results_are_json(tmp_path):
    eae_table1._write(tmp_path / "a" / "table.json", {"mse": 0.5})
    assert json.loads((tmp_path / "a" / "table.json").read_text())
