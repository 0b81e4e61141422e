# SPDX-License-Identifier: Apache-2.0
"""What a client can do wrong in a handshake, byte by byte, against the whole gateway: the right alert where one can be
sent, the end of the connection, and nobody else notices. After a handshake: tests/unit/tls/test_aead.c."""

import socket
import ssl
import time

import pytest
from world import GATEWAY, PORT, World, wait_for

ALERT, HANDSHAKE, DATA, CCS = 21, 22, 23, 20
UNEXPECTED, BAD_MAC, OVERFLOW, ILLEGAL, DECODE, VERSION = 10, 20, 22, 47, 50, 70
SAY = {"model": "stub", "messages": [{"role": "user", "content": "Hello."}]}


@pytest.fixture(scope="module")
def w(ringwall, flavour):
    """One stream runs over all of it."""
    with World(ringwall, flavour, kernel=False, strikes={"threshold": 1000000}) as world:
        with world.as_client(), world.openai(timeout=600) as c:
            stream = c.chat.completions.create(**SAY, stream=True, extra_headers={
                "x-stub-delay-ms": "50", "x-stub-answer": "word " * 400 + "end"})
            yield world
            text = "".join(p.choices[0].delta.content or "" for p in stream if p.choices)
            assert text == "word " * 400 + "end"


def hello(version=ssl.TLSVersion.TLSv1_3):
    """The body of OpenSSL's ClientHello, without record header."""
    out = ssl.MemoryBIO()
    ctx = ssl.create_default_context()
    ctx.maximum_version = version
    with pytest.raises(ssl.SSLWantReadError):
        ctx.wrap_bio(ssl.MemoryBIO(), out, server_hostname="gateway.test").do_handshake()
    return out.read()[5:]


def record(kind, body, version=0x0301):
    return bytes([kind]) + version.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body


def padded(body, n):
    """The same ClientHello with n bytes of padding (RFC 7685) more."""
    at = 4 + 2 + 32
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    extensions = body[at + 2:] + b"\x00\x15" + n.to_bytes(2, "big") + bytes(n)
    body = body[4:at] + len(extensions).to_bytes(2, "big") + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


class Talk:
    def __init__(self, *parts, wait=None):
        """Sends parts one by one; wait: until that many bytes came back before the last one."""
        self.s = socket.create_connection((GATEWAY, PORT), timeout=20)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""
        try:
            for i, part in enumerate(parts):
                while wait and i == len(parts) - 1 and len(self.got) < wait:
                    self.got += self.s.recv(65536)
                self.s.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def until_closed(self):
        try:
            while part := self.s.recv(65536):
                self.got += part
        except ConnectionResetError:
            pass
        self.s.close()
        return self.got

    def until(self, n):
        while len(self.got) < n and (part := self.s.recv(65536)):
            self.got += part
        self.s.close()
        return self.got


def told(got):
    """The alert at the end of what came in the clear; None: none."""
    last = None
    while len(got) >= 5:
        n = int.from_bytes(got[3:5], "big")
        last, got = (got[0], got[5:5 + n]), got[5 + n:]
    return last[1][1] if last and last[0] == ALERT and len(last[1]) == 2 else None


def refused(w, *parts, alert, **kw):
    failed = w.metrics()["ringwall_tls_handshakes_failed_total"]
    with w.as_client():
        assert told(Talk(*parts, **kw).until_closed()) == alert
    wait_for("it to be counted", 10, lambda: w.metrics()["ringwall_tls_handshakes_failed_total"] == failed + 1)
    wait_for("its end", 10, lambda: w.metrics()["ringwall_tls_handshaking"] == 0)


FIRST = {
    "a record that is too long": (bytes([HANDSHAKE, 3, 1, 0x48, 1]), OVERFLOW),
    "data": (record(DATA, b"hello"), UNEXPECTED),
    "a heartbeat": (record(24, b"\x01\x00\x04abcd"), UNEXPECTED),
    "no type at all": (record(99, b"hello"), UNEXPECTED),
    "Finished": (record(HANDSHAKE, b"\x14\x00\x00\x0c" + bytes(12)), UNEXPECTED),
    "KeyUpdate": (record(HANDSHAKE, b"\x18\x00\x00\x01\x00"), UNEXPECTED),
    "a ServerHello": (record(HANDSHAKE, b"\x02\x00\x00\x02\x03\x03"), UNEXPECTED),
    "a message that is too long": (record(HANDSHAKE, b"\x01\x10\x00\x00" + bytes(100)), ILLEGAL),
    "a ClientHello without an end": (record(HANDSHAKE, b"\x01\x00\x00\x04" + bytes(4)), DECODE),
    "TLS 1.0": (record(HANDSHAKE, b"\x01\x00\x00\x2b\x03\x01" + bytes(32) + b"\x00\x00\x02\x00\x2f\x01\x00" + b"\x00\x00"), VERSION),
}


