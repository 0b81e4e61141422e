# SPDX-License-Identifier: Apache-2.0
"""Instructions that a chat, and an event of a stream, cost the gateway in userspace, by room and library. `make profile`.

The whole gateway runs on the simulator (one connection, TLS on both legs, 2 KB prompt, 1 KB
answer; plain, then with all guards on, then one answer as a stream, event by event) under callgrind, which counts instructions, not seconds: the figures are the same on every run of the
same build on the same kind of processor. The simulator stands in the kernel's place: it is not counted, and the
kernel's share is missing. Two lengths are run and subtracted, so what a start costs is not in
them. --check compares with bench/instructions.json, names what changed and fails where a room grew by more than its
tolerance; --save writes that file: `make profile SAVE=1`."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
SIM = TOP / "build/release/tests/sim/sim"
MEMO = TOP / "build/tests/hsmemo.so"  # what Hyperscan compiles, slowly under callgrind, is kept
COMPILED = TOP / "build/profile"
KEPT = TOP / "bench/instructions.json"
LOADS = {"plain": (60, 200), "chat": (60, 200), "event": (100, 600)}  # of the simulator, each at two lengths
TOLERANCE, SMALL = 0.05, {"plain": 300, "chat": 300, "event": 30}  # of a room; instructions that are no growth


def fixture(folder):
    folder.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=sim",
                    "-keyout", folder / "gateway.key", "-out", folder / "gateway.crt", "-addext",
                    "subjectAltName=IP:127.0.0.1,DNS:gateway.test"], check=True, capture_output=True)
    os.chmod(folder / "gateway.key", 0o600)


def count(folder, load, n):
    """Instructions by function: {(room or library, function): n}, of the workers' turns only."""
    fixture(folder)
    out = folder / "callgrind"
    p = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=turn_workers", "--compress-strings=no",
                        "--compress-pos=no", f"--callgrind-out-file={out}", SIM, folder, load, str(n)],
                       capture_output=True, text=True, env={**os.environ, "LD_PRELOAD": str(MEMO), "RW_HS_MEMO": str(COMPILED)})
    if p.returncode:
        raise SystemExit(f"ringwall: callgrind: {p.stdout[-500:]}{p.stderr[-1500:]}")
    return parse(out)


def room_of(obj, file):
    m = re.search(r"/user/([a-z]+)/", file)
    if m:
        return m.group(1)
    if "/tests/" in file:
        return None
    return re.sub(r"\.so.*", ".so", pathlib.Path(obj).name)


def parse(path):
    costs = collections.Counter()
    obj = file = here = name = ""
    call = False
    for line in path.read_text().splitlines():
        if line.startswith("ob="):
            obj = line[3:]
        elif line.startswith(("fl=", "fi=", "fe=")):
            file = line[3:]
            here = file if line.startswith("fl=") else here
        elif line.startswith("fn="):
            name = line[3:]
        elif line.startswith("calls="):
            call = True
        elif line and line[0] in "0123456789+-*":
            if not call:  # the line after calls= is what the called function took
                room = room_of(obj, here)
                if room and not name.startswith("sim_"):
                    costs[room, name] += int(line.split()[1])
            call = False
    return costs


def by_room(costs):
    rooms = collections.Counter()
    for (room, _), n in costs.items():
        rooms[room] += n
    return {r: round(n) for r, n in rooms.most_common() if n >= 5}


def check(what, rooms, kept):
    """(what changed, whether something grew)."""
    lines, grown = [], False
    for room in sorted(rooms.keys() | kept.keys()):
        before, now = kept.get(room, 0), rooms.get(room, 0)
        if abs(now - before) > before * TOLERANCE + SMALL[what]:
            lines.append(f"{room}: {now} instructions of {what}, {before} in bench/instructions.json")
            grown |= now > before
    return lines, grown


def show(what, costs, rooms):
    print(f"\n  {sum(rooms.values())} instructions of {what}")
    for room, n in rooms.items():
        print(f"  {n:8d}  {room}")
    print("\n  the dearest functions")
    for (room, name), n in sorted(costs.items(), key=lambda x: -x[1])[:25]:
        print(f"  {n:8.0f}  {room:16} {name}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--save", action="store_true")
    p.add_argument("--check", action="store_true")
    args = p.parse_args()
    COMPILED.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ringwall-") as d:
        jobs = [(what, n) for what, lengths in LOADS.items() for n in lengths]
        print(f"ringwall: {len(jobs)} runs under callgrind", flush=True)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = dict(zip(jobs, pool.map(lambda j: count(pathlib.Path(d) / f"{j[0]}{j[1]}", *j), jobs)))
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    result, lines, grown = {}, [], False
    for what, (few, many) in LOADS.items():
        less = counts[what, few]
        costs = {k: (n - less.get(k, 0)) / (many - few) for k, n in counts[what, many].items()}
        result[what] = by_room(costs)
        show(what, costs, result[what])
        if args.check and what in kept:
            more, grew = check(what, result[what], kept[what])
            lines, grown = lines + more, grown or grew
    if args.save:
        KEPT.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(lines))
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
