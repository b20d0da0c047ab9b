"""What ends with the session, and what the session cost in memory."""

import resource
import sys

import pytest

_PEAKS: list[float] = []


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
