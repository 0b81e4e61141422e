# SPDX-License-Identifier: Apache-2.0
"""Egress containment with real processes in a real cgroup: what connects, what is EPERM at once, what
the backstop drops, who may change it, and that nothing is left."""

import contextlib
import ipaddress
import json
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

import pytest
from cage import Inside, cgroup, into
from common import TOP
from veth import bpf_ids
from world import World, wait_for

PINS = "/sys/fs/bpf/ringwall/v1"
HERE, HERE6 = "198.51.100.2", "2001:db8:51::2"  # neither private nor special: an upstream's may be
UP, UP6 = "198.51.100.1", "2001:db8:51::1"
OTHER = "198.51.100.9"
PRIVATE = "10.51.0.1"
MEMBER = ["setpriv", "--reuid", "65534", "--regid", "daemon", "--clear-groups", "--bounding-set", "-all"]


class Cage(World):
    """Two namespaces, and a cgroup in the first of them. In the second, everything that must not be
    reached is there and would answer: a test that contains nothing sees it."""

    def __enter__(self):
        try:
            self.make_bpffs()
            self.make_network()
            self.cg = self.stack.enter_context(cgroup())
            self.caged = self.stack.enter_context(Inside(self.ns_prefix(self.gw_ns), self.cg))
            self.heard = []
            for host in (UP, UP6, OTHER, PRIVATE, "169.254.169.254"):
                self.echo(host, 443)
                self.listen(host, 53)
        except BaseException:
            self.__exit__(True, None, None)
            raise
        return self

    def __exit__(self, kind, value, tb):
        self.stack.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def make_network(self):
        super().make_network()
        self.address(self.gw_ns, self.gw_if, f"{HERE}/24", f"{HERE6}/64")
        self.address(self.cl_ns, self.cl_if, f"{UP}/24", f"{UP6}/64", f"{OTHER}/24", f"{PRIVATE}/32",
                     "169.254.169.254/32", "fd00:ec2::254/128")
        for via, family in ((UP, "-4"), (UP6, "-6")):
            self.in_ns(self.gw_ns, "ip", family, "route", "add", "default", "via", via)

    def address(self, ns, dev, *addrs):
        for a in addrs:
            more = ["nodad"] if ":" in a else []
            self.in_ns(ns, "ip", "addr", "add", a, "dev", dev, *more)

    def echo(self, host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with self.as_client():
            server = socket.create_server((host, port), family=family)
        self.stack.callback(server.close)
        self.stack.callback(server.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=self.serve, args=(server,), daemon=True).start()

    @staticmethod
    def serve(server):
        def one(c):
            with c, contextlib.suppress(OSError):
                while part := c.recv(65536):
                    c.sendall(part)
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    def listen(self, host, port):
        """Remembers the datagrams that come."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with self.as_client():
            s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind((host, port))
        self.stack.callback(s.close)
        self.stack.callback(self.wake, s)

        def loop():
            with contextlib.suppress(OSError):
                while part := s.recv(65536):
                    self.heard.append((host, part))
        threading.Thread(target=loop, daemon=True).start()

    @staticmethod
    def wake(s):
        """Who waits in recv wakes up; that it was not connected is told all the same."""
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_RDWR)

    def rw(self, *args, status=0, before=()):
        p = self.run(*before, self.ringwall, *args, check=False)
        assert p.returncode == status, p.stdout + p.stderr
        assert "Sanitizer" not in p.stderr, p.stderr
        return p.stdout if status == 0 else p.stderr + p.stdout

    def egress(self, *args, **kw):
        return self.rw("kern", "egress", *args, **kw)

    def contain(self, *args):
        return self.egress("attach", "--cgroup", self.cg, "--dns", "none", *args)

    def status(self):
        return json.loads(self.egress("status", "--json"))

    def counters(self):
        return self.status()["counters"]

    def refused(self):
        return {(r["proto"], r["to"]): r for r in self.status()["refused"]}

    def upstream(self, host, port=443, seconds=60):
        """Lists an upstream's address as the engine does."""
        a = ipaddress.ip_address(host)
        a = a.packed if a.version == 6 else b"\0" * 10 + b"\xff\xff" + a.packed
        expires = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + int(seconds * 1e9)
        self.run("bpftool", "map", "update", "pinned", f"{PINS}/rw_out",
                 "key", *(a + struct.pack("=HH", port, socket.IPPROTO_TCP)),
                 "value", *(struct.pack("=Q", expires) + b"test".ljust(24, b"\0")))


@pytest.fixture
def cage(ringwall, flavour):
    with Cage(ringwall, flavour) as c:
        yield c


def rose(before, after):
    """Which counters rose, and by how much; passing packets aside."""
    return {k: after[k] - before[k] for k in after if after[k] != before[k] and k != "packets"}


def test_services_own_line_contains_its_slice(cage):
    """As systemd calls it, before the gateway; its slice is here a cgroup of the test's."""
    unit = (TOP / "appliance/units/ringwall.service").read_text()
    line, = re.findall(r"^ExecStartPre=-\+/usr/bin/ringwall (.*)$", unit, re.M)
    config = cage.dir / "ringwall.yaml"
    config.write_text(f"listeners: [{{address: '127.0.0.1:1'}}]\nupstreams: [{{name: u, url: 'https://{PRIVATE}/v1', key: '${{NOT_SET_HERE}}'}}]\n"
                      "models: [{name: '*', upstream: u}]\n")
    slice_, = re.findall(r"^Slice=(.*)$", unit, re.M)
    said = {"/etc/ringwall/ringwall.yaml": config, "ringwall": "daemon", f"/sys/fs/cgroup/{slice_}": cage.cg}
    assert set(said) <= set(line.split()), "what is exchanged for the test is there"
    words = [said.get(w, w) for w in line.split() if w != "$RINGWALL_EGRESS_OPTIONS"]
    cage.run(*into(cage.cg), cage.ringwall, *words, "--dns", "none", "--allow", f"{OTHER}:443")
    assert cage.status()["cgroup"] == str(cage.cg)
    assert cage.caged.tcp("169.254.169.254", 443) == "EPERM" and cage.caged.tcp("127.0.0.1", 443) == "EPERM"
    assert cage.caged.tcp(PRIVATE, 443) == "ok" and cage.caged.tcp(OTHER, 443) == "ok"


# --- at the call ---------------------------------------------------------------------------------


def test_before_it_is_contained_everything_is_reached(cage):
    """Else the tests below would pass in a network without ways."""
    for host in (UP, UP6, f"::ffff:{UP}", OTHER, PRIVATE, "169.254.169.254"):
        assert cage.caged.tcp(host, 443) == "ok", host
    assert cage.caged.udp("169.254.169.254", 53) == "ok"
    assert "not contained" in cage.egress("status", status=1)


@pytest.mark.parametrize("host,counter", [
    (OTHER, "refuse_unlisted"), ("2001:db8:51::9", "refuse_unlisted"), (f"::ffff:{OTHER}", "refuse_unlisted"),
    ("169.254.169.254", "refuse_metadata"), ("::ffff:169.254.169.254", "refuse_metadata"),
    ("fd00:ec2::254", "refuse_metadata"), ("100.100.100.200", "refuse_metadata"),
    ("168.63.129.16", "refuse_metadata"), ("64:ff9b::a9fe:a9fe", "refuse_metadata"),
    ("fe80::a9fe:a9fe", "refuse_metadata"),
    ("127.0.0.1", "refuse_loopback"), ("::1", "refuse_loopback"), ("0.0.0.0", "refuse_loopback"),
    ("::", "refuse_loopback"), ("::ffff:127.0.0.1", "refuse_loopback"),
    (PRIVATE, "refuse_private"), ("192.168.1.1", "refuse_private"), ("fd77::2", "refuse_private"),
    ("100.64.0.1", "refuse_private"), ("255.255.255.255", "refuse_special"), ("ff02::1", "refuse_special"),
    ("2002:a9fe:a9fe::1", "refuse_special"),
])
def test_what_is_not_listed_is_refused_at_once_for_one_reason(cage, host, counter):
    cage.contain()
    before = cage.counters()
    assert cage.caged.tcp(host, 443) == "EPERM"
    assert cage.caged.udp(host, 53, "connect") == "EPERM"
    assert cage.caged.udp(host, 53) == "EPERM"
    if counter != "refuse_unlisted":
        want = {counter: 3}
    elif host.startswith("::ffff:"):  # there the kernel names the destination in every send
        want = {counter: 3, "udp_connects": 1}
    else:  # a resolver binds a UDP socket so, and sends nothing; what is sent is dropped
        want = {counter: 2, "udp_connects": 1, "drop_unlisted": 1}
    assert rose(before, cage.counters()) == want
    shown = host.removeprefix("::ffff:")
    shown = f"[{shown}]" if ":" in shown else shown
    refused = cage.refused()
    assert refused["tcp", f"{shown}:443"]["count"] == 1
    assert refused["udp", f"{shown}:53"]["count"] == 2
    assert cage.heard == []


def test_resolver_learns_its_own_address_without_an_alarm(cage):
    """getaddrinfo connects a UDP socket to each address of an answer, listed or not."""
    cage.contain()
    assert cage.caged(f"kept.setdefault('u', socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) and "
                      f"kept['u'].connect(({OTHER!r}, 443)) or kept['u'].getsockname()[0]") == HERE
    assert cage.refused() == {} and cage.counters()["udp_connects"] == 1
    assert cage.caged("kept['u'].send(b'x')") == "EPERM"
    assert cage.refused()["udp", f"{OTHER}:443"]["packet"] and cage.heard == []


def test_fast_open_is_a_connect_too(cage):
    cage.contain()
    expr = "attempt(socket.AF_INET, socket.SOCK_STREAM, ({!r}, 443), 'fastopen')"
    assert cage.caged(expr.format(OTHER)) == "EPERM"
    cage.upstream(OTHER)
    assert cage.caged(expr.format(OTHER)) in ("ok", "EINPROGRESS")
    assert cage.counters()["allow_upstream"] == 1


@pytest.mark.parametrize("host", [UP, UP6, f"::ffff:{UP}"])
def test_upstream_is_reached_at_its_port_by_tcp_only(cage, host):
    cage.contain()
    cage.upstream(host)
    before = cage.counters()
    assert cage.caged.tcp(host, 443) == "ok"
    assert cage.caged.tcp(host, 444) == "EPERM"
    assert cage.caged.udp(host, 443) == "EPERM"
    assert rose(before, cage.counters()) == {"allow_upstream": 1, "refuse_unlisted": 2}


def test_upstream_whose_time_is_over_is_refused_and_its_connections_go_on(cage):
    cage.contain()
    cage.upstream(UP)
    assert cage.caged(f"kept.setdefault('s', socket.create_connection(({UP!r}, 443), 5)) and 'ok'") == "ok"
    cage.upstream(UP, seconds=0.5)
    wait_for("the entry to end", 10, lambda: cage.caged.tcp(UP, 443) == "EPERM")
    before = cage.counters()
    assert before["refuse_expired"] == 1
    assert cage.caged("kept['s'].sendall(b'still') or kept['s'].recv(9).decode()") == "still"
    assert rose(before, cage.counters()) == {}
    cage.upstream(UP)
    assert cage.caged.tcp(UP, 443) == "ok"


def test_engine_cannot_list_what_is_not_public(cage):
    """Who holds rw_out alone, an engine that was taken over, gets neither inside nor to the metadata."""
    cage.contain()
    for host in (PRIVATE, "127.0.0.1", "169.254.169.254", "fd00:ec2::254"):
        cage.upstream(host)
        assert cage.caged.tcp(host, 443) == "EPERM", host


def test_services_are_roots_to_list(cage):
    cage.contain("--allow", f"{PRIVATE}:443")
    assert cage.caged.tcp(PRIVATE, 443) == "ok"
    assert cage.caged.tcp(PRIVATE, 444) == "EPERM"
    cage.egress("allow", "add", "10.51.0.0/16")
    assert cage.caged.tcp(PRIVATE, 444) == "ECONNREFUSED"
    assert cage.caged.udp(PRIVATE, 53) == "ok"
    cage.egress("allow", "del", "10.51.0.0/16")
    cage.egress("allow", "del", f"{PRIVATE}:443")
    assert cage.caged.tcp(PRIVATE, 443) == "EPERM"
    assert "not listed" in cage.egress("allow", "del", PRIVATE, status=1)


def test_metadata_is_refused_though_listed_but_for_a_name_server(cage):
    """Clouds have their resolver at a metadata address: its port 53 is all that may be had there."""
    cage.contain("--allow", "169.254.0.0/16", "--dns", "169.254.169.254")
    assert cage.caged.tcp("169.254.169.254", 443) == "EPERM"
    assert cage.caged.udp("169.254.169.254", 53) == "ok"
    assert cage.caged.udp("169.254.169.254", 53, "connect") == "ok"
    wait_for("the datagram", 20, lambda: cage.heard == [("169.254.169.254", b"x")] * 2)
    assert cage.caged.udp("169.254.169.254", 80) == "EPERM"


def test_dns_goes_to_its_server_only(cage):
    cage.contain("--dns", UP, "--dns", f"[{UP6}]:53")
    assert cage.caged.udp(UP, 53) == "ok" and cage.caged.udp(UP6, 53) == "ok"
    assert cage.caged.udp(f"::ffff:{UP}", 53) == "ok"
    assert cage.caged.tcp(UP, 53) == "ECONNREFUSED", "a long answer comes by TCP"
    assert cage.caged.udp(OTHER, 53) == "EPERM" and cage.caged.udp(UP, 54) == "EPERM"
    assert cage.counters()["allow_dns"] == 4


def test_dns_auto_takes_the_resolvers_configuration(cage):
    conf = cage.dir / "resolv.conf"
    conf.write_text(f"# nameserver 192.0.2.1\nsearch x\nnameserver {UP}\nnameserver fe80::53%eth0\n")
    cage.run("mount", "--bind", conf, "/etc/resolv.conf")
    cage.egress("attach", "--cgroup", cage.cg)
    rules = {(r["to"], r["why"]) for r in cage.status()["rules"]}
    assert rules == {(f"{UP}:53", "name server"), ("[fe80::53]:53", "name server")}


def test_upstreams_by_address_are_taken_from_the_configuration(cage):
    conf = cage.dir / "c.yaml"
    conf.write_text("listeners: [{address: '127.0.0.1:8443'}]\n"
                    "upstreams: [{name: inner, url: 'https://10.51.0.1:443/v1', key: k},\n"
                    "            {name: outer, url: 'https://api.example.com/v1', key: k}]\n"
                    "models: [{name: m, upstream: inner}, {name: n, upstream: outer}]\n")
    conf.chmod(0o600)
    cage.contain("--config", conf)
    assert [(r["to"], r["why"]) for r in cage.status()["rules"]] == [(f"{PRIVATE}:443", "upstream")]
    assert cage.caged.tcp(PRIVATE, 443) == "ok"
    assert cage.counters()["allow_upstream"] == 1


# --- packets -------------------------------------------------------------------------------------


def v4(to, proto, payload, offset=0):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 7, offset, 64, proto, 0,
                       socket.inet_aton(HERE), socket.inet_aton(to))
    return head + payload


