# SPDX-License-Identifier: Apache-2.0
"""Documents say what the source does. A name that changed in one place only fails here."""

import re

import pytest


def read(top, name):
    return (top / name).read_text()


def documents(top):
    return sorted([*top.glob("*.md"), *top.glob("docs/**/*.md"), *top.glob("bench/*.md")])


def table_rows(text, title):
    """The first cells of the tables under a heading, without back quotes."""
    part = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return [[c.strip() for c in line.strip("|").split(" | ")]
            for line in part.splitlines() if line.startswith("|") and "---" not in line]


@pytest.fixture(scope="module")
def guide(top):
    return read(top, "docs/operating.md")


def test_every_metric_is_in_the_guide(top, guide):
    rows = {tuple(r) for r in table_rows(guide, "Metrics") if r[0].startswith("`ringwall_") and len(r) == 3}
    engine = re.findall(r'X\((\w+), "(\w+)",\s+"([^"]+)"\)', read(top, "user/gate/metrics.h"))
    control = re.findall(r'\{"(\w+)", "(\w+)", "([^"]+)"', read(top, "user/admin/prometheus.c"))
    egress = read(top, "include/ringwall/kern_egress.h")
    abi = "".join(p.read_text() for p in top.glob("include/ringwall/*.h") if p.name != "kern_egress.h")
    head, rest = abi.split("#define RW_KERN_EVENT_KINDS(X)", 1)
    events, tail = rest.split("\n\n", 1)
    row = r'X\((\w+), "([^"]+)"\)'
    kernel = [(f"kernel_{n}_total", "counter", text) for n, text in re.findall(row, head + tail)]
    kernel += [(f"egress_{n}_total", "counter", text) for n, text in re.findall(row, egress)]
    kernel += [(f"kernel_event_{n}_total", "counter", f"events: {text}") for n, text in re.findall(row, events)]
    tls = [(f"tls_{n}_total", "counter", t) for n, t in re.findall(row, read(top, "user/tls/shared.h"))]
    assert len(engine) > 20 and len(control) > 8 and len(kernel) > 20 and len(tls) > 8, "the tables moved"
    want = {(f"`ringwall_{n}`", kind, text) for n, kind, text in [*engine, *tls, *control, *kernel]}
    assert rows - {r for r in rows if r[1] == "histogram"} == want


def test_every_refusal_is_in_the_guide(top, guide):
    refusals = re.findall(r'= \{(\d{3}), "\w+",\s+"(\w+)"', read(top, "user/gate/refuse.c"))
    assert len(refusals) > 15, "the table moved"
    told = {(r[0], r[1].strip("`")) for r in table_rows(guide, "What callers are told")[1:]}
    assert set(refusals) | {("400, 408, 413, 431", "malformed_request")} == told


def test_every_field_of_the_audit_log_is_in_the_guide(top, guide):
    fields = set(re.findall(r'[,{]\\"(\w+)\\":', read(top, "user/audit/record.c") + read(top, "user/audit/chain.c")))
    told = {name for row in table_rows(guide, "The audit log")[1:] for name in re.findall(r"`(\w+)`", row[0])}
    nested = {"rule", "type", "category", "count", "action", "as", "in", "index", "start", "end"}
    assert fields - nested == told


def test_every_strike_is_in_the_guide_with_its_weight(top, guide):
    weights = dict(re.findall(r'\{"(\w+)", (\d+)\}', read(top, "user/limit/strikes.c")))
    told = {r[0].strip("`"): r[1] for r in table_rows(guide, "Bans")[1:]}
    assert told == weights and len(weights) == 6


def test_commands_in_documents_exist(top):
    """What was planned and never came must not stand in a document."""
    commands = set(re.findall(r'\{"(\w+)", rw_cmd_\w+,', read(top, "user/main.c")))
    targets = set(re.findall(r"^([a-z-]+):.*## ", read(top, "scripts/build.mk") + read(top, "Makefile"), re.M))
    for doc in documents(top):
        text = doc.read_text()
        code = re.findall(r"`([^`\n]+)`|^ {4,}(\S.*)$", text, re.M)
        for line in ((a or b).split("# ")[0] for a, b in code):
            for word in re.findall(r"(?:^|[\s/])ringwall ([a-z]+)\b", line):
                assert word in commands or line.startswith(("su ", "install ", "systemctl ")), f"{doc.name}: {line}"
            for word in re.findall(r"^make ([a-z]+(?:-[a-z]+)*)", line):
                assert word in targets or word.split("-")[0] == "unit", f"{doc.name}: {line}"


def test_links_lead_somewhere(top):
    for doc in documents(top):
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", doc.read_text()):
            if "://" not in link:
                assert (doc.parent / link).exists(), f"{doc.relative_to(top)}: {link}"
