# SPDX-License-Identifier: Apache-2.0
"""Runs each fuzz target over its corpus in the tree, whole and damaged in a fixed way: tests/fuzz/replay/main.c."""

import subprocess

from common import TOP, flavours

FUZZ = TOP / "tests/fuzz"
TARGETS = sorted(s.stem for s in FUZZ.glob("*.c"))


def pytest_generate_tests(metafunc):
    cases = [(f, t) for f in flavours(metafunc.config) for t in TARGETS]
    metafunc.parametrize("case", cases, ids=[f"{f}-{t}" for f, t in cases])


def test_target_is_content_with_its_corpus(case):
    flavour, target = case
    program, corpus = TOP / "build" / flavour / "tests/fuzz" / target, FUZZ / "corpus" / target
    assert program.exists(), f"{program} is not built: run `make test`"
    there = [f for f in corpus.iterdir() if not f.name.startswith(".")]
    assert there, f"{corpus} is empty: each target brings an input that reaches what it is for"
    p = subprocess.run([program, corpus], capture_output=True, text=True, errors="replace", timeout=600, cwd=TOP)
    assert p.returncode == 0, p.stdout[-1000:] + p.stderr[-8000:]
    assert p.stdout.splitlines()[-1] == f"{len(there)} inputs"
