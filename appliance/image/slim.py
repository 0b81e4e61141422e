# SPDX-License-Identifier: Apache-2.0
"""What the finalize scripts of system and initrd share: taking away. Outside of the image, nothing of it is run."""

import pathlib
import shutil

# Of systemd's generators: what finds, verifies and mounts; what calls a boot good whose tries are counted; and what
# takes the tests' unit where the signed command line lets it. The rest is for consoles, sessions, sleep and legacy.
GENERATORS = {"systemd-bless-boot-generator", "systemd-cryptsetup-generator", "systemd-debug-generator",
              "systemd-fstab-generator", "systemd-gpt-auto-generator", "systemd-tpm2-generator",
              "systemd-veritysetup-generator"}

# Of udev's rules: disks, network cards, drivers and their nodes. The rest is for desktops, and each event of the two
# starts of udev, in the initrd and behind it, would be compared with all of it.
RULES = {"50-udev-default.rules", "55-dm.rules", "60-block.rules", "60-persistent-storage.rules", "60-persistent-storage-dm.rules",
         "60-tpm-udev.rules", "61-ringwall.rules", "75-net-description.rules", "80-drivers.rules",
         "80-net-setup-link.rules", "95-dm-notify.rules", "99-systemd.rules"}

# A start that cannot go on, for want of a disk or of the TPM that opens it, says so and is made again: of a version
# that is being tried out the tries count down, and the one before it takes over. By force: what a failed target
# began is irreversible, and a start of reboot.target would contradict it.
EMERGENCY = """\
# SPDX-License-Identifier: Apache-2.0
[Unit]
Description=ringwall, a start that failed
DefaultDependencies=no
Conflicts=shutdown.target
Before=shutdown.target
SuccessAction=reboot-force
FailureAction=reboot-force

[Service]
Type=oneshot
ExecStart=/usr/bin/systemctl --failed --full --no-legend --plain --no-pager
StandardOutput=tty
TTYPath=/dev/console
"""


def listed(path):
    """The names in a list: one a line, "#" begins a comment."""
    names = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return {name for name in names if name}


def remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def keep_programs(root, names):
    for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", "usr/games"):
        for path in (root / folder).glob("*"):
            if path.name not in names:
                remove(path)
    for path in root.glob("usr/lib/systemd/system-generators/*"):
        if path.name not in GENERATORS:
            remove(path)


def remove_all(root, patterns):
    for pattern in patterns:
        for path in root.glob(pattern):
            remove(path)


def mask(root, units):
    folder = root / "etc/systemd/system"
    folder.mkdir(parents=True, exist_ok=True)
    for unit in units:
        link = pathlib.Path(folder, unit)
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")


def quiet_udev(root, own):
    """Rules that ask for little, and a first look at the devices that somebody waits for; `own`: the folder of both."""
    rules = root / "usr/lib/udev/rules.d"
    for path in rules.iterdir():
        if path.name not in RULES:
            remove(path)
    shutil.copyfile(own / "60-persistent-storage.rules", rules / "60-persistent-storage.rules")
    folder = root / "usr/lib/systemd/system/systemd-udev-trigger.service.d"
    folder.mkdir(parents=True)
    shutil.copyfile(own / "trigger.conf", folder / "image.conf")


def restart_where_it_fails(root):
    folder = root / "etc/systemd/system"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "emergency.service").write_text(EMERGENCY)
