# SPDX-License-Identifier: Apache-2.0
"""What honest clients notice of a flood from spoofed sources. `make bench-flood`, about a minute.

100,000 bans in place; real HTTPS requests through the gateway from an honest client (IPv4) and an
allowlisted one (IPv6), first in peace, then while ten million SYNs from random sources come in on the
same interface; rounds of both alternate. The flood has one processor for itself, gateway, upstream and
clients have the other. In peace the flood's processor is as busy with nothing, so that what is compared is
the flood and not how much else this machine has to do. Then one source floods alone, from one processor and from all:
how exact is its limit? Last the harder flood: with --syn-budget, so that every SYN gets its cookie, against clients
that make a connection for each request. Writes build/bench/flood.json."""

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from world import GATEWAY, GATEWAY6, PORT, World, wait_for  # noqa: E402

FLOOD = TOP / "build/release/bench/flood"
CPUS = sorted(os.sched_getaffinity(0))
HERE, THERE = CPUS[0], CPUS[-1]  # the gateway's and its clients'; the flood's
BANS = ("10.128.0.0", 100_000, 83)  # base, how many, stride
SPOOFED = ("64.0.0.0", 2**30, 1)
SOURCE = ("10.77.0.9", 1, 1)
SYN, ACK = 2, 16
ROUNDS, SECONDS, PACKETS = 3, 2, 10_000_000
FIRST = ("chrt", "--fifo", "1")  # as a card's interrupts, the flood waits for no program
PKT_RATE, SYN_RATE, SYN_BUDGET = 20_000, 200, 2000
CONNECTS, GOODPUT, ERROR_ONE, ERROR_ALL = 0.99, 0.95, 0.05, 0.10

LUA = """
wrk.method = "POST"
wrk.body = {body}
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.headers["Connection"] = "{connection}"
"""


class Field(World):
    """A world whose gateway, upstream and clients share one processor, and the flood's packets, by a
    queue of their own as a network card would have it, are the other's."""

    gw_queues = len(CPUS)
    connection = "keep-alive"
    rates = ("--pkt-rate", PKT_RATE, "--syn-rate", SYN_RATE)

    def __init__(self):
        super().__init__(TOP / "build/release/ringwall", workers=1)

    def attach(self, *more):
        super().attach(*self.rates, *more)
        self.run(self.ringwall, "kern", "allow", "add", "fd77::/16")
        # answers to spoofed sources go out, as they would on a real link
        self.run("ip", "route", "add", "default", "via", "10.77.0.2")
        self.run(FLOOD, "ban", *BANS, timeout=120)

    def start_gateway(self, wait=True):
        super().start_gateway(wait)
        for p in (self.gateway, self.stub):
            subprocess.run(["taskset", "-acp", str(HERE), str(p.p.pid)], check=True, stdout=subprocess.DEVNULL)
        self.script = self.dir / "load.lua"
        body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": "how are you? " * 40}]})
        self.script.write_text(LUA.format(body=json.dumps(body), key=self.key, connection=self.connection))

    @contextlib.contextmanager
    def flood(self, sources, flags, count, cpu):
        """Floods while the block runs, or until count is reached; the dict gets what it was."""
        mac = json.loads(self.run("ip", "-j", "link", "show", self.gw_if).stdout)[0]["address"]
        line = [*self.ns_prefix(self.cl_ns), *FIRST, FLOOD, "send", self.cl_if, mac, GATEWAY, PORT, flags, *sources, count, cpu]
        p = subprocess.Popen([str(w) for w in line], stdout=subprocess.PIPE, text=True)
        result = {}
        try:
            yield result
        finally:
            if not count:
                p.terminate()
            out, _ = p.communicate(timeout=120)
            result.update(json.loads(out or "{}"))

    @contextlib.contextmanager
    def busy(self, cpu):
        """Keeps a processor busy with nothing while the block runs."""
        p = subprocess.Popen([*FIRST, "taskset", "-c", str(cpu), "sh", "-c", "while :; do :; done"])
        try:
            yield
        finally:
            p.kill()
            p.wait()

    def wrk(self, host):
        where = f"[{host}]" if ":" in host else host
        p = self.in_ns(self.cl_ns, "taskset", "-c", HERE, "wrk", "-t1", "-c8", f"-d{SECONDS}s", "--timeout", "10s",
                       "-s", self.script, f"https://{where}:{PORT}/v1/chat/completions", timeout=SECONDS + 30)
        return p.stdout

    def requests(self, host):
        """Requests a second of a closed loop of eight connections; every answer must be good."""
        out = self.wrk(host)
        n = re.search(r"Requests/sec: +([0-9.]+)", out)
        if not n or re.search(r"Non-2xx|Socket errors", out):
            raise SystemExit(f"ringwall: not every request was answered well:\n{out}")
        return float(n.group(1))


class CookieField(Field):
    """The same with a budget of SYNs, and clients that need one for each request."""

    connection = "close"
    rates = ("--syn-budget", SYN_BUDGET)

    def make_network(self):
        super().make_network()
        # veth hands over what XDP sends back only to an end that has a program, too: one without any port
        idle = "/sys/fs/bpf/idle"
        self.run("bpftool", "prog", "load", TOP / "build/bpf/rw_xdp.bpf.o", idle)
        self.in_ns(self.cl_ns, "bpftool", "net", "attach", "xdp", "pinned", idle, "dev", self.cl_if)

    def connects(self, host):
        """Requests that were answered well, those that were not, and how many a second."""
        out = self.wrk(host)
        good = int(re.search(r"(\d+) requests in", out).group(1))
        bad = sum(int(n) for line in re.findall(r"(?:Non-2xx or 3xx responses|Socket errors): (.*)", out)
                  for n in re.findall(r"\d+", line))
        return good - bad, bad, float(re.search(r"Requests/sec: +([0-9.]+)", out).group(1))


