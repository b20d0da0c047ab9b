"""The REST API answers as TF-Serving does: one row a case."""

import json
import shutil
import signal
import time

import pytest

from tests import servables, serving

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    module = servables.Arithmetic()
    module.save(folder / "arith" / "00000123")
    module.save(folder / "arith" / "124", third=6.0)
    module.save(folder / "other" / "7")
    return folder


@pytest.fixture(scope="module")
def server(base):
    config = base / "models.config"
    config.write_text(
        f"""
        model_config_list {{
          config {{
            name: "arith" base_path: "{base}/arith"
            model_platform: "tensorflow"
            model_version_policy {{ all {{}} }}
            version_labels {{ key: "stable" value: 123 }}
          }}
          config {{ name: "an other" base_path: "{base}/other" }}
        }}
        """
    )
    with serving.running(f"--model_config_file={config}") as server:
        yield server


A = "/v1/models/arith"
P = f"{A}/versions/123:predict"


def named(signature, **body):
    return {"signature_name": signature, **body}


PREDICTIONS = [
    # path, body, the answer
    (P, {"instances": [3.0, 6, -3]}, {"predictions": [2.0, 3.0, 0.0]}),
    (P, {"instances": [{"x": 3}]}, {"predictions": [2.0]}),
    (P, {"inputs": [3.0, 6.0]}, {"outputs": [2.0, 3.0]}),
    (P, {"inputs": {"x": [3.0], "more": 1}}, {"outputs": [2.0]}),
    (P, {"inputs": []}, {"outputs": []}),
    (P, {"instances": [3.0], "unknown": {}}, {"predictions": [2.0]}),
    (f"{A}:predict", {"instances": [6.0]}, {"predictions": [2.0]}),
    (f"{A}/labels/stable:predict", {"inputs": [6]}, {"outputs": [3.0]}),
    (P.upper().replace("ARITH", "arith"), {"inputs": [3]}, {"outputs": [2.0]}),
    ("/v1/models/an%20other:predict", {"inputs": [3]}, {"outputs": [2.0]}),
    (f"{P}?ignored=1", {"inputs": [3]}, {"outputs": [2.0]}),
    (
        P,
        named("pair", instances=[{"a": 1, "b": 2}, {"b": 5, "a": 3}]),
        {
            "predictions": [
                {"difference": -1.0, "sum": 3.0},
                {"difference": -2.0, "sum": 8.0},
            ]
        },
    ),
    (
        P,
        named("pair", inputs={"a": [1, 3], "b": [2, 5]}),
        {"outputs": {"difference": [-1.0, -2.0], "sum": [3.0, 8.0]}},
    ),
    (P, named("count", instances=[1, -5]), {"predictions": [2, -4]}),
    (P, named("long", instances=[2**40]), {"predictions": [2**40 + 1]}),
    (P, named("negate", instances=[True]), {"predictions": [False]}),
    (
        P,
        named("echo", instances=["é", {"b64": "aGk="}]),
        {
            "predictions": [
                {"text": "é", "text_bytes": {"b64": "w6k="}},
                {"text": "hi", "text_bytes": {"b64": "aGk="}},
            ]
        },
    ),
    (
        P,
        named("square", instances=[[[1, 2], [3, 4]]]),
        {"predictions": [[[1.0, 4.0], [9.0, 16.0]]]},
    ),
    (P, named("total", inputs=[1, 2]), {"outputs": 3.0}),
    (
        P,
        named("two_sizes", inputs=[1, 2]),
        {"outputs": {"all": [1.0, 2.0], "first": [1.0]}},
    ),
]


@pytest.mark.parametrize(("path", "body", "answer"), PREDICTIONS)
def test_prediction(server, path, body, answer):
    code, text = server.ask("POST", path, body)
    assert (code, json.loads(text)) == (200, answer)


