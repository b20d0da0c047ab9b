"""What the measuring scripts share: timing in turn, ratios, one table form.

Machines differ and other work disturbs them, so nothing here is quoted in
seconds: everything of one script is timed in turn, round after round, and a
ratio is the median of the ratios of the rounds. Importing this module puts the
repository's root on the path, which a script in a folder lacks.
"""

import importlib
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

# A script shows it in its --help by flags.adopt_module_key_flags(measure).
ROUNDS = flags.DEFINE_integer(
    "rounds", 5, "Rounds to take medians over.", lower_bound=1
)

SECONDS_A_MEASUREMENT = 0.5
_PRODUCT_SIZE, _PRODUCT_REPEATS = 1024, 20
PRODUCT_FLOPS = 2.0 * _PRODUCT_SIZE**3


class Work(NamedTuple):
    """Something to time.

    Attributes:
      call: does `repeats` units of the work, and returns when they are done.
      repeats: units a call.
      torch: whether to time it with 1 and 2 threads and keep the better.
    """

    call: Callable[[], object]
    repeats: int = 1
    torch: bool = False


def peer(name: str) -> Any:
    """The module of an optional peer, or None and a line that says so."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        print(f"{name} is not installed: this peer is not measured")
        return None


def seconds(work: Work) -> float:
    """Of one unit of the work."""
    if not work.torch:
        return _seconds(work)
    import torch  # pyright: ignore[reportMissingImports]

    times = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        times.append(_seconds(work))
    return min(times)


def _seconds(work: Work) -> float:
    work.call()  # Wakes the threads that do it, and stops those of others.
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS_A_MEASUREMENT:
        work.call()
        calls += 1
    return (time.perf_counter() - start) / (calls * work.repeats)


def products() -> Work:
    """Large float32 matrix products: the rate that bounds dense work."""
    a = tf.ones([_PRODUCT_SIZE, _PRODUCT_SIZE])

    @tf.function
    def loop() -> tf.Tensor:
        return tf.while_loop(
            lambda i, x: i < _PRODUCT_REPEATS,
            lambda i, x: (i + 1, tf.matmul(a, x) * (1.0 / _PRODUCT_SIZE)),
            (0, a),
        )[1]

    return Work(lambda: loop().numpy(), _PRODUCT_REPEATS)


def rounds(works: Mapping[str, Work]) -> dict[str, list[float]]:
    """Seconds of a unit of each work, all in turn, a number a round."""
    for work in works.values():
        work.call()  # Traces and compiles.
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS.value):
        for name, work in works.items():
            times[name].append(seconds(work))
    return times


def ratio(slow: Sequence[float], fast: Sequence[float]) -> float:
    """How many times longer `slow` takes: the median over rounds."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def report(
    title: str,
    times: Mapping[str, Sequence[float]],
    flops: float | None = None,
) -> None:
    """Prints the table of one experiment.

    A row is a work: microseconds a unit, the share of the products' rate (if
    `flops` of a unit are given), and how many times slower each work of
    another name is.

    Args:
      title: what a unit is.
      times: from `rounds`; the work "products" is the limit.
      flops: floating-point operations of a unit.
    """
    names = [name for name in times if name != "products"]
    head = [title, "us"]
    if flops is not None:
        head.append("of the products")
    head += [f"{name} /" for name in names]
    rows = []
    for name in names:
        row = [name, f"{statistics.median(times[name]) * 1e6:.1f}"]
        if flops is not None:
            part = flops / PRODUCT_FLOPS
            row.append(f"{part * ratio(times['products'], times[name]):.2f}")
        row += [f"{ratio(times[o], times[name]):.2f}" for o in names]
        rows.append(row)
    table(head, rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows under a head, the first column to the left."""
    lines = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [f"{x:>{w}}" for x, w in zip(line, widths, strict=True)]
        cells[0] = line[0].ljust(widths[0])
        print("  ".join(cells), flush=True)
