# SPDX-License-Identifier: Apache-2.0
"""A command inside the image: its debug UKI takes a unit from the hypervisor, and that unit runs a
static busybox from a disk. The system itself, its every byte, is that of production."""

import base64
import os
import re
import subprocess

from common import TOP
from gpt import Esp
from machine import PATIENCE_S

UNIT = """
[Unit]
After=multi-user.target ringwall.service ringwall-lock.service
[Service]
ExecStartPre=/usr/bin/mount --mkdir -o ro LABEL=RWTEST /run/rwtest
ExecStart=/run/rwtest/busybox sh /run/rwtest/run
StandardOutput=file:/dev/virtio-ports/rw.out
StandardError=file:/dev/virtio-ports/rw.out
"""
WANTS = "[Unit]\nWants=rwtest.service\n"


def credentials(unit, wanted_by="multi-user.target", wants=WANTS):
    """Machine arguments that hand a unit to systemd, as any hypervisor can."""
    given = {"systemd.extra-unit.rwtest.service": unit, f"systemd.unit-dropin.{wanted_by}": wants}
    out = []
    for name, text in given.items():
        value = base64.b64encode(text.encode()).decode()
        out += ["-smbios", f"type=11,value=io.systemd.credential.binary:{name}={value}"]
    return out


def command_disk(tools, path, script, files=()):
    path.unlink(missing_ok=True)
    kib = 16384 + sum(os.path.getsize(source) for source, _ in files) // 1024
    subprocess.run([tools / "usr/sbin/mkfs.vfat", "-n", "RWTEST", "-C", path, str(kib)], check=True,
                   stdout=subprocess.DEVNULL)
    local = path.with_suffix(".script")
    local.write_text(f"PATH=/usr/bin:/usr/sbin\nb=/run/rwtest/busybox\n{script}\necho RW-EXIT:$?\n")
    for source, name in ((tools / "usr/bin/busybox", "busybox"), (local, "run"), *files):
        subprocess.run([tools / "usr/bin/mcopy", "-i", path, source, f"::{name}"], check=True,
                       stdin=subprocess.DEVNULL)
    return path


def arguments(path, out):
    return ["-drive", f"if=none,id=rwtest,format=raw,readonly=on,file={path}", "-device", "virtio-blk-pci,drive=rwtest",
            "-device", "virtio-serial-pci", "-chardev", f"file,id=out,path={out}",
            "-device", "virtserialport,chardev=out,name=rw.out"]


class Inside:
    """A machine of the debug UKI that runs `script` once it is up. `files`: (path, name) of what it has in /run/rwtest."""

    def __init__(self, shop, disk, script, config=None, version=None, tpm=None, files=(), **kwargs):
        self.out = shop.folder / f"{disk.stem}.out"
        self.out.write_bytes(b"")
        version = version or shop.image.parent.name
        Esp(shop.tools, disk).replace_uki(TOP / f"build/image/{version}/debug.efi", f"ringwall_{version}.efi")
        extra = credentials(UNIT) + arguments(command_disk(shop.tools, shop.folder / "rwtest.img", script, files), self.out)
        if tpm:
            extra += shop.tpm(tpm)
        self.machine = shop.machine(disk, config, extra=extra, **kwargs)

    def result(self, seconds=PATIENCE_S):
        """(status, output) of the script."""
        m = self.machine
        found = m.wait("end of the script inside", lambda: re.search(r"^RW-EXIT:(\d+)", self.text(), re.M), seconds)
        return int(found[1]), self.text()[: found.start()]

    def text(self):
        return self.out.read_text(errors="replace")


