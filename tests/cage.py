# SPDX-License-Identifier: Apache-2.0
"""A cgroup of a test's own, to contain, and processes put into it."""

import contextlib
import json
import pathlib
import secrets
import shutil
import subprocess
import tempfile
import time

from world import Failed, run, wait_for

PREFIX = "ringwall-test-"


def hierarchy(stack):
    """Where cgroup v2 is; mounted for the stack's life where nobody has (all mounts show the same tree)."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return pathlib.Path(place)
    place = pathlib.Path(tempfile.mkdtemp(prefix="ringwall-cgroup-"))
    stack.callback(shutil.rmtree, place, ignore_errors=True)
    run("mount", "-t", "cgroup2", "none", place)
    stack.callback(run, "umount", place)
    return place


def sweep(root):
    """What runs that were killed have left: a cgroup outlives the processes that were in it."""
    for old in root.glob(PREFIX + "*"):
        with contextlib.suppress(OSError):
            if time.time() - old.stat().st_mtime > 600:
                old.rmdir()  # only an empty one goes


@contextlib.contextmanager
def cgroup():
    with contextlib.ExitStack() as stack:
        root = hierarchy(stack)
        sweep(root)
        path = root / (PREFIX + secrets.token_hex(4))
        path.mkdir()
        stack.callback(remove, path)
        yield path


def remove(path):
    def gone():
        with contextlib.suppress(OSError):
            path.rmdir()
        return not path.exists()
    with contextlib.suppress(OSError):
        (path / "cgroup.kill").write_text("1")
    wait_for(f"{path} to be empty", 10, gone)


def into(path):
    """The prefix of a command line: the command is in the cgroup from its first instruction on."""
    return ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', str(path)]


class Inside:
    """A Python in a cgroup that does what it is told, a line at a time, and says what came of it."""

    PROGRAM = r"""
import errno, json, socket, struct, sys
kept = {}
def word(f):
    try:
        return f()
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))
def attempt(family, kind, to, how="connect", proto=0, data=b"x"):
    with socket.socket(family, kind, proto) as s:
        s.settimeout(0.5)
        if how == "connect":
            s.connect(to)
            if kind == socket.SOCK_DGRAM:
                s.send(data)
        elif how == "fastopen":
            s.sendto(data, 0x20000000, to)
        else:
            s.sendto(data, to)
    return "ok"
for line in sys.stdin:
    print(json.dumps(word(lambda: eval(line))), flush=True)
"""

    def __init__(self, prefix, path):
        self.p = subprocess.Popen([*prefix, *into(path), "python3", "-c", self.PROGRAM], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.stdin.close()
        self.p.wait(10)
        self.p.stdout.close()

    def __call__(self, expression):
        self.p.stdin.write(expression + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        if not line:
            raise Failed(f"{expression}: the process in the cgroup ended")
        return json.loads(line)

    def tcp(self, host, port):
        family = "socket.AF_INET6" if ":" in host else "socket.AF_INET"
        return self(f"attempt({family}, socket.SOCK_STREAM, ({host!r}, {port}))")

    def udp(self, host, port, how="sendto"):
        family = "socket.AF_INET6" if ":" in host else "socket.AF_INET"
        return self(f"attempt({family}, socket.SOCK_DGRAM, ({host!r}, {port}), {how!r})")
