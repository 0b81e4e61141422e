# SPDX-License-Identifier: Apache-2.0
"""Where a boot's time goes and who has the memory, from inside of the image, by its debug UKI.

    scripts/in-root env RW_IMAGE=VERSION python3 -B tests/image/boot_profile.py

Prints seconds from power on, each unit by when it began and how long it took, and the memory by kind,
process and slab. The figures of docs/appliance.md are the first lines of it, on an idle machine. The
processor's seconds are for comparing two images on one that is not.
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
section units; systemctl show '*' --no-pager -p Id -p InactiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic
section manager; systemctl show --no-pager -p InitRDTimestampMonotonic -p UserspaceTimestampMonotonic -p FinishTimestampMonotonic -p UnitsLoadFinishTimestampMonotonic -p KernelTimestampMonotonic -p LoaderTimestampMonotonic -p FirmwareTimestampMonotonic
section initrd; journalctl -b -o short-monotonic --no-pager _TRANSPORT=kernel + SYSLOG_IDENTIFIER=systemd
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


def processor_s(pid):
    """Seconds that the process has had of a processor."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


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
        spent = processor_s(inside.machine.process.pid)
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
    print(parts["processes"])


main()
