"""That a chain's memory does not grow with its number of steps.

    python benchmarks/memory.py

Peak resident memory of a process of its own that runs 100 Langevin chains of
100 dimensions with running moments, for 10^3 and 10^5 steps, in XLA and in
graph mode. The control keeps a trace of 20 numbers a step, which must show.

Measured: +0 MiB in XLA, +2 in graph mode, +316 in the control.
"""

import resource
import subprocess
import sys

import measure
import tensorflow as tf
from absl import app, flags

import samplers
from samplers import langevin, seeds

_STEPS = flags.DEFINE_integer("steps", None, "Run so many, and say the peak.")
_XLA = flags.DEFINE_bool("xla", False, "Compile by XLA.")
_TRACE = flags.DEFINE_bool("trace", False, "Keep numbers of every step.")

CHAINS, DIMENSION, KEPT = 100, 100, 20


def peak() -> float:
    """Of this process, in MiB, after the run."""
    kernel = langevin.langevin(
        lambda x: 0.5 * tf.reduce_sum(x * x, 1), step_size=0.1
    )
    if _TRACE.value:
        observer = samplers.trace(lambda state, info: state.position[0, :KEPT])
    else:
        observer = samplers.moments(lambda state, info: state.position)
    with seeds.xla(_XLA.value):
        samplers.run(
            kernel,
            kernel.init(tf.zeros([CHAINS, DIMENSION])),
            seed=seeds.seed(0),
            num_steps=_STEPS.value,
            observer=observer,
        )
    # Linux counts in KiB.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(steps: int, *options: str) -> float:
    """The peak of a process of its own."""
    child = subprocess.run(
        [sys.executable, __file__, f"--steps={steps}", *options],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(child.stdout.splitlines()[-1])


def main(argv: list[str]) -> None:
    """Prints the table, or the peak of one run."""
    del argv
    if _STEPS.value is not None:
        print(peak())
        return
    rows = []
    for name, options in (
        ("moments, XLA", ["--xla"]),
        ("moments, graph", []),
        ("trace, graph (control)", ["--trace"]),
    ):
        few, many = (measured(steps, *options) for steps in (10**3, 10**5))
        rows.append([name, f"{few:.0f}", f"{many:.0f}", f"{many - few:+.0f}"])
    measure.table(
        ["peak memory, MiB", "10^3 steps", "10^5 steps", "more"], rows
    )


if __name__ == "__main__":
    app.run(main)