def datagram(port):
    return struct.pack("!HHHH", 5000, port, 8 + 6, 0) + b"escape"


def raw(cage, to, packet):
    return cage.caged(f"attempt(socket.AF_INET, socket.SOCK_RAW, ({to!r}, 0), 'sendto', 255, {packet!r})")


def test_raw_packets_escape_uncontained(cage):
    """The counter-proof: the same packet arrives where nothing stops it."""
    assert raw(cage, OTHER, v4(OTHER, socket.IPPROTO_UDP, datagram(53))) == "ok"
    wait_for("the datagram", 20, lambda: cage.heard == [(OTHER, b"escape")])


@pytest.mark.parametrize("to,packet,counter", [
    (OTHER, v4(OTHER, socket.IPPROTO_UDP, datagram(53)), "drop_unlisted"),
    ("169.254.169.254", v4("169.254.169.254", socket.IPPROTO_UDP, datagram(53)), "drop_metadata"),
    (PRIVATE, v4(PRIVATE, socket.IPPROTO_UDP, datagram(53)), "drop_private"),
    (OTHER, v4(OTHER, 132, b"\0" * 16), "drop_protocol"),
    # the rest of a datagram, of which nobody saw the port
    (UP, v4(UP, socket.IPPROTO_UDP, b"\0" * 16, offset=100), "drop_malformed"),
    (UP, v4(UP, socket.IPPROTO_TCP, b"\1\2"), "drop_malformed"),
], ids=["unlisted", "metadata", "private", "sctp", "fragment", "short"])
def test_backstop_drops_raw_packets(cage, to, packet, counter):
    cage.contain("--dns", UP)
    before = cage.counters()
    assert raw(cage, to, packet) == "EPERM"
    assert rose(before, cage.counters()) == {counter: 1}
    assert any(r["packet"] for r in cage.status()["refused"])
    assert cage.caged.udp(UP, 53) == "ok"  # comes after whatever was under way
    wait_for("the datagram", 20, lambda: (UP, b"x") in cage.heard)
    assert cage.heard == [(UP, b"x")]


