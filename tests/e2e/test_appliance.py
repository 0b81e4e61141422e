# SPDX-License-Identifier: Apache-2.0
"""What the image runs at boot, without the image: on an /etc and a /run of their own."""

import http.client
import os
import signal
import subprocess
import time

import pytest

GOOD = """
listeners:
  - address: 127.0.0.1:8443
  - address: "[::1]:8444"
admin:
  address: 127.0.0.1:9443
upstreams:
  - name: openai
    url: https://192.0.2.1/v1
models:
  - name: "*"
    upstream: openai
"""


@pytest.fixture
def appliance(ringwall, tmp_path):
    """Runs a line of sh with the disk's files in /etc/ringwall and an empty /run/ringwall-image, which is kept."""
    run = tmp_path / "run"

    def call(files, line, **kwargs):
        disk = tmp_path / "disk"
        disk.mkdir(exist_ok=True)
        for name, text in files.items():
            (disk / name).write_text(text)
        run.mkdir(exist_ok=True)
        script = f"""set -e
            mount -t tmpfs etc /etc && mkdir /etc/ringwall && cp {disk}/* /etc/ringwall/
            mkdir -p /run/ringwall-image /run/systemd && mount --bind {run} /run/ringwall-image
            {line.replace("RINGWALL", str(ringwall))}"""
        return subprocess.run(["unshare", "-m", "sh", "-c", script], text=True, capture_output=True, timeout=60, **kwargs)

    call.run = run
    return call


@pytest.mark.parametrize("admin, ports", [("127.0.0.1", ["8443,8444"]), ("0.0.0.0", ["8443,8444", "9443"])])
def test_a_good_configuration_opens_its_ports_and_no_others(appliance, admin, ports):
    """The admin listener's too, where the configuration lets others reach it."""
    p = appliance({"ringwall.yaml": GOOD.replace("127.0.0.1:9443", f"{admin}:9443")}, "RINGWALL appliance configure")
    assert p.returncode == 0, p.stderr
    assert (appliance.run / "valid").exists()
    assert (appliance.run / "status").read_text() == "configured\n"
    assert "RINGWALL_PORTS=8443,8444\n" in (appliance.run / "environment").read_text()
    words = (appliance.run / "firewall.nft").read_text().split()
    assert [w for w in words if w[0].isdigit()] == ports


@pytest.mark.parametrize("files, why", [
    ({"ringwall.yaml": GOOD.replace("upstream: openai", "upstream: opanai")}, "opanai"),
    ({"other": ""}, "no configuration: attach a disk labelled RINGWALL"),
    ({"ringwall.yaml": GOOD + "auth: {keys_file: keys}\n", "keys": "\na sha256:0\n"}, "keys:2: behind the name"),
    ({"ringwall.yaml": GOOD + "auth: {keys_file: keys}\n"}, "cannot read the list of keys /etc/ringwall/keys"),
    ({"ringwall.yaml": GOOD + "guards: {rules_dir: nowhere}\n"}, "nowhere"),
    ({"ringwall.yaml": GOOD, "network.conf": "#" * 16385}, "'/etc/ringwall/network.conf' has more than 16384 bytes"),
    ({"ringwall.yaml": GOOD.replace('"[::1]:8444"', '"[::1]:8444"\n    tls: {cert_file: a.crt, key_file: a.key}')}, "a.crt"),
])
def test_a_configuration_that_cannot_be_used_opens_no_listener(appliance, files, why):
    p = appliance(files, "RINGWALL appliance configure")
    assert p.returncode == 0
    assert why in p.stderr and why in (appliance.run / "status").read_text()
    assert not (appliance.run / "valid").exists() and not (appliance.run / "environment").exists()
    assert "8443" not in (appliance.run / "firewall.nft").read_text()


def test_the_held_page_says_why(appliance):
    """On the admin address, which is found although the file has a mistake behind it."""
    bad = GOOD.replace("9443", "9447").replace("upstream: openai", "upstream: opanai")
    p = appliance({"ringwall.yaml": bad}, "RINGWALL appliance configure\nRINGWALL appliance held >/dev/null 2>&1 &\necho $!")
    assert p.returncode == 0, p.stderr
    try:
        status, page = ask(9447)
    finally:
        os.kill(int(p.stdout), signal.SIGKILL)
    assert status == 503 and "opanai" in page


def ask(port):
    for _ in range(100):
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            c.request("GET", "/readyz")
            answer = c.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError(f"nobody listens on {port}")


@pytest.mark.parametrize("line, status, why", [
    ("RINGWALL update check", 1, "nowhere to update from"),
    ("RINGWALL update apply --if-there", 0, ""),
    ("RINGWALL update check --from http://192.0.2.1/u", 1, "neither a path from / nor an https URL"),
    ("RINGWALL update check --from '/u\nVerify=no'", 1, "is no folder or URL to update from"),
    ("RINGWALL update check --from /u%h", 1, "is no folder or URL to update from"),
    ("RINGWALL update check --from /u", 1, "this is not the appliance"),
    ("RINGWALL update rollback", 1, "this is not the appliance"),
])
def test_update_says_what_it_needs(appliance, line, status, why):
    p = appliance({"other": ""}, line)
    assert p.returncode == status and why in p.stderr, (p.returncode, p.stderr)


def test_an_address_of_updates_on_the_disk_is_held_to_the_same(appliance):
    p = appliance({"update.url": "https://192.0.2.1/%u\n"}, "RINGWALL update check")
    assert p.returncode == 1 and "is no folder or URL" in p.stderr, p.stderr


# systemd-sysupdate and systemctl, of which each test says how they end, on a /usr of its own.
UPDATER = """mount -t tmpfs usr /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay usr -o lowerdir=/usr,upperdir=/mnt/upper,workdir=/mnt/work /usr
mkdir -p /usr/lib/ringwall/sysupdate /usr/lib/systemd
echo 'Path=@SOURCE@' >/usr/lib/ringwall/sysupdate/1.transfer
echo '#!/bin/sh\ncase "$*" in *check-new) exit {check};; *) exit {update};; esac' >/usr/lib/systemd/systemd-sysupdate
echo '#!/bin/sh\necho asked for: $*' >/usr/bin/systemctl
chmod +x /usr/lib/systemd/systemd-sysupdate /usr/bin/systemctl
RINGWALL update {line}"""


@pytest.mark.parametrize("line, check, update, status, started", [
    ("apply --from /u --reboot", 0, 0, 0, True),
    ("apply --from /u", 0, 0, 0, False),
    ("apply --from /u --reboot", 1, 0, 0, False),  # one that fell back lies in the other slot: not again, and again
    ("apply --from /u --reboot", 0, 1, 1, False),
    ("check --from /u --reboot", 0, 0, 0, False),
])
def test_an_update_starts_what_it_installed_and_nothing_else(appliance, line, check, update, status, started):
    p = appliance({"other": ""}, UPDATER.format(check=check, update=update, line=line))
    assert p.returncode == status, p.stderr
    assert ("asked for: reboot" in p.stdout) == started, p.stdout


def test_why_an_update_was_not_installed_is_kept_for_the_console_and_forgotten_with_the_next(appliance):
    told = appliance.run / "update"
    appliance({"other": ""}, UPDATER.format(check=1, update=1, line="apply --from https://user:password@192.0.2.1/u"))
    assert "not installed: systemd-sysupdate ended with status 1" in told.read_text() and "password" not in told.read_text()
    appliance({"other": ""}, UPDATER.format(check=0, update=0, line="apply --from /u"))
    assert told.read_text() == ""
