# SPDX-License-Identifier: Apache-2.0
"""What the gateway is to reach, and what a report says of it."""


def cpu(figures):
    return figures.get("us_per_request", figures.get("us_per_event"))


class Missing(Exception):
    """The run has no such figure."""


def of(result, work, side, *path):
    """A figure of the report: ("latency", "p99_us"), say; CPU time without a path."""
    try:
        f = result["work"][work]["median"][side]
        if not path:
            f = cpu(f)
        for k in path:
            f = f[k]
    except KeyError as e:
        raise Missing from e
    if f is None:
        raise Missing
    return f


def ratio(r, work, side, base):
    return of(r, work, side) / of(r, work, base)


def added(r, work, side, base, *path):
    return of(r, work, side, *path) - of(r, work, base, *path)


def lost(r, work, side, base):
    """Of what one processor can do, in per cent: throughput at saturation is one over CPU time."""
    return (1 - of(r, work, base) / of(r, work, side)) * 100


# (what, how to read it, the bar, +1: at most, -1: at least, unit)
BARS = (
    ("plain, CPU time beside nginx", lambda r: ratio(r, "chat", "plain", "nginx"), 0.85, 1, "x"),
    ("guarded, CPU time beside nginx", lambda r: ratio(r, "chat", "guarded", "nginx"), 1.2, 1, "x"),
    ("the relay, which reads nothing, beside nginx", lambda r: ratio(r, "chat", "relay", "nginx"), None, 1, "x"),
    ("ModSecurity, CPU time beside guarded", lambda r: ratio(r, "chat", "modsecurity", "guarded"), 40, -1, "x"),
    ("Portkey, CPU time beside guarded", lambda r: ratio(r, "chat", "portkey", "guarded"), 40, -1, "x"),
    ("throughput of a processor that limits take", lambda r: lost(r, "chat", "limited", "plain"), 3, 1, "%"),
    ("... limits and the audit log", lambda r: lost(r, "chat", "governed", "plain"), 3, 1, "%"),
    ("throughput of a processor that rules alone take", lambda r: lost(r, "chat", "rules", "plain"), 15, 1, "%"),
    ("throughput of a processor that guards take", lambda r: lost(r, "chat", "guarded", "plain"), 28, 1, "%"),
    ("latency added at one connection, guarded, p50",
     lambda r: added(r, "latency", "guarded", "direct", "latency", "p50_us"), 60, 1, "us"),
    ("latency added at one connection, guarded, p99",
     lambda r: added(r, "latency", "guarded", "direct", "latency", "p99_us"), 80, 1, "us"),
    ("... CPU time of such a request", lambda r: of(r, "latency", "guarded"), None, 1, "us"),
    ("... the same with spin_us: 0, p50",
     lambda r: added(r, "latency", "guarded, no spin", "direct", "latency", "p50_us"), None, 1, "us"),
    ("... the same with spin_us: 0, p99",
     lambda r: added(r, "latency", "guarded, no spin", "direct", "latency", "p99_us"), None, 1, "us"),
    ("... CPU time of such a request", lambda r: of(r, "latency", "guarded, no spin"), None, 1, "us"),
    ("... the same, the relay, p50", lambda r: added(r, "latency", "relay", "direct", "latency", "p50_us"), None, 1, "us"),
    ("... the same, the relay, p99", lambda r: added(r, "latency", "relay", "direct", "latency", "p99_us"), None, 1, "us"),
    ("first event, added, guarded, p99", lambda r: added(r, "first", "guarded", "direct", "first", "p99_us"), 150, 1, "us"),
    ("CPU time of an event, guarded", lambda r: of(r, "stream", "guarded"), 6, 1, "us"),
    ("... of which the relay has", lambda r: of(r, "stream", "relay"), None, 1, "us"),
    ("events over 50 ms late, 9,500 streams, guarded", lambda r: of(r, "slow10k", "guarded", "late"), 0, 1, ""),
    ("memory of a stream, 1,000 streams, guarded",
     lambda r: of(r, "slow1k", "guarded", "bytes_per_stream") / 1024, 24, 1, "KiB"),
    ("... 9,500 streams, guarded",
     lambda r: of(r, "slow10k", "guarded", "bytes_per_stream") / 1024, 24, 1, "KiB"),
    ("two workers beside one, by CPU time of a request",
     lambda r: 2 * ratio(r, "workers", "guarded", "guarded x 2"), 1.8, -1, "x"),
    ("idle, with the rule database", lambda r: of(r, "idle", "plain", "own_bytes") / 2**20, None, 1, "MiB"),
    ("idle, without it",
     lambda r: (of(r, "idle", "plain", "own_bytes") - of(r, "idle", "plain", "database_bytes")) / 2**20, 8, 1, "MiB"),
    ("idle, CPU time", lambda r: of(r, "idle", "plain", "idle_percent"), None, 1, "% of a processor"),
    ("memory after the soak beside memory when warm",
     lambda r: of(r, "soak", "guarded", "last_bytes") / of(r, "soak", "guarded", "warm_bytes"), 1.02, 1, "x"),
)


def table(result):
    lines = ["| bar | | measured |", "|---|---|---|"]
    for what, read, bar, sign, unit in BARS:
        try:
            value = read(result)
        except Missing:
            continue
        words = f"{'<=' if sign > 0 else '>='} {bar:g} {unit}" if bar is not None else ""
        missed = bar is not None and value * sign > bar * sign
        lines.append(f"| {what} | {words} | {value:.3g} {unit}{' (missed)' if missed else ''} |")
    return lines
