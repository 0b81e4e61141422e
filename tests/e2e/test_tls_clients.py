# SPDX-License-Identifier: Apache-2.0
"""Who can talk to a listener, and who cannot: clients on OpenSSL, GnuTLS, curl and Python, each
version and suite alone, in the smallest pieces, with certificates of their own. Each asks for a chat and for
a stream."""

import base64
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess

import pytest
from pki import Authority
from world import GATEWAY, GATEWAY6, PORT, PROVIDER_KEY, STUB_PORT, World, wait_for

NAME, MODERN, MTLS, WELCOME = "gateway.test", 8445, 8446, 8447
WHO = "URI:spiffe://corp.example/app"


class Clients(World):
    def make_certificates(self):
        server, clients, strangers = (Authority(self.dir, n) for n in ("server-ca", "clients-ca", "strangers-ca"))
        san = f"DNS:{NAME},IP:{GATEWAY},IP:{GATEWAY6}"
        self.ca = server.crt
        self.server = server
        self.pairs = [server.issue("ecdsa", san), server.issue("rsa", san, rsa=True),
                      server.issue("other", "DNS:*.other.test")]
        user = {"san": WHO + ",DNS:app.corp.example", "usage": "clientAuth"}
        self.clients = {"good": clients.issue("good", **user), "expired": clients.issue("expired", expired=True, **user),
                        "wrong CA": strangers.issue("wrong", **user), "none": None}
        self.clients_ca = clients.crt

    def pins(self):
        """The stub's key, and one in reserve."""
        der = subprocess.run(["openssl", "x509", "-pubkey", "-noout", "-in", self.dir / "stub.crt"], check=True, capture_output=True)
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=der.stdout, check=True, capture_output=True)
        own = base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()
        return [{"sha256": "A" * 43 + "="}, {"sha256": own}]

    def write_config(self, **over):
        first, *more = ({"cert_file": str(c), "key_file": str(k)} for c, k in self.pairs)
        tls = {**first, "certificates": more}
        asking = {**tls, "client_ca_file": str(self.clients_ca)}
        at = [(PORT, tls), (MODERN, {**tls, "profile": "modern", "unknown_name": "refuse"}),
              (MTLS, {**asking, "client_cert": "required"}), (WELCOME, {**asking, "client_cert": "optional"})]
        upstreams = [{"name": "stub", "url": f"https://127.0.0.1:{STUB_PORT}/v1", "key": PROVIDER_KEY,
                      "ca_file": str(self.dir / "stub.crt"), "tls": {"name": "localhost", "pins": self.pins()}}]
        over.setdefault("upstreams", upstreams)
        super().write_config(listeners=[{"address": f"{GATEWAY}:{p}", "tls": t} for p, t in at],
                             auth={"client_cert": "accepted"}, strikes={"threshold": 1000000}, **over)


@pytest.fixture(scope="module")
def w(ringwall, flavour):
    with Clients(ringwall, flavour, kernel=False) as world:
        yield world


def request(w, stream, key=True):
    body = json.dumps({"model": "stub", "stream": stream, "messages": [{"role": "user", "content": "Hello there."}]})
    auth = f"Authorization: Bearer {w.key}\r\n" if key else ""
    return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {NAME}\r\n{auth}Connection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def assert_whole(got, stream):
    """An answer to its very end; bytes, whatever a client prints around them."""
    assert b"HTTP/1.1 200" in got, got[-2000:]
    assert (b"data: [DONE]" if stream else b'"chat.completion"') in got, got[-2000:]