REFUSALS = [
    # method, path, body, HTTP status, part of the error
    ("GET", "/v1/models", None, 400, "Missing model name in request."),
    ("GET", f"{A}:predict", None, 400, f"Malformed request: GET {A}:predict"),
    ("POST", A, {}, 400, f"Malformed request: POST {A}"),
    ("POST", f"{A}:sample", {}, 400, "Malformed request"),
    ("DELETE", A, None, 400, "Malformed request: DELETE"),
    ("GET", "/v1/nothing", None, 400, "Malformed request"),
    ("POST", f"{A}/versions/x:predict", {}, 400, "Malformed request"),
    (
        "GET",
        f"{A}/versions/9223372036854775808",
        None,
        400,
        "Failed to convert version: 9223372036854775808",
    ),
    ("GET", "/v1/models/no", None, 404, "Could not find any versions of model"),
    ("GET", f"{A}/versions/9", None, 404, "Could not find version 9 of model"),
    (
        "POST",
        "/v1/models/no:predict",
        {"inputs": [1]},
        404,
        "Servable not found for request: Latest(no)",
    ),
    (
        "POST",
        f"{A}/versions/9:predict",
        {"inputs": [1]},
        404,
        "Servable not found for request: Specific(arith, 9)",
    ),
    (
        "POST",
        f"{A}/labels/new:predict",
        {"inputs": [1]},
        400,
        "Unrecognized servable version label: new",
    ),
    ("GET", "/v1/models/no/metadata", None, 404, "Servable not found"),
    ("POST", f"{A}:classify", {"examples": [{}]}, 400, "classification"),
    ("POST", f"{A}:regress", {"examples": [{}]}, 400, "regression"),
    ("POST", P, b"", 400, "JSON Parse error: The document is empty"),
    ("POST", P, b"{", 400, "JSON Parse error"),
    ("POST", P, b"\xff{}", 400, "JSON Parse error"),
    ("POST", P, b"[" * 100_000, 400, "JSON Parse error"),
    ("POST", P, [1], 400, "Is not object"),
    ("POST", P, {}, 400, "Missing 'inputs' or 'instances' key"),
    ("POST", P, {"inputs": [], "instances": []}, 400, "only one of"),
    ("POST", P, {"instances": {}}, 400, "to be an list/array"),
    ("POST", P, {"instances": []}, 400, "No values in 'instances' array"),
    ("POST", P, named(3, inputs=[1]), 400, "must be a string value"),
    (
        "POST",
        P,
        named("none", inputs=[1]),
        400,
        'Serving signature name: "none" not found in signature def',
    ),
    ("POST", P, {"instances": ["1"]}, 400, "not of expected type: float"),
    ("POST", P, {"instances": [True]}, 400, "Type: True is not of expected"),
    ("POST", P, {"instances": [None]}, 400, "Type: Null is not of expected"),
    ("POST", P, {"instances": [2**24]}, 400, "without loss of precision"),
    ("POST", P, {"instances": [1e39]}, 400, "without loss of precision"),
    ("POST", P, {"instances": [1.0, [2.0]]}, 400, "Expecting shape [] but got"),
    ("POST", P, {"instances": [[1], [1, 2]]}, 400, "Expecting tensor size: 1"),
    ("POST", P, {"instances": [[[1], 2]]}, 400, "incorrect level"),
    ("POST", P, {"instances": [[[1], [2, 3]]]}, 400, "unexpected size: 2"),
    ("POST", P, {"instances": [{"x": 1}, 2]}, 400, "Expecting object but got"),
    ("POST", P, {"instances": [1, {"x": 1}]}, 400, "Expecting value/list but"),
    ("POST", P, {"instances": [{"z": 1}]}, 400, "not have named input: z"),
    ("POST", P, {"instances": [[[1, 2]]]}, 400, "the signature wants (None,)"),
    ("POST", P, named("count", instances=[1.0]), 400, "expected type: int32"),
    ("POST", P, named("count", instances=[2**31]), 400, "expected type: int32"),
    ("POST", P, named("long", instances=[2**63]), 400, "expected type: int64"),
    ("POST", P, named("negate", instances=[1]), 400, "expected type: bool"),
    ("POST", P, named("echo", instances=[1]), 400, "expected type: string"),
    ("POST", P, named("echo", instances=[{"b64": "*"}]), 400, "base64 decode"),
    ("POST", P, named("echo", instances=[[{"b": 1}]]), 400, "base64 data"),
    ("POST", P, named("pair", instances=[1]), 400, "expecting list of objects"),
    (
        "POST",
        P,
        named("pair", instances=[{"a": 1}]),
        400,
        "keys must be equal to: a,b",
    ),
    ("POST", P, named("pair", inputs=[1]), 400, "expecting an object"),
    (
        "POST",
        P,
        named("pair", inputs={"a": [1]}),
        400,
        "Missing named input: b",
    ),
    ("POST", P, named("halved", inputs=[1]), 501, "to type: half"),
    ("POST", P, named("halved", instances=[1]), 400, "to type: half"),
    ("POST", P, named("total", instances=[1]), 400, "has no shape information"),
    ("POST", P, named("two_sizes", instances=[1, 2]), 400, "batch size"),
    ("POST", P, named("refuse", instances=[-1]), 400, "x must be positive"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "message"), REFUSALS
)
def test_refusal(server, method, path, body, code, message):
    found, text = server.ask(method, path, body)
    answer = json.loads(text)
    assert list(answer) == ["error"]
    assert (found, message in answer["error"]) == (code, True), text


