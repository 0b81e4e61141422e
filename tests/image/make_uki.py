# SPDX-License-Identifier: Apache-2.0
"""The test profile's UKI of an image: the same kernel, initrd and system, but credentials of the hypervisor
are taken, so that tests can look inside. Signed with keys made locally; of a release there is none.

    scripts/in-root --with image python3 tests/image/make_uki.py VERSION [WORD...]

Words are added to the kernel's command line. Writes build/image/VERSION/test.efi.
"""

import pathlib
import subprocess
import sys

import pefile

TOP = pathlib.Path(__file__).resolve().parents[2]


def section(uki, name):
    for s in pefile.PE(uki, fast_load=True).sections:
        if s.Name.rstrip(b"\0").decode() == name:
            return s.get_data()[: s.Misc_VirtualSize]
    raise SystemExit(f"{uki} has no {name}")


def main():
    version, *words = sys.argv[1:]
    folder = TOP / "build/image" / version
    uki = folder / f"ringwall_{version}.efi"
    line = section(uki, ".cmdline").rstrip(b"\0").decode().split()
    line = [w for w in line if w != "systemd.import_credentials=no"] + words
    release, out, keys = folder / "test.os-release", folder / "test.efi", TOP / "build/keys"
    release.write_bytes(section(uki, ".osrel").rstrip(b"\0"))
    out.unlink(missing_ok=True)
    subprocess.run(["/usr/bin/ukify", "build", f"--linux={folder}/ringwall_{version}.vmlinuz",
                    f"--initrd={folder}/ringwall_{version}.initrd", f"--cmdline={' '.join(line)}",
                    f"--os-release=@{release}", f"--secureboot-private-key={keys}/boot.key",
                    f"--secureboot-certificate={keys}/boot.crt", f"--output={out}"], check=True)


main()
