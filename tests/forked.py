"""Runs the tests of a group in a process of their own, a fork of the worker.

What XLA has compiled stays in memory until its process ends, and one process
for all tests would need gigabytes. So a worker imports every test file and
computes nothing itself. The process of a group starts with these imports made,
keeps what its tests share, and gives its memory back at its end.
"""

import gc
import multiprocessing
import os
import sys
import traceback
from multiprocessing import connection
from typing import Any

import pytest
from _pytest import runner


def group(item: pytest.Item) -> str:
    """The name of the group that a test belongs to: its file, or its row."""
    mark = item.get_closest_marker("xdist_group")
    return mark.args[0] if mark else item.path.name


class Groups:
    """A pytest plugin that sends each test to the process of its group.

    A worker runs one group after the other, as pytest-xdist sends them.
    """

    def __init__(self) -> None:
        """Starts nothing yet."""
        self._pid = 0
        self._pipe: connection.Connection | None = None

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Refuses a file that has started the threads of TensorFlow."""
        module = sys.modules.get("tensorflow.python.eager.context")
        if module is not None and module.context()._initialized:
            raise pytest.UsageError(
                f"{item.path.name} computes with TensorFlow while it is "
                "imported, and its tests would hang: compute in a function"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Puts the tests of a group together, in the order that they have."""
        names = [group(item) for item in items]
        first = {name: names.index(name) for name in names}
        items.sort(key=lambda item: first[group(item)])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool:
        """Has one test run, and reports it."""
        if nextitem is not None and group(nextitem) != group(item):
            nextitem = None
        hook, config = item.ihook, item.config
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        pipe = self._pipe or self._start(item.session)
        try:
            pipe.send((item.nodeid, nextitem and nextitem.nodeid))
            reports, warnings = pipe.recv()
        except (EOFError, OSError):
            nextitem = None
            code = self._stop()
            message = f"the process of this test ended with {code}"
            reports = [_failed(item, message)]
            warnings = []
        for warning in warnings:
            hook.pytest_warning_recorded.call_historic(kwargs=warning)
        for report in reports:
            report = config.hook.pytest_report_from_serializable(
                config=config, data=report
            )
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(
            nodeid=item.nodeid, location=item.location
        )
        if nextitem is None:
            self._stop()
        return True

    def pytest_sessionfinish(self) -> None:
        """Ends the process of a group that was interrupted."""
        self._stop()

    def _start(self, session: pytest.Session) -> connection.Connection:
        ours, theirs = multiprocessing.Pipe()
        gc.collect()
        # Pages that nobody writes to stay shared.
        gc.freeze()
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                ours.close()
                _run(session, self, theirs)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        theirs.close()
        self._pipe = ours
        return ours

    def _stop(self) -> int | None:
        """Waits for the end of the process; its exit code, or -signal."""
        if self._pipe is None:
            return None
        self._pipe.close()
        self._pipe = None
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


class _Member:
    """The plugin in the process of a group: runs tests, and keeps reports."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> bool:
        self.reports = [
            item.config.hook.pytest_report_to_serializable(
                config=item.config, report=report
            )
            for report in runner.runtestprotocol(
                item, log=False, nextitem=nextitem
            )
        ]
        return True

    def pytest_warning_recorded(
        self, warning_message: Any, when: str, nodeid: str, location: Any
    ) -> None:
        self.warnings.append(
            {
                "warning_message": warning_message,
                "when": when,
                "nodeid": nodeid,
                "location": location,
            }
        )


def _run(
    session: pytest.Session, groups: Groups, pipe: connection.Connection
) -> None:
    """Runs the tests that the pipe names until it says that none follows."""
    plugins = session.config.pluginmanager
    plugins.unregister(groups)
    # The worker alone speaks with the scheduler.
    for plugin in plugins.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugins.unregister(plugin)
    member = _Member()
    plugins.register(member)
    # A graph is many small objects in cycles, and looking through all of them
    # at every so many new ones takes a third of the time.
    gc.disable()
    items = {item.nodeid: item for item in session.items}
    following: str | None = ""
    while following is not None:
        try:
            name, following = pipe.recv()
        except EOFError:
            session._setupstate.teardown_exact(None)
            return
        item = items[name]
        item.ihook.pytest_runtest_protocol(
            item=item, nextitem=items.get(following or "")
        )
        pipe.send((member.reports, member.warnings))
        member.warnings = []


def _failed(item: pytest.Item, message: str) -> Any:
    report = pytest.TestReport(
        item.nodeid, item.location, {}, "failed", message, "call"
    )
    return item.config.hook.pytest_report_to_serializable(
        config=item.config, report=report
    )
