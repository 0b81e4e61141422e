# SPDX-License-Identifier: Apache-2.0
"""Runs the cmocka programs of each room."""

import subprocess

import pytest
from common import TOP, flavours

SOURCES = sorted((TOP / "tests/unit").glob("*/test_*.c"))


def pytest_generate_tests(metafunc):
    cases = [(f, s) for f in flavours(metafunc.config) for s in SOURCES]
    ids = [f"{f}-{s.parent.name}-{s.stem}" for f, s in cases]
    metafunc.parametrize("case", cases, ids=ids)


def test_room(case):
    flavour, source = case
    program = TOP / "build" / flavour / source.relative_to(TOP).with_suffix("")
    assert program.exists(), f"{program} is not built: run `make test`"
    p = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=600,
                       cwd=TOP)
    assert p.returncode == 0, p.stdout[-4000:] + p.stderr[-8000:]
    assert "[  PASSED  ]" in p.stderr + p.stdout
    assert "[  SKIPPED ]" not in p.stderr + p.stdout
