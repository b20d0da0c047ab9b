"""The gRPC API answers as TF-Serving does, and merges requests if asked."""

import concurrent.futures
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2

from export import saved_model, serving_config
from export.server import messages
from tests import servables, serving

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("grpc")
    servables.Arithmetic().save(folder / "arith" / "5")
    tiny = servables.TinyGenerator()
    sizes = (1, 4, 8)
    saved_model.export_model(
        tiny, str(folder / "tiny"), allowed_batch_sizes=sizes
    )
    serving_config.write(str(folder / "tiny"), "tiny", sizes)
    return folder


@pytest.fixture(scope="module")
def server(base):
    """Two models; requests are merged, 8 rows at most."""
    config = base / "models.config"
    config.write_text(
        "model_config_list {"
        f'  config {{ name: "arith" base_path: "{base}/arith" }}'
        f'  config {{ name: "tiny" base_path: "{base}/tiny" }}'
        "}"
    )
    flags = (
        f"--model_config_file={config}",
        "--enable_batching",
        f"--batching_parameters_file={base}/tiny/batching_parameters.txt",
    )
    with serving.running(*flags) as server:
        yield server


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(f"localhost:{server.grpc}") as channel:
        yield channel


@pytest.fixture(scope="module")
def stub(channel):
    return messages.prediction_service.PredictionServiceStub(channel)


def request(model, signature="", outputs=(), **inputs):
    message = messages.predict.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    message.output_filter.extend(outputs)
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def floats(*values):
    return np.array(values, np.float32)


def row_seeds(seed, rows):
    return np.stack([np.full(rows, seed), np.arange(rows)], 1).astype(np.int32)


def test_predict_says_who_answered(stub):
    answer = stub.Predict(request("arith", x=floats(3, 6)))
    assert answer.model_spec.name == "arith"
    assert answer.model_spec.version.value == 5
    assert answer.model_spec.signature_name == "serving_default"
    assert list(answer.outputs["y"].float_val) == [2.0, 3.0]


@pytest.mark.parametrize(
    ("signature", "name", "value", "output", "expected"),
    [
        ("count", "n", np.array([1], np.int32), "next", [2]),
        ("long", "n", np.array([2**40]), "next", [2**40 + 1]),
        ("negate", "flag", np.array([True]), "flag", [False]),
        ("echo", "text", np.array([b"hi"], object), "text", [b"hi"]),
    ],
)
def test_every_type_goes_both_ways(
    stub, signature, name, value, output, expected
):
    answer = stub.Predict(request("arith", signature, **{name: value}))
    assert tf.make_ndarray(answer.outputs[output]).tolist() == expected


def test_output_filter(stub):
    ask = request("arith", "pair", ["sum"], a=floats(1), b=floats(2))
    assert list(stub.Predict(ask).outputs) == ["sum"]


EMPTY = messages.predict.PredictRequest()
NAMELESS = messages.predict.PredictRequest()
NAMELESS.model_spec.signature_name = "pair"
OLD = request("arith", x=floats(1))
OLD.model_spec.version.value = 4
BAD_TENSOR = request("arith", x=floats(1))
BAD_TENSOR.inputs["x"].tensor_content = b"123"

