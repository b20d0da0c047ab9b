"""Asks an endpoint for samples and writes them as one picture.

python -m export.client --url=http://localhost:8501/v1/models/eae
--num_samples=64 --seed=7 --output=samples.png

Row i of the request is the seed (seed, i), so the same command gives the same
picture whatever the endpoint merges or splits.
"""

import http.client
import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import flags
from PIL import Image

import errors

# Requests of this many rows stay below the limits of most servers.
ROWS_PER_REQUEST = 32
_DTYPES = {int: np.int32, float: np.float32, bool: np.bool_}


def row_seeds(seed: int, num_samples: int) -> np.ndarray:
    """Returns int32 [num_samples, 2]: row i is (seed, i)."""
    rows = np.arange(num_samples, dtype=np.int32)
    return np.stack([np.full_like(rows, seed), rows], axis=1)


def ask_rest(
    url: str, inputs: dict[str, np.ndarray], signature: str, timeout: float
) -> np.ndarray:
    """Asks a REST endpoint for samples.

    Args:
      url: of the model, http://HOST:PORT/v1/models/NAME[/versions/N].
      inputs: arrays [rows, ...] by input name.
      signature: name of the signature.
      timeout: in seconds.

    Returns:
      Samples float32 [rows, ...].

    Raises:
      InputError: no endpoint there, or it answers with an error.
    """
    url = url.rstrip("/").removesuffix(":predict")
    body = {
        "signature_name": signature,
        "inputs": {name: array.tolist() for name, array in inputs.items()},
    }
    headers = {"Content-Type": "application/json"}
    try:
        request = urllib.request.Request(
            f"{url}:predict", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            outputs = json.loads(answer.read())["outputs"]
    except urllib.error.HTTPError as error:
        reason = _rest_error(error.read()) or error.reason
        raise errors.InputError(
            f"{url} answered {error.code}: {reason}"
        ) from error
    except urllib.error.URLError as error:
        raise _unreachable(url, error.reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise errors.InputError(
            f"{url} is not the address of a model ({error!r}); give "
            "http://HOST:PORT/v1/models/NAME"
        ) from error
    if isinstance(outputs, dict):
        outputs = outputs.get("samples")
    return np.asarray(outputs, np.float32)


def ask_grpc(
    target: str,
    name: str,
    inputs: dict[str, np.ndarray],
    signature: str,
    timeout: float,
) -> np.ndarray:
    """Asks a gRPC endpoint for samples.

    Args:
      target: HOST:PORT.
      name: of the model.
      inputs: arrays [rows, ...] by input name.
      signature: name of the signature.
      timeout: in seconds.

    Returns:
      Samples float32 [rows, ...].

    Raises:
      InputError: no endpoint there, or it answers with an error.
    """
    # Imported late: they bring TensorFlow, which REST does without.
    import grpc
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2
    from tensorflow_serving.apis import prediction_service_pb2_grpc as service

    messages: Any = predict_pb2
    request = messages.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, array in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(target, options) as channel:
        stub = service.PredictionServiceStub(channel)
        try:
            answer = stub.Predict(request, timeout=timeout)
        except grpc.RpcError as error:
            call: Any = error
            if call.code() == grpc.StatusCode.UNAVAILABLE:
                raise _unreachable(target, call.details()) from error
            raise errors.InputError(
                f"{target} answered {call.code().name}: "
                f"{_one_line(call.details())}"
            ) from error
    if "samples" not in answer.outputs:
        raise errors.InputError(
            f"signature {signature!r} of {target} gives no samples; ask for "
            "'generate'"
        )
    return tf.make_ndarray(answer.outputs["samples"])


def kind_of(samples: np.ndarray) -> str:
    """The kind of data that samples have, by their shape.

    Args:
      samples: [rows, height, width, 1 or 3], or points [rows, dimensions].

    Raises:
      InputError: they are neither.
    """
    if samples.ndim == 4 and samples.shape[-1] in (1, 3):
        return "image"
    if samples.ndim == 2:
        return "points"
    raise errors.InputError(
        f"the endpoint gave samples of shape {list(samples.shape)}; a picture "
        "needs images [rows, height, width, 1 or 3] or points "
        "[rows, dimensions]"
    )


def options_of(words: Sequence[str]) -> dict[str, Any]:
    """Reads options: numbers, true or false by name.

    Args:
      words: each NAME=VALUE.

    Raises:
      InputError: one is written otherwise, or is not finite.
    """
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        is_number = isinstance(value, int | float) and math.isfinite(value)
        if not (name and equals and is_number):
            raise errors.InputError(
                f"option={word!r} must be NAME=VALUE, with a number, true or "
                "false: --option=temperature=0.5"
            )
        found[name] = value
    return found


def define_flags() -> None:
    """Defines the flags; here, so that importing this module defines none."""
    text = flags.DEFINE_string
    text("url", None, "Model over REST: http://HOST:PORT/v1/models/NAME.")
    text("grpc", None, "Endpoint over gRPC: HOST:PORT; needs --model_name.")
    text("model_name", "default", "Name of the model, over gRPC.")
    flags.DEFINE_integer("num_samples", 64, "How many.", 1, 10_000)
    flags.DEFINE_integer("seed", 0, "Seed.", -(2**31), 2**31 - 1)
    flags.DEFINE_multi_string(
        "option",
        [],
        "An option of the signature generate_with, NAME=VALUE for all samples, "
        "such as temperature=0.5; write floats with a point. Repeat the flag "
        "for several options.",
    )
    text("output", "samples.png", "Picture to write.")
    flags.DEFINE_float("timeout", 60.0, "For one answer, in seconds.", 0.001)


def main(argv: list[str]) -> None:
    """Asks, writes the picture and prints where."""
    values = flags.FLAGS
    if argv[1:]:
        raise errors.InputError(
            f"argument {argv[1]!r} is not a flag; see --help"
        )
    if bool(values.url) == bool(values.grpc):
        raise errors.InputError("give one of --url and --grpc")
    if values.url and not values.url.startswith(("http://", "https://")):
        raise errors.InputError(
            f"url={values.url!r} must begin with http:// or https://"
        )
    if values.url and "/v1/models/" not in values.url:
        raise errors.InputError(
            f"url={values.url!r} names no model: give "
            "http://HOST:PORT/v1/models/NAME"
        )
    seeds = row_seeds(values.seed, values.num_samples)
    options = options_of(values.option)
    signature = "generate_with" if options else "generate"
    parts = []
    for start in range(0, len(seeds), ROWS_PER_REQUEST):
        rows = seeds[start : start + ROWS_PER_REQUEST]
        inputs: dict[str, np.ndarray] = {"seed": rows}
        for name, value in options.items():
            inputs[name] = np.full(len(rows), value, _DTYPES[type(value)])
        if values.url:
            part = ask_rest(values.url, inputs, signature, values.timeout)
        else:
            part = ask_grpc(
                values.grpc,
                values.model_name,
                inputs,
                signature,
                values.timeout,
            )
        parts.append(part)
    samples = np.concatenate(parts)
    kind = kind_of(samples)
    # Imported late: a bad flag need not wait for it.
    from evaluators import pictures

    _save(pictures.picture(kind, samples), values.output)
    print(f"wrote {len(samples)} samples to {values.output}")


def _save(pixels: np.ndarray, path: str) -> None:
    grey = pixels.shape[-1] == 1
    image = Image.fromarray(pixels[..., 0] if grey else pixels)
    try:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        image.save(path)
    except (OSError, ValueError) as error:
        raise errors.InputError(
            f"output={path!r} cannot be written ({error}); give a path that "
            "ends with .png in a directory that can be written"
        ) from error


def _rest_error(body: bytes) -> str:
    try:
        return _one_line(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _unreachable(address: str, reason: Any) -> errors.InputError:
    return errors.InputError(
        f"no answer from {address} ({_one_line(reason)}); start it with "
        "`python -m export.server` and give the address it prints"
    )


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())[:300]


if __name__ == "__main__":
    define_flags()
    errors.run(main)
