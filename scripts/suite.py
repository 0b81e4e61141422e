# SPDX-License-Identifier: Apache-2.0
"""
The tests, by several pytest processes at once: most tests wait more than they compute. Each process has
a network, mounts, a bpffs and process numbers of its own (scripts/in-root), so none sees what another's
tests make; tests/share.py says how they share the work.

    python3 scripts/suite.py [--jobs N] [PYTEST'S ARGUMENTS...]    inside the build root

The last line is the total. Status 0: every test that was collected has passed.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
WIDTH, SLOWEST, GRACE_S = 72, 15, 20
LETTERS = {"passed": ".", "failed": "F", "skipped": "s"}


class Worker:
    def __init__(self, folder, name, arguments):
        self.log, results = folder / f"{name}.log", folder / f"{name}.jsonl"
        results.touch()
        self.seen = results.open()
        self.rest, self.collected = "", None
        with self.log.open("w") as log:
            self.p = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", TOP / "scripts/in-root",
                 sys.executable, "-m", "pytest", "-q", "-p", "share", "--share", folder, *arguments],
                cwd=TOP, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(TOP / "tests"), "RW_SUITE_WORKER": name})

    def news(self):
        """What came of tests since the last call."""
        *lines, self.rest = (self.rest + self.seen.read()).split("\n")
        for line in map(json.loads, lines):
            if "collected" in line:
                self.collected = line["collected"]
            else:
                yield line

    def end(self):
        """The tests clean up behind themselves, if there is time; what is left dies with the namespace."""
        if self.p.poll() is None:
            os.killpg(self.p.pid, signal.SIGINT)
            try:
                self.p.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.seen.close()


class Progress:
    """A letter a test, as pytest -q has it; what failed is told at once."""

    def __init__(self):
        self.done, self.column = [], 0

    def add(self, test, of):
        self.done.append(test)
        print(LETTERS[test["outcome"]], end="", flush=True)
        self.column += 1
        if test["outcome"] == "failed":
            self.line(of)
            print(f"FAILED {test['id']}\n{test['text']}\n", flush=True)
        elif self.column == WIDTH:
            self.line(of)

    def line(self, of):
        print(f"{'':{WIDTH - self.column}} [{100 * len(self.done) // max(of, 1):3d}%]", flush=True)
        self.column = 0

    def count(self, outcome):
        return sum(t["outcome"] == outcome for t in self.done)


def watch(workers, progress):
    while True:
        alive = [w for w in workers if w.p.poll() is None]  # before reading: the last lines are not missed
        for w in workers:
            for test in w.news():
                progress.add(test, w.collected)
        if not alive:
            return
        time.sleep(0.1)


def closing(workers, progress, seconds):
    """Tells what there is to tell; whether all is well. What was collected and did not run has failed."""
    if progress.column:
        progress.line(max(w.collected or 0 for w in workers))
    for t in sorted(progress.done, key=lambda t: -t["seconds"])[:SLOWEST]:
        print(f"{t['seconds']:7.1f} s  {t['id']}")
    strange = [w for w in workers if w.p.returncode not in (0, 1) or w.collected is None]
    for w in strange:
        print(f"{w.log.name}: a pytest process ended with status {w.p.returncode}\n{w.log.read_text()[-4000:]}")
    collected = {w.collected for w in workers if w.collected is not None}
    missing = max(collected, default=0) - len({t["id"] for t in progress.done})
    failed = progress.count("failed")
    if missing or len(collected) != 1 or len(progress.done) != max(collected):
        print(f"{missing} tests did not run (collected: {sorted(collected)})")
        failed += max(missing, 1)
    elif strange:
        failed = max(failed, 1)
    skipped = progress.count("skipped")
    print(f"in {seconds:.0f} s, by {len(workers)} processes")
    print(f"{progress.count('passed')} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    return not failed


def heed_signals():
    """Also where a shell started this in the background and had some ignored: what is tested would inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def main():
    p = argparse.ArgumentParser(description=__doc__, allow_abbrev=False,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--jobs", type=int, default=int(os.environ.get("RW_TEST_JOBS") or len(os.sched_getaffinity(0)) + 1))
    p.add_argument("--folder", type=pathlib.Path, default=TOP / "build/suite", help="for logs and results; emptied")
    args, arguments = p.parse_known_args()
    heed_signals()
    shutil.rmtree(args.folder, ignore_errors=True)
    args.folder.mkdir(parents=True)
    workers, progress, start = [], Progress(), time.monotonic()
    try:
        for i in range(max(args.jobs, 1)):
            workers.append(Worker(args.folder, f"worker{i}", arguments or ["tests"]))
        watch(workers, progress)
    except KeyboardInterrupt:
        print("\nringwall: interrupted", file=sys.stderr)
        return 130
    finally:
        for w in workers:
            w.end()
    return 0 if closing(workers, progress, time.monotonic() - start) else 1


if __name__ == "__main__":
    sys.exit(main())
