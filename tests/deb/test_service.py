# SPDX-License-Identifier: Apache-2.0
"""The services of the installed package under systemd: confined, watched, updated under load, removed."""

import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import urllib.error
import urllib.request

import pytest
from churn import Churn, Client, answer
from machine import PLAIN_PORT, PROVIDER_KEY, THERE, TLS_PORT
from roots import run
from world import wait_for

CHAT = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'


@pytest.fixture
def running(machine):
    machine.start()
    machine.key = machine.run("ringwall", "key", "add", "app").stdout.strip()
    chat(machine)  # the key was taken up
    return machine


def chat(m):
    request = urllib.request.Request(f"http://{THERE}:{PLAIN_PORT}/v1/chat/completions", CHAT, {
        "authorization": f"Bearer {m.key}", "content-type": "application/json"})

    def try_once():
        try:
            return urllib.request.urlopen(request, timeout=20).read()
        except urllib.error.HTTPError as e:
            if e.code != 401:
                raise
    return wait_for("the key to be known", 5, try_once)


def clients(m):
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    asked = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {m.key}\r\nConnection: close\r\n" \
            f"Content-Type: application/json\r\nContent-Length: {len(CHAT)}\r\n\r\n".encode() + CHAT
    plain = (THERE, PLAIN_PORT)
    return [Client(plain), Client(plain), Client((THERE, TLS_PORT), asked, anyone)]


def another(package, folder, version, change=lambda tree: None):
    """The same package as a later version, with a change to its files."""
    tree = folder / f"tree{version}"
    run("dpkg-deb", "-R", package, tree)
    control = (tree / "DEBIAN/control").read_text()
    (tree / "DEBIAN/control").write_text(re.sub(r"^(Version: .*)$", rf"\1+{version}", control, flags=re.M))
    change(tree)
    out = folder / f"ringwall_{version}.deb"
    run("dpkg-deb", "--root-owner-group", "-b", tree, out)
    shutil.rmtree(tree)
    return out


def update(m, deb):
    return m.run("dpkg", "-i", m.root.bring(deb), timeout=300)


