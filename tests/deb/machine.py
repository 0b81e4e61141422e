# SPDX-License-Identifier: Apache-2.0
"""A root that is booted: systemd as the first process of namespaces of its own, on this kernel. The tests' network
is its client, and has the stub that stands for the provider.

    this network                    the machine's
    10.78.0.2  --- veth ---         10.78.0.1:8443 (TLS), :8080 (plain), XDP on it
    stub 10.78.0.2:8444             127.0.0.1:9443 admin
"""

import contextlib
import json
import os
import pathlib
import re
import secrets
import signal
import subprocess

from cage import hierarchy, remove
from roots import Failed, run
from world import wait_for

HERE, THERE = "10.78.0.2", "10.78.0.1"
TLS_PORT, PLAIN_PORT, STUB_PORT = 8443, 8080, 8444
PROVIDER_KEY = "sk-provider-key-that-root-alone-can-read"

CONFIG = f"""
listeners:
  - address: {THERE}:{TLS_PORT}
  - address: {THERE}:{PLAIN_PORT}
    tls: off
    plain_anywhere: true
admin:
  address: 127.0.0.1:9443
upstreams:
  - name: stub
    url: http://{HERE}:{STUB_PORT}/v1
    insecure_plain: true
    key_file: ${{CREDENTIALS_DIRECTORY}}/ringwall.openai
models:
  - name: "*"
    upstream: stub
audit:
  file: /var/log/ringwall/audit.jsonl
limits:
  key_rate: {{per_minute: 0}}
  address_rate: {{per_minute: 0}}
workers: 2
kernel: required
"""

# The kernel's settings are the host's, but for the network's, which are the machine's own.
BOOT = r"""
set -e
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,rw,bind proc/sys/net
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf -o mode=0700 bpf sys/fs/bpf
mount -t tmpfs -o mode=1777 tmp tmp
mkdir -p dev/pts
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -sf pts/ptmx dev/ptmx
hostname machine
# We are in a chroot, and who is may make no user namespace: its root is not that of its mount namespace. To enter the
# latter anew leads to the real root; from there on pivot_root does what it says.
exec nsenter --mount=proc/self/ns/mnt --wd=. sh -c 'pivot_root . . && umount -l . && mount --make-rshared / && exec env -i container=ringwall-test \
    PATH=/usr/sbin:/usr/bin /usr/lib/systemd/systemd --log-target=journal'
"""


class Machine:
    def __init__(self, root):
        self.root, self.stack = root, contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.stack = stack
            self.configure()
            self.boot()
            self.plug()
            self.stub()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def configure(self):
        self.root.write("/etc/ringwall/ringwall.yaml", CONFIG, 0o640)
        self.root.write("/etc/credstore/ringwall.openai", PROVIDER_KEY + "\n", 0o600)
        self.root.write("/etc/default/ringwall", f"RINGWALL_INTERFACE=gw0\nRINGWALL_PORTS={TLS_PORT},{PLAIN_PORT}\n"
                        "RINGWALL_KERN_OPTIONS=\nRINGWALL_EGRESS_OPTIONS=\n")
        # Not before there is an interface: the tests start them.
        self.root.run("systemctl", "disable", "ringwall", "ringwall-kern")

    def boot(self):
        cgroup = hierarchy(self.stack) / f"ringwall-test-{secrets.token_hex(4)}"
        cgroup.mkdir()
        self.stack.callback(lambda: [remove(p) for p in sorted([cgroup, *cgroup.rglob("*/")], reverse=True)])
        self.outer = subprocess.Popen(
            ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && cd "$1" && exec unshare --mount --propagation private --pid --fork '
             '--kill-child --uts --ipc --cgroup --net sh -c "$2"', cgroup, self.root.path, BOOT],
            stdin=subprocess.DEVNULL, start_new_session=True)
        self.stack.callback(self.power_off)
        self.init = wait_for("the first process", 10, self.first_process)
        wait_for("the boot", 60, lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip()
                 in ("running", "degraded"), 0.2)

    def first_process(self):
        children = run("pgrep", "-P", self.outer.pid, check=False).stdout.split()
        exe = children and pathlib.Path(f"/proc/{children[0]}/comm").read_text().strip()
        return int(children[0]) if exe == "systemd" else None

    def power_off(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.outer.pid, signal.SIGKILL)
        self.outer.wait()

    def plug(self):
        run("ip", "link", "add", "client0", "type", "veth", "peer", "name", "gw0", "netns", self.init)
        self.stack.callback(run, "ip", "link", "del", "client0", check=False)
        run("ip", "address", "add", f"{HERE}/24", "dev", "client0")
        run("ip", "link", "set", "client0", "up")
        for words in (f"address add {THERE}/24 dev gw0", "link set gw0 up", "link set lo up"):
            run("nsenter", "-t", self.init, "-n", "ip", *words.split())

    def stub(self):
        p = subprocess.Popen(["chroot", str(self.root.path), "ringwall", "stub", "--listen", f"{HERE}:{STUB_PORT}", "--plain"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(p.wait)
        self.stack.callback(p.kill)

    # --- what tests do ------------------------------------------------------------------------------

    def run(self, *cmd, **kw):
        """In the machine, as its root."""
        return run("nsenter", "-t", self.init, "-m", "-u", "-i", "-n", "-p", "-C", "--root", "--wd", "env",
                   "LC_ALL=C.UTF-8", *cmd, **kw)

    def start(self, *units):
        for unit in units or ("ringwall-kern", "ringwall"):
            if self.run("systemctl", "start", unit, check=False).returncode:
                raise Failed(f"{unit} did not start:\n{self.journal(unit)}")

    def journal(self, unit):
        return self.run("journalctl", "--no-pager", "-n", "60", "-u", unit, check=False).stdout

    def show(self, unit, name):
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def pid(self, unit="ringwall"):
        """As this side numbers it."""
        inner = self.show(unit, "MainPID")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                numbers = re.search(r"^NSpid:\t(.*)$", status.read_text(), re.M)[1].split()
                if len(numbers) > 1 and numbers[-1] == inner and os.stat(status.parent / "ns/pid").st_ino == os.stat(
                        f"/proc/{self.init}/ns/pid").st_ino:
                    return int(status.parent.name)
        raise Failed(f"{unit} has no process {inner}")

    def ready(self):
        said = self.run("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9443; printf 'GET /readyz HTTP/1.1\\r\\nHost: x\\r\\n"
                        "Connection: close\\r\\n\\r\\n' >&3; cat <&3").stdout
        return json.loads(said[said.index("{"):])

    def audit(self):
        text = self.root.read("/var/log/ringwall/audit.jsonl")
        return [json.loads(line) for line in text.splitlines()]

    def bans(self):
        return json.loads(self.run("ringwall", "deny", "list", "--json").stdout)
