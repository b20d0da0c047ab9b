"""Every export gives what the model gives, and its requests can be merged."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from export import saved_model, signatures, warmup
from samplers import seeds
from tests import table
from zoo import rowwise

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
# Batches of another size round otherwise, and long chains pass it on.
ROUNDING = {"log_evidence": 1e-4, "standard_error": 1e-4}
CAPABILITIES = {
    zoo.Generative: "generate",
    zoo.Encoding: "encode decode reconstruct interpolate",
    zoo.EnergyBased: "energy refine",
}


def _requests(row, name):
    """Two requests of 2 and 3 rows, on test examples."""
    x = row.x[:5]
    inputs = row.trained.serving_functions()[name].examples(5, x)
    inputs = {
        # Two inputs of data are not the same.
        key: np.roll(value, place, 0) if value is x else value
        for place, (key, value) in enumerate(inputs.items())
    }
    return [
        {key: value[rows] for key, value in inputs.items()}
        for rows in (slice(0, 2), slice(2, 5))
    ]


def _join(*requests):
    return {
        name: np.concatenate([request[name] for request in requests])
        for name in requests[0]
    }


def _assert_close(found, expected):
    for name, value in expected.items():
        rounding = ROUNDING.get(name, 1e-5)
        np.testing.assert_allclose(found[name], value, rounding, 1e-6)


@table.every_row
def test_signatures_are_the_capabilities(row):
    found = row.trained.serving_functions()
    wanted = row.serves.split()
    if row.option:
        wanted.append("generate_with")
    for capability, names in CAPABILITIES.items():
        if isinstance(row.trained, capability):
            wanted += names.split()
    assert set(found) == set(wanted)
    # Batch axes and types are checked by `collect` and by the export.
    assert set(signatures.collect(row.trained)) == {
        *wanted,
        "serving_default",
    }
    assert set(row.served.signatures) >= {*wanted, "serving_default"}


@table.every_row
def test_served_rows_are_those_of_the_model(row):
    methods = {
        name: getattr(row.trained, method.name)
        for method in rowwise.methods(type(row.trained)).values()
        for name in method.signatures(row.trained)
    }
    # Its graph takes longest, and the export has compared it.
    methods.pop("log_evidence", None)
    for name, method in methods.items():
        inputs = _requests(row, name)[0]
        answers = tf.nest.flatten(method(**inputs))
        for key, value in row.served.run(name, inputs).items():
            rounding = ROUNDING.get(key, 1e-5)
            assert any(
                value.shape == answer.shape
                and np.allclose(value, answer, rounding, 1e-5)
                for answer in answers
            ), (name, key)


@table.every_row
def test_joined_padded_and_split_equals_separate(row):
    for name in row.trained.serving_functions():
        one, two = _requests(row, name)
        padding = {key: value[:1] for key, value in two.items()}
        merged = row.served.run(name, _join(one, two, padding, padding))
        parts = [
            {key: value[rows] for key, value in merged.items()}
            for rows in (slice(0, 2), slice(2, 5))
        ]
        _assert_close(parts[0], row.served.run(name, one))
        _assert_close(parts[1], row.served.run(name, two))
        # Negative control: the two requests do have different answers.
        assert any(
            not np.allclose(parts[0][key], parts[1][key][:2]) for key in merged
        )


@table.every_row
def test_a_row_does_not_depend_on_its_position(row):
    for name in row.trained.serving_functions():
        inputs = _join(*_requests(row, name))
        turned = {key: value[::-1] for key, value in inputs.items()}
        found = row.served.run(name, turned)
        _assert_close(
            {k: v[::-1] for k, v in found.items()}, row.served.run(name, inputs)
        )


@table.rows_with(zoo.Generative)
def test_same_seeds_as_in_python_and_none_for_no_rows(row):
    """generate(n, seed=s) is what n rows (s, i) give on the server."""
    rows = np.asarray(seeds.rows(7, 5))
    found = row.served.run("generate", {"seed": rows})["samples"]
    expected = np.asarray(row.trained.generate(5, seed=7))
    np.testing.assert_allclose(found, expected, 1e-5, 1e-6)
    empty = row.served.run("generate", {"seed": rows[:0]})["samples"]
    assert empty.shape == (0, *row.source.spec.shape)


@table.rows_with(zoo.Generative)
def test_an_option_below_zero_is_zero_and_harms_no_other_row(row):
    """Python refuses it; a graph would refuse merged requests with it."""
    if row.option is None:
        pytest.skip("generates without such an option")
    seed = np.array([[7, 0], [7, 0], [7, 1]], np.int32)

    def samples(*values):
        inputs = {"seed": seed, row.option: np.array(values, np.float32)}
        return row.served.run("generate_with", inputs)["samples"]

    found = samples(-3.0, 1.0, 2.0)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, samples(0.0, 1.0, 2.0))
    assert np.abs(found[0] - found[1]).max() > 1e-4


@table.every_row
def test_warmup_covers_every_signature_and_runs(row):
    count = 0
    for name, inputs in warmup.read(row.version):
        for value in row.served.run(name, inputs).values():
            assert len(value) in (1, 8) and np.isfinite(value).all()
        count += 1
    assert count == 2 * len(signatures.collect(row.trained))


@table.every_row
def test_what_is_not_prepared_is_not_exported(row, tmp_path):
    model = row.build()
    if type(model).prepare is zoo.Model.prepare:
        pytest.skip("there is nothing to prepare")
    with pytest.raises(ValueError, match="prepare"):
        saved_model.export_model(model, str(tmp_path))
    assert not list(tmp_path.iterdir())
