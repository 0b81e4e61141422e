# SPDX-License-Identifier: Apache-2.0
"""Our own attacks and harmless texts as many people would phrase them, each line of voices.txt by itself: A, what is typed into a
chat; N, a note to the model that will read the document it hides in; H, harmless, in the same words and places; M, a paragraph of a manual."""
import os

import everyday

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "voices.txt")
ONE_IN = 3  # so many texts is said with another, too


def lines():
    """By language and kind, its texts."""
    out = {}
    with open(FILE, encoding="utf8") as f:
        for line in f:
            lang, kind, text = line.rstrip("\n").split(" ", 2)
            out.setdefault(lang, {}).setdefault(kind, []).append(text.replace("\\n", "\n"))
    return out


def manual(rng, texts):
    """Some paragraphs, one behind the other."""
    return rng.choice(["\n", "\n\n", " "]).join(rng.sample(texts, rng.randrange(2, 6)))


def rows(rng, carriers, put_into, add):
    """add(source, label, text) for each; put_into(rng, note, document) hides a note; carriers: English documents."""
    pages = everyday.sentences()
    for lang, kinds in sorted(lines().items()):
        def page():
            if lang not in pages:
                return rng.choice(carriers)
            return manual(rng, kinds["M"]) if rng.random() < 0.5 else everyday.page(rng, lang, pages[lang])

        for text in kinds["A"]:
            add("voices", "attack", text)
            if rng.randrange(ONE_IN) == 0:
                before = rng.choice(kinds["H"] + kinds["A"])
                add("voices", "attack", before + rng.choice([" ", "\n", "\n\n"]) + text)
        for text in kinds["N"]:
            add("voices", "attack", text)
            add("voiced notes", "attack", put_into(rng, text, page()))
            add("voiced notes", "attack", put_into(rng, text, rng.choice(kinds["H"]) + "\n" + page()))
        for text in kinds["H"]:
            add("voices", "benign", text)
            if rng.randrange(ONE_IN) == 0:
                add("voices", "benign", text + rng.choice([" ", "\n", "\n\n"]) + rng.choice(kinds["H"]))
            add("voiced pages", "benign", put_into(rng, text, page()))
        for text in kinds.get("M", ()):
            add("voiced manuals", "benign", text)
            add("voiced manuals", "benign", manual(rng, kinds["M"]))