def goodput(w):
    clients = {"honest": GATEWAY, "allowlisted": GATEWAY6}
    rounds = {name: {"peace": [], "flood": []} for name in clients}
    floods = []
    for host in clients.values():
        w.requests(host)  # warm
    for _ in range(ROUNDS):
        for name, host in clients.items():
            with w.busy(THERE):
                rounds[name]["peace"].append(w.requests(host))
            with w.flood(SPOOFED, SYN, 0, THERE) as f:
                time.sleep(0.2)  # it has begun
                rounds[name]["flood"].append(w.requests(host))
            floods.append(f)
    with w.flood(SPOOFED, SYN, max(1, PACKETS - sum(f["packets"] for f in floods)), THERE) as f:
        pass  # the rest of the ten million
    floods.append(f)
    packets, seconds = (sum(f[k] for f in floods) for k in ("packets", "seconds"))
    out = {"packets": packets, "packets_per_s": packets / seconds, "rounds": rounds}
    for name, r in rounds.items():
        out[name] = {k: statistics.median(v) for k, v in r.items()}
        out[name]["kept"] = statistics.median(b / a for a, b in zip(r["peace"], r["flood"]))
    return out


def cookies(w):
    """A connection for each request, in peace and while every SYN gets a cookie."""
    w.connects(GATEWAY)  # warm
    peace, flood, floods, good, bad = [], [], [], 0, 0
    for _ in range(ROUNDS):
        with w.busy(THERE):
            peace.append(w.connects(GATEWAY)[2])
        with w.flood(SPOOFED, SYN, 0, THERE) as f:
            time.sleep(0.2)
            a, b, rate = w.connects(GATEWAY)
        good, bad = good + a, bad + b
        flood.append(rate)
        floods.append(f)
    c = w.status()["counters"]
    return {"packets_per_s": sum(f["packets"] for f in floods) / sum(f["seconds"] for f in floods), "good": good, "bad": bad,
            "peace": statistics.median(peace), "flood": statistics.median(flood),
            "kept": statistics.median(b / a for a, b in zip(peace, flood)),
            "counters": {k: c[k] for k in ("tx_cookie", "cookie_accepted", "cookie_refused", "cookie_failed")}}


def limiter_error(w, cpus):
    """How far what one flooding source got through is from its rate; its burst is spent before. With every
    processor flooding, who asks for the counters waits for one: the time is the middle of the asking, and
    long against it."""
    def passed():
        before = time.monotonic()
        n = w.status()["counters"]["pass"]
        return n, (before + time.monotonic()) / 2

    with contextlib.ExitStack() as stack:
        floods = [stack.enter_context(w.flood(SOURCE, ACK, 0, cpu)) for cpu in cpus]
        drops = w.status()["counters"]["drop_pkt_rate"]
        wait_for("the limit", 10, lambda: w.status()["counters"]["drop_pkt_rate"] > drops + 100_000)
        n0, t0 = passed()
        time.sleep(8)
        n1, t1 = passed()
    return {"processors": len(cpus), "packets_per_s": sum(f["packets"] / f["seconds"] for f in floods),
            "rate": PKT_RATE, "got": (n1 - n0) / (t1 - t0), "error": (n1 - n0) / (t1 - t0) / PKT_RATE - 1}


def main():
    if len(CPUS) < 2:
        raise SystemExit("ringwall: this needs two processors, one for the flood")
    with Field() as w:
        good = goodput(w)
        kept = int(w.run(FLOOD, "banned", *BANS).stdout)
        counters = w.status()["counters"]
        limits = [limiter_error(w, cpus) for cpus in ([THERE], CPUS)]
    with CookieField() as w:
        harder = cookies(w)
    lost = BANS[1] - kept
    figures = {"load": os.getloadavg()[0], "goodput": good, "bans": BANS[1], "bans_lost": lost, "limiter": limits,
               "cookies": harder, "counters": counters}
    print(f"\n  {good['packets'] / 1e6:.1f} million SYNs from random sources, {good['packets_per_s'] / 1e6:.2f} million a second")
    print(f"  bans lost: {lost} of {BANS[1]} {'' if lost else '(met)'}")
    for name in ("honest", "allowlisted"):
        g = good[name]
        print(f"  {name:12} {g['peace']:8.0f} requests/s in peace, {g['flood']:8.0f} in the flood: {100 * g['kept']:.1f} % "
              f"(goal {100 * GOODPUT:.0f} %, {'met' if g['kept'] >= GOODPUT else 'MISSED'})")
    for limit, goal in zip(limits, (ERROR_ONE, ERROR_ALL)):
        met = "met" if abs(limit["error"]) <= goal else "MISSED"
        print(f"  one source from {limit['processors']} processors, {limit['packets_per_s'] / 1e6:.2f} million packets/s: "
              f"{limit['got']:.0f} of {PKT_RATE} a second, {100 * limit['error']:+.1f} % (goal {100 * goal:.0f} %, {met})")
    share = harder["good"] / (harder["good"] + harder["bad"])
    print(f"  with cookies, {harder['packets_per_s'] / 1e6:.2f} million SYNs a second, a connection each: {harder['good']} requests answered, "
          f"{harder['bad']} not, {100 * share:.2f} % (goal {100 * CONNECTS:.0f} %, {'met' if share >= CONNECTS else 'MISSED'}); "
          f"{harder['peace']:.0f} requests/s in peace, {harder['flood']:.0f} in the flood, {100 * harder['kept']:.1f} %")
    path = TOP / "build/bench/flood.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1))
    print(f"\n  written to {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
