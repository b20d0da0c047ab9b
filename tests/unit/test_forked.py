"""Each group of tests has a process, and none of them is lost with it."""

import pytest

from tests import processes

_CONFTEST = """
from tests import forked

def pytest_configure(config):
    config.pluginmanager.register(forked.Groups())
"""
_TESTS = """
import os, signal
import pytest

SEEN = []

@pytest.fixture(scope="module")
def process():
    yield os.getpid()
    print("torn down")

def test_one(process):
    SEEN.append(process)
    assert process != {parent}

@pytest.mark.xdist_group("other")
def test_other():
    assert SEEN == []

def test_two(process):
    assert SEEN == [process] == [os.getpid()]

def test_killed():
    os.kill(os.getpid(), signal.SIGKILL)

def test_after():
    assert SEEN == []

def test_wrong():
    assert SEEN == ["nothing"]
"""


@pytest.fixture
def run(tmp_path):
    def run(text):
        (tmp_path / "conftest.py").write_text(_CONFTEST)
        (tmp_path / "test_groups.py").write_text(text)
        words = ["-m", "pytest", "-p", "no:cacheprovider", "-v", tmp_path]
        done = processes.run(words)
        return done.stdout + done.stderr

    return run


def test_a_group_has_a_process_and_a_killed_one_is_a_failure(run):
    text = run(_TESTS.replace("{parent}", "os.getppid()"))
    assert "4 passed, 2 failed" in text or "2 failed, 4 passed" in text, text
    assert "the process of this test ended with -9" in text
    # What a failing test shows comes back from its process.
    assert "== ['nothing']" in text
    for name in ("one", "other", "two", "after"):
        assert f"test_{name} PASSED" in text


def test_a_file_that_computes_while_it_is_imported_is_refused(run):
    text = run("import tensorflow as tf\nX = tf.zeros(3)\ndef test(): pass\n")
    assert "test_groups.py computes with TensorFlow while" in text
    assert "passed" not in text
