# SPDX-License-Identifier: Apache-2.0
"""
A plugin: several pytest processes share a suite, for scripts/suite.py. Each has all tests, in the same
order, cut into the same parts; a counter in a common folder says which part is the next to take. What
came of each test goes to a file a process, a line of JSON a test.
"""

import fcntl
import json
import os
import pathlib

results = None


def pytest_addoption(parser):
    parser.addoption("--share", metavar="FOLDER", help="run what no other process of this folder runs")


class Results:
    """Of one process. A test has one outcome, its worst: what fails in the tear-down has failed."""

    def __init__(self, folder, collected):
        self.file = open(pathlib.Path(folder) / f"{os.environ['RW_SUITE_WORKER']}.jsonl", "a", buffering=1)
        self.write({"collected": collected})
        self.one = None

    def write(self, line):
        self.file.write(json.dumps(line) + "\n")

    def add(self, report):
        if report.when == "setup":
            self.one = {"id": report.nodeid, "outcome": "passed", "seconds": 0, "text": ""}
        self.one["seconds"] += report.duration
        if report.failed:
            parts = [("", report.longreprtext), *report.sections]
            self.one["outcome"] = "failed"
            self.one["text"] += "\n".join(f"--- {title} ---\n{text}" if title else text for title, text in parts)
        elif report.skipped and self.one["outcome"] == "passed":
            self.one["outcome"] = "skipped"
        if report.when == "teardown":
            self.write(self.one)


def take(folder):
    """The next number, which no other process gets."""
    with open(pathlib.Path(folder) / "next", "a+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        n = int(f.read() or 0)
        f.truncate(0)
        f.write(str(n + 1))
    return n


def shared_setup(item):
    """Whether something is set up for the tests of a whole file."""
    fixtures = item._fixtureinfo.name2fixturedefs
    return any(defs[-1].scope == "module" for defs in fixtures.values() if defs)


def parts_of(items):
    """Those that share a set-up stay together, and come first: they are the longest. Others go one by one."""
    together, alone = {}, []
    for item in items:
        flavour = item.callspec.params.get("flavour") if hasattr(item, "callspec") else None
        if shared_setup(item):
            together.setdefault((item.path, flavour), []).append(item)
        else:
            alone.append([item])
    return [*together.values(), *alone]


def pytest_runtestloop(session):
    global results  # noqa: PLW0603 (a process runs one session)
    folder = session.config.getoption("--share")
    if not folder or session.testsfailed:
        return None
    results = Results(folder, len(session.items))
    parts = parts_of(session.items)
    while (n := take(folder)) < len(parts):
        for item, following in zip(parts[n], [*parts[n][1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return True


def pytest_runtest_logreport(report):
    if results:
        results.add(report)
