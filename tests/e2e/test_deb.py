# SPDX-License-Identifier: Apache-2.0
"""The Debian package: what is in it, and what installing and removing it leaves behind."""

import hashlib
import itertools
import os
import re
import stat
import subprocess

import pytest

USERS = {"passwd": "root:x:0:0:root:/root:/bin/sh\n", "group": "root:x:0:\n",
         "shadow": "root:*:1::::::\n", "gshadow": "root:*::\n"}


def sh(*cmd, **kw):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, timeout=120, **kw)
    assert p.returncode == 0, f"{cmd}: {p.stdout}{p.stderr}"
    return p.stdout


@pytest.fixture(scope="module")
def deb(top, tmp_path_factory):
    out = tmp_path_factory.mktemp("deb")
    return top / sh(top / "scripts/deb", out).strip()


@pytest.fixture(scope="module")
def unpacked(deb, tmp_path_factory):
    """The package's files as they are meant to lie on the target, and control/."""
    root = tmp_path_factory.mktemp("unpacked")
    sh("dpkg-deb", "-x", deb, root)
    sh("dpkg-deb", "-e", deb, root / "control")
    return root


@pytest.fixture
def target(tmp_path):
    """A root of its own with dpkg's database and root's account, and nothing else."""
    root = tmp_path / "target"
    for folder in ("etc", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"):
        (root / folder).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    for name, text in USERS.items():
        (root / "etc" / name).write_text(text)
    return root


def dpkg(root, *args):
    """Libraries are not there and not the point. A minimal system may drop documents."""
    return sh("dpkg", f"--root={root}", "--force-depends", "--force-script-chrootless",
              "--path-include=/usr/share/doc/*", *args)


def mode(path):
    return oct(stat.S_IMODE(path.lstat().st_mode))


def fields(text):
    return dict(re.findall(r"^(\S+): (.*)$", text, re.M))


def test_packaged_binary_is_the_one_built(top, unpacked):
    ours = sh(top / "build/release/ringwall", "--version")
    assert sh(unpacked / "usr/bin/ringwall", "--version") == ours
    control = fields((unpacked / "control/control").read_text())
    assert ours == f"ringwall {control['Version']}\n"


def test_every_library_is_a_dependency(unpacked):
    control = fields((unpacked / "control/control").read_text())
    needed = set(re.findall(r"NEEDED\s+(\S+)\.so",
                            sh("objdump", "-p", unpacked / "usr/bin/ringwall")))
    depends = control["Depends"].replace("-", "")
    assert needed >= {"libhs", "liburing", "libssl", "libbpf"}
    names = {"libhs": "libhyperscan", "libcrypto": "libssl", "libm": "libc6"}
    for library in needed:
        name = names.get(library, library)
        assert re.search(rf"\b{name}".replace("-", ""), depends), f"{library} is in no dependency"


def test_only_the_documented_places(deb):
    """A file in /usr/local or /lib, or one that others may write, is not for a package."""
    places = ("./usr/bin/ringwall", "./usr/lib/systemd/system/", "./usr/share/doc/ringwall/",
              "./etc/default/ringwall", "./etc/ringwall/")
    for line in sh("dpkg-deb", "-c", deb).splitlines():
        perms, owner, name = line.split()[0], line.split()[1], line.split()[5]
        assert owner == "root/root", line
        assert perms[0] == "l" or perms[5] != "w" and perms[8] != "w", line
        assert name.startswith(places) or any(p.startswith(name) for p in places), line


def test_documents_that_the_package_names_are_in_it(unpacked):
    doc = unpacked / "usr/share/doc/ringwall"
    assert (doc / "copyright").read_text().startswith("Format: https://www.debian.org/")
    assert "listeners:" in (doc / "ringwall.example.yaml").read_text()
    units = sorted((unpacked / "usr/lib/systemd/system").iterdir())
    assert [u.name for u in units] == ["ringwall-kern.service", "ringwall.service"]
    for unit in units:
        for name in re.findall(r"^Documentation=file:/(.*)$", unit.read_text(), re.M):
            assert (unpacked / name).is_file(), f"{unit.name} names /{name}"


def test_units_call_commands_and_options_that_exist(top, unpacked):
    """Options of a unit are written once and fail at the next boot."""
    binary = top / "build/release/ringwall"
    calls = 0
    for unit in (unpacked / "usr/lib/systemd/system").iterdir():
        for line in re.findall(r"^Exec\w+=[-+]*/usr/bin/ringwall (.*)$", unit.read_text(), re.M):
            words = line.split()
            verb = list(itertools.takewhile(re.compile("[a-z]+").fullmatch, words))
            told = sh(binary, *verb, "--help")
            for option in (w for w in words if w.startswith("-")):
                assert re.search(rf"(^|[\s,]){option}\b", told, re.M), f"{unit.name}: {option}"
            calls += 1
    assert calls == 5


def test_service_contains_itself_before_it_starts(unpacked):
    """With root's power for that step alone; a kernel that cannot do it is no reason to stay down."""
    text = (unpacked / "usr/lib/systemd/system/ringwall.service").read_text()
    lines = re.findall(r"^(Exec\w+)=(\S*)(/usr/bin/\w+) (.*)$", text, re.M)
    assert [(l[0], l[1], l[2]) for l in lines[:3]] == [("ExecStartPre", "-+", "/usr/bin/chmod"), ("ExecStartPre", "-+", "/usr/bin/ringwall"),
                                                       ("ExecStart", "", "/usr/bin/ringwall")]
    assert lines[1][3].startswith("kern egress attach --cgroup own --group ringwall ")
    assert lines[1][3].endswith(" $RINGWALL_EGRESS_OPTIONS"), "the operator can add to it"
    assert re.search(r"^RINGWALL_EGRESS_OPTIONS=$", (unpacked / "etc/default/ringwall").read_text(), re.M)


def test_same_commit_gives_the_same_bytes(top, deb, tmp_path):
    again = top / sh(top / "scripts/deb", tmp_path).strip()
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(deb.read_bytes()).digest()


def test_install_makes_the_user_and_its_directories(deb, target):
    dpkg(target, "-i", deb)
    user = re.search(r"^ringwall:x:(\d+):(\d+):.*:/var/lib/ringwall:/usr/sbin/nologin$",
                     (target / "etc/passwd").read_text(), re.M)
    assert user, (target / "etc/passwd").read_text()
    uid, gid = int(user[1]), int(user[2])
    owned = {"var/lib/ringwall": ("0o700", uid), "var/log/ringwall": ("0o750", uid),
             "etc/ringwall": ("0o750", 0)}
    for name, (want, owner) in owned.items():
        st = (target / name).stat()
        assert (mode(target / name), st.st_uid, st.st_gid) == (want, owner, gid), name
    assert not list((target / "etc/ringwall").iterdir()), "a package brings no secrets"
    assert sh(target / "usr/bin/ringwall", "--version").startswith("ringwall ")


def test_upgrade_leaves_what_the_operator_changed(deb, target):
    dpkg(target, "-i", deb)
    (target / "etc/ringwall/ringwall.yaml").write_text("mine\n")
    (target / "etc/default/ringwall").write_text("RINGWALL_INTERFACE=eth7\n")
    os.chmod(target / "etc/ringwall", 0o700)
    users = (target / "etc/passwd").read_text()
    dpkg(target, "-i", deb)
    assert (target / "etc/ringwall/ringwall.yaml").read_text() == "mine\n"
    assert (target / "etc/default/ringwall").read_text() == "RINGWALL_INTERFACE=eth7\n"
    assert mode(target / "etc/ringwall") == "0o700"
    assert (target / "etc/passwd").read_text() == users


def test_remove_keeps_keys_and_purge_takes_them(deb, target):
    dpkg(target, "-i", deb)
    for name in ("etc/ringwall/ringwall.yaml", "var/lib/ringwall/ringwall.db",
                 "var/log/ringwall/audit.jsonl"):
        (target / name).write_text("kept\n")
    dpkg(target, "-r", "ringwall")
    assert not (target / "usr/bin/ringwall").exists()
    assert (target / "var/lib/ringwall/ringwall.db").read_text() == "kept\n"
    dpkg(target, "-P", "ringwall")
    left = [str(p.relative_to(target)) for p in target.rglob("*ringwall*")
            if "var/lib/dpkg" not in str(p)]
    assert left == []
