# SPDX-License-Identifier: Apache-2.0
"""The whole way with the kernel's records on both legs: chat, stream, and a key that changes in the middle."""

import json
import socket
import ssl
import subprocess

import pytest
from world import GATEWAY, PORT, World, wait_for


class KtlsWorld(World):
    ktls = "on"

    def write_config(self, **over):
        super().write_config(**over)
        c = json.loads(self.config_file.read_text())
        for part in c["listeners"] + c["upstreams"]:
            part["ktls"] = self.ktls
        self.config_file.write_text(json.dumps(c))

    def wait_ready(self, process, words):
        """The rules are compiled at the start, on an emulated processor."""
        wait_for(f"'{words}'", 600, lambda: words in process.text() or not process.alive())
        super().wait_ready(process, words)

    def tls_stat(self):
        text = self.run("cat", "/proc/net/tls_stat").stdout
        return {k: int(v) for k, v in (line.split() for line in text.splitlines())}

    def request(self, **more):
        body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "hello"}], **more}).encode()
        return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {GATEWAY}\r\nAuthorization: Bearer {self.key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


@pytest.fixture(scope="module")
def world(ringwall, flavour):
    with KtlsWorld(ringwall, flavour, kernel=False) as w:
        yield w


def ask(s, request, end):
    s.sendall(request)
    got = b""
    while end not in got:
        part = s.recv(65536)
        assert part, got
        got += part
    assert got.startswith(b"HTTP/1.1 200 "), got
    return got


def connect(w):
    s = socket.create_connection((GATEWAY, PORT), timeout=60)
    return ssl.create_default_context(cafile=w.ca).wrap_socket(s, server_hostname=GATEWAY)


def test_chat_and_stream_with_kernel_tls_on_both_legs(world):
    w = world
    with w.as_client(), connect(w) as s:
        for _ in range(3):
            assert b'"chat.completion"' in ask(s, w.request(), b'"usage"')
            assert b'"chat.completion.chunk"' in ask(s, w.request(stream=True), b"data: [DONE]")
        stat = w.tls_stat()
        assert stat["TlsCurrTxSw"] >= 2 and stat["TlsCurrRxSw"] >= 2, stat
        assert stat["TlsDecryptError"] == stat["TlsDecryptRetry"] == 0, stat
    assert [r["tls_backend"] for r in w.audit()][1:] == ["ktls"] * 5


def rekeys(w):
    """From Linux 6.14 on; before, the gateway warns of it at its start."""
    return "cannot change keys" not in w.gateway.text()


def test_key_update_in_mid_stream(world):
    """s_client's K asks for our next key with its own. Where that cannot be, the end is a close_notify."""
    w = world
    log = w.dir / "s_client.log"
    with open(log, "wb") as out:
        p = subprocess.Popen([*w.ns_prefix(w.cl_ns), "openssl", "s_client", "-connect", f"{GATEWAY}:{PORT}",
                              "-CAfile", w.ca, "-tls1_3"], stdin=subprocess.PIPE, stdout=out, stderr=out)
        try:
            def answers(n):
                return lambda: log.read_bytes().count(b"data: [DONE]") >= n

            def say(data):
                p.stdin.write(data)
                p.stdin.flush()

            wait_for("the handshake", 60, lambda: b"Verify return code" in log.read_bytes())
            for i in range(1, 3):
                say(w.request(stream=True))
                wait_for("a stream", 60, answers(i))
            say(b"K\n")
            wait_for("KEYUPDATE", 60, lambda: b"KEYUPDATE" in log.read_bytes())
            if not rekeys(w):
                assert p.wait(60) == 0
                return
            for i in range(3, 5):
                say(w.request(stream=True))
                wait_for("a stream", 60, answers(i))
            stat = w.tls_stat()
            assert stat["TlsRxRekeyOk"] >= 1 and stat["TlsTxRekeyOk"] >= 1, stat
        finally:
            p.kill()
            p.wait()
    assert w.tls_stat()["TlsDecryptError"] == 0
