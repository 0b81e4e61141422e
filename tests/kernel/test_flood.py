# SPDX-License-Identifier: Apache-2.0
"""A flood from spoofed sources takes nothing from anybody: no ban is lost, no honest request fails.
`make bench-flood` measures what it costs them."""

import json
import os
import subprocess

import pytest
from common import TOP
from world import GATEWAY, GATEWAY6, PORT, World

BANS = ("10.128.0.0", 20_000, 401)  # base, how many, stride
SPOOFED = ("64.0.0.0", 2**30, 1)
PACKETS, ASKED, SYN = {"release": 1_000_000, "asan": 100_000}, 10, 2  # at least; the flood is the kernel's in both
REQUEST = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n"
           b"Content-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s")


class Field(World):
    gw_queues = 2

    def attach(self, *more):
        super().attach("--syn-rate", 1000, "--pkt-rate", 100_000, *more)
        self.run(self.ringwall, "kern", "allow", "add", "fd77:5::2")
        self.run("ip", "route", "add", "default", "via", "10.77.0.2")  # answers to the spoofed go out

    def tool(self, *args):
        return self.run(TOP / "build" / self.flavour / "bench/flood", *args, timeout=120).stdout


@pytest.fixture
def field(ringwall, flavour):
    with Field(ringwall, flavour) as w:
        w.tool("ban", *BANS)
        yield w


def answered(w, source, host):
    """One request over a connection of its own."""
    body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "hello"}]}).encode()
    with w.as_client():
        got = w.raw(REQUEST % (w.key.encode(), len(body), body), source=source, host=host, seconds=20)
    return got.startswith(b"HTTP/1.1 200 ")


def test_spoofed_flood_loses_no_ban_and_no_honest_request(field):
    before = field.status()["counters"]
    mac = json.loads(field.run("ip", "-j", "link", "show", field.gw_if).stdout)[0]["address"]
    flood = subprocess.Popen(
        [*map(str, [*field.ns_prefix(field.cl_ns), TOP / "build" / field.flavour / "bench/flood", "send", field.cl_if,
                    mac, GATEWAY, PORT, SYN, *SPOOFED, 0, max(os.sched_getaffinity(0))])],
        stdout=subprocess.PIPE, text=True)
    asked = 0
    try:
        while asked < ASKED or field.status()["counters"]["rx"] - before["rx"] < PACKETS[field.flavour]:
            assert asked < 5000, "there is no flood"
            assert answered(field, "10.77.0.4", GATEWAY), f"an honest request failed after {asked}"
            assert answered(field, "fd77:5::2", GATEWAY6), f"an allowlisted request failed after {asked}"
            asked += 1
    finally:
        going = flood.poll() is None
        flood.terminate()
        sent = json.loads(flood.communicate(timeout=60)[0])["packets"]
    after = field.status()["counters"]
    assert going and sent >= PACKETS[field.flavour], "it went on to the end"
    assert not {k: after[k] - before[k] for k in after if "drop" in k and after[k] > before[k]}
    assert after["promoted"] == before["promoted"]
    assert int(field.tool("banned", *BANS)) == BANS[1]
