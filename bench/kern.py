# SPDX-License-Identifier: Apache-2.0
"""What a verdict of the kernel side costs, beside xdp-filter and nftables. `make bench-kern`.

Two parts, each in one run of its own:
- BPF_PROG_TEST_RUN (kern_run.c): ns a packet over a program that only returns, median of nine rounds
  of a million packets, the source varied inside, 100,000 bans of each family in place.
- a veth pair (veth_run.c): a generator on one end, a dropper on the other, 10,000 sources listed,
  median of five rounds of four million packets; the ratios to a program that only drops are what counts.

Only ratios travel between machines: the goals were set where xdp-filter's alw_ip passed IPv4 in 38 ns;
"scaled" is the goal times what that takes here. Writes build/bench/kern.json; what it compares with is
Debian's, fetched once into build/cache/peers."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from debs import once  # noqa: E402

PEERS = ("libxdp1",)  # where Debian keeps xdp-filter's programs
BIN = TOP / "build/release/bench"
CPU = max(os.sched_getaffinity(0))
FILTER_PASS_NS = 38  # xdp-filter alw_ip, IPv4, where the goals were set


def over(rounds, floor):
    """The median of what each round took over the floor of the same round."""
    return statistics.median(a - b for a, b in zip(rounds, floor))


def filter_objects():
    tree = once(TOP / "build/cache/peers", PEERS)
    return next(tree.rglob("xdpfilt_alw_ip.o")).parent


def verdicts():
    p = subprocess.run([BIN / "kern_run", str(CPU), filter_objects()], stdout=subprocess.PIPE, text=True)
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


def main():
    print("ringwall: nine rounds of a million packets for each case", flush=True)
    v = verdicts()
    print_verdicts(v)
    path = TOP / "build/bench/kern.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(["git", "-c", f"safe.directory={TOP}", "-C", TOP, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    path.write_text(json.dumps({"commit": commit, "kernel": platform.release(), "verdicts": v}, indent=1))
    print(f"\n  written to {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
