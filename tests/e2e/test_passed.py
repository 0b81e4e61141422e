# SPDX-License-Identifier: Apache-2.0
"""Answers that nobody reads (models[].answers: passed), here in userspace; tests/vm has the same in the kernel."""

import http.client
import json
import pathlib
import ssl
import time

import pytest
from provider import Provider, body_of
from world import GATEWAY, PORT, STUB_PORT, World, wait_for


class Passing(World):
    """The model stub is guarded as ever, the model raw is passed on."""

    def start_stub(self, *more):
        super().start_stub(*more)
        with self.as_gateway():
            self.provider = Provider(STUB_PORT + 1, self.dir / "stub.crt", self.dir / "stub.key")
        self.stack.callback(self.provider.close)

    def write_config(self, **over):
        up = [{"name": n, "url": f"https://127.0.0.1:{p}/v1", "key": "k", "ca_file": str(self.dir / "stub.crt")}
              for n, p in (("stub", STUB_PORT), ("raw", STUB_PORT + 1))]
        models = [{"name": "stub", "upstream": "stub"}, {"name": "raw", "upstream": "raw", "answers": "passed"}]
        super().write_config(upstreams=up, models=models, **over)

    def connect(self, version=None):
        ctx = ssl.create_default_context(cafile=self.ca)
        if version:
            ctx.maximum_version = version
        return http.client.HTTPSConnection(GATEWAY, PORT, timeout=120, context=ctx)

    def ask(self, c, model="raw", **what):
        """The answer's head; its body is still to be read."""
        message = {"role": "user", "content": json.dumps(what)}
        c.request("POST", "/v1/chat/completions", json.dumps({"model": model, "messages": [message]}),
                  {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
        return c.getresponse()


@pytest.fixture(scope="module")
def w(ringwall, flavour):
    with Passing(ringwall, flavour, kernel=False) as world:
        yield world


def resident_kib(w):
    status = pathlib.Path(f"/proc/{w.gateway.p.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


SHAPES = {
    "nothing": {"n": 0}, "a byte": {"n": 1}, "small": {"n": 5000}, "counted": {"n": 3_000_001},
    "in pieces": {"n": 400_000, "piece": 1111}, "small chunks": {"n": 50_000, "chunks": [1, 49_998, 1]},
    "large chunks": {"n": 1_300_000, "chunks": [1_000_000, 7, 200_000, 99_993]},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_body_arrives_as_it_is(w, shape):
    with w.as_client():
        c = w.connect()
        for _ in range(2):  # and the connection is good for another one
            a = w.ask(c, **shape)
            assert a.status == 200 and a.read() == body_of(shape["n"])
            assert a.chunked == ("chunks" in shape) and a.headers["content-type"] == "application/octet-stream"
            r = w.audit(a.headers["x-ringwall-request-id"])
            assert r["answer_bytes"] == shape["n"] and r["completed"] and r["verdict"] == "allow"
        c.close()


def test_other_models_are_guarded_still(w):
    with w.as_client():
        c = w.connect()
        assert b"chat.completion" in w.ask(c, model="stub").read()
        c.close()
    assert "answers of model raw are passed: no guard reads them" in w.gateway.text()


@pytest.mark.parametrize("chunks", [None, [1_000_000]], ids=["counted", "chunked"])
def test_a_body_that_is_cut_does_not_look_whole(w, chunks):
    with w.as_client():
        c = w.connect()
        a = w.ask(c, n=1_000_000, cut=300_000, **({"chunks": chunks} if chunks else {}))
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError, ssl.SSLError)):
            a.read()
    r = w.audit(a.headers["x-ringwall-request-id"])
    assert r["reason"] == "upstream_broke_off" and r["upstream_error"] and r["answer_bytes"] <= 300_000


def test_a_client_that_goes_cancels(w):
    ends = w.provider.ends
    with w.as_client():
        c = w.connect()
        a = w.ask(c, n=50_000_000, piece=20_000, pause=0.01)
        a.read(100_000)
        a.close()
        c.close()
    wait_for("the end of the provider's connection", 20, lambda: w.provider.ends > ends)
    assert not w.audit(a.headers["x-ringwall-request-id"])["completed"]


def test_a_client_that_does_not_read_holds_the_provider_up(w):
    n = 30_000_000
    with w.as_client():
        c = w.connect()
        a = w.ask(c, n=n)
        before = resident_kib(w)
        time.sleep(2)  # all that fits on the way is there by now
        most = resident_kib(w)
        assert a.read() == body_of(n)
        c.close()
    assert most - before < 4096, "the body waits with the provider, not here"
