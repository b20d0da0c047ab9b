"""The four questions a client may ask, whichever way it asks them."""

import asyncio
import concurrent.futures
import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from export import signatures
from export.server import messages, status
from export.server.batching import Arrays, Batcher
from export.server.status import Code, ServingError
from export.server.versions import Versions

_KINDS = {"classify": "classification", "regress": "regression"}


class Prediction(NamedTuple):
    """An answer: which version and signature gave it, and its arrays."""

    version: int
    signature: str
    outputs: Arrays


class Core:
    """Answers requests from the loaded models.

    Args:
      versions: the models.
      threads: run them.
      batcher: merges requests; None runs each on its own.
    """

    def __init__(
        self,
        versions: Versions,
        threads: concurrent.futures.Executor,
        batcher: Batcher | None = None,
    ):
        self.versions = versions
        self._threads = threads
        self._batcher = batcher

    def input_types(self, spec: Any, signature: str) -> dict[str, tf.DType]:
        """Returns the input types of a signature by input name.

        Raises:
          ServingError: unknown model, version, label or signature.
        """
        _, servable = self.versions.find(spec)
        name = signature or signatures.DEFAULT
        if name not in servable.signatures:
            raise status.invalid(
                f'Serving signature name: "{name}" not found in signature def'
            )
        inputs = servable.signatures[name].inputs
        return {key: tf.as_dtype(info.dtype) for key, info in inputs.items()}

    async def predict(
        self,
        spec: Any,
        inputs: Arrays,
        output_filter: Iterable[str] = (),
        timeout_ms: int = 0,
    ) -> Prediction:
        """Runs a model.

        Args:
          spec: ModelSpec message.
          inputs: arrays by input name.
          output_filter: outputs wanted; all when empty.
          timeout_ms: 0 for none.

        Raises:
          ServingError: as TF-Serving would answer.
        """
        number, servable = self.versions.find(spec)
        name = spec.signature_name or signatures.DEFAULT
        if name not in servable.signatures:
            raise ServingError(
                Code.FAILED_PRECONDITION,
                f'Serving signature key "{name}" not found.',
            )
        signature = servable.signatures[name]
        _check_inputs(signature, inputs)
        wanted = _wanted_outputs(signature, list(output_filter))
        try:
            if self._batcher is None:
                loop = asyncio.get_running_loop()
                outputs = await loop.run_in_executor(
                    self._threads,
                    functools.partial(
                        servable.run, name, inputs, wanted, timeout_ms
                    ),
                )
            else:
                outputs = await self._batcher.run(
                    (id(servable), name, tuple(wanted)),
                    lambda merged, timeout: servable.run(
                        name, merged, wanted, timeout
                    ),
                    inputs,
                    timeout_ms,
                )
        except Exception as error:
            raise status.from_exception(error) from error
        return Prediction(number, name, outputs)

    def metadata(self, request: Any) -> Any:
        """Answers a GetModelMetadataRequest.

        Raises:
          ServingError: another field than `signature_def`, unknown model.
        """
        _check_spec(request)
        if not request.metadata_field:
            raise status.invalid(
                "GetModelMetadataRequest must specify at least one "
                "metadata_field"
            )
        for field in request.metadata_field:
            if field != "signature_def":
                raise status.invalid(f"Metadata field {field} is not supported")
        number, servable = self.versions.find(request.model_spec)
        definitions = messages.metadata.SignatureDefMap()
        for name, signature in servable.signatures.items():
            definitions.signature_def[name].CopyFrom(signature)
            definitions.signature_def[name].ClearField("defaults")
        response = messages.metadata.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        response.metadata["signature_def"].Pack(definitions)
        return response

    def status(self, request: Any) -> Any:
        """Answers a GetModelStatusRequest; a label in it is ignored.

        Raises:
          ServingError: unknown model or version.
        """
        _check_spec(request)
        spec = request.model_spec
        found = self.versions.statuses(spec.name)
        if spec.HasField("version"):
            number = spec.version.value
            if number not in found:
                raise ServingError(
                    Code.NOT_FOUND,
                    f"Could not find version {number} of model {spec.name}",
                )
            found = {number: found[number]}
        if not found:
            raise ServingError(
                Code.NOT_FOUND,
                f"Could not find any versions of model {spec.name}",
            )
        response = messages.model_status.GetModelStatusResponse()
        for number, version in found.items():
            entry = response.model_version_status.add()
            entry.version, entry.state = number, version.state
            entry.status.error_code = version.code
            entry.status.error_message = version.message
        return response

    def refuse(self, request: Any, method: str) -> ServingError:
        """Returns the answer to classify and regress: no signature does it."""
        _check_spec(request)
        _, servable = self.versions.find(request.model_spec)
        name = request.model_spec.signature_name or signatures.DEFAULT
        if name not in servable.signatures:
            return status.invalid(
                f"No signature was found with the name: {name}"
            )
        return status.invalid(
            f"Expected {_KINDS[method]} signature method_name to be "
            f"tensorflow/serving/{method}. Was: {signatures.PREDICT}"
        )

    async def reload(self, request: Any) -> None:
        """Follows a ReloadConfigRequest.

        Raises:
          ServingError: not a list of models, or it cannot be served.
        """
        kind = request.config.WhichOneof("config")
        if kind != "model_config_list":
            raise status.invalid(
                "ReloadConfig supports a model_config_list alone; got "
                f"{kind or 'an empty config'}"
            )
        await self.versions.reload(
            list(request.config.model_config_list.config)
        )


def _check_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise status.invalid("Missing ModelSpec")


def _check_inputs(signature: Any, inputs: Arrays) -> None:
    expected, sent = set(signature.inputs), set(inputs)
    if len(sent) != len(expected):
        raise status.invalid(
            f"input size does not match signature: {len(sent)}!="
            f"{len(expected)} len({_show(sent)}) != len({_show(expected)}). "
            f"Sent extra: {_show(sent - expected)}. Missing but required: "
            f"{_show(expected - sent)}."
        )
    for name in sorted(sent - expected):
        raise status.invalid(
            f"input tensor alias not found in signature: {name}. Inputs "
            f"expected to be in the set {_show(expected)}."
        )
    for index, name in enumerate(sorted(expected)):
        wanted = tf.as_dtype(signature.inputs[name].dtype)
        found = tf.as_dtype(inputs[name].dtype)
        if wanted != found:
            # A Session in Python would cast it; TF-Serving does not.
            raise status.invalid(
                f"Expects arg[{index}] to be {_type_name(wanted)} but "
                f"{_type_name(found)} is provided"
            )
        _check_shape(name, inputs[name], signature.inputs[name])


def _check_shape(name: str, array: np.ndarray, info: Any) -> None:
    shape = tf.TensorShape(info.tensor_shape)
    if not shape.is_compatible_with(array.shape):
        raise status.invalid(
            f"input {name} has shape {list(array.shape)}; the signature wants "
            f"{shape}"
        )


def _wanted_outputs(signature: Any, output_filter: list[str]) -> list[str]:
    names = sorted(signature.outputs)
    for index, name in enumerate(output_filter):
        if name not in signature.outputs:
            raise status.invalid(
                f"output tensor alias not found in signature: {name} Outputs "
                f"expected to be in the set {_show(names)}."
            )
        if name in output_filter[:index]:
            raise status.invalid(f"duplicate output tensor alias: {name}")
    return output_filter or names


def _show(names: Iterable[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _type_name(dtype: tf.DType) -> str:
    return "float" if dtype == tf.float32 else dtype.name
