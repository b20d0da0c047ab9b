"""Programs run as a user runs them, and killed as a machine kills them."""

import functools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]
_SECONDS = 240


class Process:
    """A program of this project, started by the fork server.

    Attributes:
        pid: its number.
        stdout: file that it writes to.
        stderr: likewise.
    """

    def __init__(
        self,
        words: Sequence[Any],
        cwd: pathlib.Path = ROOT,
        environment: dict[str, str] | None = None,
    ) -> None:
        """Starts `python *words`; the first is a script, or "-m"."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thermozoo-process-"))
        self.stdout, self.stderr = folder / "stdout", folder / "stderr"
        program = {
            "words": [str(word) for word in words],
            "cwd": str(cwd),
            "environment": environment or {},
            "stdout": str(self.stdout),
            "stderr": str(self.stderr),
        }
        self.pid: int = _ask({"start": program})

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return _ask({"poll": self.pid})

    def wait(self, seconds: float = _SECONDS) -> int:
        """The exit code, when it has ended."""
        deadline = time.monotonic() + seconds
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                self.signal(signal.SIGKILL)
                raise TimeoutError(self.stderr.read_text())
            time.sleep(0.02)
        return code

    def signal(self, number: int) -> None:
        """Sends it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def text(self, path: pathlib.Path) -> str:
        """What it wrote to one of its files so far."""
        return path.read_text() if path.exists() else ""


def run(
    words: Sequence[Any],
    cwd: pathlib.Path = ROOT,
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `python *words` to its end; the first is a script, or "-m"."""
    process = Process(words, cwd, environment)
    code = process.wait()
    out, err = (process.text(p) for p in (process.stdout, process.stderr))
    return subprocess.CompletedProcess(list(words), code, out, err)


def error_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line of error of a program that must have failed with one."""
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    lines = [x for x in result.stderr.splitlines() if x.startswith("error: ")]
    assert len(lines) == 1, result.stderr
    assert result.stderr.rstrip().endswith(lines[0])
    return lines[0]


def kill_after(words: Sequence[Any], path: pathlib.Path) -> None:
    """Runs a program, and SIGKILLs it up to 0.3 s after `path` exists."""
    process = Process(words)
    delay = np.random.default_rng().uniform(0, 0.3)
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay)
    process.signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, f"ended before {delay} s"


def lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file, without how long they took."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in x.items() if k != "seconds"} for x in rows]


@functools.cache
def _server() -> subprocess.Popen[str]:
    """The fork server of this process; it ends with its input."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = str(ROOT)
    return subprocess.Popen(
        [
            sys.executable,
            str(pathlib.Path(__file__).with_name("fork_server.py")),
        ],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _ask(request: dict) -> Any:
    server = _server()
    assert server.stdin and server.stdout
    print(json.dumps(request), file=server.stdin, flush=True)
    return json.loads(server.stdout.readline())


def start() -> None:
    """Starts the fork server, which all forks of this process then share."""
    _server()


def close() -> None:
    """Ends the fork server, where there is one."""
    if _server.cache_info().currsize:
        server = _server()
        server.communicate()
        _server.cache_clear()
