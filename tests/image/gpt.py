# SPDX-License-Identifier: Apache-2.0
"""Where the partitions of a disk are, by label, and files on its EFI system partition."""

import struct
import subprocess
import uuid

SECTOR = 512


def partitions(disk):
    """{label: (offset, size)} in bytes."""
    with open(disk, "rb") as f:
        f.seek(SECTOR)
        header = f.read(92)
        assert header[:8] == b"EFI PART", f"{disk} has no GPT"
        first, count, size = struct.unpack_from("<QII", header, 72)
        f.seek(first * SECTOR)
        entries = [f.read(size) for _ in range(count)]
    found = {}
    for e in entries:
        if uuid.UUID(bytes_le=e[:16]).int:
            begin, end = struct.unpack_from("<QQ", e, 32)
            found[e[56:128].decode("utf-16-le").rstrip("\0")] = (begin * SECTOR, (end - begin + 1) * SECTOR)
    return found


class Esp:
    """The EFI system partition of a raw disk, by mtools."""

    def __init__(self, tools, disk):
        self.tools, self.where = tools, f"{disk}@@{partitions(disk)['esp'][0]}"

    def run(self, program, *args, **kwargs):
        return subprocess.run([self.tools / "usr/bin" / program, "-i", self.where, *args], check=True, text=True,
                              stdin=subprocess.DEVNULL, **kwargs)

    def names(self, folder="::EFI/Linux"):
        out = self.run("mdir", "-b", folder, stdout=subprocess.PIPE).stdout
        return [line.rsplit("/", 1)[-1] for line in out.split("\n") if line]

    def get(self, name, path):
        self.run("mcopy", "-n", "-o", f"::{name}", path)
        return path

    def put(self, path, name):
        self.run("mcopy", "-o", path, f"::{name}")

    def replace_uki(self, path, name=None):
        """That of this name, or the only one."""
        if not name:
            (name,) = self.names()
        self.put(path, f"EFI/Linux/{name}")
