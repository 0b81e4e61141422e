#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fits the weights of user/scan/rules/model.bin: the same data give the same bytes.

  scripts/train/train.py DATA [--command CMD]

DATA is a folder with injection_train.jsonl and injection_dev.jsonl: lines of {"text", "label": "attack" or "benign",
"license", "source"}. Rows under the GPL or a ShareAlike licence are left out. The dev set is not trained on: the line that
the score 70 stands for is drawn there, at 1 % false positives. Needs python3-numpy and python3-scipy, and the program
that `make train` builds.
"""
import argparse
import collections
import json
import math
import os
import struct

import numpy as np

import model
import own

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CARRIERS = ("envoyproxy/ai-gateway:docs", "h2o/h2o:docs", "tigerbeetle/tigerbeetle:docs", "prompts.chat(CC0)",
            "self-instruct:seed", "self-instruct:user_oriented")
LINE = 0.70  # what the score of the line is
FALSE_POSITIVES = 0.01


def load(path):
    with open(path, encoding="utf8") as f:
        return [json.loads(line) for line in f]


def rows_of(folder):
    train = [r for r in load(os.path.join(folder, "injection_train.jsonl")) if model.trainable(r)]
    carriers = [r["text"] for r in train
                if r["label"] == "benign" and r["source"] in CARRIERS and len(r["text"]) > 300]
    return train + own.rows(carriers), load(os.path.join(folder, "injection_dev.jsonl"))


# What a row counts beside others, by source and label. Attacks in other languages are few beside the harmless text in these, and
# manuals there are many: with 1 for both, half as many of such attacks are found, without manuals four times as many of these flagged.
COUNTS = {("own:voices", "attack"): 2, ("own:voiced notes", "attack"): 2, ("own:languages", "attack"): 2,
          ("own:voiced manuals", "benign"): 0.25}


def row_weights(rows):
    """A source with many rows counts more than one with few, but not by as much."""
    kinds = [(r["source"], r["label"]) for r in rows]
    count = collections.Counter(kinds)
    return np.array([3 / count[kind] ** 0.3 * COUNTS.get(kind, 1) for kind in kinds])


def threshold(harmless, share):
    order = np.sort(harmless)[::-1]
    return order[int(share * len(order))]


def slope(z, attack):
    """How log-odds of rows follow z: Platt's first parameter."""
    w = np.where(attack, 0.5 / attack.sum(), 0.5 / (~attack).sum()) * len(z)
    return model.fit(model.sparse.csr_matrix(z[:, None]), attack, w, 1e-6)[0]


def quantise(weights, bits, clip):
    top = np.quantile(np.abs(weights[weights != 0]), clip)
    step = top / (2 ** (bits - 1) - 1)
    return np.clip(np.rint(weights / step), -2 ** (bits - 1) + 1, 2 ** (bits - 1) - 1).astype(int), step


def write(path, keys, k, words, concepts, chars):
    with open(path, "wb") as f:
        f.write(struct.pack("<8sIII4x", b"rwmodel2", model.BITS, model.CHARS_BITS, len(keys)))
        for row in k:
            f.write(struct.pack("<7d", *row))
        for key, weight in sorted(zip(keys.tolist(), concepts.tolist())):
            f.write(struct.pack("<Ii", key, weight))
        f.write(words.astype(np.int8).tobytes())
        f.write(chars.astype(np.int8).tobytes())


def write_fixture(path, w, rows, z, words, s_concepts, chars):
    """The log-odds of the best window of some texts of our own, and its sums, for the test that C counts the same."""
    short = [i for i, r in enumerate(rows) if r["source"] in ("own:languages", "own:attack") and len(r["text"]) < 140]
    best = model.row_max(z, w.row, len(rows))
    sure = [i for i in short if best[i] > np.median(best[short])]  # concepts are weighed where words come near
    texts = sure[::max(1, len(sure) // 40)]
    with open(path, "w", encoding="utf8") as f:
        f.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Written by scripts/train/train.py beside model.bin. */\n"
                "/* clang-format off */\nstatic const struct {\n\tconst char *text;\n\tunsigned n_words;\n"
                "\tint words, concepts, chars;\n\tdouble z;\n} fixture[] = {\n")
        for i in texts:
            mine = np.flatnonzero(w.row == i)
            at = mine[np.argmax(z[mine])]
            f.write("\t{%s, %d, %d, %d, %d, %.6f},\n" % (
                json.dumps(rows[i]["text"], ensure_ascii=False), w.n_words[at],
                round(float((w.words[at] @ words)[0]) * math.sqrt(max(w.n_words[at], 1))), int(s_concepts[at]),
                round(float((w.chars[at] @ chars)[0]) * math.sqrt(max(w.n_chars[at] / 3, 1))), z[at]))
        f.write("};\n")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("data")
    p.add_argument("--command", default=TOP + "/scripts/in-root build/release/train/features")
    args = p.parse_args()
    os.chdir(TOP)
    train, dev = rows_of(args.data)
    w = model.Windows(train + dev, args.command.split())
    attack = np.array([r["label"] == "attack" for r in train + dev])
    used = np.arange(len(attack)) < len(train)
    fitted = model.Model(w, attack, used, np.concatenate([row_weights(train), np.zeros(len(dev))]))

    words, word_step = quantise(fitted.words[:-1], 8, 0.9995)
    concepts, concept_step = quantise(fitted.concepts[:-1], 16, 1)
    chars, char_step = quantise(fitted.chars[:-1], 8, 0.9995)
    words[0] = 0
    s_words = np.asarray(w.words @ words)  # already over the root of the number of words
    s_concepts = np.asarray(w.concepts[:, fitted.columns] @ concepts)
    z = model.together(s_words * word_step + fitted.words[-1], s_concepts * concept_step + fitted.concepts[-1],
                       np.asarray(w.chars @ chars) * char_step + fitted.chars[-1]) * w.gain
    rows = model.row_max(z, w.row, len(attack))[~used]
    on_dev = attack[~used]
    line = threshold(rows[~on_dev], FALSE_POSITIVES)
    a = slope(rows, on_dev)
    b = math.log(LINE / (1 - LINE)) - a * line
    mix = 2 / (2 + model.MIX)  # what is left of the first two's log-odds where characters are asked
    k = [[a * g * (fitted.words[-1] + fitted.concepts[-1]) / 2 + b, a * g * word_step / 2, a * g * concept_step / 2,
          a * g * model.ASK + b, mix, (1 - mix) * (b + a * g * fitted.chars[-1]), (1 - mix) * a * g * char_step]
         for g in model.GAINS]
    write("user/scan/rules/model.bin", w.keys[fitted.columns], k, words, concepts, chars)
    write_fixture("tests/unit/scan/model_fixture.h", w, train + dev, a * z + b, words, s_concepts, chars)
    print("%d windows of %d texts, %d features of concepts" % (len(w.row), len(attack), len(fitted.columns)))
    for share in (0.01, 0.001):
        t = threshold(rows[~on_dev], share)
        print("dev, %.1f %% false positives: %.1f %% of the attacks" % (100 * share, 100 * (rows[on_dev] > t).mean()))


if __name__ == "__main__":
    main()