def test_the_engine_serves_without_any_power_and_the_secret_is_its_alone(running):
    m = running
    status = pathlib.Path(f"/proc/{m.pid()}/status").read_text()
    fields = dict(re.findall(r"^(\w+):\t(.*)$", status, re.M))
    assert [fields[f"Cap{s}"] for s in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == ["0" * 16] * 5
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    user = re.search(r"^ringwall:x:(\d+):", m.root.read("/etc/passwd"), re.M)[1]
    assert fields["Uid"].split() == [user] * 4
    assert m.root.mode("/etc/credstore/ringwall.openai") == "0600 root:root"
    ready = m.ready()
    assert ready["workers"] == "least_busy" and "kernel" in str(ready["enforced"]["egress"])
    assert m.show("ringwall", "StatusText").startswith("2 workers")
    assert PROVIDER_KEY not in m.journal("ringwall")
    assert "by landlock" in m.journal("ringwall"), "the unit's filter of system calls lets it confine itself"


def test_an_update_under_load_refuses_nobody_and_keeps_bans_keys_and_records(running, package, tmp_path):
    m = running
    m.run("ringwall", "deny", "add", "192.0.2.7", "--for", "1h")
    before, first = m.pid(), m.audit()
    programs = m.run("ringwall", "kern", "status").stdout
    with Churn(clients(m)) as churn:
        churn.some_more()
        for version in ("a", "b"):
            update(m, another(package, tmp_path, version))
            churn.some_more()
    churn.all_were_answered()
    assert m.pid() != before and m.show("ringwall", "ActiveState") == "active"
    assert "(deleted)" not in os.readlink(f"/proc/{m.pid()}/exe"), "the old binary runs on"
    assert m.show("ringwall-bridge", "ActiveState") == "inactive"
    assert [b["prefix"] for b in m.bans()] == ["192.0.2.7/32"]
    assert m.run("ringwall", "kern", "status").stdout.splitlines()[:3] == programs.splitlines()[:3]
    chats = churn.clients[-1].done
    wait_for("the records", 10, lambda: len(m.audit()) >= len(first) + chats)
    assert m.audit()[:len(first)] == first, "the log goes on where it was"
    assert len({r["request_id"] for r in m.audit()}) == len(first) + chats > 10
    chat(m)


def test_without_the_kernel_side_too_nobody_is_refused(machine, package, tmp_path):
    """tcp_migrate_req, which the package sets."""
    m = machine
    m.root.write("/etc/ringwall/ringwall.yaml", m.root.read("/etc/ringwall/ringwall.yaml").replace("kernel: required",
                                                                                                   "kernel: off"))
    m.start("ringwall")
    m.key = m.run("ringwall", "key", "add", "app").stdout.strip()
    chat(m)
    before = m.pid()
    with Churn(clients(m)) as churn:
        churn.some_more()
        update(m, another(package, tmp_path, "a"))
        churn.some_more()
    churn.all_were_answered()
    assert m.pid() != before


def test_a_version_that_does_not_start_leaves_the_old_one_serving(running, package, tmp_path):
    m = running

    def break_it(tree):
        (tree / "usr/bin/ringwall").write_text("#!/bin/sh\nexit 1\n")

    before = m.pid()
    with Churn(clients(m)) as churn:
        churn.some_more()
        said = update(m, another(package, tmp_path, "broken", break_it))
        churn.some_more()
    churn.all_were_answered()
    assert "the old one goes on" in said.stderr + said.stdout
    assert m.pid() == before
    assert not (m.root.path / "run/ringwall-take-over").exists()


def test_one_that_does_not_start_again_leaves_the_second_serving(machine):
    """Only ringwall.service fails, and only for a while; its restarts take over as soon as they can."""
    m = machine
    m.root.write("/etc/systemd/system/ringwall.service.d/fails.conf",
                 "[Service]\nExecStartPre=/bin/sh -c '[ %n != ringwall.service ] || [ ! -e /fail ]'\n")
    m.run("systemctl", "daemon-reload")
    m.start()
    m.root.write("/fail", "")
    with Churn([Client((THERE, PLAIN_PORT)), Client((THERE, PLAIN_PORT))]) as churn:
        churn.some_more()
        said = m.run("/usr/libexec/ringwall/hand-over", check=False, timeout=300)
        assert said.returncode == 1 and "goes on in its place" in said.stderr
        assert m.show("ringwall-bridge", "ActiveState") == "active"
        churn.some_more()
        (m.root.path / "fail").unlink()
        wait_for("the restart", 60, lambda: m.show("ringwall", "ActiveState") == "active", 0.2)
        m.run("/usr/libexec/ringwall/hand-over", timeout=300)
        assert m.show("ringwall-bridge", "ActiveState") == "inactive"
        churn.some_more()
    churn.all_were_answered()


def test_what_hangs_is_killed_and_started_again(machine):
    m = machine
    m.root.write("/etc/systemd/system/ringwall.service.d/soon.conf", "[Service]\nWatchdogSec=2\n")
    m.run("systemctl", "daemon-reload")
    m.start()
    before = m.pid()
    os.kill(before, signal.SIGSTOP)
    wait_for("another process", 30, lambda: m.show("ringwall", "MainPID") != "0" and
             m.show("ringwall", "ActiveState") == "active" and m.show("ringwall", "NRestarts") == "1", 0.2)
    assert answer(socket.create_connection((THERE, PLAIN_PORT), 20)).startswith(b"HTTP/1.1 200 ")
    assert "watchdog" in m.journal("ringwall").lower()


def test_a_reload_is_waited_for_and_an_error_leaves_what_was(running):
    m = running
    before = m.pid()
    m.run("systemctl", "reload", "ringwall")
    assert "reloaded" in m.journal("ringwall")
    m.root.write("/etc/ringwall/ringwall.yaml", "nonsense\n")
    m.run("systemctl", "reload", "ringwall")
    assert "refused" in m.show("ringwall", "StatusText") and m.pid() == before
    chat(m)


def test_removing_leaves_nothing_in_the_kernel_and_purging_no_state(running):
    m = running
    assert "xdp" in run("nsenter", "-t", m.init, "-n", "ip", "link", "show", "gw0").stdout
    m.run("dpkg", "-r", "ringwall")
    assert m.run("systemctl", "is-active", "ringwall", "ringwall-kern", check=False).returncode != 0
    assert m.run("ls", "/sys/fs/bpf").stdout.split() in ([], ["maps.debug", "progs.debug"])
    assert "xdp" not in run("nsenter", "-t", m.init, "-n", "ip", "link", "show", "gw0").stdout
    with pytest.raises(OSError):
        socket.create_connection((THERE, PLAIN_PORT), 5)
    assert m.audit() and (m.root.path / "var/lib/ringwall/ringwall.db").exists()
    m.run("dpkg", "-P", "ringwall")
    assert not list(m.root.path.glob("var/l*/ringwall")) and not (m.root.path / "etc/ringwall").exists()