REFUSALS = [
    (EMPTY, "INVALID_ARGUMENT", "Missing ModelSpec"),
    (NAMELESS, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
    (request("no"), "NOT_FOUND", "Servable not found for request: Latest(no)"),
    (OLD, "NOT_FOUND", "Servable not found for request: Specific(arith, 4)"),
    (BAD_TENSOR, "INVALID_ARGUMENT", ""),
    (
        request("arith", "none"),
        "FAILED_PRECONDITION",
        'Serving signature key "none" not found.',
    ),
    (
        request("arith", "pair", a=floats(1)),
        "INVALID_ARGUMENT",
        "Sent extra: {}. Missing but required: {b}.",
    ),
    (
        request("arith", z=floats(1)),
        "INVALID_ARGUMENT",
        "input tensor alias not found in signature: z",
    ),
    (
        request("arith", x=np.array([1], np.int32)),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be float but int32 is provided",
    ),
    (
        request("arith", outputs=["none"], x=floats(1)),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: none",
    ),
    (
        request("arith", outputs=["y", "y"], x=floats(1)),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    ),
    (
        request("arith", x=np.zeros(9, np.float32)),
        "INVALID_ARGUMENT",
        "Task size 9 is larger than maximum input batch size 8",
    ),
    (
        request("arith", "pair", a=floats(1), b=floats(1, 2)),
        "INVALID_ARGUMENT",
        "must have equal 0th-dimension size",
    ),
    (
        request("arith", "total", x=floats(1)),
        "FAILED_PRECONDITION",
        "Batched output tensor has 0 dimensions",
    ),
    (
        request("arith", "two_sizes", x=floats(1, 2)),
        "FAILED_PRECONDITION",
        "0th dimension does not equal the sum",
    ),
]


@pytest.mark.parametrize(("message", "code", "details"), REFUSALS)
def test_refusal(stub, message, code, details):
    with pytest.raises(grpc.RpcError) as info:
        stub.Predict(message)
    assert info.value.code().name == code
    assert details in str(info.value.details())


def test_classify_has_no_signature(stub):
    classification: Any = classification_pb2
    message = classification.ClassificationRequest()
    message.model_spec.name = "arith"
    with pytest.raises(grpc.RpcError) as info:
        stub.Classify(message)
    assert info.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "Expected classification signature" in str(info.value.details())


def test_long_messages_are_cut(stub):
    with pytest.raises(grpc.RpcError) as info:
        stub.Predict(request("x" * 2000, x=floats(1)))
    details = str(info.value.details())
    assert details.endswith("...TRUNCATED") and len(details) < 1100


def test_deadline_stops_the_model(stub):
    message = request("arith", "slow", x=floats(1000))
    with pytest.raises(grpc.RpcError) as info:
        stub.Predict(message, timeout=0.3)
    assert info.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    # The threads are free again, or this would not be answered.
    for _ in range(4):
        stub.Predict(request("arith", x=floats(1)), timeout=10)


@pytest.mark.parametrize(
    ("fields", "message"),
    [([], "must specify at least one"), (["other"], "other is not supported")],
)
def test_metadata_is_signature_def_alone(stub, fields, message):
    ask = messages.metadata.GetModelMetadataRequest(metadata_field=fields)
    ask.model_spec.name = "arith"
    with pytest.raises(grpc.RpcError, match=message):
        stub.GetModelMetadata(ask)


def test_metadata(stub):
    ask = messages.metadata.GetModelMetadataRequest(
        metadata_field=["signature_def"]
    )
    ask.model_spec.name = "tiny"
    answer = stub.GetModelMetadata(ask)
    found = messages.metadata.SignatureDefMap()
    assert answer.metadata["signature_def"].Unpack(found)
    assert {*found.signature_def} == {
        "serving_default",
        "generate",
        "generate_with",
        "decode",
    }


def test_merged_requests_equal_separate_ones(base, stub):
    """24 clients at once, each with rows of its own."""
    from export import session_loader

    loaded = session_loader.LoadedModel(str(base / "tiny" / "1"))
    seeds = [row_seeds(i, 1 + i % 5) for i in range(24)]
    expected = [loaded.run("generate", {"seed": s})["samples"] for s in seeds]
    loaded.close()
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = pool.map(
            lambda s: stub.Predict(request("tiny", "generate", seed=s)), seeds
        )
        for answer, samples in zip(answers, expected, strict=True):
            found = tf.make_ndarray(answer.outputs["samples"])
            np.testing.assert_allclose(found, samples, rtol=1e-5)


def test_reload_replaces_the_models(base):
    """Its own server: the models change."""
    flags = ("--model_name=arith", f"--model_base_path={base}/arith")
    with (
        serving.running(*flags) as server,
        grpc.insecure_channel(f"localhost:{server.grpc}") as channel,
    ):
        stub = messages.model_service.ModelServiceStub(channel)

        def states(name):
            ask = messages.model_status.GetModelStatusRequest()
            ask.model_spec.name = name
            entries = stub.GetModelStatus(ask).model_version_status
            return [(e.version, e.state) for e in entries]

        def reload(**labels):
            ask = messages.management.ReloadConfigRequest()
            config = ask.config.model_config_list.config.add()
            config.name, config.base_path = "tiny", str(base / "tiny")
            for label, version in labels.items():
                config.version_labels[label] = version
            return stub.HandleReloadConfigRequest(ask).status

        assert states("arith") == [(5, 30)]
        failed = reload(stable=1)
        assert failed.error_code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
        assert "not currently available" in failed.error_message
        assert states("arith") == [(5, 30)]
        assert reload().error_code == 0
        assert (states("tiny"), states("arith")) == ([(1, 30)], [(5, 50)])
        assert reload(stable=1).error_code == 0
        code, _ = server.ask(
            "POST",
            "/v1/models/tiny/labels/stable:predict",
            {"inputs": [[0, 0]]},
        )
        assert code == 200
