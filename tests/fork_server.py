"""Starts the project's programs by fork, with all imports made already.

A fresh interpreter spends most of a small test's time on importing TensorFlow.
This process imports once, does nothing with TensorFlow, and forks for each
program, which then runs as if it had been started by itself.

It reads one JSON object a line and answers in one line: {"start": {...}}
answers with the process's number, {"poll": pid} with its exit code or null.
"""

import atexit
import importlib
import json
import os
import runpy
import sys
import traceback

_MODULES = (
    *("train", "tune", "configs.experiment", "configs.latent"),
    *("training.run", "training.search", "training.search_space"),
    *("export.saved_model", "export.serving_config", "export.client"),
    *("export.server.app", "export.server.core", "export.server.versions"),
    *("export.server.grpc_services", "export.server.rest"),
)


def _become(program: dict) -> None:
    """Runs the program in this process, and ends it."""
    os.setsid()
    for stream, path in ((1, program["stdout"]), (2, program["stderr"])):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(program["cwd"])
    os.environ.update(program["environment"])
    first, *words = program["words"]
    code = 0
    try:
        if first == "-m":
            sys.path.insert(0, program["cwd"])
            sys.argv = words
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, os.path.dirname(os.path.abspath(first)))
            sys.argv = [first, *words]
            runpy.run_path(first, run_name="__main__")
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else bool(error.code)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Answers until the input ends."""
    # The threads of BLAS would not survive the fork.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    for name in _MODULES:
        importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w")
    # What an import prints is no answer.
    os.dup2(2, 1)
    codes: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            pid = os.fork()
            if pid == 0:
                _become(request["start"])
            answer: int | None = pid
        else:
            pid = request["poll"]
            if pid not in codes:
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    codes[pid] = os.waitstatus_to_exitcode(status)
            answer = codes.get(pid)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
