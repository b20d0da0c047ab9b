"""How tests are shared out, what they leave in memory, what ends with them."""

import ctypes
import gc
import resource
import sys

import pytest

_PEAKS: list[float] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items) -> None:
    """One worker for a file, so that what its tests share is made once.

    The rows of the table have groups of their own.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture(autouse=True, scope="module")
def _collected():
    """Collects garbage after each file, and not while graphs are traced.

    A graph is many small objects in cycles: looking through all of them at
    every so many new ones takes a third of the time of a session, and what is
    kept too long takes gigabytes.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()
    gc.collect()
    if sys.platform == "linux":
        # Hands the freed memory back to the system.
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def pytest_sessionfinish(session) -> None:
    """Cleans up after what tests asked for."""
    table = sys.modules.get("tests.table")
    if table is not None:
        table.remove()
    processes = sys.modules.get("tests.processes")
    if processes is not None:
        processes.close()
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["peak"] = kilobytes / 2**20
    elif not _PEAKS:
        _PEAKS.append(kilobytes / 2**20)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Keeps the peak of a worker's memory."""
    _PEAKS.append(getattr(node, "workeroutput", {}).get("peak", 0.0))


def pytest_terminal_summary(terminalreporter) -> None:
    """Prints the peak memory of every process that ran tests."""
    peaks = ", ".join(f"{peak:.1f}" for peak in _PEAKS)
    terminalreporter.write_line(f"peak memory of a worker, GiB: {peaks}")
