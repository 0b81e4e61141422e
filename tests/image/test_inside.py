# SPDX-License-Identifier: Apache-2.0
"""What there is inside of the running image, and what the kernel lets nobody do: one boot of its debug UKI,
a test each thing."""

import json
import re

import pytest

from common import TOP
from inside import Inside
from machine import Workshop, fetch_auditor
from test_boot import CONFIG, chat

SCRIPT = r"""
section() { echo; echo "== $1"; }
$b sleep 3
section setuid; $b find / -xdev \( -perm -4000 -o -perm -2000 \) -type f
section programs; $b ls /usr/bin /usr/sbin
section interpreters; $b find / -xdev -type f \( -name 'python*' -o -name 'perl*' -o -name '*sh' -o -name 'apt*' -o -name 'dpkg*' -o -name 'gcc*' -o -name 'busybox*' -o -name 'lua*' \) -perm -100
section listening; $b netstat -lntu
section modules; $b cat /proc/sys/kernel/modules_disabled; $b grep -c . /proc/modules; $b grep '^tls ' /proc/modules
section unlock; echo 0 >/proc/sys/kernel/modules_disabled; echo "status $?"
section lockdown; $b cat /sys/kernel/security/lockdown
section cmdline; $b cat /proc/cmdline
section usr; $b touch /usr/x; echo "status $?"; $b mount -o remount,rw /; echo "status $?"; $b touch /etc/x; echo "status $?"
section core; $b cat /proc/sys/kernel/core_pattern /proc/sys/fs/suid_dumpable
section mounts; $b cat /proc/mounts
section memory; $b cat /proc/meminfo
section accounts; $b cat /etc/passwd; $b cut -d: -f1,2 /etc/shadow
section failed; systemctl --failed --no-legend --plain
section kern; /usr/bin/ringwall kern status
section units; systemctl list-units --type=service --state=running --no-legend --plain
section nft; nft list ruleset
section rules; $b ls /usr/lib/ringwall/compiled; $b find /var/lib/ringwall -name '*.hsdb'
section journal; journalctl -b -p warning --no-pager -o cat
section blame; $b cat /proc/uptime; systemctl show -p UserspaceTimestampMonotonic -p FinishTimestampMonotonic -p InitRDTimestampMonotonic
section security; for u in ringwall ringwall-kern; do /run/rwtest/systemd-analyze security --no-pager $u.service; done
section ktls; for i in $($b seq 300); do $b grep -q '"tls_backend":"ktls"' /var/log/ringwall/audit.jsonl && break; $b sleep 1; done
$b cat /proc/net/tls_stat
section apparmor; for p in $($b pidof ringwall); do echo "$($b tr '\0' ' ' </proc/$p/cmdline)$($b cat /proc/$p/attr/current)"; done
three='read a </etc/shadow && echo read; echo a >/var/x && echo written; /usr/bin/true && echo run'
section free; $b sh -c "$three" 2>&1
section confined; $b sh -c "echo 'exec ringwall' >/proc/self/attr/exec; exec $b sh -c '$three'" 2>&1
section said; journalctl -b -u ringwall --no-pager -o cat
section audit; $b cat /var/log/ringwall/audit.jsonl
true
"""
KTLS = CONFIG.replace("0.0.0.0:8443\n", "0.0.0.0:8443\n    ktls: on\n")


@pytest.fixture(scope="module")
def sections(tmp_path_factory, image, tools):
    with Workshop(tmp_path_factory.mktemp("inside"), image, tools) as shop:
        config = shop.config({"ringwall.yaml": KTLS.format(stub=shop.stub())})
        inside = Inside(shop, shop.disk(), SCRIPT, config, files=[(fetch_auditor(), "systemd-analyze")])
        inside.machine.start().ready()
        # A request that comes along with the handshake's end is read by then, and its connection stays in userspace.
        status, _ = chat(inside.machine, pause=1)
        assert status == 200
        status, text = inside.result()
        assert status == 0, text
        (TOP / "build/image/inside.txt").write_text(text)
        found = {}
        for part in text.split("\n== ")[1:]:
            name, _, body = part.partition("\n")
            found[name] = body.strip()
        return found


def test_no_setuid_file(sections):
    assert sections["setuid"] == ""


def test_no_shell_interpreter_compiler_or_package_manager(sections):
    assert sections["interpreters"] == ""


def test_the_programs_are_those_listed(sections):
    listed = {line.split("#")[0].strip() for line in (TOP / "appliance/image/programs.list").read_text().splitlines()}
    there = {line for line in sections["programs"].splitlines() if line and not line.endswith(":")}
    assert there <= listed, there - listed
    assert "ringwall" in there


