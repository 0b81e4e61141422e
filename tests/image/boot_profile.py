# SPDX-License-Identifier: Apache-2.0
"""Where a boot's time goes and who has the memory, from inside of the image, by its debug UKI.

    scripts/in-root env RW_IMAGE=VERSION python3 -B tests/image/boot_profile.py

Prints seconds from power on, each unit by when it began and how long it took, those that took most of a
processor, and the memory by kind, process and slab. The figures of docs/appliance.md are the first lines of
it, on an idle machine. The processor's seconds are for comparing two images on one that is not.
"""

import os
import pathlib
import re
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / p) for p in ("tests", "tests/image", "scripts")]

from inside import Inside  # noqa: E402
from machine import Workshop, fetch_tools  # noqa: E402
from test_boot import CONFIG, chat  # noqa: E402

IDLE_S = 20
SCRIPT = rf"""
section() {{ echo; echo "== $1"; }}
$b sleep {IDLE_S}
section memory; $b cat /proc/meminfo
section processor; systemctl show '*' --no-pager -p Id -p CPUUsageNSec; $b cat /proc/1/stat
section units; systemctl show '*' --no-pager -p Id -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic
section manager; systemctl show --no-pager -p InitRDTimestampMonotonic -p UserspaceTimestampMonotonic -p FinishTimestampMonotonic -p UnitsLoadFinishTimestampMonotonic -p KernelTimestampMonotonic -p LoaderTimestampMonotonic -p FirmwareTimestampMonotonic
section kernel; $b dmesg
section journal; journalctl -b -o short-monotonic --no-pager SYSLOG_IDENTIFIER=systemd
section processes; for p in /proc/[0-9]*; do c=$($b tr '\0' ' ' <$p/cmdline 2>/dev/null); $b test -n "$c" && echo "$c $($b grep -E '^(Pss|Pss_Anon|Pss_File):' $p/smaps_rollup 2>/dev/null | $b tr -s ' \n' ' ')"; done
section slab; $b cat /proc/slabinfo
section bpf; for p in /proc/[0-9]*; do for f in $p/fdinfo/*; do $b grep -E '^(map_type|max_entries|memlock|map_id):' $f 2>/dev/null | $b tr '\n' ' ' | $b grep map_type; done; done
section vmalloc; $b cat /proc/vmallocinfo
section modules; $b cat /proc/modules
section mounts; $b df -k
true
"""


def units(text):
    """(began, took, name) of each unit that became active."""
    out = []
    for block in text.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        begun, active = (int(fields.get(k) or 0) for k in ("InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic"))
        if begun and active:
            out.append((begun / 1e6, (active - begun) / 1e6, fields["Id"]))
    return sorted(out)


def processor_s(stat):
    """Seconds that a process has had of a processor, by its line in /proc."""
    return sum(map(int, stat.rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def dearest(text, n=20):
    """(seconds of a processor, name) of the units that took most since the initrd, and of all of PID 1."""
    *blocks, first = text.split("\n\n")
    last, _, stat = first.rpartition("\n")
    took = [(processor_s(stat), "PID 1, initrd and system")]
    for block in [*blocks, last]:
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields.get("Id", "").endswith((".slice", "init.scope")): # what others have, and PID 1 again
            continue
        if (ns := fields.get("CPUUsageNSec", "")).isdigit() and int(ns) < 1 << 63:
            took.append((int(ns) / 1e9, fields["Id"]))
    return sorted(took, reverse=True)[:n]


def wanted_image():
    """The image; ends where it, its debug UKI or the stub that it talks to is not there yet."""
    version = os.environ.get("RW_IMAGE") or sys.exit("ringwall: RW_IMAGE=VERSION is wanted, one of build/image")
    image = TOP / f"build/image/{version}/ringwall_{version}.raw"
    for path, made in ((image, "image"), (image.parent / "debug.efi", "image DEBUG=1"), (TOP / "build/release/ringwall", "build")):
        if not path.exists():
            sys.exit(f"ringwall: there is no {path.relative_to(TOP)}: run 'make {made}'")
    return image


def main():
    image = wanted_image()
    with tempfile.TemporaryDirectory(prefix="ringwall-") as folder, Workshop(folder, image, fetch_tools()) as shop:
        config = shop.config({"ringwall.yaml": CONFIG.format(stub=shop.stub())})
        inside = Inside(shop, shop.disk(), SCRIPT, config)
        first = inside.machine.start().ready()
        spent = processor_s(pathlib.Path(f"/proc/{inside.machine.process.pid}/stat").read_text())
        chat(inside.machine)
        status, text = inside.result()
        inside.machine.kill()
        (TOP / "build/image/profile.txt").write_text(text)
        (TOP / "build/image/profile.console").write_text(inside.machine.text())
    parts = dict(p.partition("\n")[::2] for p in text.split("\n== ")[1:])
    kib = {k: int(v.split()[0]) for k, v in re.findall(r"^(\w+(?:\(\w+\))?): +(\d+ kB)", parts["memory"], re.M)}
    print(f"first answer over TLS {first:.1f} s, {spent:.1f} s of a processor")
    print(f"in use {(kib['MemTotal'] - kib['MemAvailable']) / 1024:.0f} MiB of {kib['MemTotal'] / 1024:.0f}, status {status}")
    for key in sorted(kib, key=lambda k: -kib[k])[:24]:
        print(f"  {key:16} {kib[key] / 1024:8.1f} MiB")
    print(parts["manager"].strip())
    for begun, took, name in units(parts["units"]):
        print(f"  {begun:8.2f} {took:8.2f}  {name}")
    for took, name in dearest(parts["processor"].rstrip("\n")):
        print(f"  {took:8.2f}  {name}")
    print(parts["processes"])


main()
