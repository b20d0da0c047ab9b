"""What ends with the session: the table's folders, and the fork server."""

import sys


def pytest_sessionfinish() -> None:
    """Cleans up after what tests asked for."""
    table = sys.modules.get("tests.table")
    if table is not None:
        table.remove()
    processes = sys.modules.get("tests.processes")
    if processes is not None:
        processes.close()
