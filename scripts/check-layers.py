#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the house stands as scripts/build.mk draws it.

- A file in user/ROOM includes only ROOM and the rooms that NEEDS_ROOM names; a unit test
  of ROOM likewise. Static inline functions and types would cross a wall without the linker
  noticing.
- A library is used in the rooms that it belongs to (LIBRARIES below), so that replacing one
  means changing one room.
- Every room with sources has its page in docs/internals.
"""

import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)

# A system header that begins so is for these rooms only.
LIBRARIES = {
    "liburing": {"ring"},
    "llhttp.h": {"http"},
    "openssl/ssl.h": {"tls"},
    "openssl/bio.h": {"tls"},
    "hs.h": {"scan"},
    "hs/": {"scan"},
    "pcre2.h": {"scan"},
    "sqlite3.h": {"ident"},
    "bpf/": {"kern"},
    "yaml.h": {"policy", "scan"},
    "yyjson.h": {"llm", "scan", "stub", "admin", "cmd"},
}


def needs():
    """ROOM -> the rooms it may include, from the NEEDS_ lines; make's references expanded."""
    raw = {}
    for line in (TOP / "scripts/build.mk").read_text().splitlines():
        m = re.match(r"NEEDS_(\w+)\s*:=\s*(.*)", line)
        if m:
            raw[m[1]] = m[2]

    def expand(room):
        text = re.sub(r"\$\(NEEDS_(\w+)\)", lambda m: " ".join(expand(m[1])), raw[room])
        return text.split()

    return {room: set(expand(room)) | {room} for room in raw}


def includes(path):
    text = path.read_text(errors="replace")
    for m in INCLUDE.finditer(text):
        yield text.count("\n", 0, m.start()) + 1, m[1] == '"', m[2]


def check_file(path, room, may, rooms):
    where = path.relative_to(TOP)
    for line, quoted, name in includes(path):
        if ".." in name.split("/"):
            yield f"{where}:{line}: includes {name}: name it from its top folder"
        first = name.split("/")[0]
        if quoted and "/" in name and first in rooms and first not in may:
            allowed = " ".join(sorted(may - {room})) or "no other room"
            yield f"{where}:{line}: {room} must not know {first} (NEEDS_{room}: {allowed})"
        if quoted:
            continue
        for prefix, owners in LIBRARIES.items():
            if name.startswith(prefix) and room not in owners:
                yield f"{where}:{line}: <{name}> belongs to {', '.join(sorted(owners))}"


def main():
    rooms = needs()
    wrong = []
    for room, may in sorted(rooms.items()):
        folder = TOP / "user" / room
        files = [f for f in sorted(folder.rglob("*")) if f.suffix in (".c", ".h")]
        for f in files:
            wrong += check_file(f, room, may, rooms)
        if any(f.suffix == ".c" for f in files) and not (
            TOP / "docs/internals" / f"{room}.md"
        ).exists():
            wrong.append(f"docs/internals/{room}.md: the page of this room is missing")
        for f in sorted((TOP / "tests/unit" / room).glob("*.[ch]")):
            # A test may look at a result with a library that its room does not use.
            for line, quoted, name in includes(f):
                if quoted and name.split("/")[0] in set(rooms) - may:
                    wrong.append(
                        f"{f.relative_to(TOP)}:{line}: a test of {room} must not know "
                        f"{name.split('/')[0]}"
                    )
    for folder in sorted((TOP / "user").iterdir()):
        if folder.is_dir() and folder.name not in rooms:
            wrong.append(f"user/{folder.name}: scripts/build.mk has no NEEDS_{folder.name}")
    for f in sorted([*(TOP / "bpf").glob("*.[ch]"), *(TOP / "include").rglob("*.h")]):
        for line, _, name in includes(f):
            if name.split("/")[0] in rooms:
                wrong.append(f"{f.relative_to(TOP)}:{line}: the kernel side knows no room")
    for w in wrong:
        print(w, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
