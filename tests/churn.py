# SPDX-License-Identifier: Apache-2.0
"""Clients that connect, ask once and hang up, until they are told to stop. Every one must be answered."""

import contextlib
import socket
import threading

from world import wait_for

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def answer(s, ask=HEALTH):
    with s:
        s.sendall(ask)
        got = b""
        while part := s.recv(65536):
            got += part
    return got


class Client:
    """Of one address. tls: a context, or None; inside: what its thread does all in, a network namespace."""

    def __init__(self, address, ask=HEALTH, tls=None, inside=contextlib.nullcontext):
        self.address, self.ask, self.tls, self.inside = address, ask, tls, inside
        self.done, self.wrong = 0, []

    def once(self):
        step = "connect"
        try:
            s = socket.create_connection(self.address, 20)
            step = "handshake"
            s = self.tls.wrap_socket(s, server_hostname=self.address[0]) if self.tls else s
            step = "answer"
            got = answer(s, self.ask)
            if not got.startswith(b"HTTP/1.1 200 "):
                self.wrong.append(f"{step}: {got[:80]}")
        except OSError as e:
            self.wrong.append(f"{step}: {e!r}")
        self.done += 1


class Churn:
    def __init__(self, clients):
        self.clients, self.stop = clients, threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(c,)) for c in clients]

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for t in self.threads:
            t.join()

    def run(self, client):
        with client.inside():
            while not self.stop.is_set():
                client.once()

    @property
    def done(self):
        return sum(c.done for c in self.clients)

    def some_more(self, n=40):
        goal = self.done + n
        wait_for("the clients", 60, lambda: self.done >= goal)

    def all_were_answered(self):
        wrong = [w for c in self.clients for w in c.wrong]
        assert not wrong, f"{len(wrong)} of {self.done}: {wrong[:5]}"
