# SPDX-License-Identifier: Apache-2.0
"""A small world to run ringwall in: two network namespaces joined by a veth pair, a stub
upstream, the kernel side, the gateway, keys. Used by the demonstration and the end-to-end tests.

    client namespace                      gateway namespace
    10.77.0.2 .. 10.77.0.9  --- veth ---  10.77.0.1:8443  gateway (XDP on the veth)
    fd77::2 .. fd77::9                    fd77::1         127.0.0.1:8444 stub

Everything is made under names of its own and is gone after close(), also when a step failed.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.request

CLONE_NEWNET = 0x40000000
GATEWAY = "10.77.0.1"
GATEWAY6 = "fd77::1"
PORT = 8443
ADMIN_PORT = 9443
STUB_PORT = 8444
PROVIDER_KEY = "sk-provider-key-that-never-leaves-the-gateway"
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "BUG at")


class Failed(Exception):
    """A step did not do what it should; the text says which and what was seen."""


def run(*cmd, check=True, timeout=30, **kw):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, timeout=timeout, **kw)
    if check and p.returncode != 0:
        raise Failed(f"{' '.join(map(str, cmd))}: exit status {p.returncode}\n{p.stdout}{p.stderr}")
    return p


def wait_for(what, seconds, probe, every=0.02):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = probe()
        if got:
            return got
        time.sleep(every)
    raise Failed(f"waited {seconds} s for {what}")


class Process:
    """A child whose standard error is kept in a file and which is never left behind."""

    def __init__(self, cmd, log, env=None):
        self.log = pathlib.Path(log)
        self.file = open(self.log, "ab")
        self.start = self.file.tell()  # what an earlier process wrote is not ours
        self.p = subprocess.Popen([str(c) for c in cmd], stdout=self.file, stderr=self.file,
                                  stdin=subprocess.DEVNULL, env=env)

    def text(self):
        return self.log.read_bytes()[self.start:].decode(errors="replace")

    def alive(self):
        return self.p.poll() is None

    def signal(self, sig):
        self.p.send_signal(sig)

    def wait(self, seconds):
        return self.p.wait(seconds)

    def stop(self, seconds=40):
        """SIGTERM, then SIGKILL; returns the exit status. A drain may take 30 s."""
        if self.alive():
            self.p.terminate()
            try:
                self.p.wait(seconds)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
                self.file.close()
                raise Failed(f"did not stop within {seconds} s:\n{self.text()[-2000:]}")
        self.file.close()
        return self.p.returncode


def config_yaml(**over):
    """The configuration as JSON, which is YAML too; over replaces top-level keys."""
    tls = {"cert_file": over.pop("cert"), "key_file": over.pop("key")}
    c = {
        "listeners": [{"address": f"{GATEWAY}:{PORT}", "tls": tls},
                      {"address": f"[{GATEWAY6}]:{PORT}", "tls": tls}],
        "admin": {"address": f"127.0.0.1:{ADMIN_PORT}"},
        "upstreams": [{"name": "stub", "url": f"https://127.0.0.1:{STUB_PORT}/v1",
                       "key": PROVIDER_KEY, "ca_file": over.pop("stub_ca")}],
        "models": [{"name": "stub", "upstream": "stub"}],
        "limits": {"key_rate": {"per_minute": 0, "burst": 1},
                   "address_rate": {"per_minute": 0, "burst": 1}},
        "state_dir": over.pop("state"),
        "audit": {"file": over.pop("audit_file"), "required": True},
        "kernel": "required",
        "workers": 2,
    }
    c.update(over)
    return json.dumps(c, indent=1)


class World:
    gw_queues = 1  # of the gateway's interface, each of which one processor empties

    def __init__(self, ringwall, flavour="release", kernel=True, stub_args=(), **config):
        self.ringwall = pathlib.Path(ringwall).resolve()
        self.flavour = flavour
        self.kernel = kernel
        self.stub_args = stub_args
        self.config = config
        tag = secrets.token_hex(3)
        self.gw_ns, self.cl_ns = f"rwg{tag}", f"rwc{tag}"
        self.gw_if, self.cl_if = f"rwg{tag}", f"rwc{tag}"
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="ringwall-"))
        self.stack = contextlib.ExitStack()
        self.gateway = self.stub = None
        self.attached = False

    # --- life --------------------------------------------------------------------------------

    def __enter__(self):
        try:
            self.make_bpffs()
            self.make_network()
            self.make_certificates()
            self.start_stub()
            if self.kernel:
                self.attach()
            self.write_config()
            self.key = self.add_key("default")
            self.start_gateway()
        except BaseException:
            self.close(failed=True)
            raise
        return self

    def __exit__(self, kind, value, tb):
        self.close(failed=kind is not None)

    def close(self, failed=False):
        """Everything is taken down, whatever of it goes wrong; then that is told."""
        status, wrong = [], []
        for p in (self.gateway, self.stub):
            try:
                status.append(p.stop() if p else 0)
            except Failed as e:
                wrong.append(str(e))
        try:
            if self.attached:
                self.run(self.ringwall, "kern", "detach", check=False)
        except subprocess.TimeoutExpired as e:
            wrong.append(str(e))
        self.stack.close()
        logs = "".join(p.log.read_text(errors="replace") for p in (self.gateway, self.stub) if p)
        shutil.rmtree(self.dir, ignore_errors=True)
        if failed:
            print(logs[-6000:])
            return
        wrong += [f"{bad} in the logs" for bad in SANITIZER_WORDS if bad in logs]
        if any(s not in (0, -signal.SIGKILL) for s in status):
            wrong.append(f"exit status {status}")
        if wrong:
            raise Failed("\n".join(wrong) + f"\n{logs[-6000:]}")

    # --- namespaces, network -----------------------------------------------------------------

    def make_bpffs(self):
        """A bpffs of this world's own, in a mount namespace that a sleeping process keeps."""
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             "mount -t bpf -o mode=0711 bpf /sys/fs/bpf && echo up && exec sleep infinity"],
            stdout=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        self.stack.callback(self.end_holder)
        if self.holder.stdout.readline().strip() != "up":
            raise Failed("cannot mount a bpffs")

    def end_holder(self):
        self.holder.kill()
        self.holder.wait()
        self.holder.stdout.close()

    def make_network(self):
        for ns in (self.gw_ns, self.cl_ns):
            run("ip", "netns", "add", ns)
            self.stack.callback(run, "ip", "netns", "del", ns, check=False)
        run("ip", "-n", self.gw_ns, "link", "add", self.gw_if, "numrxqueues", self.gw_queues, "type",
            "veth", "peer", "name", self.cl_if, "netns", self.cl_ns)
        self.ip(self.gw_ns, f"addr add {GATEWAY}/24 dev {self.gw_if}",
                f"addr add {GATEWAY6}/16 dev {self.gw_if} nodad")
        self.ip(self.cl_ns, *(f"addr add 10.77.0.{i}/24 dev {self.cl_if}" for i in range(2, 10)),
                *(f"addr add fd77:{i}::2/16 dev {self.cl_if} nodad" for i in range(2, 10)))
        for ns, dev in ((self.gw_ns, self.gw_if), (self.cl_ns, self.cl_if)):
            self.ip(ns, "link set lo up", f"link set {dev} up")

    def ip(self, ns, *lines):
        """Commands of `ip`, by one process."""
        run("ip", "-n", ns, "-batch", "-", input="\n".join(lines))

    def ns_prefix(self, ns):
        # not `ip netns exec`: that mounts another /sys and hides the bpffs
        return ["nsenter", f"--target={self.holder.pid}", "--mount", "--root", f"--wd={os.getcwd()}",
                f"--net=/run/netns/{ns}"]

    def run(self, *cmd, **kw):
        """A command where the gateway is: its network, its pins."""
        return self.in_ns(self.gw_ns, *cmd, **kw)

    def in_ns(self, ns, *cmd, **kw):
        return run(*self.ns_prefix(ns), *cmd, **kw)

    @contextlib.contextmanager
    def inside(self, ns):
        """This thread's new sockets belong to ns."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{ns}") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise Failed(f"setns {ns}: {os.strerror(ctypes.get_errno())}")
            try:
                yield
            finally:
                libc.setns(home.fileno(), CLONE_NEWNET)

    def as_client(self):
        return self.inside(self.cl_ns)

    def as_gateway(self):
        return self.inside(self.gw_ns)

    # --- certificates, stub, kernel, gateway -----------------------------------------------------

    def make_certificates(self):
        self.ca = self.dir / "gateway.crt"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=ringwall test", "-keyout",
            self.dir / "gateway.key", "-out", self.ca, "-addext",
            f"subjectAltName=IP:{GATEWAY},IP:{GATEWAY6},DNS:gateway.test")
        os.chmod(self.dir / "gateway.key", 0o600)

    def env(self):
        env = dict(os.environ)
        env["ASAN_OPTIONS"] = "detect_leaks=1:abort_on_error=0:exitcode=99"
        env["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
        return env

    def start_stub(self, *more):
        self.stub = Process([*self.ns_prefix(self.gw_ns), self.ringwall, "stub", "--listen",
                             f"127.0.0.1:{STUB_PORT}", "--self-signed", self.dir, *self.stub_args,
                             *more], self.dir / "stub.log", self.env())
        self.wait_ready(self.stub, "stub: listening")

    def wait_ready(self, process, words):
        def probe():
            if not process.alive():
                raise Failed(f"it ended at once:\n{process.text()[-3000:]}")
            # Not within a word: "ready:" is not in "already:".
            return re.search(rf"(?<![a-z]){re.escape(words)}", process.text())
        wait_for(f"'{words}' in {process.log.name}", 120, probe)

    def attach(self, *more):
        self.run(self.ringwall, "kern", "attach", "-i", self.gw_if, "-p", PORT, *more)
        self.attached = True

    def write_config(self, **over):
        self.config_file = self.dir / "ringwall.yaml"
        self.audit_file = pathlib.Path(over.pop("audit_file", self.dir / "audit.jsonl"))
        over = {**self.config, **over}
        if not self.kernel:
            over.setdefault("kernel", "off")
        self.config_file.write_text(config_yaml(
            cert=str(self.ca), key=str(self.dir / "gateway.key"), state=str(self.dir / "state"),
            stub_ca=str(self.dir / "stub.crt"), audit_file=str(self.audit_file), **over))
        os.chmod(self.config_file, 0o600)

    def add_key(self, name, *more):
        return run(self.ringwall, "key", "add", name, "--state", self.dir / "state",
                   *more).stdout.strip()

    def start_gateway(self, wait=True):
        self.gateway = Process([*self.ns_prefix(self.gw_ns), self.ringwall, "serve", "-c",
                                self.config_file], self.dir / "gateway.log", self.env())
        if wait:
            self.wait_ready(self.gateway, "ready:")

    # --- asking ----------------------------------------------------------------------------------

    def openai(self, key=None, source=None, host=GATEWAY, **kw):
        """The real SDK, with only base URL, key and CA changed. Use inside as_client()."""
        import httpx
        import openai

        transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=self.ca),
                                        local_address=source)
        kw.setdefault("timeout", 20)
        return openai.OpenAI(base_url=f"https://{host}:{PORT}/v1", api_key=key or self.key,
                             http_client=httpx.Client(transport=transport, timeout=20), **kw)

    def raw(self, data, source=None, seconds=5, tls=True, until=None, host=GATEWAY):
        """Sends bytes, returns what comes back until the peer closes. Use inside as_client()."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as s:
            s.settimeout(seconds)
            if source:
                s.bind((source, 0))
            s.connect((host, PORT))
            if tls:
                s = ssl.create_default_context(cafile=self.ca).wrap_socket(s, server_hostname=host)
            s.sendall(data)
            got = b""
            while until is None or until not in got:
                try:
                    part = s.recv(65536)
                except (TimeoutError, ConnectionResetError, ssl.SSLError):
                    break
                if not part:
                    break
                got += part
            s.close()
            return got

    def get(self, url):
        with self.as_gateway():
            ctx = ssl.create_default_context()
            ctx.check_hostname = False
            ctx.verify_mode = ssl.CERT_NONE
            with urllib.request.urlopen(url, timeout=10, context=ctx) as r:
                return r.read().decode()

    def metrics(self):
        out = {}
        for line in self.get(f"http://127.0.0.1:{ADMIN_PORT}/metrics").splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                out[name] = float(value)
        return out

    def stub_last(self):
        return json.loads(self.get(f"https://127.0.0.1:{STUB_PORT}/stub/last"))

    def stub_stats(self):
        return json.loads(self.get(f"https://127.0.0.1:{STUB_PORT}/stub/stats"))

    def audit(self, request_id=None):
        """All records of requests, or the one of a request, which may take some milliseconds to be there."""
        def records():
            return [r for r in self.audit_lines() if "request_id" in r]

        if request_id is None:
            return records()
        return wait_for(f"the audit record of {request_id}", 20, lambda: next(
            (r for r in records() if r["request_id"] == request_id), None))

    def audit_lines(self):
        text = self.audit_file.read_text()  # a line that is being written has no end yet
        return [json.loads(l) for l in text[:text.rfind("\n") + 1].splitlines()]

    def events(self, kind):
        """Records of what happened to no request: bans, what the kernel side told."""
        return [r for r in self.audit_lines() if r.get("event") == kind]

    def status(self):
        return json.loads(self.run(self.ringwall, "kern", "status", "--json").stdout)

    def bans(self):
        return json.loads(self.run(self.ringwall, "deny", "list", "--json").stdout)
