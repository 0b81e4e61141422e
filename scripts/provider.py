# SPDX-License-Identifier: Apache-2.0
"""A provider whose answers are any bytes, framed in any way: the user's message says which, as JSON. For tests of
bodies that are passed on unread."""

import contextlib
import json
import random
import socket
import ssl
import threading
import time


def body_of(n, seed=1):
    return random.Random(seed).randbytes(n)


class Provider:
    """Listens at once, on a thread; use the constructor where the gateway is. ends counts connections that are over."""

    def __init__(self, port, crt, key):
        self.ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ctx.load_cert_chain(crt, key)
        self.listener = socket.create_server(("127.0.0.1", port))
        self.seen, self.ends = 0, 0
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with contextlib.suppress(OSError, ValueError, EOFError):
            with s, self.ctx.wrap_socket(s, server_side=True) as t, t.makefile("rb") as f:
                while self.answer(t, json.loads(self.read(f))):
                    pass
        self.ends += 1

    def read(self, f):
        """The user's message of the next request."""
        length = 0
        while (line := f.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not line:
            raise EOFError
        self.seen += 1
        return json.loads(f.read(length))["messages"][-1]["content"]

    def answer(self, t, ask):
        """ask: {"n": bytes, "chunks": sizes or nothing, "cut": end after so many, "at": seconds of pause by offset}"""
        data = body_of(ask["n"])
        head = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
        if "chunks" not in ask:
            t.sendall(f"{head}content-length: {len(data)}\r\n\r\n".encode())
            self.send(t, data, ask)
            return "cut" not in ask
        t.sendall(f"{head}transfer-encoding: chunked\r\n\r\n".encode())
        for n in ask["chunks"]:
            part, data = data[:n], data[n:]
            t.sendall(b"%x\r\n" % len(part))
            self.send(t, part, ask)
            if "cut" in ask:
                return False
            t.sendall(b"\r\n")
        assert not data
        t.sendall(b"0\r\n\r\n")
        return True

    def send(self, t, data, ask):
        data = data[:ask["cut"]] if "cut" in ask else data
        step = ask.get("piece", 1 << 20)
        for i in range(0, len(data), step):
            t.sendall(data[i:i + step])
            time.sleep(ask.get("pause", 0))
