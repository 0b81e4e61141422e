# SPDX-License-Identifier: Apache-2.0
"""Behind a load balancer: the audit log and rates see the caller, and only balancers are believed."""

import socket
import ssl
import struct

import pytest
from world import GATEWAY, PORT, World, wait_for

PASSES_ON, WRITES = "10.77.0.3", "10.77.0.4"  # addresses of the client's namespace
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def proxied(source, port=4711):
    """A PROXY header of version 2: TCP over IPv4."""
    return (SIGNATURE + b"\x21\x11\x00\x0c" + socket.inet_aton(source) + socket.inet_aton(GATEWAY)
            + struct.pack("!HH", port, PORT))


LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


@pytest.fixture(scope="module")
def world(ringwall, flavour):
    with World(ringwall, flavour, kernel=False,
               listeners=[{"address": f"{GATEWAY}:{PORT}", "tls": "self-signed", "proxy_protocol": True},
                          {"address": f"{GATEWAY}:{PORT + 1}", "tls": "off", "plain_anywhere": True}],
               balancers=[{"prefix": PASSES_ON}, {"prefix": WRITES, "forwarded_for": True}],
               limits={"key_rate": {"per_minute": 0, "burst": 1}, "address_rate": {"per_minute": 60, "burst": 60}}) as w:
        yield w


def request(world, path="/v1/models", **fields):
    lines = [f"GET {path} HTTP/1.1", "Host: gw", f"Authorization: Bearer {world.key}", "Connection: close",
             *(f"{k.replace('_', '-')}: {v}" for k, v in fields.items())]
    return "".join(l + "\r\n" for l in [*lines, ""]).encode()


def answer(s):
    got = b""
    try:
        while part := s.recv(65536):
            got += part
    except (ConnectionResetError, ssl.SSLError):
        pass
    return got


def over_tls(world, header, data, source=PASSES_ON, at_once=True):
    """header, TLS and data as a balancer sends them: the header in one segment with the ClientHello, or byte by byte."""
    ctx = ssl.create_default_context()
    ctx.check_hostname, ctx.verify_mode = False, ssl.CERT_NONE
    inside, outside = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(inside, outside)
    with world.as_client(), socket.socket() as s:
        s.settimeout(10)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.bind((source, 0))
        s.connect((GATEWAY, PORT))
        if not at_once:
            for byte in header:
                s.sendall(bytes([byte]))
            header = b""

        def pump(step):
            nonlocal header
            while True:
                try:
                    done, want = step(), False
                except ssl.SSLWantReadError:
                    done, want = None, True
                if out := header + outside.read():
                    s.sendall(out)
                    header = b""
                if not want:
                    return done
                if not (part := s.recv(65536)):
                    return None
                inside.write(part)

        try:
            pump(tls.do_handshake)
            if not tls.version():
                return b""
            pump(lambda: tls.write(data))
            got = b""
            while part := pump(lambda: tls.read(65536)):
                got += part
            return got
        except (ConnectionResetError, ssl.SSLError):
            return b""


def plain(world, data, source):
    with world.as_client(), socket.socket() as s:
        s.settimeout(10)
        s.bind((source, 0))
        s.connect((GATEWAY, PORT + 1))
        s.sendall(data)
        return answer(s)


def audited(world, mark):
    """The peer of the request whose path ends in mark."""
    return wait_for(f"the audit record of {mark}", 5, lambda: next(
        (r["peer"] for r in world.audit() if r["path"].endswith(mark)), None))


@pytest.mark.parametrize("at_once", [True, False], ids=["in one segment", "byte by byte"])
def test_caller_named_by_a_proxy_header_is_audited(world, at_once):
    mark = f"p{at_once}"
    got = over_tls(world, proxied("203.0.113.9"), request(world, f"/v1/{mark}"), at_once=at_once)
    assert got.startswith(b"HTTP/1.1 404")
    assert audited(world, mark) == "203.0.113.9"


def test_balancers_own_connection_is_its_own(world):
    got = over_tls(world, LOCAL, request(world, "/v1/local"))
    assert got.startswith(b"HTTP/1.1 404") and audited(world, "local") == PASSES_ON


def test_strangers_and_connections_without_a_header_are_closed(world):
    before = world.metrics()["ringwall_proxy_strangers_total"]
    assert over_tls(world, proxied("203.0.113.9"), request(world), source="10.77.0.5") == b""
    assert world.metrics()["ringwall_proxy_strangers_total"] == before + 1
    assert over_tls(world, b"", request(world)) == b""
    assert over_tls(world, b"PROXY TCP4 203.0.113.9 10.77.0.1 1 2\r\n", request(world)) == b""


def test_forwarded_for_is_believed_of_whom_writes_it(world):
    for mark, source, want in [("xw", WRITES, "203.0.113.9"), ("xp", PASSES_ON, PASSES_ON), ("xs", "10.77.0.5", "10.77.0.5")]:
        got = plain(world, request(world, f"/v1/{mark}", X_Forwarded_For="6.6.6.6, 203.0.113.9"), source)
        assert got.startswith(b"HTTP/1.1 404")
        assert audited(world, mark) == want


def test_rate_is_each_callers_own(world):
    """60 requests of one caller spend his minute; another's, over the same balancer, is whole."""
    many = b"".join(request(world, X_Forwarded_For="198.51.100.1").replace(b"Connection: close\r\n", b"") for _ in range(70))
    last = request(world, X_Forwarded_For="198.51.100.1")
    got = plain(world, many + last, WRITES)
    assert 0 < got.count(b"HTTP/1.1 429") < 71
    assert plain(world, request(world, X_Forwarded_For="198.51.100.2"), WRITES).startswith(b"HTTP/1.1 200")
    assert plain(world, last, WRITES).startswith(b"HTTP/1.1 429")


def test_listener_for_balancers_wants_some(world):
    bad = world.dir / "bad.yaml"
    bad.write_text("listeners: [{address: '127.0.0.1:1', proxy_protocol: true}]\nupstreams: [{name: u, url: 'http://127.0.0.1:2'}]\n"
                   "models: [{name: '*', upstream: u}]\n")
    p = world.run(world.ringwall, "check", "-c", bad, check=False)
    assert p.returncode != 0 and "listeners[0].proxy_protocol" in p.stderr and "none under balancers" in p.stderr