def test_backstop_drops_what_hides_its_destination_in_a_routing_header(cage):
    """Raw IPv6 with segment routing: the address in the header is a listed one, the last hop is not."""
    cage.contain("--dns", UP6)
    routing = struct.pack("!BBBBBBH", 17, 2, 4, 0, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, UP6)
    ip = struct.pack("!IHBB", 6 << 28, len(routing) + 14, 43, 64) + \
        socket.inet_pton(socket.AF_INET6, HERE6) + socket.inet_pton(socket.AF_INET6, UP6)
    before = cage.counters()
    assert cage.caged(f"attempt(socket.AF_INET6, socket.SOCK_RAW, ({UP6!r}, 0), 'sendto', 255, "
                       f"{ip + routing + datagram(53)!r})") == "EPERM"
    assert rose(before, cage.counters()) == {"drop_malformed": 1}


def test_ping_is_neither_tcp_nor_udp(cage):
    cage.contain()
    echo = struct.pack("!BBHHH", 8, 0, 0xf7ff, 0, 0)
    assert cage.caged(f"attempt(socket.AF_INET, socket.SOCK_RAW, ({UP!r}, 0), 'sendto', 1, {echo!r})") == "EPERM"
    assert cage.counters()["drop_protocol"] == 1


@pytest.mark.parametrize("host,source", [(HERE, UP), (HERE6, UP6)])
def test_callers_are_answered_though_nobody_may_be_called(cage, host, source):
    """Packets of accepted connections leave by the same cgroup, SYN-ACKs in the listener's name."""
    cage.contain()
    family = "socket.AF_INET6" if ":" in host else "socket.AF_INET"
    cage.caged(f"kept.setdefault('l', socket.create_server(({host!r}, 8443), family={family})) and 1")
    with cage.as_client():
        s = socket.create_connection((host, 8443), 5, source_address=(source, 0))
    with s:
        assert cage.caged("kept.setdefault('c', kept['l'].accept()[0]) and 'ok'") == "ok"
        done = []
        t = threading.Thread(target=lambda: done.append(cage.caged("kept['c'].sendall(bytes(1 << 20)) or 'ok'")))
        t.start()
        n = 0
        while n < 1 << 20:
            part = s.recv(65536)
            assert part
            n += len(part)
        t.join(10)
        assert done == ["ok"]
        assert cage.caged.tcp(source, 443) == "EPERM", "the way back is no way out"
        assert cage.caged(f"attempt({family}, socket.SOCK_STREAM, ({source!r}, {s.getsockname()[1]}))") == "EPERM"
    c = cage.counters()
    assert c["packets"] > 10 and not {k: v for k, v in c.items() if k.startswith("drop") and v}


