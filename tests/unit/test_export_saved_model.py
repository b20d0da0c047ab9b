"""An export holds what the model gives, or leaves no version."""

import functools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import errors
from export import saved_model, session_loader, warmup
from tests import servables

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def model():
    return servables.TinyGenerator()


@pytest.fixture(scope="module")
def version(model, tmp_path_factory):
    base = tmp_path_factory.mktemp("export") / "tiny"
    return saved_model.export_model(
        model,
        str(base),
        metadata={"name": "tiny"},
        allowed_batch_sizes=(1, 4),
    )


def row_seeds(seed, rows):
    return np.stack([np.full(rows, seed), np.arange(rows)], 1).astype(np.int32)


def test_version_is_the_only_thing_left(version):
    assert os.path.basename(version) == "1"
    assert os.listdir(os.path.dirname(version)) == ["1"]


def test_session_loader_gives_what_the_model_gives(model, version):
    loaded = session_loader.LoadedModel(version)
    assert {*loaded.signatures} >= {
        "serving_default", "generate", "generate_with", "decode"
    }  # fmt: skip
    seeds = row_seeds(7, 5)
    expected = model.serving_functions()["generate"].function(
        tf.constant(seeds)
    )
    for name in ("generate", "serving_default"):
        found = loaded.run(name, {"seed": seeds})
        np.testing.assert_allclose(
            found["samples"], expected["samples"], rtol=1e-5
        )
    loaded.close()


def test_only_the_variables_in_use_are_stored(version):
    names = tf.train.list_variables(
        os.path.join(version, "variables", "variables")
    )
    sizes = [np.prod(shape) for _, shape in names if shape]
    assert sorted(sizes) == [16, 128]


def test_metadata_is_beside_the_model(version):
    with open(os.path.join(version, "assets.extra", "thermozoo.json")) as file:
        assert json.load(file) == {"name": "tiny"}


def test_requests_can_be_merged(version):
    """Concatenated, padded and split equals separate."""
    loaded = session_loader.LoadedModel(version)
    one, two = row_seeds(1, 1), row_seeds(2, 2)
    separate = [loaded.run("generate", {"seed": s}) for s in (one, two)]
    merged = np.concatenate([one, two, two[:1]])
    samples = loaded.run("generate", {"seed": merged})["samples"]
    np.testing.assert_allclose(samples[:1], separate[0]["samples"], 1e-5)
    np.testing.assert_allclose(samples[1:3], separate[1]["samples"], 1e-5)
    moved = loaded.run("generate", {"seed": merged[::-1]})["samples"]
    np.testing.assert_allclose(moved[::-1], samples, 1e-5)
    assert not np.allclose(samples[1], samples[2])
    loaded.close()


def test_warmup_covers_signatures_and_sizes_and_runs(version):
    loaded = session_loader.LoadedModel(version)
    seen = set()
    for name, inputs in warmup.read(version):
        rows = {len(value) for value in inputs.values()}
        outputs = loaded.run(name, inputs)
        assert {len(value) for value in outputs.values()} == rows
        seen.add((name, *rows))
    loaded.close()
    names = ("decode", "generate", "generate_with", "serving_default")
    assert seen == {(name, rows) for name in names for rows in (1, 4)}


