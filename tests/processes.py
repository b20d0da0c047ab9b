"""Programs run as a user runs them, and killed as a machine kills them."""

import json
import os
import pathlib
import signal
import subprocess
import time
from typing import Any

import numpy as np

ROOT = pathlib.Path(__file__).parents[1]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command from the root of the repository, to its end."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )


def kill_after(command: list[str], path: pathlib.Path) -> None:
    """Runs a command, and SIGKILLs it up to 0.3 s after `path` exists."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    delay = np.random.default_rng().uniform(0, 0.3)
    deadline = time.monotonic() + 120
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, f"ended before {delay} s"


def lines(path: pathlib.Path) -> list[dict[str, Any]]:
    """The lines of a JSON Lines file, without how long they took."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in x.items() if k != "seconds"} for x in rows]
