# SPDX-License-Identifier: Apache-2.0
"""scripts/suite.py, by which all of this is run: no failure, death or interruption comes out as success."""

import os
import signal
import subprocess
import sys

import pytest
from common import TOP
from world import wait_for

SUITE = """
import os, pathlib, signal, time, pytest
@pytest.fixture
def wrong_end():
    yield
    assert False, "the end was wrong"
@pytest.mark.parametrize("n", range(20))
def test_many(n):
    pass
def test_skipped():
    pytest.skip("why not")
"""
DEATH = "def test_that_dies():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
WAITS = """
def test_that_waits():
    pathlib.Path({mark!r}).touch()
    try:
        time.sleep(600)
    finally:
        pathlib.Path({mark!r}).unlink()
"""


@pytest.fixture
def start(tmp_path):
    def start(more=""):
        (tmp_path / "test_it.py").write_text(SUITE + more)
        return subprocess.Popen([sys.executable, TOP / "scripts/suite.py", "--jobs", "2", "--folder", tmp_path / "run",
                                 tmp_path / "test_it.py"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return start


@pytest.mark.parametrize("more,total,words", [
    ("", "20 passed, 0 failed, 1 skipped", "[100%]"),
    ("def test_wrong():\n    assert 1 == 2, 'so it is'\n", "20 passed, 1 failed, 1 skipped", "so it is"),
    ("def test_wrong(wrong_end):\n    pass\n", "20 passed, 1 failed, 1 skipped", "the end was wrong"),
    ("def test_wrong(nonesuch):\n    pass\n", "20 passed, 1 failed, 1 skipped", "fixture 'nonesuch' not found"),
    ("import nonesuch\n", "0 passed, 1 failed", "No module named 'nonesuch'"),
], ids=["none", "call", "teardown", "setup", "import"])
def test_failure_is_told_counted_and_the_exit_status(start, more, total, words):
    p = start(more)
    out = p.communicate(timeout=120)[0]
    assert out.splitlines()[-1] == total and words in out
    assert p.returncode == (" 0 failed" not in total)


def test_tests_of_a_process_that_died_have_failed(start):
    p = start(DEATH)
    out = p.communicate(timeout=120)[0]
    passed, failed = map(int, out.splitlines()[-1].replace(",", "").split()[:3:2])
    assert passed < 21 and passed + failed >= 21 and failed >= 1 and "did not run" in out
    assert p.returncode == 1


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_tests_clean_up(start, tmp_path, sig):
    mark = tmp_path / "mark"
    p = start(WAITS.format(mark=str(mark)))
    wait_for("the test to wait", 60, mark.exists)
    os.kill(p.pid, sig)
    assert p.wait(40) == 130, p.stdout.read()
    p.stdout.close()
    assert not mark.exists()
