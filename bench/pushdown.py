# SPDX-License-Identifier: Apache-2.0
"""How long from a verdict in the engine to the first packet that XDP drops, by one clock.

Each round is another address: packets come from it all the time while a connection guesses a key,
which is enough for a ban. Both times are the kernel side's own
record of the ban: since_ns, when the worker found the misdeed, and told_ns, when the first packet was
dropped. The wait for that packet is in the figure. `make build`, then
scripts/in-root python3 bench/pushdown.py [ROUNDS]; writes build/bench/pushdown.json."""

import json
import os
import pathlib
import signal
import socket
import ssl
import struct
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from world import GATEWAY, PORT, World, wait_for  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 200


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def stray_ack(source):
    """A segment of no connection: XDP judges it, the engine has no work with it."""
    ends = socket.inet_aton(source) + socket.inet_aton(GATEWAY)
    tcp = struct.pack("!HHIIBBHHH", 40000, PORT, 1, 1, 5 << 4, 0x10, 1024, 0, 0)
    pseudo = ends + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + ends + tcp


def keep_sending(source, ready):
    """In a child: about ten packets a millisecond for as long as a round takes at most."""
    packet = stray_ack(source)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            s.sendto(packet, (GATEWAY, 0))
            if ready is not None:
                os.write(ready, b"!")
                ready = None
            time.sleep(0.00005)


def guess_a_key(world, source):
    with socket.create_connection((GATEWAY, PORT), 10, source_address=(source, 0)) as s:
        s.settimeout(0.2)
        with ssl.create_default_context(cafile=world.ca).wrap_socket(s, server_hostname=GATEWAY) as t:
            t.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer rw-guess\r\n\r\n")
            try:
                t.recv(4096)
            except OSError:
                pass


def one_round(world, source):
    """Microseconds, or None where the machine was too slow for a packet to be under way."""
    ready, tell = os.pipe()
    with world.as_client():
        child = os.fork()
        if child == 0:
            try:
                keep_sending(source, tell)
            finally:
                os._exit(0)
        os.close(tell)
        started = os.read(ready, 1)
        os.close(ready)
        if started:
            guess_a_key(world, source)
            time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    ban = wait_for("the ban", 5, lambda: next(
        (b for b in world.bans() if b["prefix"] == f"{source}/32"), None))
    return (ban["told_ns"] - ban["since_ns"]) / 1000 if ban["told_ns"] else None


def at(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def main():
    strikes = {"threshold": 2, "window": "60s", "ban": "1h", "ban_max": "1h"}
    figures = []
    with World(TOP / "build/release/ringwall", strikes=strikes) as w:
        for i in range(ROUNDS):
            source = f"10.77.0.{10 + i}" if i < 240 else f"10.77.{i // 240}.{10 + i % 240}"
            w.in_ns(w.cl_ns, "ip", "addr", "add", f"{source}/16", "dev", w.cl_if)
            if i == 0:
                w.in_ns(w.gw_ns, "ip", "route", "add", "10.77.0.0/16", "dev", w.gw_if)
            figures.append(one_round(w, source))
            w.in_ns(w.cl_ns, "ip", "addr", "del", f"{source}/16", "dev", w.cl_if)
    got = sorted(f for f in figures if f is not None)
    report = {"rounds": ROUNDS, "measured": len(got), "unit": "us", "min": got[0], "p50": at(got, 0.5),
              "p90": at(got, 0.9), "p99": at(got, 0.99), "max": got[-1]}
    out = TOP / "build/bench/pushdown.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report))
    return 0 if report["p99"] <= 1000 else 1


if __name__ == "__main__":
    sys.exit(main())
