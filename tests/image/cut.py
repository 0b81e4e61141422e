# SPDX-License-Identifier: Apache-2.0
"""What a disk holds after a power cut: all that was written before the last flush, and of what was written after it
any part. From QEMU's log of a disk's writes (blklogwrites; the format is the kernel's dm-log-writes)."""

import struct

MAGIC, SECTOR = 0x6A736677736872, 512
FLUSH, FUA, DISCARD = 1, 2, 4


def entries(log):
    """(flags, first byte on the disk, place in the log, size) of each write, as far as they were logged."""
    log.seek(0, 2)
    end = log.tell()
    log.seek(0)
    magic, _, _, sector = struct.unpack("<QQQI", log.read(28))
    assert (magic, sector) == (MAGIC, SECTOR), "no log of a disk's writes"
    at = sector
    while at + sector <= end:
        log.seek(at)
        first, count, flags, _ = struct.unpack("<QQQQ", log.read(32))
        data, size = at + sector, 0 if flags & DISCARD else count * sector
        if (not count and not flags) or data + size > end:
            return
        yield flags, first * sector, data, size
        at = data + size


def survivors(found, dice):
    """The writes that are on the disk after the cut, in their order."""
    last = max((i for i, (flags, *_) in enumerate(found) if flags & FLUSH), default=-1)
    return [e for i, e in enumerate(found) if i <= last or e[0] & FUA or dice.random() < 0.5]


def after_cut(base, log_path, dice):
    """Makes of `base`, the disk at power on, the disk after the cut. How many writes were lost is returned."""
    with open(log_path, "rb") as log, open(base, "r+b") as disk:
        found = list(entries(log))
        kept = survivors(found, dice)
        for _, first, data, size in kept:
            log.seek(data)
            disk.seek(first)
            disk.write(log.read(size))
    return len(found) - len(kept)