def test_runs_with_xla_disabled(version):
    """TF-Serving forbids XLA; a compiled function shows that it is off."""
    script = (
        "import sys, numpy as np, tensorflow as tf\n"
        "from export import session_loader\n"
        "if not session_loader.disable_xla():\n"
        "    sys.exit(77)\n"
        "f = tf.function(lambda x: x + 1, jit_compile=True)\n"
        "try:\n"
        "    f(tf.constant(1.0))\n"
        "    sys.exit('XLA is still on')\n"
        "except tf.errors.OpError as error:\n"
        "    assert 'XLA compilation disabled' in str(error), error\n"
        "model = session_loader.LoadedModel(sys.argv[1])\n"
        "seed = np.zeros([2, 2], np.int32)\n"
        "print(model.run('generate', {'seed': seed})['samples'].shape)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, version],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if child.returncode == 77:
        pytest.skip("this TensorFlow has no switch to disable XLA")
    assert child.stdout.strip() == "(2, 4, 4, 1)", child.stderr


def test_next_version_follows_the_highest(model, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "_verify", lambda *args: None)
    for name in ("00000041", ".tmp-1", "notes", "-50"):
        (tmp_path / name).mkdir()
    (tmp_path / "99").write_text("a file is not a version")
    path = saved_model.export_model(model, str(tmp_path))
    assert os.path.basename(path) == "42"


class Changed(servables.TinyGenerator):
    """A model that offers other functions."""

    def __init__(self, functions):
        super().__init__()
        self._functions = functions

    def serving_functions(self):
        return {
            name: servables.signature(one, seed=np.arange(97))
            for name, one in self._functions.items()
        }


def function(body, shape=(None, 2), dtype=tf.int32, **options):
    spec = tf.TensorSpec(shape, dtype, "seed")
    return tf.function(body, [spec], autograph=False, **options)


def cast(seed):
    return {"samples": tf.cast(seed, tf.float32)}


@functools.cache
def stray():
    return tf.Variable(tf.constant(2.0))


@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ({}, "has no row-wise methods"),
        ({"generate": function(cast, shape=())}, "first axis must be an open"),
        ({"generate": function(cast, shape=(4, 2))}, "must be an open batch"),
        ({"generate": function(cast, (None, None))}, "only the first axis"),
        ({"generate": function(cast, dtype=tf.float16)}, "is float16"),
        (
            {"generate": function(lambda seed: {"n": tf.reduce_sum(seed)})},
            "tensor 'n' has shape ()",
        ),
        (
            {"generate": function(cast, jit_compile=True)},
            "compiled by XLA",
        ),
        (
            {
                "generate": function(
                    lambda seed: {"y": tf.cast(seed, tf.float32) * stray()}
                )
            },
            "make them with add_weight",
        ),
    ],
)
def test_rules_are_enforced_and_nothing_is_left(tmp_path, functions, message):
    with pytest.raises(errors.InputError) as info:
        saved_model.export_model(Changed(functions), str(tmp_path))
    assert message in str(info.value)
    assert "\n" not in str(info.value)
    assert os.listdir(tmp_path) == []


class Counting(servables.TinyGenerator):
    """Its answers depend on how often it was asked."""

    def __init__(self):
        super().__init__()
        self.calls = self.add_weight(initializer="zeros", trainable=False)

    def serving_functions(self):
        def generate(seed):
            count = self.calls.value.assign_add(1.0)
            return {"samples": tf.cast(seed, tf.float32) + count}

        one = servables.signature(function(generate), seed=np.arange(97))
        return {"generate": one}


def test_a_failed_check_leaves_no_version(tmp_path):
    """Negative control: a stateful export must not pass the comparison."""
    model = Counting()
    model.calls.assign(5.0)
    (tmp_path / "3").mkdir()
    served = model.serving_functions()["generate"].function
    served(tf.zeros([1, 2], tf.int32))
    with pytest.raises(errors.InputError, match="differs from the live"):
        saved_model.export_model(model, str(tmp_path))
    assert os.listdir(tmp_path) == ["3"]


def test_a_model_that_does_not_load_leaves_no_version(
    tmp_path, model, monkeypatch
):
    """The trap: a Keras model saves and reloads, but not in a Session."""

    class KerasModule(tf.Module):
        def __init__(self, model, functions):
            super().__init__()
            self.model = model
            self.functions = functions

    monkeypatch.setattr(saved_model, "_module", KerasModule)
    with pytest.raises(errors.InputError, match="does not load in a fresh"):
        saved_model.export_model(model, str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_full_disk_leaves_no_version(tmp_path, model, monkeypatch):
    def write(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(warmup, "write", write)
    with pytest.raises(errors.InputError, match="No space left"):
        saved_model.export_model(model, str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_base_path_that_cannot_be_written(tmp_path, model):
    """Root may write anywhere, but not below a file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.InputError, match="cannot write the export"):
        saved_model.export_model(model, str(tmp_path / "file" / "base"))


def test_read_only_base_path(tmp_path, model):
    tmp_path.chmod(0o500)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user writes into read-only directories")
        with pytest.raises(errors.InputError, match="Permission denied"):
            saved_model.export_model(model, str(tmp_path))
        assert os.listdir(tmp_path) == []
    finally:
        tmp_path.chmod(0o700)


def test_warmup_refuses_more_records_than_the_server_takes(tmp_path):
    served = {"generate": None}
    with pytest.raises(errors.InputError, match="1001 warm-up records"):
        warmup.write(str(tmp_path), served, range(1, 1002))
