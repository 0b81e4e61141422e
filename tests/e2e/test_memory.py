# SPDX-License-Identifier: Apache-2.0
"""A gateway that is asked nothing is small; 10,000 requests leave memory and descriptors flat."""

import os
import subprocess
import sys

from world import GATEWAY, PORT, World

LOAD = r"""
import json, socket, ssl, sys
host, port, key, ca, n, stream = sys.argv[1], int(sys.argv[2]), *sys.argv[3:5], int(sys.argv[5]), sys.argv[6]
body = json.dumps({"model": "stub", "stream": stream == "1", "messages": [
    {"role": "user", "content": "mail bob@example.org, " + "some words " * 40}]}).encode()
req = (f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
       f"x-stub-piece: 200\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
ctx = ssl.create_default_context(cafile=ca)
done = 0
while done < n:
    s = ctx.wrap_socket(socket.create_connection((host, port)), server_hostname=host)
    for _ in range(min(100, n - done)):
        s.sendall(req)
        got = b""
        while not (got.endswith(b"0\r\n\r\n") if stream == "1" else (b"\r\n\r\n" in got and
                   len(got.split(b"\r\n\r\n", 1)[1]) >= int(got.lower().split(b"content-length:")[1].split()[0]))):
            part = s.recv(65536)
            assert part, got[-300:]
            got += part
        assert got.startswith(b"HTTP/1.1 200"), got[:300]
        done += 1
    s.close()
"""


def resident_kb(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def own_kb(pid):
    """Memory that is no file's."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1])
    raise AssertionError("no RssAnon")


def load(w, n, stream):
    cmd = [*w.ns_prefix(w.cl_ns), sys.executable, "-c", LOAD, GATEWAY, str(PORT), w.key, str(w.ca),
           str(n), stream]
    subprocess.run(cmd, check=True, timeout=300)


def test_ten_thousand_requests_leave_memory_flat(ringwall, flavour):
    # under ASan the quarantine grows with every free: there the leak check at exit decides
    total = 10000
    with World(ringwall, flavour) as w:
        for stream in "01":
            load(w, 500, stream)
        pid = w.gateway.p.pid
        before, fds = resident_kb(pid), len(os.listdir(f"/proc/{pid}/fd"))
        for stream in "01":
            load(w, total // 2, stream)
        after = resident_kb(pid)
        assert len(os.listdir(f"/proc/{pid}/fd")) <= fds
        assert w.metrics()["ringwall_requests_total"] >= total
        assert w.metrics()["ringwall_buffered_bytes"] == 0
        assert w.metrics()["ringwall_requests_active"] == 0
        if flavour == "release":
            assert after - before < 2048, f"resident memory grew by {after - before} KiB"
    # World.close() checks for LeakSanitizer reports


def test_an_idle_gateway_is_small(ringwall, flavour):
    # its first start compiles the rules, and what the compiler leaves scattered stays: the others find them
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        w.start_gateway()
        own = own_kb(w.gateway.p.pid) - w.metrics()["ringwall_rules_bytes"] / 1024
        if flavour == "release":
            assert own <= 8192, f"{own:.0f} KiB beside the rules"
