#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much is found of texts that the rules and the model were not made with: a table by kind and source.

  scripts/train/outside.py DEV FILE... [--command CMD] [--by-source]

DEV (injection_dev.jsonl) says where the line is: 1 % of its harmless rows, those apart that quote attacks, score more. FILE
holds lines of {"id", "text", "label": "attack" or "benign", "tier", "source", "role"}. Of each kind are told: the rows, in
per cent those over the line, and those that the preset balanced flags or blocks, and blocks. The command is what
`ringwall scan` is reached by; outside_rows.py makes files. One that was once looked at to write a rule is no test of it any more.
"""
import argparse
import collections
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FALSE_POSITIVES = 0.01


def load(path):
    with open(path, encoding="utf8") as f:
        return [json.loads(line) for line in f]


def scan(command, path):
    """By a row's id: score and action."""
    with open(path, "rb") as rows:
        lines = subprocess.run(command + ["scan", "--jsonl", "--categories", "injection"], stdin=rows, stdout=subprocess.PIPE,
                               check=True).stdout.splitlines()
    verdicts = map(json.loads, lines)
    return {v["id"]: (v["scores"].get("injection", 0), v["action"]) for v in verdicts}


def line_of(command, dev):
    verdicts = scan(command, dev)
    harmless = sorted((verdicts[r["id"]][0] for r in load(dev)
                       if r["label"] == "benign" and "quotes-attack" not in r["variant"]), reverse=True)
    return harmless[int(FALSE_POSITIVES * len(harmless))]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("dev")
    p.add_argument("file", nargs="+")
    p.add_argument("--by-source", action="store_true")
    p.add_argument("--command", default=TOP + "/scripts/in-root build/release/ringwall")
    args = p.parse_args()
    command, dev, files = args.command.split(), os.path.abspath(args.dev), list(map(os.path.abspath, args.file))
    os.chdir(TOP)
    line = line_of(command, dev)
    kinds = collections.defaultdict(list)
    for path in files:
        verdicts = scan(command, path)
        for r in load(path):
            kinds[r["label"], r.get("tier", ""), r["source"] if args.by_source else ""].append(verdicts[r["id"]])
    print("line: a score over %.2f\n%-52s %6s %7s %7s %7s" % (line, "", "rows", "line", "flagged", "blocked"))
    for kind, rows in sorted(kinds.items()):
        shares = (sum(s > line for s, _ in rows), sum(a != "allow" for _, a in rows), sum(a == "block" for _, a in rows))
        print("%-52s %6d " % (" ".join(kind), len(rows)) + " ".join("%7.1f" % (100 * n / len(rows)) for n in shares))


if __name__ == "__main__":
    main()
