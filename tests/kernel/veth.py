# SPDX-License-Identifier: Apache-2.0
"""A veth pair between a client and the kernel side, with an echo server where the gateway would be."""

import contextlib
import json
import shutil
import socket
import struct
import threading

from world import GATEWAY, GATEWAY6, PORT, World, wait_for

PINS = "/sys/fs/bpf/ringwall/v1"
NOBODY = ["setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all"]
BANNED, FREE = "10.77.0.3", "10.77.0.4"


def tcp_frame(dst_mac, src, flags=0x10, tags=0, payload=b"", options=0):
    """Ethernet, VLAN tags, IP with IPv4's checksum or a destination-options header, TCP without one."""
    tagged = b"".join(struct.pack("!HH", 0x88a8 if i == 0 and tags > 1 else 0x8100, 100 + i)
                      for i in range(tags))
    tcp = struct.pack("!HHIIBBHHH", 40000, PORT, 0, 0, 0x50, flags, 1024, 0, 0) + payload
    if ":" in src:
        if options:
            tcp = struct.pack("!BB", 6, options // 8 - 1) + bytes([1, options - 4]) + bytes(options - 4) + tcp
        ip = struct.pack("!IHBB", 6 << 28, len(tcp), 60 if options else 6, 64) + \
            socket.inet_pton(socket.AF_INET6, src) + socket.inet_pton(socket.AF_INET6, GATEWAY6)
        return dst_mac + b"\2\0\0\0\0\1" + tagged + struct.pack("!H", 0x86dd) + ip + tcp
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0,
                     socket.inet_aton(src), socket.inet_aton(GATEWAY))
    total = sum(struct.unpack("!10H", ip))
    checksum = 0xffff - (total + (total >> 16) & 0xffff)
    ip = ip[:10] + struct.pack("!H", checksum) + ip[12:]
    return dst_mac + b"\2\0\0\0\0\1" + tagged + struct.pack("!H", 0x0800) + ip + tcp


def mac(net):
    """The gateway's, for frames made by hand."""
    link = json.loads(net.run("ip", "-j", "link", "show", net.gw_if).stdout)[0]
    return bytes.fromhex(link["address"].replace(":", ""))


class Net(World):
    """The namespaces and the bpffs of a world, without stub and gateway; an echo server in its place."""

    def __enter__(self):
        try:
            self.make_bpffs()
            self.make_network()
            self.echo(GATEWAY)
            self.echo(GATEWAY6)
        except BaseException:
            self.__exit__(True, None, None)
            raise
        return self

    def __exit__(self, kind, value, tb):
        self.stack.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def echo(self, host):
        with self.as_gateway():
            server = socket.create_server((host, PORT),
                                          family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.stack.callback(server.close)
        self.stack.callback(server.shutdown, socket.SHUT_RDWR)
        threading.Thread(target=self.serve, args=(server,), daemon=True).start()

    @staticmethod
    def serve(server):
        with contextlib.suppress(OSError):
            while True:
                c, _ = server.accept()
                threading.Thread(target=Net.serve_one, args=(c,), daemon=True).start()

    @staticmethod
    def serve_one(c):
        with c, contextlib.suppress(OSError):
            while part := c.recv(65536):
                c.sendall(part)

    def rw(self, *args, status=0, before=()):
        """ringwall, beside the interface and the pins; returns its output after checking its status."""
        p = self.run(*before, self.ringwall, *args, check=False)
        assert p.returncode == status, p.stdout + p.stderr
        assert "Sanitizer" not in p.stderr, p.stderr
        return p.stdout if status == 0 else p.stderr

    def connect(self, source, host=GATEWAY, seconds=0.7, port=PORT):
        """A connection, or None where nothing answers."""
        with self.as_client():
            s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
            s.settimeout(seconds)
            s.bind((source, 0))
        try:
            s.connect((host, port))
        except TimeoutError:
            s.close()
            return None
        return s

    def can_connect(self, source, host=GATEWAY):
        """Silence says no only where the kernel side has dropped something: else the machine is slow."""
        s = self.connect(source, host, seconds=0.25)
        if not s:
            before = self.dropped()
            s = self.connect(source, host, seconds=0.45)
            if not s and self.dropped() == before:
                s = self.connect(source, host, seconds=20)
        if s:
            s.close()
        return s is not None

    def dropped(self):
        p = self.run(self.ringwall, "kern", "status", "--json", check=False)
        counters = json.loads(p.stdout)["counters"] if p.stdout.startswith("{") else {}
        return sum(v for k, v in counters.items() if k.startswith("drop_"))

    def counters(self):
        return self.status()["counters"]

    def pins(self):
        # *.debug: of the kernel's own iterators
        return [n for n in self.run("ls", "-A", "/sys/fs/bpf").stdout.split() if ".debug" not in n]

    def dump(self, name):
        return self.run("bpftool", "map", "dump", "pinned", f"{PINS}/{name}").stdout

    def send(self, *frames):
        """Frames as they are, from the client's end of the wire."""
        with self.as_client(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((self.cl_if, 0))
            for frame in frames:
                s.send(frame)

    def dump_value(self, name):
        """The first entry of a pinned array, by its names."""
        text = self.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/{name}").stdout
        return json.loads(text)[0]["formatted"]["value"]

    def link(self, name, pins=PINS):
        """A pinned link, as bpftool tells of it; its exit status means nothing."""
        return json.loads(self.run("bpftool", "-j", "link", "show", "pinned", f"{pins}/{name}",
                                   check=False).stdout)


def bpf_ids(net, kind, *which):
    """The ids of the machine's links, programs or maps. bpftool gives up on a link that another
    process is just making (BPF_LINK_GET_FD_BY_ID says EAGAIN until it is settled): asked again."""
    def listed():
        p = net.run("bpftool", "-j", kind, "show", *which, check=False)
        assert p.returncode == 0 or "temporarily unavailable" in p.stdout + p.stderr, p.stdout + p.stderr
        return p if p.returncode == 0 else None

    return {o["id"] for o in json.loads(wait_for(f"a list of every {kind}", 10, listed).stdout)}


def echoes(s, data):
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    got = b""
    while len(got) < len(data):
        part = s.recv(65536)
        assert part, "the server hung up"
        got += part
    return got == data
