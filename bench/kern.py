# SPDX-License-Identifier: Apache-2.0
"""What a verdict of the kernel side costs, beside xdp-filter and nftables. `make bench-kern`.

Two parts, each in one run of its own:
- BPF_PROG_TEST_RUN (kern_run.c): ns a packet over a program that only returns, median of nine rounds
  of a million packets, the source varied inside, 100,000 bans of each family in place.
- a veth pair (flood.c): a generator on one end, a dropper on the other, 10,000 sources listed,
  median of five rounds of four million packets; the ratios to a program that only drops are what counts.

Only ratios travel between machines: the goals were set where xdp-filter's alw_ip passed IPv4 in 38 ns;
"scaled" is the goal times what that takes here. Writes build/bench/kern.json; what it compares with is
Debian's, fetched once into build/cache/peers."""

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from debs import once  # noqa: E402
from world import PORT, World, run  # noqa: E402

# libxdp1 is where Debian keeps xdp-filter's programs; the rest is nft
PEERS = ("libxdp1", "nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libxtables12", "libedit2",
         "libgmp10", "libbsd0", "libmd0", "libtinfo6")
BIN = TOP / "build/release/bench"
CPU = max(os.sched_getaffinity(0))
ALONE = ("chrt", "--fifo", "1")  # nothing else on that processor meanwhile; no run takes longer than seconds
FILTER_PASS_NS = 38  # xdp-filter alw_ip, IPv4, where the goals were set


def over(rounds, floor):
    """The median of what each round took over the floor of the same round."""
    return statistics.median(a - b for a, b in zip(rounds, floor))


def peers():
    return once(TOP / "build/cache/peers", PEERS)


def filter_objects():
    return next(peers().rglob("xdpfilt_alw_ip.o")).parent


# --- BPF_PROG_TEST_RUN ----------------------------------------------------------------------


def verdicts():
    p = subprocess.run([*ALONE, BIN / "kern_run", str(CPU), filter_objects()], stdout=subprocess.PIPE, text=True)
    if p.returncode:
        raise SystemExit("ringwall: no figures")
    raw = json.loads(p.stdout)
    floor = raw["floor"]
    cases = []
    for c in raw["cases"]:
        cases.append({"name": c["name"], "goal_ns": c["goal"] or None, "ns": over(c["ours"], floor),
                      "xdp_filter_ns": {k: over(c[k], floor) for k in ("alw_ip", "dny_ip") if k in c},
                      "rounds": c["ours"]})
    scale = next(c["xdp_filter_ns"]["alw_ip"] for c in cases if c["name"] == "pass v4") / FILTER_PASS_NS
    return {"floor_ns": statistics.median(floor), "floor_rounds": floor, "scale": scale, "cases": cases}


def verdict_on(case, scale):
    if not case["goal_ns"]:
        return ""
    if case["ns"] <= case["goal_ns"]:
        return "met"
    return "met, scaled" if case["ns"] <= case["goal_ns"] * scale else "MISSED"


def print_verdicts(v):
    print(f"\n  ns over the empty program ({v['floor_ns']:.0f} ns, the writing of the source included); "
          f"xdp-filter takes {v['scale']:.2f} x what it took where the goals were set\n")
    print(f"  {'':28} {'ringwall':>8} {'goal':>5} {'':12} {'xdp-filter alw_ip':>18} {'dny_ip':>7}")
    for c in v["cases"]:
        peers = [f"{c['xdp_filter_ns'][k]:.0f}" if k in c["xdp_filter_ns"] else "" for k in ("alw_ip", "dny_ip")]
        print(f"  {c['name']:28} {c['ns']:8.0f} {c['goal_ns'] or '':>5} {verdict_on(c, v['scale']):12} "
              f"{peers[0]:>18} {peers[1]:>7}")


# --- a veth pair ----------------------------------------------------------------------------

ROUNDS, PACKETS, LISTED, SENDERS = 5, 4_000_000, 10_000, 1000
TRIES = 5
BASE, STRIDE, ACK = "10.0.0.0", 167, 16


