# SPDX-License-Identifier: Apache-2.0
"""A network for tests of SYN cookies, and frames made by hand."""

import ctypes
import errno
import json
import socket
import struct
import time

from common import TOP
from veth import Net
from world import GATEWAY, PORT

SYN, ACK = 2, 16
SOL_PACKET, PACKET_AUXDATA, PACKET_QDISC_BYPASS = 263, 8, 20


# --- frames ------------------------------------------------------------------------------------


def checksum(data):
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp(src, dst, sport, dport, seq, ack, flags, options=b"", payload=b""):
    """The IP packet with this segment in it, all checksums right."""
    family = socket.AF_INET6 if ":" in src else socket.AF_INET
    a, b = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) // 4 << 4, flags,
                       64240, 0, 0) + options + payload
    pseudo = a + b + struct.pack("!IHBB", len(head), 0, 0, 6)
    head = head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(head), 6, 64) + a + b + head
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(head), 1, 0x4000, 64, 6, 0) + a + b
    return ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + head


class Mmsg(ctypes.Structure):
    class Iov(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    class Hdr(ctypes.Structure):
        _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint),
                    ("iov", ctypes.c_void_p), ("iovlen", ctypes.c_size_t),
                    ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
                    ("flags", ctypes.c_int)]

    _fields_ = [("hdr", Hdr), ("len", ctypes.c_uint)]


class Blast:
    """Frames that are sent again and again, a thousand to a system call."""

    def __init__(self, sock, frames):
        self.sock, self.n = sock, len(frames)
        self.buffers = [ctypes.create_string_buffer(f, len(f)) for f in frames]
        self.iov = (Mmsg.Iov * self.n)(*[Mmsg.Iov(ctypes.addressof(b), len(b)) for b in self.buffers])
        self.msgs = (Mmsg * self.n)()
        for i, m in enumerate(self.msgs):
            m.hdr.iov = ctypes.addressof(self.iov) + i * ctypes.sizeof(Mmsg.Iov)
            m.hdr.iovlen = 1
        self.libc = ctypes.CDLL(None, use_errno=True)

    def once(self, until):
        """All frames, or as many as there is time for; returns how many."""
        sent = 0
        while sent < self.n and time.monotonic() < until:
            at = ctypes.byref(self.msgs, sent * ctypes.sizeof(Mmsg))
            got = self.libc.sendmmsg(self.sock.fileno(), at, min(1024, self.n - sent), 0)
            if got < 0 and ctypes.get_errno() != errno.ENOBUFS:
                raise OSError(ctypes.get_errno(), "sendmmsg")
            if got < 0:  # The other end's ring is full. Others' packets fall off the wire there, too:
                time.sleep(0.0002)  # without a pause each client waits a second to send its SYN again.
            sent += max(got, 0)
        return sent


# --- the network ---------------------------------------------------------------------------------


class CookieNet(Net):
    def make_network(self):
        super().make_network()
        # else the stack drops SYNs from everywhere by itself
        self.in_ns(self.gw_ns, "ip", "route", "add", "default", "via", "10.77.0.2")
        self.in_ns(self.gw_ns, "ip", "route", "add", "default", "via", "fd77:2::2")
        # veth delivers what XDP sends only to an end that has a program, too: one without any port
        idle = "/sys/fs/bpf/idle"
        self.run("bpftool", "prog", "load", TOP / "build/bpf/rw_xdp.bpf.o", idle)
        self.in_ns(self.cl_ns, "bpftool", "net", "attach", "xdp", "pinned", idle, "dev", self.cl_if)

    def mac_of(self, ns, dev):
        link = json.loads(self.in_ns(ns, "ip", "-j", "link", "show", "dev", dev).stdout)
        return bytes.fromhex(link[0]["address"].replace(":", ""))

    def raw_socket(self):
        with self.as_client():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind((self.cl_if, 0))
        s.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        return s

    def ask(self, s, packet, tag=b""):
        """Sends a SYN; the IP packet that comes back to it, and its tag."""
        ip6 = packet[0] >> 4 == 6
        at = 40 if ip6 else 20
        ports = packet[at + 2:at + 4] + packet[at:at + 2]
        with self.as_client():
            r = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        with r:
            r.bind((self.cl_if, 0))
            r.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            r.settimeout(5)
            s.send(self.frame(packet, tag))
            while True:
                data, aux, *_ = r.recvmsg(2048, 128)
                if data[:6] == self.cl_mac and data[14 + at:14 + at + 4] == ports:
                    return data[14:], struct.unpack("=3I4H", aux[0][2])[5]

    def frame(self, packet, tags=b""):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        return self.gw_mac + self.cl_mac + tags + kind + packet

    def attach(self, *more):
        self.rw("kern", "attach", "-i", self.gw_if, "-p", PORT, *more)
        self.gw_mac, self.cl_mac = self.mac_of(self.gw_ns, self.gw_if), self.mac_of(self.cl_ns, self.cl_if)

    def spend_budget(self, n=16):
        """SYNs from nobody, so that whoever comes next gets a cookie."""
        with self.raw_socket() as s:
            for i in range(n):
                s.send(self.frame(tcp(f"198.51.100.{i + 1}", GATEWAY, 1024 + i, PORT, i, 0, SYN)))

    def nstat(self, ns=None):
        """The counters of TCP in the gateway's namespace."""
        out = {}
        for name in ("netstat", "snmp"):
            lines = self.in_ns(ns or self.gw_ns, "cat", f"/proc/net/{name}").stdout.splitlines()
            for keys, values in zip(lines[::2], lines[1::2]):
                out.update(zip(keys.split()[1:], map(int, values.split()[1:])))
        return out
