# SPDX-License-Identifier: Apache-2.0
"""One gateway takes over from another without a refused, reset or unanswered connection."""

import json
import pathlib
import re
import signal
import socket
import ssl

import pytest
from churn import HEALTH, Churn, Client, answer
from world import ADMIN_PORT, GATEWAY, PORT, Process, World, run, wait_for

PLAIN_PORT = 8080
PINS = "/sys/fs/bpf/ringwall/v1"
MODELS = b"GET /v1/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer KEY\r\nConnection: close\r\n\r\n"


class Pair(World):
    """A world whose gateway can be replaced; plain HTTP on a port of its own, which is cheap to knock at."""

    def __init__(self, ringwall, flavour, prefix=(), **config):
        super().__init__(ringwall, flavour, **config)
        self.prefix, self.generation = prefix, 0
        self.config.setdefault("timeouts", {"header": "2m"})  # connections wait here, and the machine may be slow

    def write_config(self, **over):
        super().write_config(listeners=[
            {"address": f"{GATEWAY}:{PORT}", "tls": {"cert_file": str(self.ca), "key_file": str(self.dir / "gateway.key")}},
            {"address": f"{GATEWAY}:{PLAIN_PORT}", "tls": "off", "plain_anywhere": True}], **over)

    def start_gateway(self, wait=True):
        self.gateway = self.another()

    def another(self, *options):
        self.generation += 1
        p = Process([*self.ns_prefix(self.gw_ns), *self.prefix, self.ringwall, "serve", "-c", self.config_file,
                     *options], self.dir / f"gateway{self.generation}.log", self.env())
        self.stack.callback(p.stop)
        self.wait_ready(p, "ready: 2 workers")  # "already:" is a word, too
        return p

    def connect(self):
        with self.as_client():
            return socket.create_connection((GATEWAY, PLAIN_PORT), 20)

    def ready(self):
        return json.loads(self.get(f"http://127.0.0.1:{ADMIN_PORT}/readyz"))


@pytest.fixture
def pair(ringwall, flavour):
    with Pair(ringwall, flavour) as w:
        yield w


def clients(w):
    """Two of plain HTTP, which is cheap, and one that does all that there is: TLS, a key, a record."""
    plain = [Client((GATEWAY, PLAIN_PORT), inside=w.as_client) for _ in range(2)]
    return [*plain, Client((GATEWAY, PORT), MODELS.replace(b"KEY", w.key.encode()),
                           ssl.create_default_context(cafile=w.ca), w.as_client)]


def test_no_connection_is_lost_when_the_gateway_is_replaced_five_times(pair):
    w = pair
    with Churn(clients(w)) as churn:
        churn.some_more()
        for _ in range(5):
            successor = w.another("--take-over")
            churn.some_more()
            w.gateway.signal(signal.SIGTERM)
            churn.some_more()
            assert w.gateway.wait(40) == 0
            w.gateway = successor
        churn.some_more()
    churn.all_were_answered()
    asked = churn.clients[-1].done
    wait_for("the records", 60, lambda: len(w.audit()) >= asked)
    assert len({r["request_id"] for r in w.audit()}) == len(w.audit()) == asked > 20, "one a request"
    whole = json.loads(w.run(w.ringwall, "audit", "verify", w.audit_file, "--json").stdout)
    assert whole["last"] >= asked and not whole["stray"], "five pairs of gateways made one chain"
    m = w.metrics()
    assert m["ringwall_steered"] == 1 and m["ringwall_kernel_steer_chosen_total"] > churn.done / 2
    assert w.ready()["workers"] == "least_busy"


def freeze(process):
    process.signal(signal.SIGSTOP)
    wait_for("it to stop", 10, lambda: all(
        t.read_text().rsplit(")", 1)[1].split()[0] == "T"
        for t in pathlib.Path(f"/proc/{process.p.pid}/task").glob("*/stat")))


def unaccepted(w, n):
    """Connections that the kernel has established and a stopped gateway has not accepted."""
    freeze(w.gateway)
    return [w.connect() for _ in range(n)]


def replace_by_force(w):
    successor = w.another("--take-over")
    w.gateway.signal(signal.SIGKILL)
    w.gateway.wait(10)
    w.gateway = successor


def test_what_a_killed_gateway_had_not_accepted_moves_to_its_successor(pair):
    """Half of the point of rw_steer: without it these are reset."""
    waiting = unaccepted(pair, 30)
    replace_by_force(pair)
    assert [answer(s)[:13] for s in waiting] == [b"HTTP/1.1 200 "] * 30
    assert pair.metrics()["ringwall_kernel_steer_migrated_total"] >= 30


