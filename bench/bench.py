# SPDX-License-Identifier: Apache-2.0
"""ringwall beside its peers: the same load, the same upstream, TLS on both legs, interleaved rounds in one run.

    make bench         a short set, some minutes
    make bench-full    everything in bench/work.py, three quarters of an hour
    make bench-docs    the same, and bench/baseline.json and docs/performance.md become what it found
    scripts/in-root python3 bench/bench.py --bars --docs     what a bar is about, half an hour
    scripts/in-root python3 bench/bench.py --work chat,latency --rounds 5     what you name
    ... --resume                                             goes on with what an interrupted run has left
    scripts/in-root python3 bench/bench.py --work chat --against OLD --sides "plain,plain'"    a change beside OLD

CPU time per request of the gateway's processes is steady on noisy machines where throughput is not; read the
ratios, not the absolute figures. OLD is a binary built before a change, under build/. Writes build/bench/report.json, report.md and chart.svg; --baseline names a
report to compare with."""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
import machine  # noqa: E402
import report  # noqa: E402
import sides as ways  # noqa: E402
import work as loads  # noqa: E402
import world  # noqa: E402
from world import World  # noqa: E402

SHORT = {"chat": ("plain", "nginx", "governed", "guarded"), "latency": ("direct", "relay", "guarded"),
         "stream": ("direct", "relay", "guarded")}
# The sides that bars.py asks for, and nginx where there is one.
BARS = {"chat": ("plain", "nginx", "limited", "governed", "rules", "guarded", "modsecurity", "portkey", "relay"),
        "turns": ("plain", "nginx", "guarded", "remembering"), "chatter": ("plain", "nginx", "guarded", "remembering"),
        "latency": ("direct", "relay", "guarded", "guarded, no spin", "nginx"),
        "first": ("direct", "relay", "guarded", "nginx"), "stream": ("direct", "relay", "guarded", "nginx"),
        "slow1k": ("guarded",), "slow10k": ("direct", "guarded"), "workers": ("guarded", "guarded x 2"), "idle": ("plain",),
        "soak": ("guarded",)}
OUT = TOP / "build/bench"
FAILURES = (ways.Failed, loads.Failed, world.Failed, subprocess.SubprocessError)


def plan(args):
    """(work, sides) in order."""
    work = loads.all_work()
    if args.work:
        sides = args.sides.split(",") if args.sides else None
        return [(work[n], sides or work[n].sides) for n in args.work.split(",")]
    if args.full:
        return [(x, x.sides) for x in work.values()]
    return [(work[n], sides) for n, sides in (BARS if args.bars else SHORT).items()]


def one(w, work, side, seconds, warm):
    pids = side.start(w, isinstance(work, loads.Streams))
    try:
        if w.stub:
            os.system(f"taskset -acp 1 {w.stub.p.pid} >/dev/null")
        if warm:
            work.warm(w, side)
        return work.measure(w, side, pids, seconds)
    finally:
        side.stop(w)


def say(side, figures):
    words = [f"{figures[k]:8.1f} {text}" for k, text in
             (("us_per_request", "us CPU a request"), ("us_per_event", "us CPU an event"),
              ("requests_per_s", "requests/s"), ("own_bytes", "bytes")) if k in figures]
    if "sleeps" in figures:
        words.append(f"{figures['sleeps']:.2f} sleeps for each")
    for k in ("latency", "first", "event"):
        if k in figures:
            words.append(f"{k} p50 {figures[k]['p50_us']:.0f} p99 {figures[k]['p99_us']:.0f} us")
    if "busy_percent" in figures:
        words.append("processors busy " + ", ".join(f"{p:.0f} %" for p in figures["busy_percent"].values()))
    print(f"    {side:12} {', '.join(words)}", flush=True)


class Stage(World):
    """A world without a gateway of its own: the sides bring theirs. The stub knows its answers."""

    def start_stub(self, *more):
        answers = self.dir / "answers.json"
        answers.write_text(json.dumps(loads.ANSWERS))
        super().start_stub("--answers", answers, *more)

    def __enter__(self):
        self.start_gateway, start = (lambda wait=True: None), self.start_gateway
        try:
            return super().__enter__()
        finally:
            self.start_gateway = start