def test_other_processes_are_not_contained(cage):
    cage.contain()
    with cage.as_gateway():
        socket.create_connection((OTHER, 443), 5).close()
    assert rose({k: 0 for k in cage.counters()}, cage.counters()) == {}


def test_children_and_their_sockets_stay_inside(cage):
    """A cgroup below the contained one, and a socket made before containment began."""
    cage.caged("kept.setdefault('s', socket.socket()) and kept['s'].settimeout(0.5)")
    cage.contain()
    assert cage.caged(f"kept['s'].connect(({OTHER!r}, 443))") == "EPERM"
    below = cage.cg / "below"
    below.mkdir()
    try:
        with Inside(cage.ns_prefix(cage.gw_ns), below) as deeper:
            assert deeper.tcp(OTHER, 443) == "EPERM"
    finally:
        wait_for("it to be empty", 10, lambda: not (below / "cgroup.procs").read_text())
        below.rmdir()


# --- life ----------------------------------------------------------------------------------------


def test_detach_leaves_nothing(cage):
    """Counted by id: other programs and maps of the machine come and go as they please."""
    def pinned(kind, name):
        # bpftool prints a link and then fails, where it cannot say who holds it
        return json.loads(cage.run("bpftool", "-j", kind, "show", "pinned", f"{PINS}/{name}",
                                   check=False).stdout)

    def left():
        return (links & bpf_ids(cage, "link"), programs & bpf_ids(cage, "prog"),
                maps & bpf_ids(cage, "map"))

    cage.contain()
    names = cage.run("ls", PINS).stdout.split()
    held = [pinned("link", n) for n in names if n.endswith("_link")]
    links, programs = {l["id"] for l in held}, {l["prog_id"] for l in held}
    maps = {pinned("map", n)["id"] for n in names if not n.endswith("_link")}
    assert [len(x) for x in left()] == [5, 5, 5]
    cage.egress("detach")
    assert cage.caged.tcp(OTHER, 443) == "ok"
    assert "ringwall" not in cage.run("ls", "/sys/fs/bpf").stdout
    wait_for("links, programs and maps to go", 10, lambda: not any(left()))
    assert "not contained" in cage.egress("detach", status=1)


