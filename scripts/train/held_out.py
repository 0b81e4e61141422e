#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How much of a source's attacks is found by a model that never saw the source: a table, source by source.

  scripts/train/held_out.py DATA [--source NAME]... [--command CMD] [--ringwall CMD]

DATA as for train.py. For each source of attacks (those of one family together) the model is fitted on the attacks of all others and
the harmless rows for training; the line is drawn at 1 % of the harmless rows of the dev set, rules included. "rules" is
what the shipped rules find by themselves; they were written with these files in sight, the model's column was not. Rows in
disguises that only the gateway undoes are left out. Some minutes a source. Needs what train.py needs, and the binary.
"""
import argparse
import json
import os
import subprocess

import numpy as np

import model
import train

RULE_LINE = 70
FAMILIES = ("garak:latent", "synthetic-dev-grammar", "deepset")


def family(source):
    return next((f for f in FAMILIES if source.startswith(f)), source)


def scan(command, path):
    with open(path, "rb") as rows:
        return subprocess.run(command + ["scan", "--jsonl", "--categories", "injection"], stdin=rows, stdout=subprocess.PIPE,
                              check=True).stdout.splitlines()


def rule_scores(folder, command):
    """By a row's id: the surest finding that a rule made."""
    out = {}
    for name in ("injection_train.jsonl", "injection_dev.jsonl"):
        for line in scan(command, os.path.join(folder, name)):
            v = json.loads(line)
            out[v["id"]] = max([f["score"] for f in v["findings"] if f["rule"] != "injection.model"], default=0)
    return out


class Held:
    def __init__(self, folder, features, ringwall):
        own, dev = train.rows_of(folder)
        self.rows = own + dev
        self.dev = np.arange(len(self.rows)) >= len(own)
        self.attack = np.array([r["label"] == "attack" for r in self.rows])
        self.family = np.array([family(r["source"]) for r in self.rows])
        self.plain = np.array([r["source"].startswith("own:") or model.trainable(r) for r in self.rows])
        self.weight = np.concatenate([train.row_weights(own), train.row_weights(dev)])
        self.windows = model.Windows(self.rows, features)
        scores = rule_scores(folder, ringwall)
        self.rule = np.array([scores.get(r.get("id"), 0) >= RULE_LINE for r in self.rows])

    def scores(self, without):
        used = self.plain & (self.family != without) & ~(self.dev & ~self.attack)
        m = model.Model(self.windows, self.attack, used, self.weight)
        return model.row_max(model.together(*m.parts()) * self.windows.gain, self.windows.row, len(self.rows))

    def line(self, z, rules):
        """The model's, where 1 % of the harmless rows are above it or, with rules, found by one."""
        harmless = self.dev & ~self.attack
        ruled = harmless & self.rule if rules else np.zeros_like(harmless)
        most = max(0, int(train.FALSE_POSITIVES * harmless.sum()) - int(ruled.sum()))
        return np.sort(z[harmless & ~ruled])[::-1][most]

    def found(self, source):
        """How many rows; the shares that the model alone, the rules, and both find."""
        z = self.scores(source)
        rows = (self.family == source) & self.attack & np.array(["/obf" not in r.get("variant", "") for r in self.rows])
        return (int(rows.sum()), (z[rows] > self.line(z, False)).mean(), self.rule[rows].mean(),
                ((z[rows] > self.line(z, True)) | self.rule[rows]).mean())


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("--source", action="append")
    p.add_argument("--command", default=train.TOP + "/scripts/in-root build/release/train/features")
    p.add_argument("--ringwall", default=train.TOP + "/scripts/in-root build/release/ringwall")
    args = p.parse_args()
    os.chdir(train.TOP)
    held = Held(args.data, args.command.split(), args.ringwall.split())
    sources = args.source or sorted({f for f, a in zip(held.family, held.attack) if a and not f.startswith("own:")})
    total = np.zeros(4)
    print("%-30s %5s %7s %7s %7s" % ("held out", "rows", "model", "rules", "both"))
    for source in sources:
        n, *shares = held.found(source)
        total += np.array([n] + [n * s for s in shares])
        print("%-30s %5d " % (source, n) + " ".join("%5.1f %%" % (100 * s) for s in shares), flush=True)
    print("%-30s %5d " % ("all rows", total[0]) + " ".join("%5.1f %%" % (100 * s / total[0]) for s in total[1:]))


if __name__ == "__main__":
    main()
