# SPDX-License-Identifier: Apache-2.0
"""The machine that is measured on: what it is, and that its processors are awake meanwhile."""

import contextlib
import os
import pathlib
import platform
import signal
import sys

from world import run

TOP = pathlib.Path(__file__).resolve().parent.parent
# How long a guest's processor looks for work before it halts, in nanoseconds; where the governor is another it means nothing.
HALT_POLL = pathlib.Path("/sys/module/haltpoll/parameters/guest_halt_poll_ns")
GOVERNOR = pathlib.Path("/sys/devices/system/cpu/cpuidle/current_governor")
DEFAULT_NS = 200000


def halt_poll_ns():
    """None: this is no such guest."""
    try:
        return int(HALT_POLL.read_text()) if GOVERNOR.read_text().strip() == "haltpoll" else None
    except OSError:
        return None


def describe():
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    poll_ns = halt_poll_ns()
    return {"cpu": cpu, "processors": os.cpu_count(), "kernel": platform.release(),
            "halt_poll_us": poll_ns // 1000 if poll_ns is not None else None,
            "commit": run("git", "-c", f"safe.directory={TOP}", "-C", TOP, "describe", "--always", "--dirty", "--exclude=*",
                          check=False).stdout.strip()}


@contextlib.contextmanager
def awake():
    """A processor that halts leaves the guest, and is woken by leaving it again: tens of microseconds for each hop of a
    request, whoever proxies it. So a guest polls first (Documentation/virt/guest-halt-polling.rst), for 200 us unless it
    was told otherwise; some hosts boot their guests with none. Here it is what the kernel has by default."""
    before = halt_poll_ns()
    if before is None or before >= DEFAULT_NS:
        yield
        return
    try:
        HALT_POLL.write_text(str(DEFAULT_NS))
    except OSError as e:
        print(f"ringwall: {HALT_POLL}: {e.strerror}; processors halt as they do", flush=True)
        yield
        return
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        HALT_POLL.write_text(str(before))
