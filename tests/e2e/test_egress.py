# SPDX-License-Identifier: Apache-2.0
"""The gateway in a contained cgroup: it follows its upstream's name, and reaches nothing else."""

import contextlib
import json
import os
import socket
import struct
import threading

import openai
import pytest
from cage import Inside, cgroup, into
from common import say
from world import ADMIN_PORT, Process, World, wait_for

PINS = "/sys/fs/bpf/ringwall/v1"
NAME_SERVER = "127.0.0.53"
FIRST, SECOND, ELSEWHERE, THIEF = (f"198.51.100.{n}" for n in (1, 3, 7, 9))
UP_PORT = 8445
METADATA = "169.254.169.254"


class NameServer:
    """Answers A queries for one name with what it is told; counts them. None: it does not answer."""

    def __init__(self, world, name):
        self.name, self.addresses, self.ttl, self.asked = name, [], 1, 0
        with world.as_gateway():
            self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.bind((NAME_SERVER, 53))
        world.stack.callback(self.close)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def close(self):
        with contextlib.suppress(OSError):
            self.s.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.s.close()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                question, peer = self.s.recvfrom(4096)
                if not question:
                    return
                if self.addresses is not None:
                    self.s.sendto(self.answer(question), peer)

    def answer(self, q):
        name, at = [], 12
        while q[at]:
            name.append(q[at + 1:at + 1 + q[at]].decode())
            at += 1 + q[at]
        kind = struct.unpack("!H", q[at + 1:at + 3])[0]
        known = ".".join(name) == self.name
        rrs = [struct.pack("!HHHIH4s", 0xc00c, 1, 1, self.ttl, 4, socket.inet_aton(a))
               for a in self.addresses if known and kind == 1]
        self.asked += known and kind == 1
        return q[:2] + struct.pack("!HHHHH", 0x8180 if known else 0x8183, 1, len(rrs), 0, 0) + \
            q[12:at + 5] + b"".join(rrs)


