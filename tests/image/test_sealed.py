# SPDX-License-Identifier: Apache-2.0
"""/var on a machine that has a TPM: encrypted at the first start, opened by that TPM at the next, by no other."""

import re

from gpt import partitions
from inside import Inside
from test_boot import CONFIG, chat

LUKS = b"LUKS\xba\xbe"
SCRIPT = """
echo "== mounts"; $b grep -E ' /var(/log/ringwall)? ' /proc/mounts
echo "== failed"; systemctl --failed --no-legend --plain
true
"""


def first_bytes(disk, label):
    with open(disk, "rb") as f:
        f.seek(partitions(disk)[label][0])
        return f.read(len(LUKS))


def fingerprint(machine):
    """Of the certificate that the gateway made for itself at its first start, and keeps in /var."""
    return machine.wait_text(r"certificate +SHA-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})")[1]


def start(shop, disk, config, state):
    return shop.machine(disk, config, extra=shop.tpm(state)).start()


def test_var_is_sealed_to_this_machine(workshop):
    shop, disk = workshop, workshop.disk()
    config = shop.config({"ringwall.yaml": CONFIG.format(stub=shop.stub())})
    ours, another = shop.folder / "ours", shop.folder / "another"
    m = start(shop, disk, config, ours)
    m.ready()
    assert chat(m)[0] == 200
    made = fingerprint(m)
    m.wait_text("/var encrypted")
    m.kill()
    assert first_bytes(disk, "ringwall-var") == LUKS
    assert first_bytes(disk, "ringwall-audit") != LUKS

    m = start(shop, disk, config, ours)
    m.ready()
    assert fingerprint(m) == made, "the same TPM gives the same /var"
    m.kill()

    m = start(shop, disk, config, another)
    m.wait_text(r"systemd-cryptsetup@ringwall\S+ +loaded +failed(?s:.*)BdsDxe: starting Boot", seconds=600)
    assert m.tries(8443, "GET", "/v1/models", timeout=5) is None
    m.kill()

    inside = Inside(shop, disk, SCRIPT, config, tpm=ours)
    inside.machine.start().ready()
    status, text = inside.result()
    assert status == 0 and not text.partition("== failed")[2].strip(), text
    assert re.search(r"^/dev/mapper/ringwall-var /var ext4 \S*nosuid", text, re.M), text
