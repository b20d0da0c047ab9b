"""TF-Serving's gRPC services: PredictionService and ModelService."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
import tensorflow as tf

from export.server import messages, status
from export.server.batching import Arrays
from export.server.core import Core
from export.server.status import Code, ServingError

_MAX_MESSAGE = 1024
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def create_server(core: Core) -> grpc.aio.Server:
    """Returns a server of both services, not started and without a port."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # Else two servers would share a port and split the requests.
            ("grpc.so_reuseport", 0),
        ]
    )
    messages.prediction_service.add_PredictionServiceServicer_to_server(
        _PredictionService(core), server
    )
    messages.model_service.add_ModelServiceServicer_to_server(
        _ModelService(core), server
    )
    return server


async def _answer(context: Any, ask: Callable[[], Awaitable[Any]]) -> Any:
    """Awaits an answer; an error becomes the call's status."""
    try:
        return await ask()
    except ServingError as error:
        message = error.message
        if len(message) > _MAX_MESSAGE:
            message = message[:_MAX_MESSAGE] + "...TRUNCATED"
        await context.abort(_CODES[error.code], message)


class _PredictionService:
    def __init__(self, core: Core):
        self._core = core

    async def Predict(self, request, context):
        async def ask():
            if not request.HasField("model_spec"):
                raise status.invalid("Missing ModelSpec")
            spec = request.model_spec
            inputs = {k: read_tensor(v) for k, v in request.inputs.items()}
            left = context.time_remaining()
            answer = await self._core.predict(
                spec,
                inputs,
                request.output_filter,
                max(int(left * 1e3), 1) if left is not None else 0,
            )
            response = messages.predict.PredictResponse()
            response.model_spec.name = spec.name
            response.model_spec.version.value = answer.version
            response.model_spec.signature_name = answer.signature
            write_tensors(answer.outputs, response.outputs)
            return response

        return await _answer(context, ask)

    async def GetModelMetadata(self, request, context):
        async def ask():
            return self._core.metadata(request)

        return await _answer(context, ask)

    async def Classify(self, request, context):
        async def ask():
            raise self._core.refuse(request, "classify")

        return await _answer(context, ask)

    async def Regress(self, request, context):
        async def ask():
            raise self._core.refuse(request, "regress")

        return await _answer(context, ask)

    async def MultiInference(self, request, context):
        async def ask():
            if not request.tasks:
                raise status.invalid("Inference request must have tasks")
            task = request.tasks[0]
            method = task.method_name.rpartition("/")[2]
            if method not in ("classify", "regress"):
                raise ServingError(
                    Code.UNIMPLEMENTED,
                    f"Unsupported signature method_name: {task.method_name}",
                )
            raise self._core.refuse(task, method)

        return await _answer(context, ask)


class _ModelService:
    def __init__(self, core: Core):
        self._core = core

    async def GetModelStatus(self, request, context):
        async def ask():
            return self._core.status(request)

        return await _answer(context, ask)

    async def HandleReloadConfigRequest(self, request, context):
        response = messages.management.ReloadConfigResponse()
        try:
            await self._core.reload(request)
        except ServingError as error:
            # This call carries its status in the answer.
            response.status.error_code = error.code
            response.status.error_message = error.message
        return response


def read_tensor(proto: Any) -> np.ndarray:
    """Returns the array of a TensorProto.

    Raises:
      ServingError: its values do not fill its shape.
    """
    try:
        return tf.make_ndarray(proto)
    except (ValueError, TypeError) as error:
        raise status.invalid(f"cannot read a tensor: {error}") from error


def write_tensors(arrays: Arrays, target: Any) -> None:
    """Writes arrays into a map of TensorProtos, in their typed fields."""
    for name, array in arrays.items():
        proto = target[name]
        dtype = tf.as_dtype(array.dtype)
        proto.dtype = dtype.as_datatype_enum
        proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
        values = array.ravel()
        if dtype == tf.float32:
            proto.float_val.extend(values)
        elif dtype == tf.int32:
            proto.int_val.extend(values)
        elif dtype == tf.int64:
            proto.int64_val.extend(values)
        elif dtype == tf.bool:
            proto.bool_val.extend(values.tolist())
        elif dtype == tf.string:
            proto.string_val.extend(tf.compat.as_bytes(v) for v in values)
        else:
            proto.CopyFrom(tf.make_tensor_proto(array))
