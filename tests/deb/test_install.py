# SPDX-License-Identifier: Apache-2.0
"""What installing, updating, removing and purging leave, in a root where no service manager runs (as in an
image that is being built); and the ceilings of systemd-analyze security."""

import re

import pytest
from roots import run

UNITS = ("ringwall.service", "ringwall-kern.service")
CEILINGS = {"ringwall.service": 1.3, "ringwall-kern.service": 1.8}


@pytest.fixture
def installed(root, package):
    root.install(package)
    return root


def test_installing_makes_users_and_directories_and_enables_the_units(installed):
    assert {name: installed.mode(name) for name in (
        "/etc/ringwall", "/etc/ringwall/ringwall.yaml", "/var/lib/ringwall", "/var/log/ringwall", "/usr/bin/ringwall")} == {
        "/etc/ringwall": "0750 root:ringwall", "/etc/ringwall/ringwall.yaml": "0640 root:ringwall",
        "/var/lib/ringwall": "0700 ringwall:ringwall", "/var/log/ringwall": "0750 ringwall:ringwall",
        "/usr/bin/ringwall": "0755 root:root"}
    users = installed.read("/etc/passwd")
    assert re.search(r"^ringwall:.*:/var/lib/ringwall:/usr/sbin/nologin$", users, re.M)
    assert re.search(r"^ringwall-kern:.*:/usr/sbin/nologin$", users, re.M)
    for unit in UNITS:
        link = installed.path / "etc/systemd/system/multi-user.target.wants" / unit
        assert str(link.readlink()) == f"/usr/lib/systemd/system/{unit}"


def test_what_is_installed_runs_and_takes_its_configuration(installed):
    """Every library is a dependency that the root was made of; the configuration wants the key, and no more."""
    assert installed.run("ringwall", "--version").stdout.startswith("ringwall ")
    without = installed.run("ringwall", "check", check=False)
    assert without.returncode == 1 and "ringwall.openai" in without.stdout + without.stderr
    installed.write("/etc/credstore/ringwall.openai", "sk-x\n", 0o600)
    installed.run("ringwall", "check")


def test_manual_and_completions_are_found(installed):
    for page in ("ringwall.1", "ringwall-serve.1", "ringwall-kern.1"):
        assert (installed.path / f"usr/share/man/man1/{page}.gz").is_file()
    assert (installed.path / "usr/share/man/man5/ringwall.yaml.5.gz").is_file()
    said = installed.run("bash", "-c", "source /usr/share/bash-completion/completions/ringwall; COMP_WORDS=(ringwall "
                         "kern egress ''); COMP_CWORD=3; _ringwall; echo ${COMPREPLY[*]}").stdout
    assert said.split()[:4] == ["attach", "detach", "status", "allow"]


def test_an_update_keeps_what_the_operator_changed(installed, package):
    installed.write("/etc/ringwall/ringwall.yaml", "mine\n")
    installed.write("/etc/default/ringwall", "RINGWALL_INTERFACE=eth7\n")
    installed.write("/var/lib/ringwall/ringwall.db", "keys\n")
    (installed.path / "etc/ringwall").chmod(0o700)
    installed.run("systemctl", "disable", "ringwall-kern.service")
    users = installed.read("/etc/passwd")
    installed.install(package)
    assert installed.read("/etc/ringwall/ringwall.yaml") == "mine\n"
    assert installed.read("/etc/default/ringwall") == "RINGWALL_INTERFACE=eth7\n"
    assert installed.read("/var/lib/ringwall/ringwall.db") == "keys\n"
    assert installed.mode("/etc/ringwall").startswith("0700 ")
    assert installed.read("/etc/passwd") == users
    assert not (installed.path / "etc/systemd/system/multi-user.target.wants/ringwall-kern.service").exists()


def test_removing_keeps_state_and_purging_takes_it(root, package):
    before = root.files()
    root.install(package)
    kept = ("/var/lib/ringwall/ringwall.db", "/var/log/ringwall/audit.jsonl", "/etc/ringwall/ringwall.yaml")
    for name in kept:
        root.write(name, "kept\n")
    root.run("dpkg", "-r", "ringwall")
    assert not (root.path / "usr/bin/ringwall").exists()
    assert [root.read(name) for name in kept] == ["kept\n"] * 3
    root.run("dpkg", "-P", "ringwall")
    left = root.files() - before
    assert left <= {"/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"}, "nothing but users' numbers stays"
    assert not list(root.path.glob("var/l*/ringwall"))


def test_a_root_that_is_not_this_one_is_served_too(root, package):
    """DPKG_ROOT, as some image builders install."""
    run("dpkg", f"--root={root.path}", "--force-script-chrootless", "--force-depends", "-i", package)
    assert root.mode("/var/lib/ringwall") == "0700 ringwall:ringwall"
    assert root.mode("/etc/ringwall") == "0750 root:ringwall"


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_little_exposure_and_no_mistake(installed, unit):
    said = run("systemd-analyze", "security", "--offline=yes", f"--root={installed.path}", unit).stdout
    level = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1])
    assert level <= CEILINGS[unit], said
    verified = run("systemd-analyze", "verify", f"--root={installed.path}", unit, check=False)
    assert unit not in verified.stderr and verified.returncode == 0, verified.stderr
