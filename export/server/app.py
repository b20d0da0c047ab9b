"""Starts the server, keeps its versions up to date, and stops it cleanly."""

import asyncio
import concurrent.futures
import dataclasses
import os
import signal
from typing import Any

from absl import logging
from aiohttp import web
from google.protobuf import text_format

import errors
from export import serving_config
from export.server import (
    batching,
    core,
    grpc_services,
    messages,
    rest,
    status,
    versions,
)

_GRACE_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class Options:
    """What the flags say.

    Attributes:
      configs: ModelConfig messages of the models to serve.
      host: address to listen on.
      port: of gRPC; 0 for none.
      rest_api_port: of REST; 0 for none.
      rest_api_timeout_in_ms: for a model to answer over REST; 0 for none.
      rest_api_enable_cors_support: whether pages of other origins may ask.
      batching: how to merge requests; None for not at all.
      file_system_poll_wait_seconds: between looks for new versions; 0 for
        one look.
    """

    configs: list[Any]
    host: str = "localhost"
    port: int = 8500
    rest_api_port: int = 0
    rest_api_timeout_in_ms: int = 30_000
    rest_api_enable_cors_support: bool = False
    batching: serving_config.BatchingParameters | None = None
    file_system_poll_wait_seconds: float = 1.0


def read_models(path: str) -> list[Any]:
    """Reads a ModelServerConfig text file with a model_config_list.

    Raises:
      InputError: it cannot be read, or lists no model.
    """
    config = messages.server_config.ModelServerConfig()
    text = read_text(path, "model_config_file")
    try:
        text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise errors.InputError(
            f"model_config_file={path!r} is not a ModelServerConfig in text "
            f"form: {error}"
        ) from error
    found = list(config.model_config_list.config)
    if not found:
        raise errors.InputError(
            f"model_config_file={path!r} lists no model; write "
            "model_config_list { config { name: ... base_path: ... } }"
        )
    return found


def read_text(path: str, flag: str) -> str:
    """Reads a text file named by a flag.

    Raises:
      InputError: it cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InputError(
            f"{flag}={path!r} cannot be read: {error}"
        ) from error


async def serve(options: Options) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
      InputError: a model has no version that loads, or a port is taken.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    workers = os.cpu_count() or 1
    if options.batching:
        workers = max(workers, options.batching.num_batch_threads)
    with (
        # Two at least: one long request must not hold up a short one.
        concurrent.futures.ThreadPoolExecutor(max(workers, 2)) as threads,
        concurrent.futures.ThreadPoolExecutor(1) as loader,
    ):
        models = await _load(options, loader)
        batcher = (
            batching.Batcher(options.batching, threads)
            if options.batching
            else None
        )
        answers = core.Core(models, threads, batcher)
        runner = web.AppRunner(
            rest.Rest(
                answers,
                options.rest_api_timeout_in_ms,
                options.rest_api_enable_cors_support,
            ).application(),
            access_log=None,
            shutdown_timeout=_GRACE_SECONDS,
        )
        server = grpc_services.create_server(answers)
        try:
            await _listen(options, server, runner)
            await _poll_until(stop, models, options)
        finally:
            await server.stop(_GRACE_SECONDS)
            await runner.cleanup()
            await models.close()


async def _load(
    options: Options, loader: concurrent.futures.Executor
) -> versions.Versions:
    try:
        models = versions.Versions(options.configs, loader)
    except status.ServingError as error:
        raise errors.InputError(
            f"{error.message}; give each model a name and an absolute path"
        ) from error
    for config in options.configs:
        if not os.path.isdir(config.base_path):
            raise errors.InputError(
                f"base path {config.base_path!r} of model {config.name!r} is "
                "not a directory; export a model there first"
            )
    await models.poll()
    for config in options.configs:
        found = models.statuses(config.name)
        if not found:
            raise errors.InputError(
                f"base path {config.base_path!r} of model {config.name!r} "
                "holds no version (a directory whose name is a number); "
                "export a model there first"
            )
        if not any(v.state == versions.AVAILABLE for v in found.values()):
            number, version = max(found.items())
            reason = " ".join(version.message.split())
            raise errors.InputError(
                f"version {number} of model {config.name!r} does not load: "
                f"{reason[:300]}; export it again"
            )
    return models


async def _listen(options: Options, server: Any, runner: web.AppRunner) -> None:
    if options.port:
        address = f"{options.host}:{options.port}"
        try:
            bound = server.add_insecure_port(address)
        except RuntimeError:
            bound = 0
        if not bound:
            raise errors.InputError(
                f"port={options.port} cannot be listened on at "
                f"{options.host}; choose a free one"
            )
        await server.start()
        print(f"Running gRPC ModelServer at {address} ...", flush=True)
    if options.rest_api_port:
        await runner.setup()
        address = f"{options.host}:{options.rest_api_port}"
        site = web.TCPSite(runner, options.host, options.rest_api_port)
        try:
            await site.start()
        except OSError as error:
            raise errors.InputError(
                f"rest_api_port={options.rest_api_port} cannot be listened on "
                f"at {options.host}; choose a free one"
            ) from error
        print(f"Exporting HTTP/REST API at: {address} ...", flush=True)


async def _poll_until(
    stop: asyncio.Event, models: versions.Versions, options: Options
) -> None:
    wait = options.file_system_poll_wait_seconds or None
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), wait)
        except TimeoutError:
            try:
                await models.poll()
            except Exception:
                # One bad look must not end the service.
                logging.exception("looking for new versions failed")
