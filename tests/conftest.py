"""How tests are shared out to processes, and what ends with them."""

import os
import resource
import sys

import pytest

# The threads of BLAS do not survive a fork, and fight with those of others.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

from tests import forked

_PEAKS: list[float] = []


def pytest_configure(config: pytest.Config) -> None:
    """Forks for each group of tests, unless a debugger is asked for."""
    if hasattr(os, "fork") and not config.option.usepdb:
        config.pluginmanager.register(forked.Groups())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tells pytest-xdist the group of each test."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(forked.group(item)))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Starts what all groups share, before the first of them."""
    processes = sys.modules.get("tests.processes")
    if processes is not None and session.items:
        processes.start()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Cleans up after what tests asked for."""
    table = sys.modules.get("tests.table")
    if table is not None:
        table.remove()
    processes = sys.modules.get("tests.processes")
    if processes is not None:
        processes.close()
    peak = max(
        resource.getrusage(who).ru_maxrss / 2**20
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["peak"] = peak
    elif not _PEAKS:
        _PEAKS.append(peak)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Keeps the peak of a worker's memory."""
    _PEAKS.append(getattr(node, "workeroutput", {}).get("peak", 0.0))


def pytest_terminal_summary(terminalreporter) -> None:
    """Prints the peak memory of every process that ran tests."""
    peaks = ", ".join(f"{peak:.1f}" for peak in _PEAKS)
    terminalreporter.write_line(f"peak memory of a worker, GiB: {peaks}")
