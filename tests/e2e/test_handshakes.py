# SPDX-License-Identifier: Apache-2.0
"""Handshakes that are begun and not ended: bounded by source and in all, counted, and nobody else's trouble."""

import socket

from world import GATEWAY, PORT, World, wait_for

EACH, ALL = 16, 32


def begin(n, source):
    """Connections that say nothing, so that their handshakes stay under way."""
    out = []
    for _ in range(n):
        s = socket.socket()
        s.bind((source, 0))
        s.connect((GATEWAY, PORT))
        out.append(s)
    return out


def is_reset(s):
    s.setblocking(False)
    try:
        return s.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_a_flood_of_handshakes_is_bounded_and_counted_and_streams_go_on(ringwall, flavour):
    limits = {"handshakes": ALL, "address_handshakes": EACH, "key_rate": {"per_minute": 0, "burst": 1},
              "address_rate": {"per_minute": 0, "burst": 1}}
    say = {"model": "stub", "messages": [{"role": "user", "content": "Hello."}]}
    with World(ringwall, flavour, kernel=False, workers=1, limits=limits) as w, w.as_client(), w.openai() as c:
        stream = c.chat.completions.create(**say, stream=True, extra_headers={"x-stub-delay-ms": "20", "x-stub-answer": "word " * 40 + "end"})
        first = begin(60, "10.77.0.3")
        wait_for("the refusals", 20, lambda: w.metrics()["ringwall_tls_refused_total"] == 60 - EACH)
        wait_for("the resets", 20, lambda: sum(map(is_reset, first)) == 60 - EACH)
        assert w.metrics()["ringwall_tls_handshaking"] == EACH
        with w.openai(source="10.77.0.4") as other:  # there is room for others
            assert other.chat.completions.create(**say).choices[0].message.content
        # Beyond a half of all, each gets less, so that there is always room for one more: 8 and 4 of the other 16 here.
        second = begin(30, "10.77.0.5")
        wait_for("the refusals", 20, lambda: w.metrics()["ringwall_tls_refused_total"] == 60 - EACH + 30 - 8)
        third = begin(30, "10.77.0.6")
        wait_for("the refusals", 20, lambda: w.metrics()["ringwall_tls_refused_total"] == 60 - EACH + 30 - 8 + 30 - 4)
        with w.openai(source="10.77.0.4") as other:
            assert other.chat.completions.create(**say).choices[0].message.content
        for s in first + second + third:
            s.close()
        wait_for("an end of all", 20, lambda: w.metrics()["ringwall_tls_handshaking"] == 0)
        with w.openai(source="10.77.0.3") as again:
            assert again.chat.completions.create(**say).choices[0].message.content
        assert "end" in "".join(p.choices[0].delta.content or "" for p in stream if p.choices)
