#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How well ringwall finds what is in a labelled data set: a report in build/detect.

    make detect-report DATA=DIR

DIR holds JSON lines and their scorer (score.py): injection_*.jsonl with labels, pii_*.jsonl and secrets_*.jsonl with
spans; of injection_train.jsonl, if it is there, what nothing is trained on. Each file goes through `ringwall scan --jsonl`, as it is built now; the scorer judges. Written are the
verdicts, report.json (its tables as text, with the command of each) and report.md.
"""

import glob
import json
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
OUT = TOP / "build/detect"
PRESETS = ("strict", "balanced", "permissive")
CORE = "EMAIL_ADDRESS,PHONE_NUMBER,US_SSN,CREDIT_CARD,IBAN_CODE,IP_ADDRESS"


def scan(data, category, *options):
    """The binary's verdicts for one file."""
    command = [TOP / "build/release/ringwall", "scan", "--jsonl", "--categories", category, *options, data]
    p = subprocess.run(command, capture_output=True, check=False)
    if p.returncode:
        sys.exit(p.stderr.decode())
    return [json.loads(line) for line in p.stdout.splitlines()]


def write(path, rows):
    with open(path, "w") as f:
        for row in rows:
            f.write(json.dumps(row) + "\n")


def score(scorer, *args):
    p = subprocess.run([sys.executable, scorer, *map(str, args)], capture_output=True, text=True, check=False)
    if p.returncode:
        sys.exit(p.stderr)
    return p.stdout


def near_misses(gold, pred):
    """Rows that hold look-alikes only, and in how many of them something was found all the same."""
    rows = {r["id"]: r for r in map(json.loads, open(gold)) if r["variant"] == "near-miss-negative"}
    hit = sum(1 for p in pred if p["id"] in rows and p["entities"])
    return f"look-alike rows flagged: {hit}/{len(rows)} = {100 * hit / max(1, len(rows)):.1f} %\n"


def group(g):
    """What a row is, for the table by groups."""
    v = g["variant"]
    if g["label"] == "benign":
        hard = g.get("stratum") == "hard" or v in ("over-refusal", "persona-prompt", "benign-encoded")
        return "benign, quotes an attack" if "quotes-attack" in v else "benign, hard" if hard else "benign"
    if "/obf-" in v:
        return "attack, disguised"
    if v.startswith(("doc-injected", "indirect", "synth-indirect")):
        return "attack, in a document"
    return "attack, by a tool" if v.startswith("tool-injection") else "attack, as a prompt"


def by_group(gold, verdicts, group_of=group):
    """Rows by what a preset does about them: flagged or blocked, and blocked."""
    rows = {}
    for g in map(json.loads, open(gold)):
        rows.setdefault(group_of(g), []).append(g["id"])
    text = f"{'':26} {'rows':>5}" + "".join(f"{n:>11} {'blocked':>7}" for n in verdicts) + "\n"
    for k, ids in sorted(rows.items()):
        text += f"{k:26} {len(ids):5}"
        for by_id in verdicts.values():
            shares = [100 * sum(by_id[i] in actions for i in ids) / len(ids) for actions in (("flag", "block"), ("block",))]
            text += f"{shares[0]:11.1f} {shares[1]:7.1f}"
        text += "\n"
    return text


def injection(data, scorer):
    verdicts = scan(data, "injection")
    pred = [{"id": v["id"], "score": v["scores"].get("injection", 0)} for v in verdicts]
    out = OUT / f"{data.stem}.pred.jsonl"
    write(out, pred)
    yield f"{data.name}: recall by threshold", f"score.py injection {data.name} {out.name}", score(scorer, "injection", data, out)
    yield (f"{data.name}: flagged and blocked, by group", f"ringwall scan --jsonl --preset ... {data.name}",
           by_group(data, actions(data)))


def actions(data):
    """By preset what it does about each row."""
    return {p: {v["id"]: v["action"] for v in scan(data, "injection", "--preset", p)} for p in PRESETS}


def unread(data):
    """Harmless rows of the training file that nothing is trained on, for their licence (train.py)."""
    out = OUT / "unread.jsonl"
    write(out, [r for r in map(json.loads, open(data)) if r["label"] == "benign"
                and any(word in r["license"] for word in ("GPL", "-SA"))])
    yield (f"{data.name}: harmless rows that nothing is trained on", f"ringwall scan --jsonl --preset ... {out.name}",
           by_group(out, actions(out), lambda r: r["source"] + (", English" if r.get("lang") == "en" else "")))


def cost(data):
    """What scanning takes for the harmless rows, one behind the other and cut into texts of a prompt's length and of a long one's."""
    out = OUT / "harmless.txt"
    out.write_text("\n\n".join(r["text"] for r in map(json.loads, open(data)) if r["label"] == "benign"))
    for cut in (2048, 16384):
        command = ["bench", "scan", "--ordinary", "--rounds", "101", "--cut", str(cut), out]
        p = subprocess.run([TOP / "build/release/ringwall", *command], capture_output=True, text=True, check=False)
        if p.returncode:
            sys.exit(p.stderr)
        yield f"{data.name}: cost of harmless texts of {cut} bytes", f"ringwall {' '.join(map(str, command[:-1]))} {out.name}", p.stdout


def spans(data, scorer, category, types):
    verdicts = scan(data, category)
    pred = [{"id": v["id"], "entities": [{"type": f["type"], "bstart": f["start"], "bend": f["end"]} for f in v["findings"]]}
            for v in verdicts]
    out = OUT / f"{data.stem}.pred.jsonl"
    write(out, pred)
    if types:
        core = [{"id": p["id"], "entities": [e for e in p["entities"] if e["type"] in types.split(",")]} for p in pred]
        write(OUT / f"{data.stem}.core.jsonl", core)
        yield (f"{data.name}: core types", f"score.py spans {data.name} {data.stem}.core.jsonl --types {types}",
               score(scorer, "spans", data, OUT / f"{data.stem}.core.jsonl", "--types", types) + near_misses(data, core))
    yield f"{data.name}: all types", f"score.py spans {data.name} {out.name}", score(scorer, "spans", data, out) + near_misses(data, pred)


def main():
    folder = pathlib.Path(sys.argv[1])
    scorer = folder / "score.py"
    OUT.mkdir(parents=True, exist_ok=True)
    sections = []
    for name in sorted(glob.glob(str(folder / "*_dev.jsonl"))):
        data = pathlib.Path(name)
        print(f"detect-report: {data.name}", file=sys.stderr)
        if data.stem.startswith("injection"):
            sections += injection(data, scorer)
            sections += cost(data)
            if (folder / "injection_train.jsonl").exists():
                sections += unread(folder / "injection_train.jsonl")
        elif data.stem.startswith("pii"):
            sections += spans(data, scorer, "pii", CORE)
        elif data.stem.startswith("secrets"):
            sections += spans(data, scorer, "secrets", None)
    if not sections:
        sys.exit(f"there is no *_dev.jsonl in {folder}")
    commit = subprocess.run(["git", "-C", TOP, "rev-parse", "--short", "HEAD"], capture_output=True, text=True,
                            check=False).stdout.strip() or "unknown"
    report = {"commit": commit, "sections": [{"title": t, "command": c, "text": x} for t, c, x in sections]}
    (OUT / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (OUT / "report.md").write_text(f"# Detection at commit {commit}\n" + "".join(
        f"\n## {t}\n`{c}`\n\n```\n{x}```\n" for t, c, x in sections))
    print(OUT.relative_to(TOP) / "report.md")


if __name__ == "__main__":
    main()
