"""Words of --search: what they mean, and what is wrong with them."""

import json
from typing import Any

import ml_collections
import pytest
from ml_collections import config_dict

import errors
from training import search_record, search_space


def _config() -> Any:
    return ml_collections.ConfigDict(
        {
            "seed": 0,
            "model": {
                "name": "variational_autoencoder",
                "units": (8, 8),
                "steps": 20,
                "weight": 0.0,
                "bias": True,
                "ladder": {"num": 10, "p": 3.0},
            },
            "data": {"block": config_dict.placeholder(int)},
        }
    ).lock()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("model.ladder.p=0.3..10:log", (float, (0.3, 10.0), True, True)),
        ("model.weight=-1..1", (float, (-1.0, 1.0), True, False)),
        ("model.weight=.5..1.", (float, (0.5, 1.0), True, False)),
        ("model.steps=10..40", (int, (10, 40), True, False)),
        ("model.ladder.num=5,10,20", (int, (5, 10, 20), False, False)),
        ("model.weight=0,1e-3", (float, (0.0, 1e-3), False, False)),
        ("model.bias=true,False", (bool, (True, False), False, False)),
        ("model.name=a..b,c", (str, ("a..b", "c"), False, False)),
        ("data.block=1,2", (int, (1, 2), False, False)),
    ],
)
def test_words_are_read(word, expected):
    (found,) = search_space.parse([word], _config())
    assert found == (word.partition("=")[0], *expected)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("model.steps", "write KEY=LOW..HIGH"),
        ("model.steps=", "write KEY=LOW..HIGH"),
        ("=1,2", "write KEY=LOW..HIGH"),
        ("model.stps=1,2", "did you mean 'model.steps'?"),
        ("p=1,2", "did you mean 'model.ladder.p'?"),
        ("zzz=1,2", "known: data.block, model.bias"),
        ("model.ladder=1,2", "is a section"),
        ("model.units=1,2", "is a tuple"),
        ("model.steps=1.5..3", "takes whole numbers, not '1.5'"),
        ("model.steps=1,two", "takes whole numbers, not 'two'"),
        ("model.weight=0..inf", "takes numbers, not 'inf'"),
        ("model.weight=0..", "takes numbers, not ''"),
        ("model.bias=0..1", "takes true and false, not '0..1'"),
        ("model.name=a,", "takes words, not ''"),
        ("model.steps=40..10", "is empty"),
        ("model.steps=4..4", "is empty"),
        ("model.weight=0..1:log", "starts above 0"),
        ("model.weight=1..2:lgo", "the scale 'lgo' is unknown"),
        ("model.steps=20", "fix it by --config.model.steps=20"),
        ("model.steps=20,20", "one value only"),
    ],
)
def test_mistakes_are_told_in_one_line(word, expected):
    with pytest.raises(errors.InputError) as caught:
        search_space.parse([word], _config())
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_key_comes_twice_and_one_must_come():
    with pytest.raises(errors.InputError, match="comes twice"):
        search_space.parse(["model.steps=1,2", "model.steps=3,4"], _config())
    with pytest.raises(errors.InputError, match="--search is missing"):
        search_space.parse([], _config())


def test_values_go_into_a_copy():
    config = _config()
    changed: Any = search_space.with_values(
        config, {"model.ladder.p": 0.5, "data.block": 7}
    )
    assert (changed.model.ladder.p, changed.data.block) == (0.5, 7)
    assert (config.model.ladder.p, config.data.block) == (3.0, None)


def _row(trial, status, objective=None, **more):
    values = {"model.steps": trial}
    return {
        "trial": trial,
        "status": status,
        "objective": objective,
        "values": values,
        **more,
    }


@pytest.mark.parametrize(
    ("direction", "order"), [("min", [2, 0, 1]), ("max", [0, 2, 1])]
)
def test_the_record_is_sorted_and_comes_back(direction, order, tmp_path):
    record = search_record.Record(tmp_path, direction)
    record.put(**_row(0, "done", 2.0))
    record.put(**_row(1, "failed", reason="no such thing"))
    record.put(**_row(2, "done", -1.0))
    again = search_record.Record(tmp_path, direction)
    for rows in (record.rows(), again.rows()):
        assert [row["trial"] for row in rows] == order
    lines = search_record.table(again.rows(), "val_mse").splitlines()
    assert lines[0].split() == ["trial", "val_mse", "model.steps"]
    assert lines[-1].endswith("no such thing")


def test_a_trial_that_began_keeps_its_values(tmp_path):
    record = search_record.Record(tmp_path, "min")
    assert record.begin(0, {"a": 1})["values"] == {"a": 1}
    assert record.begin(0, {"a": 2})["values"] == {"a": 1}


def test_a_search_in_which_all_failed_starts_anew(tmp_path):
    search_record.Record(tmp_path, "min").put(**_row(0, "failed", reason="x"))
    assert search_record.Record(tmp_path, "min").rows() == []


def test_the_last_value_of_each_metric_counts(tmp_path):
    lines = [
        {"step": 1, "val_mse": 3.0},
        {"step": 2, "val_mse": 2.0},
        {"step": 2, "test_mse": 1.0},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "metrics.jsonl").write_text(text)
    found = search_record.reported(tmp_path)
    assert found == {"val_mse": 2.0, "test_mse": 1.0}
