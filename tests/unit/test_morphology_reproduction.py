"""The parts of the script on temperature and morphology, on tiny runs."""

import pathlib

import numpy as np
import pytest
from PIL import Image

import sources
from metrics import classifier
from reproductions import codes, morphology, morphology_runs, pictures
from tests import processes

ROOT = pathlib.Path(__file__).parents[2]
TINY = morphology_runs.Plan(
    hot_updates=2,
    cold_updates=3,
    encoder_steps=4,
    members=6,
    interval=2,
    images=40,
    hidden_units=(8,),
)
STAGES = ["hot", "hot, then cold", "cold, as short", "cold alone"]


@pytest.fixture(scope="module")
def compared():
    data = sources.load("digits")
    critic = classifier.build(data.spec.shape, 10)
    return data, *morphology.compare(data, critic, TINY)


def test_every_stage_is_seen_and_shown(compared):
    _, seen, table, curves = compared
    assert list(seen) == list(table) == STAGES
    assert [row["updates"] for row in table.values()] == [2, 5, 2, 5]
    assert {k: len(v) for k, v in curves.items()} == {
        "hot": 2,
        "hot, then cold": 3,
        "cold alone": 5,
    }
    for sight in seen.values():
        assert all(np.isfinite(value) for value in sight.numbers.values())
        assert sight.losses.shape == (6,)
        assert sight.shown.shape == (40, 8, 8, 1)
    text = morphology.lines(table)
    assert len({len(line) for line in text}) == 1


def test_all_stages_start_from_the_same_weights(compared):
    data = compared[0]
    hot, cold = (
        morphology_runs.build(TINY, data.spec, temperature)
        for temperature in (TINY.hot, TINY.cold)
    )
    for part in ("encoder", "decoder"):
        pairs = zip(
            getattr(hot, part).get_weights(),
            getattr(cold, part).get_weights(),
            strict=True,
        )
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)
    assert hot.get_config()["temperature"] == 3e-8
    assert cold.get_config()["temperature"] == 3e-9


def test_losses_of_members_by_hand(compared):
    data = compared[0]
    model = morphology_runs.build(TINY, data.spec, TINY.hot)
    images = data.test[:20] / np.float32(255)
    model.collect_ensemble(data.train[:50])
    members = np.asarray(model.encode(images))
    by_hand = [
        codes.squared_error(model.decode(members[:, k]).numpy(), images)
        for k in range(6)
    ]
    found = morphology_runs.member_losses(model, images)
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)


def test_spreads_add_up_to_the_variance():
    images = np.random.default_rng(0).normal(size=(60, 3, 3, 1))
    labels = np.arange(60) % 3 + 4
    between, within = morphology_runs.spreads(images, labels)
    np.testing.assert_allclose(between + within, images.var(0).mean())
    # Images that are their class's have no spread within it.
    same = images[labels - 4]
    between, within = morphology_runs.spreads(same, labels)
    assert within < 1e-20 < between


def test_claims_follow_the_numbers():
    generic = {"within": 0.2, "between": 0.8, "mse": 0.04, "judged": 0.5}
    own = {"within": 0.8, "between": 1.0, "mse": 0.01, "judged": 0.9}
    hot, cold = (
        {**generic, "loss_spread": 1e-3, "loss_thermal": 1e-3},
        {**own, "loss_spread": 1e-4, "loss_thermal": 1e-4},
    )
    names = (morphology.HOT, morphology.AFTER, morphology.YOUNG)
    found = morphology.claims(dict(zip(names, (hot, cold, cold), strict=True)))
    assert all(line.endswith(": holds") for line in found)
    # Control: with the temperatures exchanged nothing is seen.
    found = morphology.claims(dict(zip(names, (cold, hot, hot), strict=True)))
    failed = [line.endswith("does not hold") for line in found]
    assert failed == [True, True, False, True, True]


def test_pictures_are_written(compared, tmp_path):
    data, seen, _, curves = compared
    rows = {name: sight.shown for name, sight in seen.items()}
    pictures.portraits(rows, data.test_labels[:40], tmp_path / "a.png")
    members = {name: seen[name].losses for name in STAGES[:2]}
    pictures.losses(curves, members, tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 200


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--data_dir=nowhere", "error: data set 'mnist' is not in"),
        ("quick", "error: 'quick' is no flag"),
    ],
)
def test_mistakes_are_one_line(flag, message, tmp_path):
    script = ROOT / "reproductions" / "morphology.py"
    done = processes.run([script, flag], tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith(message)
    assert "Traceback" not in done.stderr