def test_nothing_listens_but_the_gateway(sections):
    """And the DHCP client, on its port 68."""
    local = {line.split()[3] for line in sections["listening"].splitlines() if line.startswith(("tcp", "udp"))}
    ports = {address.rsplit(":", 1)[1] for address in local}
    assert {"8443", "9443"} <= ports <= {"8443", "9443", "68", "546"}, local


def test_modules_are_locked_and_kernel_tls_is_there(sections):
    lines = sections["modules"].splitlines()
    assert lines[0] == "1"
    assert any(line.startswith("tls ") for line in lines)
    assert sections["unlock"].endswith("status 1"), "root can take it back"


def test_the_kernel_is_locked_down(sections):
    assert "[integrity]" in sections["lockdown"]


def test_the_system_cannot_be_written(sections):
    assert sections["usr"].count("status ") == 3 and "status 0" not in sections["usr"], sections["usr"]


def test_no_core_dumps(sections):
    pattern, dumpable = sections["core"].splitlines()
    assert pattern == "|/bin/false" and dumpable == "0"


def test_no_account_can_log_in(sections):
    for line in sections["accounts"].splitlines():
        fields = line.split(":")
        if len(fields) == 7:
            assert fields[6] == "/usr/sbin/nologin", line
        else:
            assert fields[1].startswith("!"), line


def test_state_and_audit_have_partitions_of_their_own(sections):
    mounts = {fields[1]: fields for fields in map(str.split, sections["mounts"].splitlines())}
    for place in ("/var", "/var/log/ringwall"):
        options = set(mounts[place][3].split(","))
        assert {"nosuid", "nodev", "noexec"} <= options, mounts[place]
    assert mounts["/var"][0] != mounts["/var/log/ringwall"][0]


def test_nobody_sees_processes_of_others(sections):
    options = next(fields[3] for fields in map(str.split, sections["mounts"].splitlines()) if fields[1] == "/proc")
    assert {"hidepid=invisible", "nosuid", "nodev", "noexec"} <= set(options.split(",")), options


def test_the_engine_is_confined(sections):
    """By AppArmor, and whoever is there in its place, root too, can read what it reads and run nothing."""
    assert "ringwall serve -c /etc/ringwall/ringwall.yaml ringwall (enforce)" in sections["apparmor"]
    assert sections["free"].splitlines() == ["read", "written", "run"]
    assert sections["confined"].lower().count("permission denied") == 3, sections["confined"]


def test_nothing_is_kept_from_the_engine(sections):
    """What its fences deny shows here alone: the kernel's own log of it is off."""
    assert "workers chosen by load" in sections["said"] and "read by the engine" in sections["kern"]
    for word in ("error:", "not allowed", "permission denied"):
        assert word not in sections["said"].lower(), sections["said"]


def test_no_unit_failed(sections):
    assert sections["failed"] == ""


def test_xdp_is_native_on_virtio_net(sections):
    assert "(native)" in sections["kern"], sections["kern"]


def test_idle_memory(sections):
    kib = {k: int(v.split()[0]) for k, v in (line.split(":") for line in sections["memory"].splitlines())}
    used = (kib["MemTotal"] - kib["MemAvailable"]) / 1024
    print(f"in use: {used:.0f} MiB")
    assert used <= 200


def test_no_rules_were_compiled_at_the_start(sections):
    """They came with the system, for this processor, too; what is compiled is kept in /var."""
    lines = sections["rules"].splitlines()
    assert any(line.endswith(".hsdb") for line in lines)
    assert not any(line.startswith("/var/") for line in lines), lines


def test_the_firewall_drops_by_default_both_ways(sections):
    assert sections["nft"].count("policy drop") == 3
    assert "8443" in sections["nft"]


@pytest.mark.parametrize(("unit", "ceiling"), [("ringwall", 1.3), ("ringwall-kern", 1.8)])
def test_systemd_finds_little_exposure(sections, unit, ceiling):
    """As they run, with what the image adds to the package's units."""
    level = re.search(rf"Overall exposure level for {unit}.service: ([\d.]+)", sections["security"])
    assert level and float(level[1]) <= ceiling, sections["security"]


def test_a_chat_is_sealed_by_the_kernel(sections):
    stat = dict(line.split() for line in sections["ktls"].splitlines())
    assert int(stat["TlsTxSw"]) >= 1 and int(stat["TlsRxSw"]) >= 1 and stat["TlsDecryptError"] == "0", stat
    assert "ktls" in [json.loads(line).get("tls_backend") for line in sections["audit"].splitlines()]
