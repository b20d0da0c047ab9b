"""Starts the export server for a test, and asks it."""

import contextlib
import http.client
import json
import pathlib
import signal
import socket
import time

from tests import processes


def free_port():
    """Returns a port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


class Server:
    """A server process and its ports."""

    def __init__(self, process, rest, grpc):
        self.process = process
        self.rest = rest
        self.grpc = grpc

    def ask(self, method, path, body=None):
        """Returns (HTTP status, body text)."""
        connection = http.client.HTTPConnection("localhost", self.rest, 60)
        if not isinstance(body, bytes | str | None):
            body = json.dumps(body)
        connection.request(method, path, body)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def predict(self, model, body):
        """Returns the answer to a predict request that must succeed."""
        code, text = self.ask("POST", f"/v1/models/{model}:predict", body)
        assert code == 200, text
        return json.loads(text)

    def stop(self, number=signal.SIGTERM):
        """Sends a signal and returns the exit code."""
        self.process.signal(number)
        return self.process.wait(20)


@contextlib.contextmanager
def running(*flags, cwd: pathlib.Path = processes.ROOT):
    """Runs `python -m export.server` until the block ends."""
    rest, grpc = free_port(), free_port()
    process = processes.Process(
        [
            *("-m", "export.server"),
            f"--rest_api_port={rest}",
            f"--port={grpc}",
            *flags,
        ],
        cwd,
    )
    try:
        deadline = time.monotonic() + 90
        ready = (
            f"Running gRPC ModelServer at localhost:{grpc} ...\n"
            f"Exporting HTTP/REST API at: localhost:{rest} ...\n"
        )
        while process.text(process.stdout) != ready:
            log = process.text(process.stdout), process.text(process.stderr)
            assert process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.02)
        yield Server(process, rest, grpc)
    finally:
        process.signal(signal.SIGKILL)
        process.wait()