@pytest.mark.parametrize("name", FIRST)
def test_what_no_handshake_begins_with(w, name):
    data, alert = FIRST[name]
    refused(w, data, alert=alert)


@pytest.mark.parametrize("name", FIRST)
def test_the_same_in_pieces_of_one_byte(w, name):
    data, alert = FIRST[name]
    refused(w, *(data[i:i + 1] for i in range(len(data))), alert=alert)


def test_a_flood_of_empty_records(w):
    """Each costs us and brings nothing: no more of them than a few."""
    refused(w, record(HANDSHAKE, b"") * 1000, alert=UNEXPECTED)
    body = hello()
    refused(w, record(HANDSHAKE, body[:50]), record(HANDSHAKE, b"") * 1000, alert=UNEXPECTED)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_hello_in_records_of_few_bytes_is_answered(w, size):
    body = hello()
    data = b"".join(record(HANDSHAKE, body[i:i + size]) for i in range(0, len(body), size))
    with w.as_client():
        got = Talk(data).until(6)
        assert got[0] == HANDSHAKE and got[5] == 2  # ServerHello
        got = Talk(*(data[i:i + 1] for i in range(len(data)))).until(6)
        assert got[0] == HANDSHAKE and got[5] == 2


@pytest.mark.parametrize("size", [17_000, 60_000])
def test_a_hello_that_is_larger_than_a_record_is_answered(w, size):
    body = padded(hello(), size)
    with w.as_client():
        got = Talk(*(record(HANDSHAKE, body[i:i + 16384]) for i in range(0, len(body), 16384))).until(6)
    assert got[0] == HANDSHAKE and got[5] == 2


def test_other_messages_within_a_hello(w):
    body = hello()
    for kind, text in ((DATA, b"hello"), (CCS, b"\x01"), (ALERT, b"\x02\x28\x00")):
        refused(w, record(HANDSHAKE, body[:50]), record(kind, text), record(HANDSHAKE, body[50:]), alert=UNEXPECTED)


def closed_quietly(w, *parts, **kw):
    with w.as_client():
        t = Talk(*parts, **kw)
        began = time.monotonic()
        got = t.until_closed()
    assert time.monotonic() - began < 5, "it did not wait for the handshake's deadline"
    wait_for("its end", 10, lambda: w.metrics()["ringwall_tls_handshaking"] == 0)
    return got


@pytest.mark.parametrize("alert", [0, 40, 42, 80], ids=["close_notify", "handshake_failure", "bad_certificate", "internal_error"])
def test_an_alert_at_every_state_ends_it(w, alert):
    """Fatal ones, and close_notify: before, within and behind the hello. Where none can be, it is an unexpected message."""
    body = hello()
    last = record(ALERT, bytes([1 if alert == 0 else 2, alert]))
    for before in ([], [record(HANDSHAKE, body[:50])]):
        assert told(closed_quietly(w, *before, last)) == UNEXPECTED
    got = closed_quietly(w, record(HANDSHAKE, body), last, wait=100)
    assert got[0] == HANDSHAKE and told(got) in (None, UNEXPECTED)


def test_a_finished_that_cannot_be_opened(w):
    """Of TLS 1.3 the alert is sealed, of 1.2 it is not."""
    for version, n in ((ssl.TLSVersion.TLSv1_3, 1), (ssl.TLSVersion.TLSv1_2, 1)):
        junk = record(DATA, bytes(40), 0x0303)
        got = closed_quietly(w, record(HANDSHAKE, hello(version)), junk, wait=100)
        assert got[0] == HANDSHAKE and got[5] == 2
        if version == ssl.TLSVersion.TLSv1_2:
            assert told(got) == UNEXPECTED
        else:
            assert got[-24:][0] == DATA and len(got) > 100, "a sealed alert is 24 bytes"


@pytest.mark.parametrize("n", [0, 3, 5, 50])
def test_a_client_that_stops_within_the_hello(w, n):
    data = record(HANDSHAKE, hello())[:n]
    with w.as_client():
        t = Talk(data)
        t.s.shutdown(socket.SHUT_WR)
        assert t.until_closed() == b""
    wait_for("its end", 10, lambda: w.metrics()["ringwall_tls_handshaking"] == 0)


def test_a_truncated_close_after_the_handshake(w):
    """FIN without close_notify within a request's body: the request is not taken for whole."""
    with w.as_client():
        s = socket.create_connection((GATEWAY, PORT), timeout=20)
        t = ssl.create_default_context(cafile=w.ca).wrap_socket(s, server_hostname=GATEWAY)
        seen = w.stub_stats()
        t.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {w.key}\r\nContent-Type: "
                  "application/json\r\nContent-Length: 100\r\n\r\n{".encode())
        socket.socket(fileno=t.detach()).close()
    wait_for("the record", 10, lambda: [r for r in w.audit() if r["reason"] == "client_gone"])
    assert w.stub_stats() == seen, "nothing of it went on"
