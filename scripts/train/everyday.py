# SPDX-License-Identifier: Apache-2.0
"""Our own harmless text in the languages that our attacks are in and some more, and attacks of languages.py put into it. Without it a
language is itself the sign of an attack: the licences leave hardly another text in it.

everyday.txt has a line for each language and kind: M, manuals; Q, what people ask; O, office and shop; N, news and lexicon;
W, words of attacks in their everyday meaning; S, safe questions with alarming words; L, pieces of some sentences."""
import os

import languages

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "everyday.txt")
NO_SPACES = languages.NO_SPACES + ("th",)
PROSE, PAGES, NOTES = "MONW", 40, 12


def sentences():
    """By language and kind, its texts."""
    out = {}
    with open(FILE, encoding="utf8") as f:
        for line in f:
            lang, kind, texts = line.rstrip("\n").split(" ", 2)
            out.setdefault(lang, {})[kind] = texts.split("|")
    return out


def page(rng, lang, kinds):
    """Some sentences of a kind, as a paragraph or a list."""
    texts = kinds[rng.choice(PROSE)]
    some = rng.sample(texts, min(len(texts), rng.randrange(2, 9)))
    between = rng.choice(["", "\n"] if lang in NO_SPACES else [" ", " ", "\n", "\n\n", "\n- ", "\n* "])
    return between.join(some)


def rows(rng, add):
    """add(source, label, text) for each."""
    attacks = languages.parts()
    for lang, kinds in sorted(sentences().items()):
        for text in (t for kind in sorted(kinds) for t in kinds[kind]):
            add("everyday", "benign", text)
        for _ in range(PAGES):
            add("everyday", "benign", page(rng, lang, kinds))
        for _ in range(NOTES if lang in attacks else 0):
            note = languages.note(rng, lang, attacks[lang])
            add("document", "attack", "\n".join([page(rng, lang, kinds), note, page(rng, lang, kinds)]))
