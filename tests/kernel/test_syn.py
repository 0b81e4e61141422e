# SPDX-License-Identifier: Apache-2.0
"""SYN cookies on real traffic: clients that connect through them, ACKs that are forged, floods."""

import contextlib
import json
import random
import socket
import struct
import threading
import time

import pytest
from cookienet import ACK, SYN, Blast, CookieNet, tcp
from veth import PINS, echoes
from world import GATEWAY, GATEWAY6, PORT, World, wait_for

@pytest.fixture
def net(ringwall, flavour):
    with CookieNet(ringwall, flavour) as n:
        yield n


@pytest.fixture
def cookies(net):
    net.attach("--syn-budget", "1")
    net.spend_budget()
    return net


# --- connections -----------------------------------------------------------------------------------

PAIRS = [("10.77.0.4", GATEWAY), ("fd77:4::2", GATEWAY6)]
WORDS = ("ts", "sack", "wscale", "ecn")


def told(net, s):
    """What `ss` tells of a connection at both its ends."""
    out = []
    port = s.getsockname()[1]
    for ns, side in ((net.gw_ns, "dport"), (net.cl_ns, "sport")):
        words = net.in_ns(ns, "ss", "-Htino", "state", "established", f"( {side} = :{port} )").stdout.split()
        out.append({w.split(":")[0]: w for w in words if w.startswith(WORDS)})
    return out


@pytest.mark.parametrize("source,host", PAIRS)
@pytest.mark.parametrize("mode,ecn", [("native", "2"), ("native", "1"), ("tcx", "1"), ("generic", "1")])
def test_connection_by_cookie_is_as_good_as_any(net, source, host, mode, ecn):
    """Window scaling, SACK, timestamps and ECN survive; a megabyte goes both ways."""
    net.in_ns(net.cl_ns, "sysctl", "-qw", f"net.ipv4.tcp_ecn={ecn}")
    net.in_ns(net.cl_ns, "ethtool", "-K", net.cl_if, "tx", "off")  # real checksums on the wire
    with net.connect(source, host, seconds=20) as s:
        assert echoes(s, b"hello")
        plain = told(net, s)
    net.attach("--syn-budget", "1", "--mode", mode)
    net.spend_budget()
    with net.connect(source, host, seconds=20) as s:
        assert echoes(s, bytes(range(256)) * 4096)
        assert told(net, s) == plain
    assert set(plain[0]) >= {"ts", "sack", "wscale"} and ("ecn" in plain[0]) == (ecn == "1")
    c, tcp_counts = net.counters(), net.nstat()
    assert c["cookie_accepted"] == 1 and c["cookie_refused"] == c["cookie_failed"] == 0
    assert tcp_counts["SyncookiesSent"] == 0 and tcp_counts["InCsumErrors"] == 0
    assert net.nstat(net.cl_ns)["InCsumErrors"] == 0


@pytest.mark.parametrize("source,host", PAIRS)
@pytest.mark.parametrize("where", ["cl_ns", "gw_ns"])
@pytest.mark.parametrize("off", ["tcp_timestamps", "tcp_sack", "tcp_window_scaling"])
def test_options_that_one_side_does_without(net, source, host, where, off):
    """The kernel refuses a cookie with an option that a sysctl forbids: it must not be offered."""
    net.in_ns(getattr(net, where), "sysctl", "-qw", f"net.ipv4.{off}=0")
    net.attach("--syn-budget", "1")
    net.spend_budget()
    with net.connect(source, host, seconds=20) as s:
        assert echoes(s, bytes(range(256)) * 256)
        gone = {"tcp_timestamps": WORDS, "tcp_sack": ["sack"], "tcp_window_scaling": ["wscale"]}[off]
        assert not any(word in side for side in told(net, s) for word in gone)
    assert net.counters()["cookie_accepted"] == 1


