# SPDX-License-Identifier: Apache-2.0
"""The model that sees injected instructions: how it is fitted. Needs python3-numpy and python3-scipy."""
import subprocess

import numpy as np
from scipy import optimize, sparse

BITS = 18
FEATURES_MAX = 10240  # of concepts; RW_MODEL_FEATURES_MAX
CHARS_BITS = 18
SCALES = (512, 160)
MIX = 2  # what characters count, where they are asked, beside words and concepts
ASK = 0.5  # the mean of both from which on they are: from the one on something is lost, of ordinary text half would be asked by -1
GAINS = (1, 2)  # what a window of the scale says counts so much: a few words stand out in a small one
GPL_OR_SHAREALIKE = ("GPL", "-SA")


# Disguises that the folded view undoes by itself; of others the program sees nothing.
FOLDED = ("obf-zw", "obf-full", "obf-homo", "obf-case", "obf-leet")


def trainable(row):
    disguise = row.get("variant", "").partition("/")[2]
    return disguise in ("",) + FOLDED and not any(word in row["license"] for word in GPL_OR_SHAREALIKE)


class Windows:
    """Every window of every row: which row, which scale, and its three kinds of features."""

    def __init__(self, rows, command):
        import json
        lines = "".join(json.dumps({"text": r["text"]}) + "\n" for r in rows)
        raw = np.frombuffer(subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE,
                                           check=True).stdout, dtype=np.uint32)
        heads, words, concepts, chars = [], [], [], []
        at = 0
        while at < len(raw):
            head = raw[at:at + 8]
            a, b = at + 8, at + 8 + int(head[5])
            c = b + int(head[6])
            at = c + int(head[7])
            heads.append(head)
            words.append(raw[a:b])
            concepts.append(raw[b:c])
            chars.append(raw[c:at].astype(np.int32))
        heads = np.array(heads)
        self.row, self.scale, self.n_words = heads[:, 0], heads[:, 1], heads[:, 4]
        self.at = heads[:, 2]
        self.n_rows = len(rows)
        self.gain = np.where(self.scale == SCALES[0], *GAINS)
        # Words: counts by feature, over the root of the number of words.
        index = np.concatenate(words) & ((1 << BITS) - 1)
        ptr = np.concatenate([[0], np.cumsum(heads[:, 5].astype(np.int64))])
        norm = 1 / np.sqrt(np.maximum(self.n_words, 1))
        self.words = sparse.csr_matrix((np.repeat(norm, heads[:, 5]), index, ptr),
                                       shape=(len(heads), 1 << BITS))
        self.words.sum_duplicates()
        self.keys, index = np.unique(np.concatenate(concepts), return_inverse=True)
        ptr = np.concatenate([[0], np.cumsum(heads[:, 6].astype(np.int64))])
        self.concepts = sparse.csr_matrix((np.ones(len(index)), index, ptr),
                                          shape=(len(heads), len(self.keys)))
        self.concepts.sum_duplicates()
        # Characters: as words, but that there are three to a place.
        self.n_chars = heads[:, 7]
        ptr = np.concatenate([[0], np.cumsum(heads[:, 7].astype(np.int64))])
        norm = (1 / np.sqrt(np.maximum(heads[:, 7] / 3, 1))).astype(np.float32)
        self.chars = sparse.csr_matrix((np.repeat(norm, heads[:, 7]), np.concatenate(chars), ptr),
                                       shape=(len(heads), 1 << CHARS_BITS))
        self.chars.sum_duplicates()


def fit(x, y, weight, l2, start=None):
    """Logistic regression: weights of the columns and, last, the bias."""
    sign = np.where(y, 1.0, -1.0)
    xt = x.T.tocsr()

    def loss(w):
        m = sign * (x @ w[:-1] + w[-1])
        g = -sign * weight / (1 + np.exp(np.clip(m, -50, 50)))
        grad = np.concatenate([xt @ g + l2 * w[:-1], [g.sum()]])
        return (weight * np.logaddexp(0, -m)).sum() + l2 / 2 * (w[:-1] ** 2).sum(), grad

    w = np.zeros(x.shape[1] + 1) if start is None else start
    return optimize.minimize(loss, w, jac=True, method="L-BFGS-B",
                             options={"maxiter": 120, "maxcor": 8}).x


def best_windows(z, row, keep, n_rows):
    """Of the windows in keep, the index of each row's highest z (-1: none)."""
    best = np.full(n_rows, -1)
    order = np.flatnonzero(keep)
    order = order[np.argsort(z[order], kind="stable")]
    best[row[order]] = order
    return best


def row_max(z, row, n_rows):
    out = np.full(n_rows, -1e9)
    np.maximum.at(out, row, z)
    return out


class Model:
    L2_WORDS = 0.02
    L2_CONCEPTS = 0.2
    L2_CHARS = 0.05
    REST = 0.5  # what the other windows of a harmless text weigh together, beside the worst
    ROUNDS = 3
    CONCEPT_ROWS = 48  # a concept feature that stands in fewer rows is left out

    def __init__(self, w, attack, rows_used, row_weight):
        """attack, rows_used, row_weight by row."""
        used = rows_used[w.row]
        y = attack[w.row]
        self.w = w
        # Which concept features say something often enough.
        rows_of = sparse.csr_matrix((np.ones(used.sum()), (w.row[used], np.arange(used.sum()))),
                                    shape=(w.n_rows, used.sum()))
        count = np.asarray(((rows_of @ w.concepts[used]) > 0).sum(axis=0)).ravel()
        self.columns = np.flatnonzero(count >= self.CONCEPT_ROWS)
        assert len(self.columns) <= FEATURES_MAX, "%d features of concepts: raise CONCEPT_ROWS" % len(self.columns)
        con = w.concepts[:, self.columns]
        per_row = np.zeros(w.n_rows)
        np.add.at(per_row, w.row[used], 1)
        # At first all windows of harmless texts count, and attacks of few; then, of every text, the windows that look
        # most like an attack: a text is judged by its worst.
        few = per_row[w.row] <= 3
        chosen = used & (~y | few)
        weight = row_weight[w.row] / np.where(y, 2, np.sqrt(np.maximum(per_row[w.row], 1)))
        words = concepts = None
        for _ in range(self.ROUNDS):
            words = fit(w.words[chosen], y[chosen], weight[chosen], self.L2_WORDS, words)
            concepts = fit(con[chosen], y[chosen], weight[chosen], self.L2_CONCEPTS, concepts)
            z = (w.words @ words[:-1] + words[-1] + con @ concepts[:-1] + concepts[-1]) / 2
            chosen = used & ~y
            weight = row_weight[w.row] * self.REST / np.maximum(per_row[w.row], 1)
            for scale in SCALES:
                best = best_windows(z, w.row, used & (w.scale == scale), w.n_rows)
                best = best[best >= 0]
                chosen[best] = True
                weight[best] = row_weight[w.row[best]] / 2
        self.words, self.concepts = words, concepts
        self.chars = fit(w.chars[chosen], y[chosen], weight[chosen], self.L2_CHARS)

    def parts(self):
        """The log-odds of every window by its words, its concepts and its characters, before the gain of its scale."""
        w = self.w
        return (w.words @ self.words[:-1] + self.words[-1],
                w.concepts[:, self.columns] @ self.concepts[:-1] + self.concepts[-1],
                w.chars @ self.chars[:-1] + self.chars[-1])


def together(words, concepts, chars):
    """The mean of the parts; characters are asked where the others come near."""
    z = (words + concepts) / 2
    return np.where(z > ASK, (words + concepts + MIX * chars) / (2 + MIX), z)
