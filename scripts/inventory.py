# SPDX-License-Identifier: Apache-2.0
"""What is in the appliance's image: the packages that a build is held to, the SBOM, and figures for comparisons."""

import json
import os
import pathlib
import stat
import struct
import subprocess
import tempfile

OURS = "ringwall"


def packages(manifests):
    """(name, version, architecture) of every package in these manifests of mkosi's: the system's, the initrd's."""
    found = {(p["name"], p["version"], p["architecture"])
             for m in manifests for p in json.loads(m.read_text())["packages"]}
    return sorted(found)


# --- the lock --------------------------------------------------------------------------------------


def lock_lines(found):
    return [f"{name} {version} {architecture}" for name, version, architecture in found if name != OURS]


def write_lock(path, found):
    head = [line for line in path.read_text().splitlines() if line.startswith("#")] if path.exists() else []
    path.write_text("\n".join([*head, *lock_lines(found)]) + "\n")


def differences(path, found):
    """"-" and "+" lines: what the lock has and the image does not, and the other way round."""
    locked = {line for line in path.read_text().splitlines() if line and not line.startswith("#")}
    there = set(lock_lines(found))
    return sorted([f"- {line}" for line in locked - there] + [f"+ {line}" for line in there - locked],
                  key=lambda line: line[2:])


# --- the SBOM --------------------------------------------------------------------------------------


def spdx_package(name, version, architecture):
    ident = "".join(c if c.isalnum() or c in ".-" else "-" for c in f"{name}-{version}-{architecture}")
    return {
        "SPDXID": f"SPDXRef-{ident}", "name": name, "versionInfo": version,
        "downloadLocation": "NOASSERTION", "filesAnalyzed": False,
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl",
                          "referenceLocator": f"pkg:deb/debian/{name}@{version}?arch={architecture}"}],
    }


def spdx(found, version, when, namespace):
    """SPDX 2.3, as text. `when` is ISO 8601 in UTC; `namespace` names this build and no other."""
    described = [spdx_package(*p) for p in found]
    document = {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"ringwall-image-{version}", "documentNamespace": namespace,
        "creationInfo": {"created": when, "creators": ["Tool: scripts/image"]}, "packages": described,
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": p["SPDXID"]} for p in described],
    }
    return json.dumps(document, indent=1) + "\n"


# --- figures ---------------------------------------------------------------------------------------


def erofs_bytes(path):
    """What the file system takes of its partition, by its superblock (the kernel's fs/erofs/erofs_fs.h)."""
    with path.open("rb") as f:
        f.seek(1024)
        magic, block_bits, blocks = struct.unpack("<I8xB23xI", f.read(40))
    assert magic == 0xE0F5E1E2, f"{path} is no erofs"
    return blocks << block_bits


def figures(folder, version, found):
    """(what, value) of the image in `folder`; its system is unpacked for that, outside of it."""
    (system,) = folder.glob(f"ringwall_{version}.root.*.raw")
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work, "root")
        subprocess.run(["fsck.erofs", f"--extract={root}", system], check=True, stdout=subprocess.DEVNULL)
        files = [p for p in root.rglob("*") if stat.S_ISREG(p.lstat().st_mode)]
        setuid = [p for p in files if p.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]
        programs = [p for d in ("usr/bin", "usr/sbin") for p in (root / d).iterdir()]
    mib = 1 << 20
    return [
        ("system", f"{erofs_bytes(system) / mib:.1f} MiB"),
        ("UKI", f"{os.path.getsize(folder / f'ringwall_{version}.efi') / mib:.1f} MiB"),
        ("on the disk, system and UKI twice", f"{sum(p.stat().st_size for p in (folder / 'update').glob('*.*')) * 2 / mib:.0f} MiB"),
        ("packages, those of the initrd among them", f"{len(found)}"),
        ("files", f"{len(files)}"),
        ("programs in /usr/bin and /usr/sbin", f"{len(programs)}"),
        ("setuid and setgid files", f"{len(setuid)}"),
    ]
