"""From real digits to a served generator, by the commands a user would type.

Trains an entropic autoencoder, exports it, serves it, asks the endpoint for
samples over REST and over gRPC, and stops the server. `make demo` runs it.
"""

import contextlib
import os
import pathlib
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
from PIL import Image

NAME = "eae_digits"
FOLDER = pathlib.Path("runs/demo")
SERVER_START_SECONDS = 60


def call(*words: object) -> None:
    """Shows a command, runs it, and stops the demo if it fails."""
    command = ["python", *map(str, words)]
    print(f"\n$ {shlex.join(command)}", flush=True)
    finished = subprocess.run([sys.executable, *command[1:]])
    if finished.returncode:
        sys.exit(finished.returncode)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return b"AVAILABLE" in answer.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextlib.contextmanager
def server(base_path: pathlib.Path, rest: int, grpc: int) -> Iterator[None]:
    """Serves `base_path` for as long as the block runs."""
    command = [
        "python",
        "-m",
        "export.server",
        f"--model_base_path={base_path.resolve()}",
        f"--model_name={NAME}",
        f"--rest_api_port={rest}",
        f"--port={grpc}",
    ]
    print(f"\n$ {shlex.join(command)} &", flush=True)
    process = subprocess.Popen([sys.executable, *command[1:]])
    try:
        deadline = time.monotonic() + SERVER_START_SECONDS
        while not is_ready(f"http://127.0.0.1:{rest}/v1/models/{NAME}"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("error: the server did not start; see its lines above")
            time.sleep(0.3)
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Runs the whole demonstration."""
    start = time.monotonic()
    # On machines without a GPU TensorFlow reports its absence as an error.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    shutil.rmtree(FOLDER, ignore_errors=True)
    export = FOLDER / "export" / NAME
    samples = FOLDER / "samples.png"
    over_grpc = FOLDER / "samples_grpc.png"
    call("train.py", f"--config=configs/{NAME}.py", f"--workdir={FOLDER}")
    call("-m", "export", f"--workdir={FOLDER}", f"--export_base_path={export}")

    rest, grpc = free_port(), free_port()
    ask = ("-m", "export.client", "--num_samples=64", "--seed=7")
    with server(export, rest, grpc):
        url = f"http://127.0.0.1:{rest}/v1/models/{NAME}"
        call(*ask, f"--url={url}", f"--output={samples}")
        target = ("--grpc", f"127.0.0.1:{grpc}", "--model_name", NAME)
        call(*ask, *target, f"--output={over_grpc}")

    one, other = (np.asarray(Image.open(p)) for p in (samples, over_grpc))
    if not np.array_equal(one, other):
        sys.exit("error: REST and gRPC gave different samples for one seed")
    over_grpc.unlink()
    newest = max((FOLDER / "reconstructions").glob("*.png"))
    shutil.copy(newest, FOLDER / "reconstructions.png")
    version = next(path for path in export.iterdir() if path.name.isdecimal())
    print(
        f"""
Done in {time.monotonic() - start:.0f} s; REST and gRPC gave the same samples.

  samples           {samples}
  reconstructions   {FOLDER / "reconstructions.png"}
  served model      {version}
  training curves   tensorboard --logdir {FOLDER}

Next: the paper's data set, then a server of your own
  python train.py --config=configs/eae_mnist.py:quick --workdir=runs/eae \\
      --download
  python -m export --workdir=runs/eae --export_base_path=models/eae
  python -m export.server --model_base_path=$PWD/models/eae \\
      --model_name=eae --rest_api_port=8501 --port=8500"""
    )


if __name__ == "__main__":
    main()