def test_xdp_and_egress_live_side_by_side_in_either_order(cage):
    xdp = ("kern", "attach", "-i", cage.gw_if, "-p", "8443")
    cage.contain()
    assert "not attached" in cage.rw("kern", "status", status=1)
    cage.rw(*xdp)
    assert "contained: " in cage.rw("kern", "status")
    assert json.loads(cage.rw("kern", "status", "--json"))["egress"]["contained"] is True
    cage.egress("detach")
    assert "not contained" in cage.rw("kern", "status"), "XDP stays"
    cage.contain()
    assert cage.caged.tcp(OTHER, 443) == "EPERM"
    cage.rw("kern", "detach")
    assert "ringwall" not in cage.run("ls", "/sys/fs/bpf").stdout, "kern detach takes all"
    assert cage.caged.tcp(OTHER, 443) == "ok"


def test_attach_that_fails_leaves_the_other_alone(cage):
    """Undone is what it did itself: here a foreign pin stands in its way, late."""
    cage.contain()
    cage.run("bpftool", "map", "create", f"{PINS}/rw_cfg", "type", "array", "key", "4", "value", "4",
             "entries", "1", "name", "foreign")
    assert "rw_cfg" in cage.rw("kern", "attach", "-i", cage.gw_if, "-p", "8443", status=1)
    assert cage.caged.tcp(OTHER, 443) == "EPERM"
    assert cage.status()["alive"]