def rounds_of(w, work, sides, args, out, keep):
    """Adds figures by side to out, a list of rounds each. A side's turn comes once a round, in the same order.
    Returns what failed: an hour's other figures are not lost for it."""
    failed = []
    table = ways.all_sides(args.against)
    rounds = work.rounds or args.rounds
    for r in range(rounds):
        if any(len(out.get(s, [])) <= r for s in sides):
            print(f"  {work.name}, round {r + 1} of {rounds}: {work.title}", flush=True)
        for name in sides:
            rows = out.setdefault(name, [])
            if len(rows) > r:
                continue
            try:
                figures = one(w, work, table[name], args.seconds, not rows)
            except FAILURES as e:
                failed.append(f"{work.name}, {name}, round {r + 1}: {e}")
                print(f"ringwall: {failed[-1]}", flush=True)
                continue
            rows.append(figures)
            say(name, figures)
            keep()
    return failed


def kept(file, head):
    """What an interrupted run with the same head had measured."""
    try:
        before = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return before["work"] if {k: before.get(k) for k in head} == head else {}


def median(rows):
    """Of each figure over the rounds; of histograms, of each point."""
    out = {}
    for k, v in rows[0].items():
        if isinstance(v, dict):
            out[k] = {p: statistics.median(r[k][p] for r in rows) for p in v}
        else:
            out[k] = statistics.median(r[k] for r in rows)
    return out


def measure(args, result, keep):
    """Fills result["work"]; returns what could not be measured, and why."""
    failed = []
    for work, sides in plan(args):
        found = result["work"].setdefault(work.name, {"title": work.title, "rounds": {}})
        if all(len(found["rounds"].get(s, ())) >= (work.rounds or args.rounds) for s in sides):
            continue
        try:
            with Stage(TOP / "build/release/ringwall") as w:
                failed += rounds_of(w, work, sides, args, found["rounds"], keep)
        except FAILURES as e:
            failed.append(f"{work.name}: {e}")
            print(f"ringwall: {failed[-1]}", flush=True)
    return failed


def summarize(works):
    for name, found in list(works.items()):
        found["median"] = {s: median(rows) for s, rows in found["rounds"].items() if rows}
        if not found["median"]:
            del works[name]


def not_built(args):
    """What is to be run and is not there."""
    tools = [TOP / "build/release/ringwall", loads.LOAD, ways.RELAY] + ([args.against] if args.against else [])
    return [str(p) for p in tools if not p.exists()]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--full", action="store_true", help="everything")
    p.add_argument("--bars", action="store_true", help="what a bar is about")
    p.add_argument("--resume", action="store_true", help="keep what an interrupted run of the same commit measured")
    p.add_argument("--work", help="names of bench/work.py, with commas")
    p.add_argument("--sides", help="of those, with commas")
    p.add_argument("--against", type=pathlib.Path, help="another binary: its sides are plain', governed', guarded'")
    p.add_argument("--docs", action="store_true", help="keep what was found: bench/baseline.json, docs/performance.md")
    p.add_argument("--as-found", action="store_true", help="do not keep a guest's processors from halting (bench/machine.py)")
    p.add_argument("--rounds", type=int, default=int(os.environ.get("RW_BENCH_ROUNDS", "3")))
    p.add_argument("--seconds", type=int, default=int(os.environ.get("RW_BENCH_SECONDS", "4")))
    p.add_argument("--baseline", default=TOP / "bench/baseline.json", type=pathlib.Path)
    args = p.parse_args()
    if not_built(args):
        sys.exit(f"ringwall: {', '.join(not_built(args))}: not there; `make bench-tools` builds what is measured and measures with")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with machine.awake() if not args.as_found else contextlib.nullcontext():
        return bench(args)


def bench(args):
    result = {"machine": machine.describe(), "rounds": args.rounds, "seconds": args.seconds}
    file = OUT / "report.json"
    result["work"] = kept(file, result) if args.resume else {}
    OUT.mkdir(parents=True, exist_ok=True)
    failed = measure(args, result, lambda: file.write_text(json.dumps(result, indent=1)))
    summarize(result["work"])
    report.write(result, OUT, args.baseline)
    if args.docs:
        report.docs(result, OUT, TOP / "docs/performance.md", TOP / "bench/baseline.json")

    if failed:
        print("\n".join(["Not measured to the end:", *failed]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
