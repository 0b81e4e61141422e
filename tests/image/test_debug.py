# SPDX-License-Identifier: Apache-2.0
"""A shell on the console: with a debug UKI and a credential, and with no less."""

import subprocess
import time

from common import TOP
from gpt import Esp
from test_boot import CONFIG

ASKED = ["-smbios", "type=11,value=io.systemd.credential:ringwall.debug=1"]


def shell_disk(shop):
    """As docs/appliance.md says."""
    path = shop.folder / "shell.img"
    subprocess.run([shop.tools / "usr/sbin/mkfs.vfat", "-n", "RWDEBUG", "-C", path, "8192"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run([shop.tools / "usr/bin/mcopy", "-i", path, shop.tools / "usr/bin/busybox", "::busybox"], check=True,
                   stdin=subprocess.DEVNULL)
    return ["-drive", f"if=none,id=shell,format=raw,readonly=on,file={path}", "-device", "virtio-blk-pci,drive=shell"]


def asked(shop, disk):
    """The machine, once it serves, with all that a shell takes but the UKI."""
    config = shop.config({"ringwall.yaml": CONFIG.format(stub=shop.stub())})
    m = shop.machine(disk, config, extra=ASKED + shell_disk(shop), talk=True).start()
    m.ready()
    return m


def test_a_debug_uki_with_the_credential_opens_a_shell(workshop):
    disk = workshop.disk()
    Esp(workshop.tools, disk).replace_uki(TOP / f"build/image/{workshop.image.parent.name}/debug.efi")
    m = asked(workshop, disk)
    m.wait("an answer of the shell", lambda: m.say("/run/ringwall-debug/busybox id") or "uid=0" in m.text())


def test_the_uki_of_a_release_opens_none(workshop):
    m = asked(workshop, workshop.disk())
    m.wait_text("listener +0.0.0.0:8443, answers")
    for _ in range(5):
        m.say("/run/ringwall-debug/busybox id")
        time.sleep(2)
    assert "uid=" not in m.text()
