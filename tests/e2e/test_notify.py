# SPDX-License-Identifier: Apache-2.0
"""What the service manager is told (sd_notify): a unit of Type=notify-reload with a watchdog rests on it."""

import ctypes
import os
import pathlib
import signal
import socket
import time

import pytest
from world import World, wait_for

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path, self.seen = path, []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)

    def told(self):
        """Every message so far, as a dictionary each, with the time it was read at."""
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.seen
            self.seen.append({"at": time.monotonic(), **dict(line.split("=", 1) for line in text.splitlines())})

    def of(self, word):
        return [m for m in self.told() if word in m]

    def wait(self, word, n=1, seconds=30):
        return wait_for(f"{n} times {word}", seconds, lambda: len(self.of(word)) >= n and self.of(word)[n - 1])


class Managed(World):
    """A world whose gateway has a service manager."""

    def __init__(self, *args, watchdog_ms=0, **config):
        super().__init__(*args, kernel=False, **config)
        self.manager = Manager(self.dir / "notify")
        self.watchdog_ms = watchdog_ms

    def env(self):
        env = super().env() | {"NOTIFY_SOCKET": str(self.manager.path)}
        return env | ({"WATCHDOG_USEC": str(self.watchdog_ms * 1000)} if self.watchdog_ms else {})


@pytest.fixture
def managed(ringwall, flavour):
    with Managed(ringwall, flavour, watchdog_ms=800) as w:
        yield w


def test_ready_is_said_once_it_serves_and_stopping_when_it_drains(managed):
    ready = managed.manager.wait("READY")
    assert ready["READY"] == "1" and "2 workers" in ready["STATUS"]
    assert managed.manager.told()[0] == ready, "nothing is said before it serves"
    managed.gateway.signal(signal.SIGTERM)
    stopping = managed.manager.wait("STOPPING")
    assert managed.gateway.wait(40) == 0
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) == (30 + 15) * 1000000, "timeouts.drain, and the end of it"


def test_a_reload_is_over_when_it_is_said_to_be(managed):
    """systemctl reload waits for READY that is younger than its signal: RELOADING with the time says so."""
    m = managed.manager
    m.wait("READY")
    before = time.monotonic() * 1e6
    managed.gateway.signal(signal.SIGHUP)
    again = m.wait("READY", 2)
    reloading, = m.of("RELOADING")
    assert before < int(reloading["MONOTONIC_USEC"]) < time.monotonic() * 1e6
    assert m.told().index(reloading) < m.told().index(again)


def test_a_reload_that_is_refused_is_told_in_the_status(managed):
    m = managed.manager
    m.wait("READY")
    managed.config_file.write_text("nonsense: true\n")
    managed.gateway.signal(signal.SIGHUP)
    assert "refused" in m.wait("READY", 2)["STATUS"]


def threads(process):
    return sorted(int(t.name) for t in pathlib.Path(f"/proc/{process.p.pid}/task").iterdir())


def ptrace(request, tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if libc.ptrace(request, tid, None, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def test_one_worker_that_hangs_silences_the_watchdog(managed):
    """A timer of the control thread alone would go on saying that all is well."""
    m = managed.manager
    m.wait("WATCHDOG", 4)
    worker = threads(managed.gateway)[-2]  # main, workers, signals
    ptrace(PTRACE_SEIZE, worker)
    ptrace(PTRACE_INTERRUPT, worker)
    os.waitpid(worker, 0x40000000)  # __WALL: it has stopped
    time.sleep(0.5)  # what was answered already
    before = len(m.of("WATCHDOG"))
    time.sleep(1.2)
    assert len(m.of("WATCHDOG")) == before, "said while a worker stood"
    ptrace(PTRACE_DETACH, worker)
    m.wait("WATCHDOG", before + 3)


def test_without_a_watchdog_nobody_is_asked(ringwall, flavour):
    with Managed(ringwall, flavour) as w:
        w.manager.wait("READY")
        time.sleep(1)
        assert not w.manager.of("WATCHDOG")
