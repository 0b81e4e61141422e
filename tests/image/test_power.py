# SPDX-License-Identifier: Apache-2.0
"""Power cuts while requests run: QEMU is killed, so all that the guest had not written to its disk is gone."""

import json
import os
import random
import threading
import time

from inside import Inside
from test_boot import CONFIG

CUTS = int(os.environ.get("RW_POWER_CUTS", "20"))
SCRIPT = """
$b cat /var/log/ringwall/audit.jsonl
echo "== failed"; systemctl --failed --no-legend --plain
true
"""


def load(m, stop):
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]})
    while not stop.is_set():
        m.tries(8443, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"}, timeout=5)


def test_it_comes_up_after_each_cut_and_the_audit_log_is_whole(workshop):
    """No line of the log is torn but where a cut was, and none of the cuts leaves a file system that needs help."""
    disk, dice = workshop.disk(), random.Random(1)
    config = workshop.config({"ringwall.yaml": CONFIG.format(stub=workshop.stub())})
    for cut in range(CUTS):
        m = workshop.machine(disk, config).start()
        m.ready()
        stop = threading.Event()
        worker = threading.Thread(target=load, args=(m, stop))
        worker.start()
        time.sleep(dice.uniform(0.2, 6))
        m.kill()
        stop.set()
        worker.join()
        print(f"cut {cut + 1} of {CUTS}")
    inside = Inside(workshop, disk, SCRIPT, config)
    inside.machine.start().ready()
    status, text = inside.result()
    log, _, failed = text.partition("== failed")
    assert status == 0 and not failed.strip(), failed
    records = torn = 0
    for line in filter(None, log.split("\n")):
        try:
            json.loads(line)
            records += 1
        except ValueError:
            torn += 1
    assert records > 0 and torn <= CUTS, (records, torn)