def test_without_the_kernel_side_they_are_lost_and_it_is_said(ringwall, flavour):
    """The test above can fail; and whoever replaces a gateway so is told what it costs."""
    with Pair(ringwall, flavour, kernel=False) as w:
        assert w.ready()["workers"] == "hash"
        waiting = unaccepted(w, 30)
        replace_by_force(w)
        lost = 0
        for s in waiting:
            try:
                lost += not answer(s)
            except OSError:
                lost += 1
        assert lost == 30
        assert "--take-over without the kernel side" in w.gateway.text()
        assert w.metrics()["ringwall_steered"] == 0


def test_new_connections_go_to_the_successor_while_the_old_one_still_serves(pair):
    w = pair
    old = w.gateway
    kept = w.connect()
    kept.sendall(HEALTH.replace(b"Connection: close\r\n", b""))
    assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
    w.gateway = w.another("--take-over")
    before = w.metrics()["ringwall_kernel_steer_chosen_total"]
    held = [w.connect() for _ in range(20)]
    assert w.metrics()["ringwall_kernel_steer_chosen_total"] >= before + 20
    freeze(old)
    try:
        answers = [answer(s)[:13] for s in held]
    finally:
        old.signal(signal.SIGCONT)
    assert answers == [b"HTTP/1.1 200 "] * 20, "none of them is held by the one that is stopped"
    assert answer(kept).startswith(b"HTTP/1.1 200 "), "what the old one has it keeps"
    old.signal(signal.SIGTERM)
    assert old.wait(40) == 0


def test_a_successor_that_dies_gives_the_listeners_back(pair):
    w = pair
    successor = w.another("--take-over")
    successor.signal(signal.SIGKILL)
    successor.wait(10)
    for _ in range(20):
        assert answer(w.connect()).startswith(b"HTTP/1.1 200 ")


def loads(w):
    dump = json.loads(w.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_load").stdout)
    cells = [c["formatted"]["value"] for c in dump[:2]]
    return [c["connections"] + c["requests"] for c in cells]


def test_the_less_busy_worker_gets_the_next_connection(pair):
    """A hash would get every second one right."""
    held = []
    for n in range(2, 22, 2):
        for _ in range(2):
            held.append(pair.connect())
            wait_for("a worker to have it", 10, lambda: sum(loads(pair)) == len(held))
        assert loads(pair) == [n // 2, n // 2]
    for s in held:
        s.close()
    wait_for("the workers to be rid of them", 10, lambda: loads(pair) == [0, 0])


def test_an_unprivileged_engine_takes_over_with_file_modes_alone(ringwall, flavour):
    """Its user has no capability and owns none of the pins: the group's bits are all it has."""
    with Unprivileged(ringwall, flavour) as w:
        assert int(re.search(r"^CapEff:\s*(\w+)$", status_of(w.gateway), re.M)[1], 16) == 0
        assert re.search(r"^Uid:\s*65534\b", status_of(w.gateway), re.M)
        assert w.ready()["workers"] == "least_busy"
        waiting = unaccepted(w, 10)
        replace_by_force(w)
        assert [answer(s)[:13] for s in waiting] == [b"HTTP/1.1 200 "] * 10


def test_without_the_group_the_hash_chooses_and_it_is_said(ringwall, flavour):
    """Whom the pins do not let in serves all the same, where the kernel side is not required."""
    with Unprivileged(ringwall, flavour, group=None, kernel="preferred") as w:
        assert w.ready()["workers"] == "hash"
        assert "not allowed to" in w.gateway.text()
        assert answer(w.connect()).startswith(b"HTTP/1.1 200 ")


class Unprivileged(Pair):
    """The engine as user nobody, group nogroup."""

    def __init__(self, *args, group="nogroup", kernel="required"):
        super().__init__(*args, prefix=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                                        "--inh-caps", "-all", "--bounding-set", "-all"])
        self.config["kernel"] = kernel
        self.group = group

    def attach(self, *more):
        super().attach(*(["--group", self.group] if self.group else []), *more)

    def another(self, *options):
        run("chown", "-R", "65534:65534", self.dir)
        return super().another(*options)


def status_of(process):
    return pathlib.Path(f"/proc/{process.p.pid}/status").read_text()
