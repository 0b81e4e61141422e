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
SCRIPT = """
$b cat /var/log/ringwall/audit.jsonl
echo "== failed"; systemctl --failed --no-legend --plain
true
"""


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


def cut_under_load(workshop, disk, config, cut, dice):
    """The models that were answered before the power went."""
    writes = workshop.folder / "writes.log"
    base = workshop.folder / "base.raw"
    writes.unlink(missing_ok=True)
    writes.touch()
    subprocess.run(["cp", "--sparse=always", disk, base], check=True)
    m = workshop.machine(disk, config, writes=writes).start()
    m.ready()
    load = Load(m, cut)
    load.start()
    m.wait("first answer", lambda: load.answered)
    time.sleep(dice.uniform(0.2, 6))
    m.kill()
    load.over.set()
    load.join()
    lost = after_cut(base, writes, dice)
    os.replace(base, disk)
    print(f"cut {cut + 1} of {CUTS}: {len(load.answered)} answers, {lost} writes lost")
    return load.answered


def test_it_comes_up_after_each_cut_and_the_audit_log_has_what_was_answered(workshop):
    """No line is torn but where a cut was, no record of an answer that somebody got is missing, no unit fails."""
    disk, dice = workshop.disk(), random.Random(1)
    config = workshop.config({"ringwall.yaml": DURABLE.format(stub=workshop.stub())})
    answered = [name for cut in range(CUTS) for name in cut_under_load(workshop, disk, config, cut, dice)]
    inside = Inside(workshop, disk, SCRIPT, config)
    inside.machine.start().ready()
    status, text = inside.result()
    log, _, failed = text.partition("== failed")
    assert status == 0 and not failed.strip(), failed
    there, torn = set(), 0
    for line in filter(None, log.split("\n")):
        try:
            there.add(json.loads(line).get("model"))
        except ValueError:
            torn += 1
    missing = [name for name in answered if name not in there]
    assert answered and torn <= CUTS and not missing, (len(answered), torn, missing)
