"""Two replicas: the gradients of one device, and noise of their own."""

import json
import pathlib

import pytest

from tests import processes

_PROGRAM = pathlib.Path(__file__).with_name("mirrored_program.py")


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mirrored")
    result = processes.run([_PROGRAM, folder])
    assert result.returncode == 0, result.stderr
    lines = [x for x in result.stdout.splitlines() if x.startswith("REPORT ")]
    return json.loads(lines[0].removeprefix("REPORT "))


def test_two_replicas_follow_one_device_to_rounding(mirrored):
    # A summed instead of averaged gradient would double every step.
    assert mirrored["moved"] > 1e-2
    assert mirrored["apart"] < 1e-5 * mirrored["moved"] + 1e-6
    one, two, _ = mirrored["test_mse"]
    assert one == pytest.approx(two, rel=1e-5)


def test_replicas_draw_different_noise(mirrored):
    first, second = mirrored["noise"]
    assert first != second


def test_a_model_that_cannot_be_split_is_refused_in_one_line(mirrored):
    for refusal in (mirrored["refusal"], mirrored["bank"]):
        assert "2 replicas" in refusal
        assert "\n" not in refusal
