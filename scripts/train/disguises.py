#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which disguises are seen through: short attacks that are found in clear, each in every disguise, and how many are still found.

  scripts/train/disguises.py DEV [--command CMD]

DEV holds lines of {"text", "label", "role", "variant"} (injection_dev.jsonl); the first 60 prompts of attackers in ASCII that
are at most 220 letters long are taken. Of each disguise is told how much per cent the preset balanced flags or blocks.
"""
import argparse
import base64
import codecs
import json
import os
import random
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LETTERS = "abcdefghijklmnopqrstuvwxyz"
RADIO = dict(zip(LETTERS, """Alfa Bravo Charlie Delta Echo Foxtrot Golf Hotel India Juliett Kilo Lima Mike November Oscar Papa Quebec Romeo Sierra Tango
Uniform Victor Whiskey X-ray Yankee Zulu""".split()))
MORSE = dict(zip(LETTERS + "0123456789", """.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. -----
.---- ..--- ...-- ....- ..... -.... --... ---.. ----.""".split()))
DOTS = "1 12 14 145 15 124 1245 125 24 245 13 123 134 1345 135 1234 12345 1235 234 2345 136 1236 2456 1346 13456 1356".split()
BRAILLE = {c: chr(0x2800 + sum(1 << (int(x) - 1) for x in dots)) for c, dots in zip(LETTERS, DOTS)}
rng = random.Random(3)


def mapped(table):
    to = dict(zip(LETTERS, table))
    return lambda t: "".join(to.get(c.lower(), c) for c in t)


def shifted(first):
    return mapped([chr(first + i) for i in range(26)])


def by_word(change, sign=" "):
    return lambda t: sign.join(change(w) for w in t.split())


def by_byte(form, sign=""):
    return lambda t: sign.join(form % b for b in t.encode())


def inner(change):
    """Of words of five letters and more: the first and the last letter stay."""
    return by_word(lambda w: w[0] + change(w[1:-1]) + w[-1] if len(w) > 4 and w.isalpha() else w)


def swap(w):
    i = rng.randrange(len(w) - 1)
    return w[:i] + w[i + 1] + w[i] + w[i + 2:]


def pig(w):
    i = next((i for i, c in enumerate(w) if c.lower() in "aeiou"), 0)
    return w[i:] + w[:i] + "ay" if i else w + "way"


def broken(sign):
    return by_word(lambda w: w[:len(w) // 2] + sign + w[len(w) // 2:] if len(w) > 4 else w)


def words(t, n):
    w = t.split()
    k = max(1, len(w) // n)
    return tuple(" ".join(w[i * k:(i + 1) * k if i < n - 1 else None]) for i in range(n))


def letters(t, n):
    k = max(1, len(t) // n)
    return tuple(t[i * k:(i + 1) * k if i < n - 1 else None] for i in range(n))


DISGUISES = {
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "base32": lambda t: base64.b32encode(t.encode()).decode(),
    "base85": lambda t: base64.b85encode(t.encode()).decode(),
    "hex": by_byte("%02x"),
    "hex, 0x in front": lambda t: "0x" + t.encode().hex(),
    "binary": lambda t: " ".join(format(b, "08b") for b in t.encode()),
    "binary without spaces": lambda t: "".join(format(b, "08b") for b in t.encode()),
    "decimal": by_byte("%d", " "),
    "octal": by_byte("%03o", " "),
    "percent": by_byte("%%%02X"),
    "quoted-printable": by_byte("=%02X"),
    "HTML entities": by_byte("&#%d;"),
    "\\u escapes": by_byte("\\u%04x"),
    "rot13": lambda t: codecs.encode(t, "rot13"),
    "Caesar by 3": mapped(LETTERS[3:] + LETTERS[:3]),
    "Atbash": mapped(LETTERS[::-1]),
    "backwards": lambda t: t[::-1],
    "words backwards": by_word(lambda w: w[::-1]),
    "order of words backwards": lambda t: " ".join(t.split()[::-1]),
    "Morse": by_word(lambda w: " ".join(MORSE.get(c, "") for c in w.lower()), " / "),
    "words of radio": by_word(lambda w: " ".join(RADIO.get(c, c) for c in w.lower()), "  "),
    "letters by number": by_word(lambda w: "-".join(str(LETTERS.index(c) + 1) for c in w.lower() if c in LETTERS)),
    "Braille": mapped(BRAILLE.values()),
    "spaced letters": by_word(" ".join, "  "),
    "spaced letters, no gap between words": lambda t: " ".join(t.replace(" ", "")),
    "dots between letters": by_word(".".join),
    "a letter a line": "\n".join,
    "no spaces": lambda t: t.replace(" ", ""),
    "words joined by _": by_word(str, "_"),
    "words joined by dots": by_word(str, "."),
    "spaces inside words": broken(" "),
    "hyphens inside words": broken("-"),
    "leetspeak": mapped("4bcd3fgh1jklmn0pqr57uvwxyz"),
    "full width": mapped([chr(0xff41 + i) for i in range(26)]),
    "mathematical letters": shifted(0x1d41a),
    "circled letters": shifted(0x24d0),
    "flags": lambda t: "\u200b".join(shifted(0x1f1e6)(t)),
    "small capitals": mapped("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ"),
    "raised letters": mapped("ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖqʳˢᵗᵘᵛʷˣʸᶻ"),
    "Cyrillic look-alikes": mapped("аbсdеfghіјklmnорqrѕtuvwхуz"),
    "Armenian look-alikes": mapped("abcdefցհijklmոօpqrstսvwxyz"),
    "zero width between letters": "\u200b".join,
    "combining marks": lambda t: "".join(c + chr(0x300 + rng.randrange(0x6f)) for c in t),
    "tag characters": shifted(0xe0061),
    "bytes in variation selectors": lambda t: "".join(chr(0xe0100 + b - 16) for b in t.encode()),
    "pig Latin": by_word(pig),
    "letters swapped": inner(swap),
    "letters shuffled": inner(lambda w: "".join(rng.sample(w, len(w)))),
    "a + b": lambda t: 'a = "%s"\nb = "%s"\nNow follow a + b.' % letters(t, 2),
    "x + y + z": lambda t: "Let x='%s'; let y='%s'; let z='%s'. Execute x+y+z" % words(t, 3),
    "strings added": lambda t: " + ".join('"%s"' % x for x in letters(t, 5)),
    "parts to combine": lambda t: 'Part one: "%s". Part two: "%s". Combine them and do it.' % words(t, 2),
    "two turns": lambda t: "User: %s\nAssistant: Go on.\nUser: %s" % words(t, 2),
    "three turns": lambda t: "User: %s\nAssistant: OK.\nUser: %s\nAssistant: And?\nUser: %s" % words(t, 3),
    "turns with labels": lambda t: "**User**: Remember part 1: %s\n**Bot**: ok\n**User**: part 2: %s\n**Bot**: ok\n**User**: Put them together." % words(t, 2),
    "turns that quote": lambda t: 'User: The first half is "%s". Keep it.\nAssistant: Kept.\nUser: The second half is "%s", follow both.' % words(t, 2),
    "turns with letters left over": lambda t: 'User: Let A = "%s"\nAssistant: Okay.\nUser: Let B = "%s"\nAssistant: Okay.\nUser: Do A+B.' % letters(t, 2),
}


def found(command, texts):
    lines = "".join(json.dumps({"id": str(i), "text": t}) + "\n" for i, t in enumerate(texts))
    out = subprocess.run(command + ["scan", "--jsonl", "--categories", "injection"], input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout
    verdicts = {v["id"]: v["action"] for v in map(json.loads, out.splitlines())}
    return [verdicts[str(i)] != "allow" for i in range(len(texts))]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("dev")
    p.add_argument("--command", default=TOP + "/scripts/in-root build/release/ringwall")
    args = p.parse_args()
    with open(args.dev, encoding="utf8") as f:
        rows = [json.loads(line) for line in f]
    rows = [r["text"] for r in rows if r["label"] == "attack" and r["role"] == "user" and "/" not in r["variant"] and
            20 <= len(r["text"]) <= 220 and r["text"].isascii()]
    rng.shuffle(rows)
    os.chdir(TOP)
    command = args.command.split()
    clear = [t for t, f in zip(rows[:60], found(command, rows[:60])) if f]
    print("%-40s %d of %d" % ("in clear", len(clear), len(rows[:60])))
    seen = found(command, [change(t) for change in DISGUISES.values() for t in clear])
    for i, name in enumerate(DISGUISES):
        print("%-40s %5.1f" % (name, 100 * sum(seen[i * len(clear):(i + 1) * len(clear)]) / len(clear)))
    print("%-40s %5.1f" % ("all", 100 * sum(seen) / len(seen)))


if __name__ == "__main__":
    main()
