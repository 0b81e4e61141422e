# SPDX-License-Identifier: Apache-2.0
"""What the benchmark measured, as a table, a chart and a comparison with an earlier report."""

import json
import shutil

import bars
from bars import cpu

BASE = "nginx"  # what CPU time is compared with
BAR, GAP, LEFT, WIDTH = 18, 6, 150, 420
COLOURS = {"plain": "#2b6cb0", "governed": "#2b6cb0", "guarded": "#2b6cb0"}
PEER = "#a0aec0"
MARKS = ("<!-- make bench-docs writes what is between here -->", "<!-- and here -->")


def spread(rows):
    """Half of what the rounds differ by, as a share of their middle: the noise of one figure."""
    values = [cpu(r) for r in rows if cpu(r)]
    return (max(values) - min(values)) / 2 / (sum(values) / len(values)) if len(values) > 1 else 0


def latency_words(figures):
    h = figures.get("latency") or figures.get("event")
    return f"{h['p50_us']:.0f} / {h['p99_us']:.0f}" if h else ""


def memory(figures):
    if "bytes_per_stream" in figures:
        return f"{figures['own_bytes'] / 2**20:.0f} ({figures['bytes_per_stream'] / 1024:.0f} KiB a stream)"
    return f"{figures['own_bytes'] / 2**20:.0f}" if "own_bytes" in figures else ""


def table(work):
    lines = ["| | us CPU | x nginx | a second | p50 / p99 us | first event p99 us | MiB |", "|---|---|---|---|---|---|---|"]
    base = cpu(work["median"].get(BASE, {}))
    for side, f in work["median"].items():
        c = cpu(f)
        rate = f"{f['requests_per_s']:.0f}" if "requests_per_s" in f else ""
        first = f"{f['first']['p99_us']:.0f}" if f.get("first", {}).get("n") else ""
        lines.append(f"| {side} | {f'{c:.1f}' if c else ''} | {f'{c / base:.2f}' if c and base else ''} | {rate} | "
                     f"{latency_words(f)} | {first} | {memory(f)} |")
    return lines


def polling(m):
    poll_us = m.get("halt_poll_us")
    return f", processors poll for {poll_us} us before they halt" if poll_us else ""


def markdown(result):
    m = result["machine"]
    lines = [f"{result['rounds']} rounds of {result['seconds']} s, medians; commit {m['commit']}, {m['cpu']}, "
             f"{m['processors']} processors, Linux {m['kernel']}{polling(m)}.", "", *bars.table(result), ""]
    for name, work in result["work"].items():
        noise = max((spread(r) for r in work["rounds"].values()), default=0)
        lines += [f"**{name}**: {work['title']} (noise of CPU time {noise * 100:.0f} %)", "", *table(work), ""]
    return "\n".join(lines)


def chart(result):
    """Bars of CPU time for each workload that has it, as SVG."""
    y, parts = 10, []
    for work in result["work"].values():
        rows = [(s, cpu(f)) for s, f in work["median"].items() if cpu(f)]
        if not rows:
            continue
        top = max(c for _, c in rows)
        parts.append(f'<text x="4" y="{y + 13}" font-weight="bold">{work["title"]}</text>')
        y += BAR + GAP
        for side, c in rows:
            width = max(1, c / top * WIDTH)
            parts.append(f'<text x="{LEFT - 6}" y="{y + 13}" text-anchor="end">{side}</text>'
                         f'<rect x="{LEFT}" y="{y}" width="{width:.0f}" height="{BAR}" fill="{COLOURS.get(side, PEER)}"/>'
                         f'<text x="{LEFT + width + 5:.0f}" y="{y + 13}">{c:.1f} us</text>')
            y += BAR + GAP
        y += 10
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{y}" '
            f'font-family="sans-serif" font-size="13"><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')


def docs(result, folder, page, kept):
    """The page's tables between its marks, its chart, and the report itself, as what is compared with from now on."""
    text = page.read_text()
    begin, end = (text.index(mark) for mark in MARKS)
    page.write_text(text[:begin + len(MARKS[0])] + f"\n![CPU time]({page.stem}.svg)\n\n" + markdown(result) + text[end:])
    shutil.copy(folder / "chart.svg", page.with_suffix(".svg"))
    shutil.copy(folder / "report.json", kept)


def ratios(work):
    base = cpu(work["median"].get(BASE, {}))
    return {s: cpu(f) / base for s, f in work["median"].items() if cpu(f) and base}


def changes(result, baseline):
    """What is dearer or cheaper, beside the same peer, than its noise explains."""
    lines = []
    for name, work in result["work"].items():
        before = baseline["work"].get(name)
        if not before:
            continue
        old, new = ratios(before), ratios(work)
        noise = sum(max((spread(r) for r in x["rounds"].values()), default=0) for x in (before, work))
        for side in sorted(old.keys() & new.keys() - {BASE}):
            change = new[side] / old[side] - 1
            if abs(change) > max(noise, 0.03):
                word = "dearer" if change > 0 else "cheaper"
                lines.append(f"{name}, {side}: {abs(change) * 100:.0f} % {word} beside {BASE} than at "
                             f"{baseline['machine']['commit']} (noise {noise * 100:.0f} %)")
    return lines


def write(result, folder, baseline):
    text = markdown(result)
    (folder / "report.json").write_text(json.dumps(result, indent=1))
    (folder / "report.md").write_text(text)
    (folder / "chart.svg").write_text(chart(result))
    print("\n" + text)
    if baseline.exists():
        found = changes(result, json.loads(baseline.read_text()))
        print("\n".join(found) if found else f"No change beyond noise since {baseline.name}.")
    print("Written to build/bench: report.json, report.md, chart.svg")