class Contained(World):
    """An upstream known by its name, at an address that its name server gives; the gateway in a cgroup."""

    def make_network(self):
        super().make_network()
        self.in_ns(self.gw_ns, "ip", "addr", "add", "198.51.100.2/24", "dev", self.gw_if)
        for a in (f"{FIRST}/24", f"{SECOND}/24", f"{ELSEWHERE}/24", f"{METADATA}/32"):
            self.in_ns(self.cl_ns, "ip", "addr", "add", a, "dev", self.cl_if)
        self.in_ns(self.gw_ns, "ip", "route", "add", "default", "via", FIRST)
        self.cg = self.stack.enter_context(cgroup())
        conf = self.dir / "resolv.conf"
        conf.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n")
        self.run("mount", "--bind", conf, "/etc/resolv.conf")
        self.dns = NameServer(self, "up.test")
        self.dns.addresses = [FIRST]

    def start_stub(self, *more):
        """One of it at each place, for plain HTTP; the answers tell which."""
        super().start_stub(*more)
        self.places = {}
        for host in (FIRST, SECOND, ELSEWHERE, METADATA):
            self.start_place(host)

    def start_place(self, host):
        p = Process([*self.ns_prefix(self.cl_ns), self.ringwall, "stub", "--plain", "--listen",
                     f"{host}:{UP_PORT}"],
                    self.dir / f"stub-{host}.log", self.env())
        self.stack.callback(p.stop)
        self.wait_ready(p, "stub: listening")
        self.places[host] = p

    def write_config(self, url=f"http://up.test:{UP_PORT}/v1", **over):
        super().write_config(upstreams=[{"name": "up", "url": url, "key": "k", "insecure_plain": True}],
                             models=[{"name": "stub", "upstream": "up"}], **over)

    def start_gateway(self, wait=True):
        self.gateway = Process([*self.ns_prefix(self.gw_ns), *into(self.cg), self.ringwall, "serve",
                                "--debug", "-c", self.config_file], self.dir / "gateway.log", self.env())
        if wait:
            self.wait_ready(self.gateway, "ready:")

    def attach(self, *more):
        super().attach(*more)
        self.egress("attach", "--cgroup", self.cg)

    def egress(self, *args, check=True):
        return self.run(self.ringwall, "kern", "egress", *args, check=check)

    def egress_status(self):
        return json.loads(self.egress("status", "--json").stdout)

    def listed(self):
        return {u["to"]: u["left_s"] for u in self.egress_status()["upstreams"]}

    def chat(self, text="hello"):
        with self.as_client(), self.openai(max_retries=0) as c:
            return c.chat.completions.create(**say(text)).choices[0].message.content

    def served(self, host):
        with self.as_client(), socket.create_connection((host, UP_PORT), 5) as s:
            s.sendall(b"GET /stub/stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = b""
            while part := s.recv(65536):
                got += part
        return json.loads(got.split(b"\r\n\r\n", 1)[1])["requests"]

    def ready(self):
        return json.loads(self.get(f"http://127.0.0.1:{ADMIN_PORT}/readyz"))


@pytest.fixture(scope="module")
def shared(ringwall, flavour):
    with Contained(ringwall, flavour) as w:
        yield w


@pytest.fixture
def contained(shared):
    """Back where the tests begin, also when the one before failed."""
    shared.dns.addresses, shared.dns.ttl = [FIRST], 1
    asked = shared.dns.asked
    wait_for("the answer to be taken", 30, lambda: shared.dns.asked >= asked + 2)
    wait_for("the upstream at its first address", 30, lambda: f"{FIRST}:{UP_PORT}" in shared.listed())
    return shared


def refusals(w):
    return {k: v for k, v in w.egress_status()["counters"].items()
            if k.startswith(("refuse", "drop")) and v}


def test_chat_works_from_inside_and_nothing_was_refused(contained):
    w = contained
    w.dns.addresses = [FIRST, SECOND]  # of two, the resolver asks which is the nearer
    wait_for("both to be listed", 20, lambda: f"{SECOND}:{UP_PORT}" in w.listed())
    assert w.chat("from inside") == "from inside"
    assert refusals(w) == {}
    c = w.egress_status()["counters"]
    assert c["allow_upstream"] >= 1 and c["allow_dns"] >= 1 and c["probes"] >= 1
    assert w.ready()["enforced"]["egress"] == "kernel"
    m = w.metrics()
    assert m["ringwall_egress_contained"] == 1
    assert m["ringwall_egress_allow_upstream_total"] >= 1
    left = w.listed()[f"{FIRST}:{UP_PORT}"]
    assert 0 < left <= 5 + 60, "a TTL of 1 s counts as 5, and a minute of grace"


def test_names_that_move_are_followed_without_a_reload(contained):
    w = contained
    w.chat()
    w.dns.addresses = [ELSEWHERE]
    before = w.served(ELSEWHERE)
    wait_for("the new address to be listed", 20, lambda: f"{ELSEWHERE}:{UP_PORT}" in w.listed())
    # what was connected stays; the next connection goes to the new place
    w.places[FIRST].stop()
    try:
        wait_for("an answer", 10, lambda: w.chat("moved") == "moved")
        assert w.served(ELSEWHERE) > before
    finally:
        w.start_place(FIRST)
    assert f"{FIRST}:{UP_PORT}" in w.listed(), "the old one has its grace"
    assert refusals(w) == {}


def test_ttl_says_when_to_ask_again(contained):
    w = contained
    w.dns.ttl = 200
    wait_for("an entry for 200 s and the grace", 20, lambda: w.listed()[f"{FIRST}:{UP_PORT}"] > 230)
    asked = w.dns.asked
    w.dns.ttl = 1
    assert w.listed()[f"{FIRST}:{UP_PORT}"] <= 260
    assert w.dns.asked == asked, "nothing is asked before its time"
    w.gateway.signal(1)  # SIGHUP asks at once, for the tests after this one
    wait_for("it to be asked", 10, lambda: w.dns.asked > asked)


def test_answers_that_point_at_the_metadata_service_are_left_out_and_told_once(contained):
    w = contained
    before = w.served(METADATA)
    w.dns.addresses = [METADATA, FIRST]
    words = f"up.test is at {METADATA}:{UP_PORT}, which is left out: metadata service"
    wait_for("it to be told", 20, lambda: words in w.gateway.text())
    asked = w.dns.asked
    wait_for("it to be asked twice more", 30, lambda: w.dns.asked >= asked + 2)
    assert w.gateway.text().count(words) == 1
    assert w.chat("beside it") == "beside it"
    w.dns.addresses = [METADATA]  # rebinding: nothing else is left
    wait_for("that to be told", 20, lambda: "no address is left of it" in w.gateway.text())
    assert w.chat("as before") == "as before"
    assert f"{METADATA}:{UP_PORT}" not in w.listed() and w.served(METADATA) == before
    assert refusals(w).keys() <= {"refuse_metadata"}, "the resolver's question for its own address"


def test_name_server_that_is_silent_stops_nothing(contained):
    w = contained
    w.dns.addresses = None
    told = w.gateway.text().count("its old addresses stay")
    wait_for("it to be told", 30, lambda: w.gateway.text().count("its old addresses stay") > told)
    assert w.chat("still") == "still"
    assert w.ready()["ready"] is True
    left = lambda: w.listed()[f"{FIRST}:{UP_PORT}"]  # noqa: E731
    wait_for("its time to run", 20, lambda: left() <= 62)
    wait_for("what works to be kept", 20, lambda: left() >= 63)
    w.dns.addresses = [FIRST]
    wait_for("it to be told", 30, lambda: "up.test resolves again" in w.gateway.text())


@pytest.mark.parametrize("url,words", [
    (f"http://{METADATA}:{UP_PORT}/v1", "metadata services never"),
    ("http://10.9.9.9:80/v1", "kern egress allow add"),
    ("http://[fd00:ec2::254]:80/v1", "metadata services never"),
])
def test_reload_with_a_forbidden_upstream_is_refused_and_the_old_one_serves(contained, url, words):
    w = contained
    failed = w.metrics()["ringwall_reloads_failed_total"]
    said = w.gateway.text().count(words)
    w.write_config(url=url)
    try:
        w.gateway.signal(1)
        # The log: metrics wait for the rules to be compiled, which takes its time under a sanitizer.
        wait_for("the reload to fail", 90, lambda: w.gateway.text().count(words) > said)
        assert w.metrics()["ringwall_reloads_failed_total"] == failed + 1
        assert w.chat("unmoved") == "unmoved"
    finally:
        w.write_config()


def test_what_somebody_tries_in_the_gateways_place_is_told_with_its_destination(contained):
    """As an engine that was taken over: same cgroup, other ideas."""
    w = contained
    before = w.metrics()
    with Inside(w.ns_prefix(w.gw_ns), w.cg) as thief:
        assert thief.tcp(THIEF, UP_PORT) == "EPERM"
        assert thief.udp(THIEF, 53) == "EPERM"
        assert thief.tcp(METADATA, 80) == "EPERM"
    for line in (f"refused a connection by TCP to {THIEF}:{UP_PORT}: no upstream's address",
                 f"refused a connection by UDP to {THIEF}:53: no upstream's address",
                 f"refused a connection by TCP to {METADATA}:80: metadata service"):
        wait_for(line, 10, lambda line=line: line in w.gateway.text())
    m = w.metrics()
    for name, n in (("unlisted", 2), ("metadata", 1)):
        name = f"ringwall_egress_refuse_{name}_total"
        assert m[name] == before[name] + n


def test_connections_of_the_ring_are_refused_like_all_others(ringwall, flavour):
    """The engine connects by io_uring: the same hooks, the same EPERM, told to caller and log."""
    with Contained(ringwall, flavour) as w:
        w.dns.ttl = 300
        to = f"{FIRST}:{UP_PORT}"
        wait_for("an entry that is not renewed soon", 20, lambda: w.listed().get(to, 0) > 200)
        assert w.egress_status()["counters"]["allow_upstream"] == 0, "nothing is connected yet"
        key = b"\0" * 10 + b"\xff\xff" + socket.inet_aton(FIRST) + struct.pack("=HH", UP_PORT, 6)
        w.run("bpftool", "map", "delete", "pinned", f"{PINS}/rw_out", "key", *key)
        with pytest.raises(openai.InternalServerError) as e:
            w.chat()
        assert e.value.status_code == 502 and e.value.code == "upstream_unavailable"
        assert w.egress_status()["counters"]["refuse_unlisted"] == 1
        wait_for("the log", 10, lambda: f"refused a connection by TCP to {to}" in w.gateway.text())
        assert w.served(FIRST) == 0 or w.places[FIRST].alive()


def test_containment_that_comes_and_goes_is_followed(ringwall, flavour):
    with Contained(ringwall, flavour) as w:
        w.egress("detach")
        wait_for("it to be open", 10, lambda: w.ready()["enforced"]["egress"] == "nowhere")
        assert w.chat("open") == "open"
        w.egress("attach", "--cgroup", w.cg)
        to = f"{FIRST}:{UP_PORT}"
        wait_for("the upstream in the new list", 10, lambda: to in w.listed())
        wait_for("it to be told", 10, lambda: w.metrics()["ringwall_egress_contained"] == 1)
        w.places[FIRST].stop()  # so that a connection has to be made
        w.start_place(FIRST)
        assert w.chat("contained") == "contained"
        assert "egress is open now" in w.gateway.text() and "egress is contained" in w.gateway.text()


def test_engine_without_capability_lists_its_upstreams(ringwall, flavour):
    """As packaged: a group of its own, no root, no capability."""
    class Unprivileged(Contained):
        def attach(self, *more):
            World.attach(self, "--group", "daemon")
            self.egress("attach", "--cgroup", self.cg, "--group", "daemon")

        def start_gateway(self, wait=True):
            for p in [self.dir, *self.dir.rglob("*")]:
                os.chown(p, 65534, -1)
            self.gateway = Process([*self.ns_prefix(self.gw_ns), *into(self.cg), "setpriv", "--reuid", "65534",
                                    "--regid", "daemon", "--clear-groups", "--bounding-set", "-all", "--inh-caps",
                                    "-all", self.ringwall, "serve", "-c", self.config_file],
                                   self.dir / "gateway.log", self.env())
            self.wait_ready(self.gateway, "ready:")

    with Unprivileged(ringwall, flavour) as w:
        assert w.chat("nobody") == "nobody"
        assert f"{FIRST}:{UP_PORT}" in w.listed()
