# SPDX-License-Identifier: Apache-2.0
"""Power cuts while requests run: of what the guest wrote and did not flush, any part is gone."""

import json
import os
import random
import subprocess
import threading
import time

from cut import after_cut
from inside import Inside
from test_boot import CONFIG

# CONFIG ends with the audit section.
DURABLE = CONFIG + "  sync: request\n"
CUTS = int(os.environ.get("RW_POWER_CUTS", "20"))
# Of each start: what the cut before it left, then a ban and a key more; "made" says that their commands ended.
SCRIPT = """
echo "== audit"; $b cat /var/log/ringwall/audit.jsonl
echo "== chain"; ringwall audit verify; echo "status $?"
echo "== bans"; ringwall deny list --json
echo "== keys"; ringwall key list --json
echo "== failed"; systemctl --failed --no-legend --plain
echo "== more"
ringwall deny add {ban} && ringwall key add {key} >/dev/null && echo "== made"
"""


def ban(cut):
    return f"203.0.113.{cut + 1}"


def key(cut):
    return f"key-{cut}"


class Load(threading.Thread):
    """Asks as long as it may, each time for a model of another name, and keeps the names that were answered whole."""

    def __init__(self, machine, cut):
        super().__init__()
        self.machine, self.cut, self.answered, self.over = machine, cut, [], threading.Event()

    def run(self):
        for n in range(1 << 30):
            if self.over.is_set():
                return
            name = f"cut-{self.cut}-{n}"
            body = json.dumps({"model": name, "messages": [{"role": "user", "content": "hello"}]})
            got = self.machine.tries(8443, "POST", "/v1/chat/completions", body,
                                     {"Content-Type": "application/json"}, timeout=5)
            if got and got[0] == 200:
                self.answered.append(name)


class Kept:
    """What has to be there after a cut: each answer's record, and every ban and key whose command had ended."""

    def __init__(self):
        self.answered, self.bans, self.keys, self.cuts = [], [], [], 0

    def check(self, text):
        parts = {name: body for name, _, body in (p.partition("\n") for p in text.split("== ")[1:])}
        there, torn = set(), 0
        for line in filter(None, parts["audit"].split("\n")):
            try:
                there.add(json.loads(line).get("model"))
            except ValueError:
                torn += 1
        missing = [name for name in self.answered if name not in there]
        assert torn <= self.cuts and not missing, (len(self.answered), torn, missing)
        assert parts["chain"].endswith("status 0\n"), parts["chain"]
        assert not parts["failed"].strip(), parts["failed"]
        banned = {b["prefix"].split("/")[0] for b in json.loads(parts["bans"])}
        assert set(self.bans) <= banned, (self.bans, parts["bans"])
        live = {k["name"] for k in json.loads(parts["keys"]) if k["state"] == "live"}
        assert set(self.keys) <= live, (self.keys, parts["keys"])


def cut_under_load(workshop, disk, config, kept, dice):
    """A start, looked at, and its end by a cut."""
    cut = kept.cuts
    writes, base = workshop.folder / "writes.log", workshop.folder / "base.raw"
    writes.unlink(missing_ok=True)
    writes.touch()
    inside = Inside(workshop, disk, SCRIPT.format(ban=ban(cut), key=key(cut)), config, writes=writes)
    subprocess.run(["cp", "--sparse=always", disk, base], check=True)
    m = inside.machine.start()
    m.ready()
    status, text = inside.result()
    assert status == 0 and "== made" in text, text
    kept.check(text)
    kept.bans.append(ban(cut))
    kept.keys.append(key(cut))
    load = Load(m, cut)
    load.start()
    m.wait("first answer", lambda: load.answered)
    time.sleep(dice.uniform(0.2, 6))
    m.kill()
    load.over.set()
    load.join()
    kept.answered += load.answered
    kept.cuts += 1
    lost = after_cut(base, writes, dice)
    os.replace(base, disk)
    print(f"cut {kept.cuts} of {CUTS}: {len(load.answered)} answers, {lost} writes lost", flush=True)


def test_after_each_cut_it_serves_and_nothing_that_was_promised_is_lost(workshop):
    """No line is torn but where a cut was, no record of an answer that somebody got is missing, the log's chain is whole,
    no ban is gone and no key; no unit fails."""
    disk, dice, kept = workshop.disk(), random.Random(1), Kept()
    config = workshop.config({"ringwall.yaml": DURABLE.format(stub=workshop.stub())})
    for _ in range(CUTS):
        cut_under_load(workshop, disk, config, kept, dice)
    inside = Inside(workshop, disk, SCRIPT.format(ban=ban(CUTS), key=key(CUTS)), config)
    inside.machine.start().ready()
    status, text = inside.result()
    assert status == 0, text
    kept.check(text)
