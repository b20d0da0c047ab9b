"""Bazel's way into one test file: `python run_pytest.py TEST_FILE`."""

import sys

import pytest

if __name__ == "__main__":
    options = ["-m", "not slow", "-p", "no:cacheprovider"]
    code = pytest.main([*options, *sys.argv[1:]])
    nothing_to_run = code == pytest.ExitCode.NO_TESTS_COLLECTED
    sys.exit(0 if nothing_to_run else code)