def talk(w, cmd, stream):
    """A client that copies its standard input to the connection and what comes back to its output. The
    input stays open until it ends: a client that ends its side cancels."""
    p = subprocess.Popen([*w.ns_prefix(w.cl_ns), *map(str, cmd)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    try:
        p.stdin.write(request(w, stream))
        p.stdin.flush()
        out = b""
        while part := p.stdout.read1(65536):
            out += part
        return out
    finally:
        p.kill()
        p.communicate()


def s_client(w, *args, port=PORT, name=NAME):
    return ["timeout", "20", "openssl", "s_client", "-quiet", "-verify_quiet", "-connect", f"{GATEWAY}:{port}",
            "-servername", name, "-verify_return_error", "-verify_hostname", name, "-CAfile", w.ca, *args]


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("args", [
    [], ["-tls1_2"], ["-tls1_3"], ["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"],
    ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], ["-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"],
    ["-sigalgs", "rsa_pss_rsae_sha256"], ["-groups", "P-256"], ["-groups", "X25519"], ["-groups", "X25519MLKEM768"],
    ["-max_send_frag", "512"], ["-alpn", "h2,http/1.1"], ["-status"],
], ids=lambda a: " ".join(a) or "as it comes")
def test_openssl(w, args, stream):
    assert_whole(talk(w, s_client(w, *args), stream), stream)


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("priority", ["NORMAL", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                      "NORMAL:-CIPHER-ALL:+CHACHA20-POLY1305"])
def test_gnutls(w, priority, stream):
    got = talk(w, ["timeout", "20", "gnutls-cli", "--x509cafile", w.ca, "--sni-hostname", NAME, "--verify-hostname", NAME,
                   "--priority", priority, "-p", PORT, GATEWAY], stream)
    assert_whole(got, stream)


def curl(w, *args, port=PORT, stream=False, name=NAME, key=True):
    head, body = request(w, stream, key).split(b"\r\n\r\n", 1)
    fields = [a for line in head.decode().split("\r\n")[2:] if not line.startswith(("Content-Length", "Connection"))
              for a in ("-H", line)]
    return w.in_ns(w.cl_ns, "curl", "-sS", "-i", "-N", "--max-time", "20", "--cacert", w.ca, "--resolve",
                   f"{name}:{port}:{GATEWAY}", *fields, "--data-binary", body.decode(), *args,
                   f"https://{name}:{port}/v1/chat/completions", check=False)


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("args", [[], ["--tls-max", "1.2"], ["--tlsv1.3"],
                                  ["--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256", "--tlsv1.3"]],
                         ids=lambda a: " ".join(a) or "as it comes")
def test_curl(w, args, stream):
    assert_whole(curl(w, *args, stream=stream).stdout.encode(), stream)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
def test_python_in_pieces_of_one_byte(w, version, stream):
    """The handshake arrives a byte at a time, and each byte of the request is a record of its own."""
    ctx = ssl.create_default_context(cafile=w.ca)
    ctx.minimum_version = ctx.maximum_version = version
    to_us, from_us = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ctx.wrap_bio(to_us, from_us, server_hostname=NAME)
    with w.as_client(), socket.create_connection((GATEWAY, PORT), timeout=20) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def drive(step):
            while True:
                try:
                    got = step()
                    flush()
                    return got
                except ssl.SSLWantReadError:
                    flush()
                    data = s.recv(65536)
                    to_us.write(data) if data else to_us.write_eof()

        def flush():
            for byte in from_us.read():
                s.sendall(bytes([byte]))

        drive(tls.do_handshake)
        for byte in request(w, stream):
            drive(lambda b=byte: tls.write(bytes([b])))
        got = b""
        while part := drive(lambda: tls.read(65536)):
            got += part
    assert_whole(got, stream)


def test_the_sdk_on_either_profile(w):
    with w.as_client(), w.openai() as c:
        answer = c.chat.completions.create(model="stub", messages=[{"role": "user", "content": "Hello."}])
        assert answer.choices[0].message.content
        parts = list(c.chat.completions.create(model="stub", messages=[{"role": "user", "content": "Hello."}], stream=True))
        assert len(parts) > 1
    assert "200" in curl(w, port=MODERN).stdout.splitlines()[0]
    assert curl(w, "--tls-max", "1.2", port=MODERN).returncode == 35  # no handshake


def test_a_name_chooses_the_certificate(w):
    """The other certificate is for *.other.test only; an unknown name is the first's or an alert."""
    assert "200" in curl(w, name="a.other.test").stdout.splitlines()[0]
    assert curl(w, name="a.b.other.test").returncode == 60  # the first certificate, which is not for that name
    p = curl(w, name="elsewhere.test", port=MODERN)
    assert p.returncode == 35 and "unrecognized name" in p.stderr


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("port", [MTLS, WELCOME], ids=["required", "optional"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("who", ["good", "expired", "wrong CA", "none"])
def test_clients_certificates(w, who, version, port, stream):
    """A good one stands for a key; a wrong one ends the handshake; none is fine where it is optional."""
    pair = w.clients[who]
    args = ["--cert", pair[0], "--key", pair[1]] if pair else []
    failed = w.metrics()["ringwall_tls_handshakes_failed_total"]
    p = curl(w, *args, "--tls-max", version, port=port, stream=stream, key=False)
    if who == "good":
        assert_whole(p.stdout.encode(), stream)
        records = wait_for("the record", 5, lambda: [r for r in w.audit_lines() if r.get("client_cert") == WHO])
        assert records[-1]["key_id"] == "" and records[-1]["status"] == 200
    elif who == "none" and port == WELCOME:
        assert "401" in p.stdout.splitlines()[0]
    else:
        assert p.returncode and "HTTP/1.1" not in p.stdout
        assert w.metrics()["ringwall_tls_handshakes_failed_total"] == failed + 1


def test_a_wrong_key_is_refused_also_with_a_certificate(w):
    pair = w.clients["good"]
    p = curl(w, "--cert", pair[0], "--key", pair[1], "-H", "Authorization: Bearer rw-wrong", port=MTLS, key=False)
    assert "401" in p.stdout.splitlines()[0]


def test_strict_transport_security_is_said_also_with_an_error(w):
    p = w.in_ns(w.cl_ns, "curl", "-sS", "-i", "--cacert", w.ca, "--resolve", f"{NAME}:{PORT}:{GATEWAY}",
                f"https://{NAME}:{PORT}/", check=False)
    assert "404" in p.stdout.splitlines()[0]
    assert "strict-transport-security: max-age=31536000" in p.stdout.lower()


def test_no_key_log_is_written(w, top):
    """A variable of a service's environment must not give its sessions away."""
    log = w.dir / "keylog"
    w.gateway.stop()
    os.environ["SSLKEYLOGFILE"] = str(log)
    try:
        w.start_gateway()
    finally:
        del os.environ["SSLKEYLOGFILE"]  # curl would write it
    assert "200" in curl(w).stdout.splitlines()[0]
    assert not log.exists()


def test_certificates_change_under_load(w):
    """By SIGHUP and by files alone, with a stream over every change and requests all the time: none fails, and new
    connections see the new certificate. A pair that does not fit is refused and the old one stays."""
    def serial():
        with w.as_client():
            pem = ssl.get_server_certificate((GATEWAY, PORT), ca_certs=w.ca)
        return pem

    with w.as_client(), w.openai() as c:
        say = {"model": "stub", "messages": [{"role": "user", "content": "Hello."}]}
        stream = c.chat.completions.create(**say, stream=True, extra_headers={"x-stub-delay-ms": "50", "x-stub-answer": "word " * 99 + "end"})
        seen = {serial()}
        for how in ("files", "files", "SIGHUP"):
            before = w.metrics()
            w.server.issue("ecdsa", f"DNS:{NAME},IP:{GATEWAY},IP:{GATEWAY6}")
            if how == "SIGHUP":
                w.gateway.signal(signal.SIGHUP)

            def changed():
                assert c.chat.completions.create(**say).choices[0].message.content
                return serial() not in seen
            wait_for(f"the new certificate by {how}", 20, changed)
            seen.add(serial())
            assert len(seen) == len(seen | {serial()})
        good = (w.dir / "ecdsa.key").read_text()
        (w.dir / "ecdsa.key").write_text((w.dir / "other.key").read_text())
        wait_for("the refusal", 20, lambda: w.metrics()["ringwall_cert_reloads_failed_total"] > before["ringwall_cert_reloads_failed_total"])
        assert "does not belong to the (first) certificate" in w.gateway.text()
        assert serial() in seen
        (w.dir / "ecdsa.key").write_text(good)
        assert len(list(stream)) > 10
    assert w.metrics()["ringwall_cert_reloads_total"] >= 2


def test_an_upstream_without_a_pinned_key_is_refused_or_reported(w):
    """All of the above went to an upstream that has one of two pins."""
    def taken(tls):
        reloads = w.gateway.text().count("ringwall.yaml: taken")
        w.write_config(upstreams=[{"name": "stub", "url": f"https://127.0.0.1:{STUB_PORT}/v1", "key": PROVIDER_KEY,
                                   "ca_file": str(w.dir / "stub.crt"), "tls": {"name": "localhost", **tls}}])
        w.gateway.signal(signal.SIGHUP)
        wait_for("the reload", 120, lambda: w.gateway.text().count("ringwall.yaml: taken") > reloads)
        return w.metrics()["ringwall_tls_pin_mismatches_total"]

    wrong = {"pins": w.pins()[:1]}
    before = taken(wrong)
    p = curl(w)
    assert "502" in p.stdout.splitlines()[0] and "none of the pinned keys is in its chain" in w.gateway.text()
    assert w.metrics()["ringwall_tls_pin_mismatches_total"] > before
    before = taken({**wrong, "pins_mode": "report"})
    assert "200" in curl(w).stdout.splitlines()[0]
    assert w.metrics()["ringwall_tls_pin_mismatches_total"] == before + 1
