# SPDX-License-Identifier: Apache-2.0
"""A provider with whom TLS fails: the caller learns that it cannot be reached, log and audit say why. It was told to
callers as an answer that cannot be read."""

import openai
import pytest
from pki import Authority
from world import Process, World

FIRST_PORT = 8461
# What goes wrong, how openssl serves it, what the upstream's section says besides, and the words for it.
CASES = {
    "expired": (["expired"], {}, "certificate has expired"),
    "another-name": (["other"], {}, "hostname mismatch"),
    "unknown-ca": (["stranger"], {}, "its CA is not trusted here"),
    "no-pin": (["good"], {"tls": {"pins": [{"sha256": "A" * 43 + "="}]}}, "none of the pinned keys is in its chain"),
    "wants-a-certificate": (["good", "-Verify", "1", "-verify_return_error"], {}, "it wants a client certificate|certificate required"),
    "too-old": (["good", "-tls1_2"], {"tls": {"min_version": "1.3"}}, "it shares no TLS version"),
}


class Providers(World):
    def make_certificates(self):
        super().make_certificates()
        ours, strangers = Authority(self.dir, "providers-ca"), Authority(self.dir, "strangers-ca")
        self.providers_ca = ours.crt
        self.pairs = {"good": ours.issue("good", "DNS:localhost"), "expired": ours.issue("expired", "DNS:localhost", expired=True),
                      "other": ours.issue("other", "DNS:other.test"), "stranger": strangers.issue("stranger", "DNS:localhost")}

    def start_stub(self, *more):
        super().start_stub(*more)
        for i, (pair, *args) in enumerate(c[0] for c in CASES.values()):
            crt, key = self.pairs[pair]
            p = Process([*self.ns_prefix(self.gw_ns), "openssl", "s_server", "-accept", f"127.0.0.1:{FIRST_PORT + i}", "-quiet",
                         "-www", "-cert", crt, "-key", key, *args], self.dir / f"provider{i}.log", self.env())
            self.stack.callback(p.stop)

    def write_config(self, **over):
        up = [{"name": name, "url": f"https://localhost:{FIRST_PORT + i}/v1", "key": "k", "ca_file": str(self.providers_ca), **more}
              for i, (name, (_, more, _)) in enumerate(CASES.items())]
        super().write_config(upstreams=up, models=[{"name": u["name"], "upstream": u["name"]} for u in up], **over)


@pytest.fixture(scope="module")
def w(ringwall, flavour):
    with Providers(ringwall, flavour, kernel=False) as world:
        yield world


@pytest.mark.parametrize("stream", [False, True], ids=["chat", "stream"])
@pytest.mark.parametrize("name", CASES)
def test_it_is_unavailable_and_log_and_audit_say_why(w, name, stream):
    with w.as_client(), w.openai(max_retries=0) as c, pytest.raises(openai.InternalServerError) as e:
        c.chat.completions.create(model=name, stream=stream, messages=[{"role": "user", "content": "Hello."}])
    assert e.value.status_code == 502 and e.value.code == "upstream_unavailable"
    record = w.audit(e.value.response.headers["x-ringwall-request-id"])
    assert record["reason"] == "upstream_unavailable" and record["upstream"] == name
    told = record["upstream_error"]
    assert any(words in told for words in CASES[name][2].split("|")), told
    assert "localhost" in told and told in w.gateway.text()
    assert told not in str(e.value), "what is wrong with a provider is not the caller's business"
