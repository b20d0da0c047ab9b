"""The parts of the script that sets Simmering beside Adam, on tiny runs."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from reproductions import simmering, simmering_tasks


@pytest.fixture(scope="module", params=["sine", "digits"])
def compared(request):
    if request.param == "sine":
        task = simmering_tasks.sine(20)
    else:
        task = simmering_tasks.digits(40, 0.25)
    task = dataclasses.replace(task, units=(8, task.units[-1]))
    return task, *simmering.compare(task, 2, 400, [0.1, 0.01])


def test_every_method_is_scored_and_shown(compared):
    task, scores, found = compared
    names = [
        *("Adam", "Adam, stopped early", "retrofit, 0.1 T_B"),
        *("scratch, 0.1 T_B", "scratch, 0.01 T_B"),
    ]
    assert list(scores) == list(found) == names
    for row in scores.values():
        assert all(np.isfinite(value) for value in row.values())
    text = simmering.lines(task.kind, task.title, scores)
    assert text[0] == task.title and len(text) == 7
    assert len({len(line) for line in text[1:]}) == 1


def test_scores_of_a_network_by_hand(compared):
    task, scores, found = compared
    x, y = task.test
    output = np.asarray(found["Adam"](x))
    row = scores["Adam"]
    if task.kind == "regression":
        error = output - y
        np.testing.assert_allclose(row["loss"], np.mean(error**2), rtol=1e-4)
        inside = np.abs(error) < 1.6449 * simmering_tasks.NOISE
        np.testing.assert_allclose(row["coverage"], inside.mean(), atol=0.01)
    else:
        right = output.argmax(1) == y
        np.testing.assert_allclose(row["accuracy"], right.mean(), rtol=1e-5)
        shifted = output - output.max(1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        nll = -log_p[np.arange(len(y)), y].mean()
        np.testing.assert_allclose(row["loss"], nll, rtol=1e-3)


def test_wrong_labels_are_as_many_as_said_and_not_in_the_test():
    clean, spoilt = (simmering_tasks.digits(100, w) for w in (0.0, 0.2))
    wrong = 0
    for part in ("train", "validation"):
        one, two = getattr(clean, part)[1], getattr(spoilt, part)[1]
        wrong += int(np.sum(one != two))
    assert wrong == 30
    np.testing.assert_array_equal(clean.test[1], spoilt.test[1])


def test_priors_have_one_number_a_tensor():
    task = simmering_tasks.digits(100, 0.0)
    assert task.prior() == [64.0, 1.0, 64.0, 1.0, 64.0, 1.0]
    assert simmering_tasks.sine(10).prior() == [1.0] * 6


def test_the_picture_is_written(compared, tmp_path):
    task, _, found = compared
    if task.kind != "regression":
        pytest.skip("a picture of regressions alone")
    path = tmp_path / "a.png"
    simmering_tasks.draw(task, found, path)
    with Image.open(path) as picture:
        assert min(picture.size) > 300
