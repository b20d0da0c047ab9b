"""What a run leaves to look at."""

import json

import numpy as np
import pytest
from PIL import Image

import errors
from training import report, storage


def test_a_png_is_readable(tmp_path):
    path = tmp_path / "a" / "grid.png"
    report.save_png(np.full((5, 7, 1), 9, np.uint8), path)
    np.testing.assert_array_equal(Image.open(path), np.full((5, 7), 9))
    assert [p.name for p in path.parent.iterdir()] == ["grid.png"]


def test_metrics_drop_what_comes_after_the_restored_step(tmp_path):
    first = report.MetricsFile(tmp_path, 0)
    for step in (10, 20, 30):
        first.append(step=step, loss=step / 7)
    with first.path.open("a") as file:
        file.write('{"step": 40, "lo')  # cut short
    again = report.MetricsFile(tmp_path, 20)
    lines = report.read_metrics(tmp_path)
    assert lines == [{"step": step, "loss": step / 7} for step in (10, 20)]
    assert len(again.path.read_text().splitlines()) == 2


@pytest.mark.parametrize("text", [None, "", "{", "[]"])
def test_a_run_without_whole_results_has_not_ended(text, tmp_path):
    if text is not None:
        report.results_path(tmp_path).write_text(text)
    assert report.read_results(tmp_path) is None
    storage.write_json(report.results_path(tmp_path), {"step": 10, "kid": 0.5})
    assert report.read_results(tmp_path) == {"step": 10, "kid": 0.5}


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "config.json"
    storage.write_json(path, {"a": 1})

    def fail(aside):
        with open(aside, "w") as file:
            file.write("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(errors.InputError, match="No space left on device"):
        storage.replace(path, fail)
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["config.json"]
