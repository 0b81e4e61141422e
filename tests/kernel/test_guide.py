# SPDX-License-Identifier: Apache-2.0
"""What docs/kernel.md tells to type is typed, in its order: an operator at night has only that page."""

import re

import pytest
from veth import PINS

SUBJECT = "192.0.2.7"


def commands(text):
    """The commands of a page's indented blocks: continued lines joined, remarks and output left out."""
    lines = [l[4:] for l in text.splitlines() if l.startswith("    ")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [re.sub(r"\s+# .*$", "", l) for l in joined.splitlines() if re.match(r"(bpftool|ringwall) ", l)]


def section(page, title):
    m = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    assert m, f"docs/kernel.md has no section '{title}'"
    return m.group(1)


@pytest.fixture
def page(top):
    return (top / "docs/kernel.md").read_text()


def type_in(attached, line):
    words = line.split()
    if words[0] == "ringwall":
        return attached.rw(*words[1:])
    p = attached.run("env", "-C", PINS, *words, check=False)
    assert p.returncode == 0, f"{line}\n{p.stdout}{p.stderr}"
    return p.stdout


def test_what_the_guide_reads_is_there_and_looks_as_shown(attached, page):
    attached.rw("deny", "add", SUBJECT, "--for", "1h")
    text = section(page, "Reading with bpftool")
    typed = {line: type_in(attached, line) for line in commands(text)}
    assert len(typed) >= 5
    shown = set(re.findall(r'"(\w+)":', text))
    real = set(re.findall(r'"(\w+)":', typed["bpftool map dump pinned rw_deny4"]))
    assert real == shown, "the page shows another layout than bpftool does"


def test_what_the_guide_changes_takes_effect(attached, page):
    attached.rw("deny", "add", SUBJECT)
    lines = commands(section(page, "Changing with bpftool"))
    lift = next(i for i, l in enumerate(lines) if "map delete" in l)
    assert attached.bans()
    for line in lines[:lift + 1]:
        type_in(attached, line)
    assert attached.bans() == []
    for line in lines[lift + 1:]:
        type_in(attached, line)
    bans = [(b["prefix"], b["verdict"], b["reason"]) for b in attached.bans()]
    assert bans == [(f"{SUBJECT}/32", "drop_all", "operator")]