def test_second_cgroup_is_refused_and_named(cage):
    cage.contain()
    with cgroup() as other:
        assert str(cage.cg) in cage.egress("attach", "--cgroup", other, "--dns", "none", status=1)
    assert cage.caged.tcp(OTHER, 443) == "EPERM"


def test_cgroup_that_goes_is_noticed_and_replaced(cage):
    """A service's cgroup goes when it stops; the next start contains the new one."""
    with cgroup() as first:
        cage.egress("attach", "--cgroup", first, "--dns", "none")
    assert "IT IS GONE" in cage.egress("status", status=1)
    cage.contain()
    assert cage.caged.tcp(OTHER, 443) == "EPERM"


def test_attaching_again_has_no_gap(cage):
    """Each time the new programs stand before the old ones go: no connection gets out between."""
    cage.contain("--allow", f"{UP}:443")
    loop = ("import errno,socket,sys,time\nout = tries = 0\nend = time.monotonic() + 60\n"
            "print('up', flush=True)\n"
            "import select\n"
            "while not select.select([sys.stdin], [], [], 0)[0] and time.monotonic() < end:\n"
            "    with socket.socket() as s:\n"
            "        s.settimeout(5)\n"
            "        tries += 1\n"
            f"        out += s.connect_ex(({OTHER!r}, 443)) != errno.EPERM\n"
            "print(tries, out, flush=True)\n")
    p = subprocess.Popen([*cage.ns_prefix(cage.gw_ns), *into(cage.cg), "python3", "-c", loop], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert p.stdout.readline() == "up\n"
        for i in range(10):
            cage.contain("--allow", f"{UP}:{443 + i}")
        p.stdin.close()
        tries, out = map(int, p.stdout.read().split())
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
    assert tries > 100 and out == 0
    assert [r["to"] for r in cage.status()["rules"]] == [f"{UP}:452"], "the last one's rules"


def test_group_lists_upstreams_and_no_services(cage):
    cage.contain("--group", "daemon")
    assert "refuse_metadata" in cage.egress("status", before=MEMBER)
    assert "not allowed" in cage.egress("allow", "add", PRIVATE, status=77, before=MEMBER)
    cage.egress("detach", status=77, before=MEMBER)
    modes = cage.run("stat", "-c", "%n %a %G", *(f"{PINS}/{n}" for n in (
        "rw_out", "rw_out_net", "rw_out_meta", "rw_out_stats", "rw_out_refused", "rw_connect4_link"))).stdout
    assert [l.split()[1:] for l in modes.splitlines()] == [
        ["660", "daemon"], *[["640", "daemon"]] * 4, ["600", "root"]]
    stranger = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all"]
    cage.egress("status", status=77, before=stranger)


@pytest.mark.parametrize("args,words", [
    (("--cgroup", "/nonesuch"), "cannot open cgroup /nonesuch"),
    (("--cgroup", "/proc"), "not in a cgroup v2"),
    (("--cgroup", "/proc", "--allow", "10.0.0.1:0"), "the port is a number"),
    (("--cgroup", "/proc", "--allow", "10.0.0.1/8"), "bits beyond its length"),
    (("--cgroup", "/proc", "--dns", "ns.example.com"), "not an IP address"),
    ((), "--cgroup PATH is needed"),
])
def test_wrong_arguments_are_explained(cage, args, words):
    text = cage.run(cage.ringwall, "kern", "egress", "attach", *args, check=False).stderr
    assert words in text
    assert "ringwall" not in cage.run("ls", "/sys/fs/bpf").stdout


def test_pins_of_another_layout_are_refused_in_words_and_replaced(cage):
    cage.contain()
    meta = b"ringwall" + struct.pack("=IIQQ", 1, 0, 12345, 1) + b"9.9.9".ljust(16, b"\0") + bytes(208)
    cage.run("bpftool", "map", "update", "pinned", f"{PINS}/rw_out_meta", "key", "0", "0", "0", "0", "value", *meta)
    assert "9.9.9" in cage.egress("status", status=1)
    cage.contain()
    assert cage.status()["alive"]


def test_maps_are_readable_with_bpftool_alone(cage):
    cage.contain("--allow", f"{PRIVATE}:443")
    cage.upstream(UP)
    cage.caged.tcp(OTHER, 443)

    def dump(name):
        return cage.run("bpftool", "map", "dump", "pinned", f"{PINS}/{name}").stdout
    assert '"addr": [0,0,0,0,0,0,0,0,0,0,255,255,198,51,100,1' in dump("rw_out") and '"test' in dump("rw_out")
    assert '"why": "RW_KERN_OUT_SERVICE"' in dump("rw_out_net") and '"port": 443' in dump("rw_out_net")
    assert '"reason": "RW_KERN_OUT_UNLISTED"' in dump("rw_out_refused")
    assert '"refuse_unlisted": 1' in dump("rw_out_stats")