def test_data_in_place_of_a_lost_ack_connects(cookies):
    """By hand, in frames with a priority tag, which the answer has, too."""
    tag, here = b"\x81\x00\xe0\x00", ("10.77.0.200", GATEWAY, 4321, PORT)
    with cookies.raw_socket() as s:
        answer, tci = cookies.ask(s, tcp(*here, 1000, 0, SYN), tag)
        seq, ack = struct.unpack("!II", answer[24:32])
        assert ack == 1001 and tci == 0xe000
        s.send(cookies.frame(tcp(*here, 1001, seq + 1, ACK, payload=b"hello"), tag))
        wait_for("the connection", 20, lambda: "10.77.0.200:4321" in cookies.run(
            "ss", "-Htn", "state", "established", f"( sport = :{PORT} )").stdout)
    assert cookies.counters()["cookie_accepted"] == 1


# --- forgeries --------------------------------------------------------------------------------------


def test_forged_acks_make_no_socket_and_get_no_answer(cookies):
    rng = random.Random(1)
    with cookies.raw_socket() as s:
        for i in range(2000):
            v6 = i % 2
            src, dst = ("fd77:8::99", GATEWAY6) if v6 else ("10.77.0.99", GATEWAY)
            s.send(cookies.frame(tcp(src, dst, 1024 + i, PORT, rng.getrandbits(32),
                                     rng.getrandbits(32), ACK, payload=b"GET / HTTP/1.1\r\n" * (i % 3))))
    wait_for("all of them", 10, lambda: cookies.counters()["cookie_refused"] >= 2000)
    assert cookies.counters()["cookie_accepted"] == 0
    assert cookies.nstat()["OutRsts"] == 0
    assert "::99" not in (seen := cookies.run("ss", "-Htan").stdout) and "10.77.0.99" not in seen


def test_cookie_of_another_is_refused(cookies):
    """One client's cookie, sent by its neighbour in the same /64, and from a /64 beside."""
    def ack(source):
        s.send(cookies.frame(tcp(source, GATEWAY6, 4321, PORT, 1001, seq + 1, ACK)))

    with cookies.raw_socket() as s:
        answer, _ = cookies.ask(s, tcp("fd77:8::98", GATEWAY6, 4321, PORT, 1000, 0, SYN))
        seq = struct.unpack("!I", answer[44:48])[0]
        ack("fd77:8::99")
        ack("fd77:9::98")
        wait_for("both", 20, lambda: cookies.counters()["cookie_refused"] == 2)
        ack("fd77:8::98")
        wait_for("its own", 20, lambda: cookies.counters()["cookie_accepted"] == 1)


def test_connections_from_before_outlive_a_flood_of_forgeries(net):
    """Their packets are never taken for cookies; and who has none gets RST again afterwards."""
    net.attach("--syn-budget", "1")
    with net.connect("10.77.0.4") as s:
        net.spend_budget()
        assert echoes(s, bytes(1 << 20))
    assert net.counters()["cookie_refused"] == 0


def test_banned_source_gets_no_cookie(cookies):
    cookies.rw("deny", "add", "10.77.0.3")
    assert not cookies.can_connect("10.77.0.3")
    assert cookies.counters()["drop_denied"] > 0
    cookies.spend_budget()  # SYNs pass two seconds after it was spent: the refusal may have taken them
    assert cookies.can_connect("10.77.0.4")
    assert cookies.counters()["cookie_accepted"] == 1


# --- floods -------------------------------------------------------------------------------------------

BACKLOG, HONEST, FRAMES, FLOOD_S = 64, 200, 1 << 14, 240


def spoofed_syns(net):
    """SYNs of as many sources: IPv4, IPv6, tagged, with extension headers."""
    rng = random.Random(2)
    frames = []
    for i in range(FRAMES):
        options = bytes.fromhex("020405b40402080a01020304000000000103030a")
        port, seq = rng.randrange(1024, 65536), rng.getrandbits(32)
        if i % 2:
            src = f"2001:db8:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{i:x}"
            p = tcp(src, GATEWAY6, port, PORT, seq, 0, SYN, options)
        else:
            src = f"{rng.randrange(11, 100)}.{rng.getrandbits(8)}.{rng.getrandbits(8)}.{rng.randrange(1, 255)}"
            p = tcp(src, GATEWAY, port, PORT, seq, 0, SYN, options)
        if i % 4 == 3:  # a destination option of padding before TCP
            p = p[:4] + struct.pack("!HB", len(p) - 40 + 8, 60) + p[7:40] + bytes([6, 0, 1, 4, 0, 0, 0, 0]) + p[40:]
        frames.append(net.frame(p, b"\x81\x00\x00\x00" if i % 8 < 3 else b""))
    return frames


