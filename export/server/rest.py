"""TF-Serving's REST API.

POST /v1/models/NAME[/versions/N|/labels/L]:predict and GET
/v1/models/NAME[/versions/N|/labels/L][/metadata]; JSON in, JSON out, errors as
{"error": message}.
"""

import json
import re
import urllib.parse
from typing import Any

from aiohttp import web
from google.protobuf import json_format

from export.server import json_request, json_response, messages, status
from export.server.core import Core
from export.server.status import ServingError

_ANY = re.compile(r"/v1/.*", re.IGNORECASE)
_CHOICE = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_CHOICE}:(?P<method>classify|regress|predict)",
    re.IGNORECASE,
)
_MODEL = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_CHOICE}(?P<metadata>/metadata)?",
    re.IGNORECASE,
)
# Bodies are read whole, like TF-Serving's; this is its largest message.
_MAX_BODY = 2**31 - 1
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type",
}


class Rest:
    """Answers HTTP requests.

    Args:
      core: gives the answers.
      timeout_ms: for a model to answer, in milliseconds; 0 for none.
      cors: whether pages of other origins may ask.
    """

    def __init__(
        self, core: Core, timeout_ms: int = 30_000, cors: bool = False
    ):
        self._core = core
        self._timeout_ms = timeout_ms
        self._cors = cors

    def application(self) -> web.Application:
        """Returns the aiohttp application."""
        application = web.Application(client_max_size=_MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.raw_path.partition("?")[0]
        if not _ANY.fullmatch(path):
            raise web.HTTPNotFound
        headers = _CORS if self._cors else {}
        if self._cors and request.method == "OPTIONS":
            return web.Response(headers=headers)
        code = 200
        try:
            text = await self._answer(request, path)
        except ServingError as error:
            code = status.HTTP[error.code]
            text = json.dumps({"error": error.message}, ensure_ascii=False)
        return web.Response(
            status=code,
            text=text,
            content_type="application/json",
            headers=headers,
        )

    async def _answer(self, request: web.Request, path: str) -> str:
        prediction = _PREDICTION.fullmatch(path)
        if request.method == "POST" and prediction:
            spec = _spec(prediction)
            method = prediction["method"].lower()
            if method != "predict":
                body = messages.predict.PredictRequest(model_spec=spec)
                raise self._core.refuse(body, method)
            return await self._predict(spec, await request.read())
        model = _MODEL.fullmatch(path)
        if request.method == "GET" and model:
            if not model["name"]:
                raise status.invalid("Missing model name in request.")
            spec = _spec(model)
            return (
                self._metadata(spec)
                if model["metadata"]
                else (self._status(spec))
            )
        raise status.invalid(f"Malformed request: {request.method} {path}")

    async def _predict(self, spec: Any, body: bytes) -> str:
        parsed = json_request.parse(
            body, lambda name: self._core.input_types(spec, name)
        )
        spec.signature_name = parsed.signature
        answer = await self._core.predict(
            spec, parsed.inputs, timeout_ms=self._timeout_ms
        )
        return json_response.render(answer.outputs, parsed.format)

    def _metadata(self, spec: Any) -> str:
        request = messages.metadata.GetModelMetadataRequest(
            model_spec=spec, metadata_field=["signature_def"]
        )
        response = self._core.metadata(request)
        definitions = messages.metadata.SignatureDefMap()
        response.metadata["signature_def"].Unpack(definitions)
        document = {
            "model_spec": _to_dict(response.model_spec),
            "metadata": {"signature_def": _to_dict(definitions)},
        }
        return json.dumps(document, indent=1)

    def _status(self, spec: Any) -> str:
        request = messages.model_status.GetModelStatusRequest(model_spec=spec)
        return json.dumps(_to_dict(self._core.status(request)), indent=1)


def _spec(match: re.Match) -> Any:
    spec = messages.predict.PredictRequest().model_spec
    spec.name = urllib.parse.unquote(match["name"])
    if match["version"]:
        version = int(match["version"])
        if version >= 2**63:
            raise status.invalid(
                f"Failed to convert version: {match['version']} to numeric."
            )
        spec.version.value = version
    if match["label"]:
        spec.version_label = urllib.parse.unquote(match["label"])
    return spec


def _to_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