def test_paths_of_no_api_are_plain_404(server):
    code, text = server.ask("GET", "/v2/models/arith")
    assert code == 404 and "error" not in text


def test_special_numbers_go_both_ways(server):
    body = b' {"instances": [NaN, Infinity, -Infinity]} and more'
    code, text = server.ask("POST", P, body)
    assert (code, text) == (
        200,
        '{"predictions": [NaN, Infinity, -Infinity]}',
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.2", "0.2"),
        ("3", "3.0"),
        ("9000000", "9e+06"),
        ("0.00003", "3e-05"),
        ("0.1234567", "0.123456702"),
        ("16777215", "16777215.0"),
    ],
)
def test_floats_are_as_short_as_they_can_be(server, value, text):
    body = '{"signature_name": "pair", "inputs": {"a": [%s], "b": [0]}}'
    _, found = server.ask("POST", P, body % value)
    assert found == (
        f'{{"outputs": {{"difference": [{text}], "sum": [{text}]}}}}'
    )


def test_status(server):
    def entry(version):
        return {
            "version": version,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }

    both = {"model_version_status": [entry("123"), entry("124")]}
    one = {"model_version_status": [entry("123")]}
    for path, answer in (
        (A, both),
        (f"{A}/labels/any", both),
        (f"{A}/versions/123", one),
    ):
        code, text = server.ask("GET", path)
        assert (code, json.loads(text)) == (200, answer)


def test_metadata(server):
    code, text = server.ask("GET", f"{A}/versions/123/metadata")
    answer = json.loads(text)
    assert code == 200
    assert answer["model_spec"] == {
        "name": "arith",
        "signature_name": "",
        "version": "123",
    }
    definitions = answer["metadata"]["signature_def"]["signature_def"]
    signature = definitions["count"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["n"]["dtype"] == "DT_INT32"
    assert signature["inputs"]["n"]["tensor_shape"] == {
        "dim": [{"size": "-1", "name": ""}],
        "unknown_rank": False,
    }


def test_new_version_is_picked_up_and_a_broken_one_is_not(base, tmp_path):
    module = servables.Arithmetic()
    module.save(tmp_path / "m" / "1")
    flags = (
        "--model_name=m",
        f"--model_base_path={tmp_path}/m",
        "--file_system_poll_wait_seconds=0.1",
        "--rest_api_timeout_in_ms=200",
        "--rest_api_enable_cors_support",
    )
    with serving.running(*flags) as server:

        def states():
            _, text = server.ask("GET", "/v1/models/m")
            entries = json.loads(text)["model_version_status"]
            return {e["version"]: e["state"] for e in entries}

        def wait_for(expected):
            deadline = time.monotonic() + 20
            while states() != expected and time.monotonic() < deadline:
                time.sleep(0.05)
            assert states() == expected

        assert server.predict("m", {"inputs": [6]}) == {"outputs": [3.0]}
        (tmp_path / "m" / "3").mkdir()
        wait_for({"1": "AVAILABLE", "3": "END"})
        assert server.predict("m", {"inputs": [6]}) == {"outputs": [3.0]}
        (tmp_path / "m" / "3").rmdir()
        module.save(tmp_path / "aside", third=6.0)
        shutil.move(tmp_path / "aside", tmp_path / "m" / "2")
        wait_for({"1": "END", "2": "AVAILABLE", "3": "END"})
        assert server.predict("m", {"inputs": [6]}) == {"outputs": [2.0]}

        body = named("slow", inputs=[1000.0])
        code, _ = server.ask("POST", "/v1/models/m:predict", body)
        assert code == 504
        code, _ = server.ask("OPTIONS", "/v1/models/m:predict")
        assert code == 200
        assert server.stop(signal.SIGINT) == 0


def test_sigterm_stops_the_server(base):
    flags = ("--model_name=m", f"--model_base_path={base}/arith")
    with serving.running(*flags) as server:
        assert server.stop(signal.SIGTERM) == 0
