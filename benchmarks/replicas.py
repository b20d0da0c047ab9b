"""What two replicas on two cores give, against one process with both cores.

    python benchmarks/replicas.py [--rounds=5]

A replica is the encoder ensemble of an entropic autoencoder (784-512-256-64
and its mirror image, batch 32, 30 thermostats, XLA) with a seed of its own, in
a process of its own that is pinned to one core. Against it: one process that
has both cores for every step, as a single training has. Throughput is counted
in encoder steps a second, of all processes that run at the time.

Measured (2 cores, beside other work): 1.62 times one process, which gains
little from its second core at batch 32 (0.94 of it on one core).
"""

import os
import statistics
import subprocess
import sys
import time

import encoder_step
import measure
from absl import app, flags

flags.adopt_module_key_flags(measure)
_REPLICA = flags.DEFINE_integer("replica", None, "Be one, of this seed.")
_CORES = flags.DEFINE_list("cores", [], "The cores that a replica may use.")

BATCH, BLOCK, SECONDS = 32, 100, 2.0


def replica(seed: int) -> None:
    """Runs for a while at each line on its input, and prints its rate."""
    work = encoder_step.steps(BATCH, BLOCK, True, seed=seed)
    work.call()
    print("ready", flush=True)
    for _ in sys.stdin:
        start, calls = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            work.call()
            calls += 1
        rate = calls * BLOCK / (time.perf_counter() - start)
        print(rate, flush=True)


class Process:
    """A replica in a process of its own."""

    def __init__(self, seed: int, cores: list[int]):
        """Starts it, on the given cores alone."""
        names = ",".join(map(str, cores))
        self._child = subprocess.Popen(
            [
                *(sys.executable, __file__),
                *(f"--replica={seed}", f"--cores={names}"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read("ready")

    def _read(self, wanted: str = "") -> str:
        for line in self._child.stdout or []:
            if not wanted or line.strip() == wanted:
                return line
        raise RuntimeError(f"a replica ended: {self._child.wait()}")

    def start(self) -> None:
        """Lets it run."""
        if self._child.stdin:
            self._child.stdin.write("\n")
            self._child.stdin.flush()

    def rate(self) -> float:
        """Its steps a second, once it has run."""
        return float(self._read())

    def stop(self) -> None:
        """Ends it."""
        if self._child.stdin:
            self._child.stdin.close()
        self._child.wait()


def throughput(processes: list[Process]) -> float:
    """Steps a second of processes that run at the same time."""
    for process in processes:
        process.start()
    return sum(process.rate() for process in processes)


def main(argv: list[str]) -> None:
    """Prints the table, or is a replica."""
    del argv
    if _REPLICA.value is not None:
        # Before TensorFlow counts the cores, which it does at its first op.
        os.sched_setaffinity(0, map(int, _CORES.value))
        replica(_REPLICA.value)
        return
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        print("one core only: nothing to compare")
        return
    one = Process(0, cores)
    pinned = [Process(seed, [core]) for seed, core in enumerate(cores, 1)]
    rates: dict[str, list[float]] = {"one": [], "alone": [], "two": []}
    for _ in range(measure.ROUNDS.value):
        rates["one"].append(throughput([one]))
        rates["alone"].append(throughput(pinned[:1]))
        rates["two"].append(throughput(pinned))
    for process in [one, *pinned]:
        process.stop()
    names = {
        "one": "one process, two cores",
        "alone": "one process, one core",
        "two": "two replicas, a core each",
    }
    rows = [
        [
            names[key],
            f"{statistics.median(found):.0f}",
            f"{measure.ratio(found, rates['one']):.2f}",
        ]
        for key, found in rates.items()
    ]
    measure.table(["encoder ensembles", "steps / s", "of one process"], rows)


if __name__ == "__main__":
    app.run(main)
