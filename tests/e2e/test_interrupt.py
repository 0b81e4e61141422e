# SPDX-License-Identifier: Apache-2.0
"""Interrupted, ringwall leaves nothing behind: no process, namespace, program, pin or mount."""

import json
import os
import signal
import subprocess
import sys

import pytest
from common import TOP
from world import run, wait_for

HOLD = """
import sys, time
sys.path.insert(0, {scripts!r})
from world import World
with World({ringwall!r}) as w:
    print(w.run("bpftool", "-j", "net", "show").stdout.replace("\\n", " "), flush=True)
    time.sleep(600)
"""


def attached(shown):
    """The ids of the programs in `bpftool net show`, which are a namespace's. All that are loaded are the
    machine's: there others' come and go, and have the same names."""
    return {p["id"] for part in json.loads(shown) for p in part["xdp"]}


def loaded():
    return {p["id"] for p in json.loads(run("bpftool", "-j", "prog", "show").stdout)}


def traces(marker):
    """What a run could leave: processes by their command line, pins, namespaces, mounts."""
    procs = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if marker in open(f"/proc/{pid}/cmdline").read().replace("\0", " "):
                procs.append(pid)
        except OSError:
            pass
    pins = [f for _, _, files in os.walk("/sys/fs/bpf") for f in files if f.startswith("rw_")]
    return {"processes": procs, "pins": pins,
            "namespaces": run("ip", "netns", "list").stdout.split(),
            "links": [l["ifname"] for l in json.loads(run("ip", "-json", "link").stdout)],
            "mounts": open("/proc/self/mounts").read().splitlines()}


def new_since(before, marker):
    """What is there now and was not before."""
    now = traces(marker)
    return {k: left for k in now if (left := [x for x in now[k] if x not in before[k]])}


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_killed_session_leaves_nothing(ringwall, sig):
    """scripts/in-root: the session's namespaces die with it, and so does all that was made in them."""
    script = HOLD.format(scripts=str(TOP / "scripts"), ringwall=str(ringwall))
    before = traces("ringwall serve")
    p = subprocess.Popen([TOP / "scripts/in-root", sys.executable, "-c", script],
                         stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        programs = attached(p.stdout.readline())
        assert programs and programs <= loaded()
        assert new_since(before, str(ringwall))["processes"]
        # a terminal's Ctrl-C and a kill of the job reach the whole group; SIGKILL only the leader
        os.kill(p.pid, sig) if sig == signal.SIGKILL else os.killpg(p.pid, sig)
        p.wait(30)
        wait_for("everything to be gone", 30, lambda: not new_since(before, "ringwall serve")
                 and not programs & loaded(), every=0.1)
    finally:
        p.kill()
        p.wait()
        p.stdout.close()


def ignore_ctrl_c():
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.parametrize("sig,before_it", [(signal.SIGINT, None), (signal.SIGTERM, None),
                                           (signal.SIGTERM, ignore_ctrl_c)])
def test_interrupted_demo_cleans_up(sig, before_it):
    """Ctrl-C in the middle of the tour, and `kill`, also of one that a script started with `&`."""
    if not (TOP / "build/release/ringwall").exists():
        pytest.fail("build/release/ringwall is not built")
    before = traces("ringwall serve")
    p = subprocess.Popen([sys.executable, TOP / "scripts/demo.py"], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, start_new_session=True,
                         preexec_fn=before_it)
    out = ""
    while "== A stream" not in out:
        line = p.stdout.readline()
        assert line, out
        out += line
    gw_ns, = (n for n in new_since(before, "ringwall serve")["namespaces"] if n.startswith("rwg"))
    programs = attached(run("ip", "netns", "exec", gw_ns, "bpftool", "-j", "net", "show").stdout)
    assert programs and programs <= loaded()
    os.kill(p.pid, sig) if before_it else os.killpg(p.pid, sig)
    out += p.stdout.read()
    assert p.wait(30) == 130, out
    assert "cleaned up" in out and "Traceback" not in out
    assert not new_since(before, "ringwall serve")
    wait_for("the programs to go", 30, lambda: not programs & loaded())
