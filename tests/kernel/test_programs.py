# SPDX-License-Identifier: Apache-2.0
"""Runs the cmocka programs that load the programs into this kernel."""

import subprocess

import pytest
from common import TOP, flavours

SOURCES = sorted((TOP / "tests/kernel").glob("test_*.c"))


def pytest_generate_tests(metafunc):
    cases = [(f, s) for f in flavours(metafunc.config) for s in SOURCES]
    metafunc.parametrize("case", cases, ids=[f"{f}-{s.stem}" for f, s in cases])


def test_program(case):
    flavour, source = case
    program = TOP / "build" / flavour / source.relative_to(TOP).with_suffix("")
    assert program.exists(), f"{program} is not built: run `make test`"
    p = subprocess.run([program], capture_output=True, text=True, errors="replace", timeout=600,
                       cwd=TOP)
    out = p.stdout + p.stderr
    assert p.returncode == 0, out[-8000:]
    assert "[  PASSED  ]" in out and "[  SKIPPED ]" not in out
