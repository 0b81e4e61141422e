# SPDX-License-Identifier: Apache-2.0
"""The debug UKI of an image: the same kernel, initrd and system, but credentials of the hypervisor are taken, so that
whoever owns the keys can look inside. Of a release there is none unless its owner makes one."""

import hashlib
import subprocess

import pefile

REFUSED = "systemd.import_credentials=no"


def sections(uki):
    """By its name, what is in each."""
    return {s.Name.rstrip(b"\0").decode(): s.get_data()[: s.Misc_VirtualSize].rstrip(b"\0")
            for s in pefile.PE(uki, fast_load=True).sections}


def section(uki, name):
    found = sections(uki)
    if name not in found:
        raise SystemExit(f"ringwall: {uki} has no {name}")
    return found[name]


def signed_digest(file):
    """The digest that signatures of a PE file are over, as Authenticode has it: of all but the checksum, the entry of
    the certificates' table, and that table, which is at the end."""
    pe = pefile.PE(file, fast_load=True)
    data, certificates = bytes(pe.__data__), pe.OPTIONAL_HEADER.DATA_DIRECTORY[4]
    checksum, entry = pe.OPTIONAL_HEADER.get_field_absolute_offset("CheckSum"), certificates.get_file_offset()
    end = certificates.VirtualAddress or len(data)
    return hashlib.sha256(data[:checksum] + data[checksum + 4:entry] + data[entry + 8:end]).hexdigest()


def debug(folder, version, keydir):
    """Writes debug.efi into the image's folder, signed and measured as the image's own UKI is."""
    uki, out = folder / f"ringwall_{version}.efi", folder / "debug.efi"
    release, public = folder / "debug.os-release", folder / "debug.pcr.pem"
    line = [w for w in section(uki, ".cmdline").decode().split() if w != REFUSED]
    release.write_bytes(section(uki, ".osrel"))
    public.write_bytes(section(uki, ".pcrpkey"))
    out.unlink(missing_ok=True)
    subprocess.run(["/usr/bin/ukify", "build", f"--linux={folder}/ringwall_{version}.vmlinuz",
                    f"--initrd={folder}/ringwall_{version}.initrd", f"--cmdline={' '.join(line)}",
                    f"--os-release=@{release}", f"--secureboot-private-key={keydir}/boot.key",
                    f"--secureboot-certificate={keydir}/boot.crt", f"--pcr-private-key={keydir}/pcr.key",
                    f"--pcr-public-key={public}", "--pcr-banks=sha256", f"--output={out}"], check=True)
    release.unlink()
    public.unlink()
    return out