class Pair(World):
    """The two namespaces and the bpffs of a world, and nothing in them."""

    def __enter__(self):
        try:
            self.make_bpffs()
            self.make_network()
            self.run("ethtool", "-K", self.gw_if, "gro", "on")  # so that it takes frames without XDP, too
        except BaseException:
            self.__exit__(True, None, None)
            raise
        return self

    def __exit__(self, kind, value, tb):
        self.stack.close()
        shutil.rmtree(self.dir)

    def link(self):
        return json.loads(self.run("ip", "-s", "-j", "link", "show", self.gw_if).stdout)[0]

    def send(self):
        """ns a packet from sources that are all listed, and whether every packet has arrived: where the
        receiving side is woken late, the pair's ring overflows."""
        before = self.link()["stats64"]["rx"]["packets"]
        p = self.in_ns(self.cl_ns, *ALONE, BIN / "flood", "send", self.cl_if, self.link()["address"], "10.77.0.1",
                       PORT, ACK, BASE, SENDERS, STRIDE, PACKETS, CPU, timeout=120)
        sent = json.loads(p.stdout)
        arrived = self.link()["stats64"]["rx"]["packets"] - before
        return sent["seconds"] * 1e9 / sent["packets"], arrived >= sent["packets"] * 0.99

    def send_whole(self):
        """ns a packet of a round that lost none."""
        for _ in range(TRIES):
            ns, whole = self.send()
            if whole:
                return ns
            print("ringwall: packets were lost on the pair; the round does not count and comes again", flush=True)
        raise SystemExit(f"ringwall: packets were lost in {TRIES} rounds, one behind the other")

    def ringwall_on(self, mode):
        self.run(self.ringwall, "kern", "attach", "-i", self.gw_if, "-p", PORT, "--mode", mode)
        self.run(BIN / "flood", "ban", BASE, LISTED, STRIDE)

    def ringwall_off(self):
        drops = self.status()["counters"]["drop_denied"]
        self.run(self.ringwall, "kern", "detach")
        if drops < PACKETS * 0.99:
            raise SystemExit(f"ringwall: of {PACKETS} packets only {drops} were dropped as banned")

    def load(self, obj, name):
        self.run("bpftool", "prog", "loadall", obj, "/sys/fs/bpf/peer", "type", "xdp")
        self.run("bpftool", "net", "attach", "xdpdrv", "pinned", f"/sys/fs/bpf/peer/{name}", "dev", self.gw_if)

    def unload(self):
        self.run("bpftool", "net", "detach", "xdpdrv", "dev", self.gw_if)
        self.run("sh", "-c", "rm -rf /sys/fs/bpf/peer /sys/fs/bpf/filter_* /sys/fs/bpf/xdp_stats_map")

    def drop_on(self):
        self.load(TOP / "build/bench/bpf/flood.bpf.o", "bench_drop")

    def filter_on(self):
        self.load(filter_objects() / "xdpfilt_alw_ip.o", "xdpfilt_alw_ip")
        self.run(BIN / "flood", "list", "/sys/fs/bpf/filter_ipv4", BASE, LISTED, STRIDE)

    def nft(self, *args):
        tree = peers()
        libraries = ":".join(sorted({str(p.parent) for p in tree.rglob("*.so.*")}))
        return self.run("env", f"LD_LIBRARY_PATH={libraries}", next(tree.rglob("sbin/nft")), *args, timeout=60)

    def nft_on(self):
        first = int.from_bytes(bytes(map(int, BASE.split("."))), "big")
        listed = ",".join(".".join(map(str, (first + i * STRIDE).to_bytes(4, "big"))) for i in range(LISTED))
        rules = self.dir / "rules"
        rules.write_text(f"table netdev bench {{ set listed {{ type ipv4_addr; elements = {{ {listed} }}; }}\n"
                         f"chain in {{ type filter hook ingress device {self.gw_if} priority -500;\n"
                         "ip saddr @listed counter drop\n}\n}\n")
        self.nft("-f", rules)
        rules.unlink()

    def nft_off(self):
        rules = json.loads(self.nft("-j", "list", "chain", "netdev", "bench", "in").stdout)["nftables"]
        counter = next(e["counter"] for r in rules if "rule" in r for e in r["rule"]["expr"] if "counter" in e)
        self.nft("delete", "table", "netdev", "bench")
        if counter["packets"] < PACKETS * 0.99:
            raise SystemExit(f"ringwall: of {PACKETS} packets nftables dropped {counter['packets']}")


DROPPERS = {
    "bare XDP_DROP": (Pair.drop_on, Pair.unload),
    "ringwall": (lambda p: p.ringwall_on("native"), Pair.ringwall_off),
    "xdp-filter alw_ip": (Pair.filter_on, Pair.unload),
    "ringwall, generic": (lambda p: p.ringwall_on("generic"), Pair.ringwall_off),
    "ringwall, TCX": (lambda p: p.ringwall_on("tcx"), Pair.ringwall_off),
    "nftables netdev": (Pair.nft_on, Pair.nft_off),
}
# ours at least so many times as fast as theirs
VETH_GOALS = {"bare XDP_DROP": 0.8, "xdp-filter alw_ip": 1.05, "nftables netdev": 2.5}


def floods():
    ns = {name: [] for name in DROPPERS}
    with Pair(TOP / "build/release/ringwall") as pair:
        for _ in range(ROUNDS):
            for name, (on, off) in DROPPERS.items():
                on(pair)
                ns[name].append(pair.send_whole())
                off(pair)
    median = {name: statistics.median(rounds) for name, rounds in ns.items()}
    ratios = {name: median[name] / median["ringwall"] for name in DROPPERS}
    return {"packets": PACKETS, "listed": LISTED, "ns": median, "times_ringwall": ratios, "goals": VETH_GOALS,
            "rounds": ns}


def print_floods(f):
    print(f"\n  veth, generator and dropper on one CPU, {LISTED} sources listed: ns a packet, generator included\n")
    print(f"  {'':20} {'ns':>6} {'Mpps':>6} {'ringwall is':>12} {'goal':>8}")
    for name, ns in f["ns"].items():
        goal = VETH_GOALS.get(name)
        met = "" if goal is None else f">= {goal:.2f} x {'met' if f['times_ringwall'][name] >= goal else 'MISSED'}"
        print(f"  {name:20} {ns:6.0f} {1e3 / ns:6.2f} {f['times_ringwall'][name]:10.2f} x {met}")


def main():
    load = os.getloadavg()[0]
    if load > 1:
        print(f"ringwall: the load average is {load:.1f}: what else runs here shares caches, and every figure suffers")
    print("ringwall: nine rounds of a million packets for each case", flush=True)
    v = verdicts()
    print_verdicts(v)
    print(f"\nringwall: {ROUNDS} rounds of {PACKETS / 1e6:.0f} million packets on a veth pair for each dropper", flush=True)
    f = floods()
    print_floods(f)
    path = TOP / "build/bench/kern.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "-c", f"safe.directory={TOP}", "-C", TOP, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    path.write_text(json.dumps({"commit": commit, "kernel": platform.release(), "load": load, "verdicts": v, "veth": f}, indent=1))
    print(f"\n  written to {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
