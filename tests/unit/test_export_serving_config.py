"""The text files the servers read: what is written is what is read."""

import pytest
from google.protobuf import text_format

import errors
from export import serving_config
from export.server import app, messages


@pytest.fixture(autouse=True)
def base(tmp_path):
    (tmp_path / "eae").mkdir()
    return tmp_path / "eae"


def test_models_config(base):
    files = serving_config.write(str(base), None, (1, 8))
    (config,) = app.read_models(files.models_config)
    assert (config.name, config.base_path) == ("eae", str(base))
    parsed = messages.server_config.ModelServerConfig()
    with open(files.models_config) as file:
        text_format.Parse(file.read(), parsed)


def test_batching_parameters(base):
    files = serving_config.write(str(base), "name", (1, 8))
    with open(files.batching_parameters) as file:
        found = serving_config.parse_batching_parameters(file.read())
    assert found.allowed_batch_sizes == (1, 8)
    assert found.max_batch_size == 8
    assert [found.padded(rows) for rows in (1, 2, 8)] == [1, 8, 8]


def test_other_ways_to_write_them():
    found = serving_config.parse_batching_parameters(
        "max_batch_size: {value: 4}  # rows\n"
        "allowed_batch_sizes: [1, 2]\nallowed_batch_sizes: 4\n"
        "pad_variable_length_inputs: false"
    )
    assert found.allowed_batch_sizes == (1, 2, 4)
    assert serving_config.parse_batching_parameters("").max_batch_size == 1000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: x }", "'max_batch_size' with value 'x'"),
        ("max_batch_sise { value: 1 }", "'max_batch_sise'"),
        ("pad_variable_length_inputs: true", "'pad_variable_length_inputs'"),
        ("max_batch_size {", "cannot be read at 'max_batch_size {'"),
        ("max_batch_size { value: 0 }", "at least 1"),
        ("allowed_batch_sizes: [4, 2]", "must rise"),
        ("allowed_batch_sizes: 4", "end with max_batch_size=1000"),
    ],
)
def test_bad_batching_parameters(text, message):
    with pytest.raises(errors.InputError) as info:
        serving_config.parse_batching_parameters(text)
    assert message in str(info.value)


@pytest.mark.parametrize("sizes", [[], ["a"], ["4", "2"], ["0"], ["-1"]])
def test_bad_sizes(sizes):
    with pytest.raises(errors.InputError):
        serving_config.parse_sizes(sizes)


@pytest.mark.parametrize("name", ["a/b", "a:b", 'a"', "a b"])
def test_names_that_have_no_address(base, name):
    with pytest.raises(errors.InputError, match="--model_name"):
        serving_config.write(str(base), name, (1,))


@pytest.mark.parametrize("text", ["", "model_config_list {}", "nonsense {"])
def test_bad_models_config(base, text):
    path = base / "models.config"
    path.write_text(text)
    with pytest.raises(errors.InputError, match="model_config_file="):
        app.read_models(str(path))


def test_absent_file(base):
    with pytest.raises(errors.InputError, match="cannot be read"):
        app.read_models(str(base / "none"))
