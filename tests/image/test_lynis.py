# SPDX-License-Identifier: Apache-2.0
"""What an auditor's script, lynis, makes of the running image. It wants a shell and what Unix has beside it: these lie
over /usr/bin and /usr/sbin while it runs, and everything that it looks at is the image's own."""

import re
import tarfile

from common import TOP
from debs import once
from inside import Inside
from test_boot import CONFIG

TOOLS = ["lynis", "apparmor", "coreutils", "cryptsetup-bin", "dash", "findutils", "grep", "hostname", "libpopt0", "libproc2-0",
         "mawk", "procps", "sed", "util-linux"]
WANTED = ("usr/bin", "usr/sbin", "usr/share/lynis", "usr/lib/x86_64-linux-gnu/libproc2.so.0*",
          "usr/lib/x86_64-linux-gnu/libpopt.so.0*", "etc/lynis/default.prf")
SCRIPT = """
t=/run/lynis
$b mkdir $t && $b tar -C $t -xzf /run/rwtest/tools.tgz
for d in bin sbin; do
    $b cp -a /usr/$d/. $t/usr/$d/ && $b mount -o bind $t/usr/$d /usr/$d
done
cd $t/usr/share/lynis && $b mkdir -p plugins
LD_LIBRARY_PATH=$t/usr/lib/x86_64-linux-gnu LC_ALL=C dash /usr/sbin/lynis audit system --cronjob --profile $t/etc/lynis/default.prf --log-file $t/log --report-file $t/report
echo "== ended $?"
echo "== report"; $b cat $t/report
echo "== log"; $b grep -E 'Hardening: assigned|Suggestion:|Warning:|Performing test ID' $t/log
true
"""


def tools_archive(path):
    tree = once(TOP / "build/cache/imagetest-lynis", TOOLS)
    for name, target in (("usr/bin/sh", "dash"), ("usr/bin/awk", "mawk"), ("usr/sbin/lsmod", "../bin/kmod")):
        (tree / name).unlink(missing_ok=True)
        (tree / name).symlink_to(target)

    def roots_own(entry):
        entry.uid = entry.gid = 0
        entry.mode &= 0o777
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(path, "w:gz") as tar:
        for pattern in WANTED:
            for found in sorted(tree.glob(pattern)):
                tar.add(found, found.relative_to(tree), filter=roots_own)
    return path


def test_lynis_finds_a_hardened_system(workshop):
    config = workshop.config({"ringwall.yaml": CONFIG.format(stub=workshop.stub())})
    tools = tools_archive(workshop.folder / "tools.tgz")
    inside = Inside(workshop, workshop.disk(), SCRIPT, config, files=[(tools, "tools.tgz")])
    inside.machine.start().ready()
    status, text = inside.result(seconds=3600)
    (TOP / "build/image/lynis.txt").write_text(text)
    index = re.search(r"^hardening_index=(\d+)", text, re.M)
    assert index and "== ended 0" in text, text[-2000:]
    performed = len(re.findall(r"Performing test ID", text))
    print(f"hardening index {index[1]}, of {performed} tests")
    assert performed > 150, "most of what it looks at could not be looked at"
    assert int(index[1]) >= 85, "\n".join(re.findall(r"^(?:warning|suggestion)\[\]=.*", text, re.M))
