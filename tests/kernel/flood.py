# SPDX-License-Identifier: Apache-2.0
"""Packets of one source without a pause, and a receiver behind the kernel side that misses none."""

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time

COARSE = 6  # CLOCK_MONOTONIC_COARSE: the clock that the programs compare expiry with
PAYLOAD = struct.Struct("!QQQ")  # number; when it was sent; when the one before it was
SO_TIMESTAMPNS = 35


class Flood:
    """Runs while it is entered. `got`: of each packet that came through, number, times of sending, of arrival."""

    def __init__(self, net, source):
        self.net, self.source = net, source
        self.got = []

    def __enter__(self):
        from veth import mac, tcp_frame

        frame = tcp_frame(mac(self.net), self.source, payload=bytes(PAYLOAD.size))
        with self.net.as_gateway():
            self.receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        self.receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.receiver.settimeout(0.2)
        self.ended = False
        self.thread = threading.Thread(target=self.receive, daemon=True)
        self.thread.start()
        self.sender = subprocess.Popen(
            [*self.net.ns_prefix(self.net.cl_ns), sys.executable, __file__, self.net.cl_if, frame.hex()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def receive(self):
        ahead = time.time_ns() - time.monotonic_ns()
        with contextlib.suppress(OSError):
            while not self.ended:
                try:
                    packet, anc, _, _ = self.receiver.recvmsg(2048, 64)
                except TimeoutError:
                    continue
                if socket.inet_ntoa(packet[12:16]) != self.source or len(packet) < 40 + PAYLOAD.size:
                    continue
                s, ns = struct.unpack("qq", anc[0][2][:16])
                self.got.append((*PAYLOAD.unpack_from(packet, 40), s * 10**9 + ns - ahead))

    def __exit__(self, kind, value, tb):
        """Sets `sent`."""
        out, _ = self.sender.communicate("end\n", timeout=20)
        self.ended = True
        self.thread.join()
        self.receiver.close()
        if kind is None:
            self.sent = int(out)


def send(interface, frame):
    frame = bytearray.fromhex(frame)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    number = before = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((interface, 0))
        while not ended.is_set():
            for _ in range(64):
                now = time.clock_gettime_ns(COARSE)
                PAYLOAD.pack_into(frame, len(frame) - PAYLOAD.size, number, now, before)
                with contextlib.suppress(BlockingIOError, OSError):  # a full queue: it was not sent
                    s.send(frame)
                    number += 1
                    before = now
    print(number)


if __name__ == "__main__":
    send(*sys.argv[1:])
