# SPDX-License-Identifier: Apache-2.0
"""Answers that nobody reads go from one connection to the other inside the kernel. The same tests as with records of
ours, which come with their names, and what can only happen here."""

import os
import pathlib
import ssl
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))
import test_passed  # noqa: E402
from provider import body_of  # noqa: E402
from test_ktls_gateway import KtlsWorld, rekeys  # noqa: E402
from test_passed import (SHAPES, test_a_body_that_is_cut_does_not_look_whole,  # noqa: E402,F401
                         test_a_client_that_does_not_read_holds_the_provider_up, test_a_client_that_goes_cancels,
                         test_other_models_are_guarded_still)
from world import STUB_PORT, wait_for  # noqa: E402

PIPES = 64  # of a worker


class Spliced(test_passed.Passing, KtlsWorld):
    ktls = "on"


@pytest.fixture(scope="module")
def w(ringwall, flavour):
    with Spliced(ringwall, flavour, kernel=False, workers=1) as world:
        yield world


def spliced(w):
    return w.metrics()["ringwall_spliced_bytes_total"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2], ids=["1.3", "1.2"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_body_arrives_as_it_is(w, shape, version):
    """What is long went through the kernel, but for what had come before the receiver was at rest: in small pieces that
    may be all."""
    long = shape["n"] if "chunks" not in shape else sum(n for n in shape["chunks"] if n >= 1 << 16)
    with w.as_client():
        c = w.connect(version)
        w.ask(c, n=0).read()  # while both connections come to rest, and to the kernel
        for _ in range(2):
            before = spliced(w)
            a = w.ask(c, **shape)
            assert a.status == 200 and a.read() == body_of(shape["n"])
            r = w.audit(a.headers["x-ringwall-request-id"])
            assert r["answer_bytes"] == shape["n"] and r["completed"] and r["tls_backend"] == "ktls"
            way = spliced(w) - before
            assert way <= long and (way or long < 1 << 20), (way, long)
        c.close()
    assert w.tls_stat()["TlsDecryptError"] == 0


def test_more_bodies_than_pipes(w):
    """Those beyond go through userspace, and nothing is left of any."""
    def descriptors():
        return len(os.listdir(f"/proc/{w.gateway.p.pid}/fd"))

    n, many = 600_000, PIPES + 6  # all of it may be on the way at once, and a small machine has little memory for TCP
    with w.as_client():
        before, start = spliced(w), descriptors()
        conns = [w.connect() for _ in range(many)]
        for a in [w.ask(c, n=0) for c in conns]:
            a.read()
        answers = [w.ask(c, n=n) for c in conns]
        assert descriptors() <= start + 2 * many + 2 * PIPES
        for a in answers:
            assert a.read() == body_of(n)
        assert spliced(w) - before > n
        for c in conns:
            c.close()
    wait_for("the connections to be gone", 60, lambda: descriptors() <= start + many + 2 * PIPES)


def test_a_client_that_takes_nothing_keeps_nobody(ringwall, flavour):
    """Its connection is closed in the middle of a record, which the kernel would wait for, with our whole thread."""
    with Spliced(ringwall, flavour, kernel=False, workers=1, timeouts={"write_stall": "2s"}) as w, w.as_client():
        stalled = [w.connect() for _ in range(4)]
        for c in stalled:
            w.ask(c, n=0).read()
        answers = [w.ask(c, n=20_000_000) for c in stalled]
        wait_for("their ends", 60, lambda: sum(r["reason"] == "client_stalled" for r in w.audit()) == len(stalled))
        assert spliced(w) > 0
        c = w.connect()  # while theirs are open still
        assert w.ask(c, n=100_000).read() == body_of(100_000)
        assert all(not a.closed for a in answers)


class KeyUpdates(Spliced):
    """openssl serves the model raw, so that the provider's key can change within a body."""

    def start_stub(self, *more):
        super(test_passed.Passing, self).start_stub(*more)
        self.server = subprocess.Popen(
            [*self.ns_prefix(self.gw_ns), "openssl", "s_server", "-accept", f"127.0.0.1:{STUB_PORT + 1}", "-tls1_3", "-cert",
             self.dir / "stub.crt", "-key", self.dir / "stub.key"], stdin=subprocess.PIPE,
            stdout=open(self.dir / "s_server.log", "wb"), stderr=subprocess.STDOUT)
        self.stack.callback(self.server.wait)
        self.stack.callback(self.server.kill)

    def say(self, data):
        self.server.stdin.write(data)
        self.server.stdin.flush()


def test_a_key_that_changes_within_a_body(ringwall, flavour):
    """The splice ends at the record that says so, and another begins behind it. Where keys cannot change, the body is
    cut and looks so."""
    half = b"x" * 499_999 + b"\n"
    with KeyUpdates(ringwall, flavour, kernel=False, workers=1) as w, w.as_client():
        log = w.dir / "s_server.log"
        c = w.connect()

        def ask(n, body):
            """The n-th request, answered; its body's length is twice that."""
            got = []
            thread = threading.Thread(target=lambda: got.append(w.ask(c)))
            thread.start()
            wait_for("the request", 60, lambda: log.read_bytes().count(b'"raw"') == n)
            w.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(body)) + body)
            thread.join()
            return got[0]

        c.connect()
        ask(1, b"").read()
        answer = ask(2, half)
        assert answer.read(len(half)) == half and spliced(w) > len(half) / 2
        before = spliced(w)
        w.say(b"K\n")
        wait_for("the KeyUpdate", 60, lambda: b"SSL_do_handshake -> 1" in log.read_bytes())
        if not rekeys(w):
            with pytest.raises((test_passed.http.client.IncompleteRead, ConnectionResetError, ssl.SSLError)):
                answer.read()
            assert w.metrics()["ringwall_tls_ktls_stuck_total"] == 1
            return
        w.say(half)
        assert answer.read() == half
        assert spliced(w) - before > len(half) / 2
        assert w.tls_stat()["TlsDecryptError"] == 0


class Auto(Spliced):
    ktls = "auto"


def test_auto_takes_the_kernel_where_keys_can_change(ringwall, flavour):
    with Auto(ringwall, flavour, kernel=False, workers=1) as w, w.as_client():
        caps = w.run(w.ringwall, "doctor").stdout
        c = w.connect()
        w.ask(c, n=0).read()
        a = w.ask(c, n=1_000_000)
        assert a.read() == body_of(1_000_000)
        r = w.audit(a.headers["x-ringwall-request-id"])
        can = "KeyUpdate is followed both ways" in caps
        assert r["tls_backend"] == ("ktls" if can else "aead")
        assert (spliced(w) > 500_000) == can
        assert "splice" in caps
