# SPDX-License-Identifier: Apache-2.0
"""Clean Debian roots: build/cache/clean with a layer of a test's own over it."""

import contextlib
import pathlib
import shutil
import stat
import subprocess
import tempfile

from common import TOP

CLEAN = TOP / "build/cache/clean"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


class Failed(Exception):
    """A command did not do what it should; the text has its output."""


def run(*cmd, check=True, timeout=120, **kw):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, timeout=timeout, **kw)
    if check and p.returncode:
        raise Failed(f"{' '.join(map(str, cmd))}: exit status {p.returncode}\n{p.stdout}{p.stderr}")
    return p


class Root:
    """The root as a directory. Commands run in it by chroot, without a service manager: as image builders do."""

    def __init__(self):
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        work = pathlib.Path(tempfile.mkdtemp(prefix="ringwall-root-"))
        self.stack.callback(shutil.rmtree, work, ignore_errors=True)
        self.mount("tmpfs", work, "tmpfs")
        for name in ("upper", "work", "root"):
            (work / name).mkdir()
        self.path = work / "root"
        self.mount("overlay", self.path, "overlay", f"lowerdir={CLEAN},upperdir={work}/upper,workdir={work}/work")
        dev = self.path / "dev"
        self.mount("tmpfs", dev, "tmpfs", "mode=0755")
        for name in DEVICES:
            (dev / name).touch()
            run("mount", "--bind", f"/dev/{name}", dev / name)
        (dev / "shm").mkdir(mode=0o1777)
        (dev / "fd").symlink_to("/proc/self/fd")
        self.mount("tmpfs", self.path / "run", "tmpfs", "mode=0755")
        self.mount("proc", self.path / "proc", "proc")
        (self.path / "deb").mkdir()
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def mount(self, what, where, kind, options="rw"):
        run("mount", "-t", kind, "-o", options, what, where)
        self.stack.callback(run, "umount", "--recursive", "--lazy", where)

    def run(self, *cmd, **kw):
        return run("chroot", self.path, *cmd, **kw)

    def bring(self, package):
        shutil.copy(package, self.path / "deb")
        return f"/deb/{package.name}"

    def install(self, package):
        return self.run("dpkg", "-i", self.bring(package))

    def read(self, name):
        return (self.path / name.lstrip("/")).read_text()

    def write(self, name, text, mode=0o644):
        p = self.path / name.lstrip("/")
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(text)
        p.chmod(mode)

    def mode(self, name):
        """Mode and owners as names: '0750 root:ringwall'."""
        st = (self.path / name.lstrip("/")).lstat()
        users = {line.split(":")[2]: line.split(":")[0] for line in self.read("/etc/passwd").splitlines()}
        groups = {line.split(":")[2]: line.split(":")[0] for line in self.read("/etc/group").splitlines()}
        return f"{stat.S_IMODE(st.st_mode):04o} {users[str(st.st_uid)]}:{groups[str(st.st_gid)]}"

    def files(self):
        """Every path but what is no file of the system's: for comparisons."""
        found = run("find", self.path, "-xdev", "-printf", "/%P\n").stdout.split("\n")
        skip = ("/dev", "/run", "/proc", "/sys", "/tmp", "/deb", "/var/lib/dpkg", "/var/log", "/var/cache", "/var/lib/systemd/deb-")
        return {f for f in found if not f.startswith(skip)}