class Flood(threading.Thread):
    """
    The same spoofed SYNs as fast as they go, until it is ended. Its bound is a time: a count is spent
    the sooner the faster the machine is, and may be before the clients are done.
    """

    def __init__(self, net):
        super().__init__(daemon=True)
        self.sock = net.raw_socket()
        self.blast = Blast(self.sock, spoofed_syns(net))
        self.sent, self.seconds, self.over = 0, 0, threading.Event()

    def run(self):
        began = time.monotonic()
        while not self.over.is_set() and time.monotonic() < began + FLOOD_S:
            self.sent += self.blast.once(began + FLOOD_S)
        self.seconds = time.monotonic() - began

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        self.sock.close()


def small_listener(net, host):
    """An echo server whose listen queue holds few."""
    with net.as_gateway():
        server = socket.create_server((host, PORT), backlog=BACKLOG, reuse_port=True,
                                      family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    net.stack.callback(server.close)
    net.stack.callback(server.shutdown, socket.SHUT_RDWR)
    threading.Thread(target=net.serve, args=(server,), daemon=True).start()


class SmallNet(CookieNet):
    def echo(self, host):
        small_listener(self, host)


@pytest.fixture
def small(ringwall, flavour):
    with SmallNet(ringwall, flavour) as n:
        yield n


def honest_clients(net, seconds, flood, watch):
    """
    How many of HONEST connections, one after the other, were made and carried data, each within seconds.
    The rest is not tried when nobody gets in, or the flood is over.
    """
    good = 0
    for i in range(HONEST):
        source, host = PAIRS[i % 2] if i % 4 < 2 else (f"10.77.0.{2 + i % 8}", GATEWAY)
        s = net.connect(source, host, seconds=seconds)
        if s:
            with s, contextlib.suppress(TimeoutError):
                good += echoes(s, b"x" * 1000)
        watch(i)
        if i == 5 and not good or not flood.is_alive():
            break
    return good


def test_flood_of_spoofed_syns(small):
    small.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=1", "net.ipv4.tcp_max_syn_backlog=128")
    small.attach("--syn-budget", "32")
    queues = []

    def watch(i):
        if i % 20 == 0:
            queues.append(len(small.run("ss", "-Htn", "state", "syn-recv").stdout.splitlines()))
            for line in small.run("ss", "-Hltn", f"( sport = :{PORT} )").stdout.splitlines():
                queues.append(int(line.split()[1]))

    with Flood(small) as flood:
        wait_for("the flood", 10, lambda: flood.sent)
        good = honest_clients(small, 10, flood, watch)
        assert flood.is_alive(), "it went on to the end"
    c, tcp_counts = small.counters(), small.nstat()
    print(f"{flood.sent} SYNs in {flood.seconds:.2f} s, {flood.sent / flood.seconds / 1000:.0f} k/s; "
          f"{good} of {HONEST} connected; queues at most {max(queues)}; {c['tx_cookie']} cookies")
    assert good >= HONEST * 0.99
    assert max(queues) <= BACKLOG
    assert tcp_counts["SyncookiesSent"] == tcp_counts["ListenOverflows"] == 0
    assert c["cookie_accepted"] >= HONEST * 0.9 and c["cookie_failed"] == 0
    assert c["tx_cookie"] > flood.sent * 0.9, "a tag, an option or a header was a way round"


def test_same_flood_without_cookies_locks_clients_out(small):
    """What the test above would see if it tested nothing."""
    small.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=0", "net.ipv4.tcp_max_syn_backlog=128")
    small.attach()
    with Flood(small) as flood:
        wait_for("the flood", 10, lambda: flood.sent)
        good = honest_clients(small, 1, flood, lambda i: None)
    print(f"{flood.sent} SYNs in {flood.seconds:.2f} s; {good} connected")
    assert good < HONEST * 0.5


def test_cookies_end_with_the_flood(net):
    """The budget is not a switch: when SYNs are few again, they are the stack's."""
    net.attach("--syn-budget", "5")
    net.spend_budget(64)
    assert net.can_connect("10.77.0.4")
    assert net.counters()["cookie_accepted"] == 1

    def passes():
        before = net.counters()["tx_cookie"]
        return net.can_connect("10.77.0.4") and net.counters()["tx_cookie"] == before

    wait_for("a SYN to pass", 20, passes, every=0.4)


# --- a gateway behind it --------------------------------------------------------------------------


class Whole(CookieNet):
    """The engine in place of an echo server: listeners per worker, chosen by rw_steer."""

    __enter__, __exit__ = World.__enter__, World.__exit__

    def attach(self):
        super().attach("--syn-budget", "1")
        self.attached = True


def test_gateway_serves_clients_that_came_with_cookies(ringwall, flavour):
    """The listener that a cookie's socket look-up finds is any of them: rw_steer still decides."""
    ask = f"GET /v1/models HTTP/1.1\r\nHost: {GATEWAY}\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
    with Whole(ringwall, flavour) as w:
        for _ in range(12):
            w.spend_budget()
            with w.as_client():
                assert w.raw((ask % w.key).encode(), source="10.77.0.4").startswith(b"HTTP/1.1 200")
        c = w.counters()
        assert c["cookie_accepted"] == 12 and c["cookie_failed"] == c["cookie_refused"] == 0
        assert c["steer_chosen"] >= 12


# --- life -------------------------------------------------------------------------------------------


def test_kernel_without_cookies_is_explained(net):
    net.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=0")
    text = net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--syn-budget", "100", status=1)
    assert "tcp_syncookies is 0" in text and "without --syn-budget" in text
    assert "ringwall" not in net.pins()
    net.attach()


def tcx_programs(net):
    shown = json.loads(net.run("bpftool", "-j", "net", "show").stdout)
    return [p["name"] for part in shown for p in part.get("tc", [])]


def test_attach_and_detach_with_a_budget(net):
    net.attach("--syn-budget", "1000")
    assert tcx_programs(net) == ["rw_syn"]
    assert "1000 per second of all sources" in net.rw("kern", "status")
    assert net.status()["syn_budget"] == 1000
    modes = net.run("stat", "-c", "%a", f"{PINS}/rw_syn_key", f"{PINS}/rw_syn_link").stdout.split()
    assert modes == ["600", "600"]
    key = json.loads(net.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_syn_key").stdout)
    assert all(key[0]["formatted"]["value"]["key"]), "it is a random one"
    assert "without a SYN budget" not in net.rw("kern", "set", "--syn-budget", "0")
    net.spend_budget()
    assert net.counters()["tx_cookie"] == 0, "0 is none"
    net.rw("kern", "set", "--syn-budget", "1")
    net.spend_budget()
    assert net.can_connect("10.77.0.4") and net.counters()["cookie_accepted"] == 1
    net.rw("kern", "detach")
    wait_for("rw_syn to go", 10, lambda: not tcx_programs(net))
    assert "ringwall" not in net.pins()
    net.attach()
    assert tcx_programs(net) == [] and net.status()["syn_budget"] == 0
    assert "attach with --syn-budget" in net.rw("kern", "set", "--syn-budget", "5", status=1)


def test_upgrade_keeps_cookies_that_are_out(cookies):
    """The key stays, and rw_syn with it: who was answered by the old program connects with the new."""
    here = ("10.77.0.200", GATEWAY, 4321, PORT)
    with cookies.raw_socket() as s:
        answer, _ = cookies.ask(s, tcp(*here, 1000, 0, SYN))
        cookies.rw("kern", "upgrade")
        seq = struct.unpack("!I", answer[24:28])[0]
        s.send(cookies.frame(tcp(*here, 1001, seq + 1, ACK)))
        wait_for("the connection", 20, lambda: cookies.counters()["cookie_accepted"] == 1)
    cookies.spend_budget()
    assert cookies.can_connect("10.77.0.4") and cookies.counters()["cookie_accepted"] == 2
