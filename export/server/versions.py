"""Which versions of which models are loaded.

Directories are polled; a new version is loaded before the old one goes, and a
version leaves only when its last request is answered.
"""

import asyncio
import concurrent.futures
import dataclasses
import os
import threading
from typing import Any

from absl import logging

from export import saved_model, session_loader, signatures, warmup
from export.server import messages, status
from export.server.batching import Arrays
from export.server.status import Code, ServingError

START, LOADING, AVAILABLE, UNLOADING, END = 10, 20, 30, 40, 50


class Servable:
    """A loaded version that counts the requests under way."""

    def __init__(self, path: str):
        self._model = session_loader.LoadedModel(path)
        self.signatures = {
            name: signature
            for name, signature in self._model.signatures.items()
            if signature.method_name == signatures.PREDICT
        }
        self._active = 0
        self._changed = threading.Condition()
        for name, inputs in warmup.read(path):
            self._model.run(name, inputs)

    def run(
        self, signature: str, inputs: Arrays, outputs: list[str], timeout: int
    ) -> Arrays:
        """Runs a signature; `timeout` in milliseconds, 0 for none."""
        with self._changed:
            self._active += 1
        try:
            return self._model.run(signature, inputs, outputs, timeout)
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def unload(self) -> None:
        """Waits for the last request and frees the model."""
        with self._changed:
            self._changed.wait_for(lambda: self._active == 0)
        self._model.close()


@dataclasses.dataclass
class Version:
    """A version's state, as the status API reports it."""

    state: int = START
    code: Code = Code.OK
    message: str = ""
    servable: Servable | None = None
    gone: bool = False


class Versions:
    """The models of a server.

    Args:
      configs: ModelConfig messages.
      threads: load and free models.
    """

    def __init__(
        self, configs: list[Any], threads: concurrent.futures.Executor
    ):
        self._threads = threads
        self._polling = asyncio.Lock()
        self._models: dict[str, dict[int, Version]] = {}
        self._configs: dict[str, Any] = {}
        self._set_configs(configs)

    def statuses(self, name: str) -> dict[int, Version]:
        """Returns every version ever seen of a model, by number."""
        return dict(sorted(self._models.get(name, {}).items()))

    def find(self, spec: Any) -> tuple[int, Servable]:
        """Returns the version that a ModelSpec asks for.

        Raises:
          ServingError: there is no such model, version or label.
        """
        if not spec.name:
            raise status.invalid("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        available = {
            number: version.servable
            for number, version in self.statuses(spec.name).items()
            if version.state == AVAILABLE and version.servable
        }
        number = max(available, default=-1)
        wanted = f"Latest({spec.name})"
        if choice == "version_label":
            config = self._configs.get(spec.name)
            labels = dict(config.version_labels) if config else {}
            if spec.version_label not in labels:
                raise status.invalid(
                    f"Unrecognized servable version label: {spec.version_label}"
                )
            number = labels[spec.version_label]
        elif choice == "version":
            number = spec.version.value
        if choice:
            wanted = f"Specific({spec.name}, {number})"
        servable = available.get(number)
        if servable is None:
            raise ServingError(
                Code.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return number, servable

    async def reload(self, configs: list[Any]) -> None:
        """Replaces the list of models and brings the versions in line.

        Raises:
          ServingError: a model or a label cannot be served as asked; the old
            list stays.
        """
        for config in configs:
            known = self.statuses(config.name)
            for label, number in config.version_labels.items():
                version = known.get(number)
                if version is None or version.state != AVAILABLE:
                    raise ServingError(
                        Code.FAILED_PRECONDITION,
                        f"Request to assign label to {config.name} version "
                        f"{number}, which is not currently available for "
                        f"inference (label {label})",
                    )
        self._set_configs(configs)
        await self.poll()

    async def poll(self) -> None:
        """Loads the versions that should be served and frees the others."""
        async with self._polling:
            for name in list(self._models):
                await self._poll_model(name)

    async def close(self) -> None:
        """Frees every model, after its last request."""
        async with self._polling:
            for versions in self._models.values():
                for version in versions.values():
                    await self._unload(version)

    def _set_configs(self, configs: list[Any]) -> None:
        found = {}
        for config in configs:
            if not config.name or config.name in found:
                raise status.invalid(
                    f"Illegal to list model {config.name!r} twice or without "
                    "a name in config list"
                )
            if not os.path.isabs(config.base_path):
                raise status.invalid(
                    f"Expected model {config.name} to have an absolute path; "
                    f"got base_path()={config.base_path}"
                )
            found[config.name] = config
            self._models.setdefault(config.name, {})
        self._configs = found

    def _aspired(self, name: str) -> dict[int, str]:
        if name not in self._configs:
            return {}
        config = self._configs[name]
        found = saved_model.versions(config.base_path)
        policy = config.model_version_policy
        choice = policy.WhichOneof("policy_choice")
        if choice == "all":
            return found
        if choice == "specific":
            wanted = set(policy.specific.versions)
            return {n: path for n, path in found.items() if n in wanted}
        count = policy.latest.num_versions or 1
        return dict(list(found.items())[-count:])

    async def _poll_model(self, name: str) -> None:
        versions = self._models[name]
        try:
            aspired = self._aspired(name)
        except OSError as error:
            logging.error("cannot look for versions of %s: %s", name, error)
            return
        for number, path in aspired.items():
            # A version that failed is tried again once it went and came back.
            if number not in versions or versions[number].gone:
                versions[number] = Version()
                await self._load(name, number, path)
        served = any(versions[n].state == AVAILABLE for n in aspired)
        if aspired and not served:
            return  # The old version serves on until a new one can.
        for number, version in versions.items():
            if number not in aspired:
                await self._unload(version)
                version.gone = True

    async def _load(self, name: str, number: int, path: str) -> None:
        version = self._models[name][number]
        version.state = LOADING
        loop = asyncio.get_running_loop()
        try:
            version.servable = await loop.run_in_executor(
                self._threads, Servable, path
            )
        except Exception as error:
            failure = status.from_exception(error)
            version.state = END
            version.code, version.message = failure.code, failure.message
            logging.error("cannot load %s: %s", path, failure)
            return
        version.state = AVAILABLE
        logging.info("loaded %s version %d from %s", name, number, path)

    async def _unload(self, version: Version) -> None:
        if version.servable is None:
            return
        version.state = UNLOADING
        servable, version.servable = version.servable, None
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, servable.unload)
        version.state = END


def model_config(name: str, base_path: str) -> Any:
    """Returns the ModelConfig message of one model."""
    config = messages.server_config.ModelConfig()
    config.name, config.base_path = name, base_path
    config.model_platform = "tensorflow"
    return config
