# SPDX-License-Identifier: Apache-2.0
"""What firmware, kernel and dm-verity refuse."""

import time

from gpt import Esp, partitions
from inside import arguments, credentials, command_disk
from test_boot import CONFIG

UNIT = """
[Service]
ExecStart=/usr/bin/ringwall --version
StandardOutput=file:/dev/virtio-ports/rw.out
"""


def flip(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 1]))


def test_an_altered_uki_is_refused(workshop):
    """One letter of the kernel's command line, lockdown's: firmware does not start it."""
    disk = workshop.disk("altered")
    esp = Esp(workshop.tools, disk)
    (name,) = esp.names()
    uki = esp.get(f"EFI/Linux/{name}", workshop.folder / "altered.efi")
    data = uki.read_bytes()
    assert data.count(b"lockdown=integrity") == 1
    uki.write_bytes(data.replace(b"lockdown=integrity", b"lockdown=integritx"))
    esp.replace_uki(uki)
    m = workshop.machine(disk).start()
    m.wait_text("Access Denied|Access denied|Security Violation")
    m.kill()


def test_a_flipped_bit_in_the_system_panics(workshop):
    """In a block that each boot reads: the root directory's, the first of the file system."""
    disk = workshop.disk("flipped")
    begin = next(at for label, (at, _) in partitions(disk).items() if label.startswith("ringwall_")
                 and "_v" not in label)
    flip(disk, begin + 1024 + 16)
    m = workshop.machine(disk, extra=["-no-reboot"]).start()
    m.wait_text("dm-verity|device-mapper: verity|Kernel panic")
    m.wait("end of a machine that panicked", lambda: m.process.poll() is not None or "Kernel panic" in m.text())
    assert "verity" in m.text(), m.tail()
    assert m.tries(8443, "GET", "/", timeout=3) is None


def test_a_root_unit_of_the_hypervisor_does_not_run(workshop):
    """Offered by SMBIOS: production's command line refuses it."""
    out = workshop.folder / "refused.out"
    out.write_bytes(b"")
    extra = credentials(UNIT) + arguments(command_disk(workshop.tools, workshop.folder / "t.img", "true"), out)
    m = workshop.machine(workshop.disk("offered"), workshop.config(
        {"ringwall.yaml": CONFIG.format(stub=workshop.stub())}), extra=extra).start()
    m.ready()
    time.sleep(5)
    assert out.read_bytes() == b""
    assert m.request(9443, "GET", "/readyz", tls=False)[0] == 200
