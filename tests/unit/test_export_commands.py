"""What a user sees: pictures where asked for, errors in one line."""

import numpy as np
import pytest
from PIL import Image

import errors
from export import client, saved_model
from samplers import seeds
from tests import processes, servables, serving

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def call(module, *flags):
    done = processes.run(["-m", module, *flags])
    return done.returncode, done.stdout, done.stderr


def refused(module, *flags):
    """Returns the error line of a command that must fail with one."""
    done = processes.run(["-m", module, *flags])
    assert done.stdout == ""
    return processes.error_line(done)


def test_row_seeds_are_those_of_the_samplers():
    np.testing.assert_array_equal(client.row_seeds(7, 5), seeds.rows(7, 5))


@pytest.mark.parametrize(
    ("shape", "kind"),
    [([5, 2, 3, 1], "image"), ([5, 8, 8, 3], "image"), ([5, 2], "points")],
)
def test_kinds_are_known_by_their_shape(shape, kind):
    assert client.kind_of(np.zeros(shape)) == kind


@pytest.mark.parametrize("shape", [[], [3, 4, 4], [3, 4, 4, 2]])
def test_what_cannot_be_drawn_is_refused(shape):
    with pytest.raises(errors.InputError, match="needs images"):
        client.kind_of(np.zeros(shape))


def test_options_are_numbers_by_name():
    found = client.options_of(["a=0.5", "label=3", "noisy=true"])
    assert found == {"a": 0.5, "label": 3, "noisy": True}
    assert [type(value) for value in found.values()] == [float, int, bool]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    saved_model.export_model(
        servables.TinyGenerator(), str(folder), allowed_batch_sizes=(1,)
    )
    return folder


def test_client_against_the_server(base, tmp_path):
    with serving.running(
        "--model_name=tiny", f"--model_base_path={base}"
    ) as server:
        url = f"http://localhost:{server.rest}/v1/models/tiny"
        ask = ("--num_samples=40", "--seed=7", "--option=temperature=0.5")
        one = tmp_path / "new" / "one.png"
        code, out, err = call(
            "export.client", f"--url={url}", f"--output={one}", *ask
        )
        assert (code, out) == (0, f"wrote 40 samples to {one}\n"), err
        two = tmp_path / "two.png"
        code, _, err = call(
            "export.client",
            f"--grpc=localhost:{server.grpc}",
            "--model_name=tiny",
            f"--output={two}",
            *ask,
        )
        assert code == 0, err
        pictures = [np.asarray(Image.open(path)) for path in (one, two)]
        np.testing.assert_array_equal(pictures[0], pictures[1])
        assert pictures[0].shape == (6 * 60 + 4, 7 * 60 + 4)

        line = refused(
            "export.client", f"--url={url}x", f"--output={tmp_path}/x.png"
        )
        assert "answered 404: Servable not found" in line
        line = refused(
            "export.client", f"--url={url}", "--option=bandwidth=1.0"
        )
        assert "answered 400: Missing named input: temperature" in line
        line = refused(
            "export.client",
            f"--url={url}",
            f"--output={base}/1/saved_model.pb/x",
        )
        assert "cannot be written" in line
        line = refused(
            "export.server",
            "--model_name=tiny",
            f"--model_base_path={base}",
            f"--port={server.grpc}",
        )
        assert f"port={server.grpc} cannot be listened on" in line
        line = refused(
            "export.client",
            f"--grpc=localhost:{server.grpc}",
            "--model_name=no",
        )
        assert "answered NOT_FOUND: Servable not found" in line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "give one of --url and --grpc"),
        (("--url=localhost:8501",), "must begin with http://"),
        (("--url=http://localhost:9/v1/models/x",), "no answer from"),
        (("stray", "--url=http://localhost:9"), "'stray' is not a flag"),
        (("--url=http://localhost:9/",), "names no model"),
        (("--url=http://x/v1/models/x", "--option=a=nan"), "option='a=nan'"),
        (("--url=http://x/v1/models/x", "--option=a"), "NAME=VALUE"),
        (("--seed=abc",), "--seed=abc"),
        (("--num_samples=0",), "range [1, 10000]"),
        (("--nosuch=1",), "'nosuch'"),
    ],
)
def test_client_errors(flags, message):
    assert message in refused("export.client", *flags)


def test_client_over_grpc_without_a_server():
    port = serving.free_port()
    line = refused("export.client", f"--grpc=localhost:{port}", "--timeout=3")
    assert "no answer from" in line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "give one of --model_base_path and --model_config_file"),
        (("--model_base_path=/x", "--port=0"), "nothing to listen on"),
        (("--model_base_path=/x", "--rest_api_port=8500"), "choose another"),
        (
            ("--model_base_path=/x", "--batching_parameters_file=x"),
            "without --enable_batching",
        ),
    ],
)
def test_server_flags(flags, message):
    assert message in refused("export.server", *flags)


def test_server_without_a_model(tmp_path):
    flag = "--model_base_path"
    line = refused("export.server", f"{flag}={tmp_path}")
    assert "holds no version" in line
    line = refused("export.server", f"{flag}={tmp_path}/none")
    assert "not a directory" in line
    (tmp_path / "1").mkdir()
    line = refused("export.server", f"{flag}={tmp_path}")
    assert "version 1 of model 'default' does not load" in line


def test_export_of_a_directory_that_was_never_trained(tmp_path):
    line = refused(
        "export",
        f"--workdir={tmp_path}/none",
        f"--export_base_path={tmp_path}/out",
    )
    assert "none" in line


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--workdir=x",), "--export_base_path"),
        (("--workdir=", "--export_base_path=x"), "workdir=''"),
        (("--workdir=x", "--export_base_path="), "export_base_path=''"),
    ],
)
def test_export_flags(flags, message):
    assert message in refused("export", *flags)
