# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with firmware and Secure Boot that boots the appliance's image, under software
emulation unless RW_IMAGE_KVM is set. Only what a network and a console show is looked at from here."""

import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import time

from common import TOP
from debs import once

FIRMWARE = "usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
VARIABLES = "usr/share/OVMF/OVMF_VARS_4M.fd"
# Without AVX, which takes four times the host's work to emulate; of a maker whose processors need no
# page tables of their own for the kernel.
EMULATED = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+rdrand,+smep,+smap,+umip"
# Generous: a busy host's emulated processor is a tenth of a real one.
PATIENCE_S = float(os.environ.get("RW_IMAGE_PATIENCE", 300))


def fetch_tools():
    return once(TOP / "build/cache/imagetest", ["ovmf", "mtools", "dosfstools", "busybox-static"])


def fetch_auditor():
    """systemd-analyze, which the image has not."""
    return once(TOP / "build/cache/imagetest-auditor", ["systemd"]) / "usr/bin/systemd-analyze"


def fetch_tpm():
    return once(TOP / "build/cache/imagetest-tpm", ["swtpm"], needs=True)


def free_ports(n):
    """Different ones: each is held until all are there."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def config_disk(tools, path, files, kib=4096):
    """A FAT file system labelled RINGWALL with these files, as an operator makes it."""
    path.unlink(missing_ok=True)
    subprocess.run([tools / "usr/sbin/mkfs.vfat", "-n", "RINGWALL", "-C", path, str(kib)], check=True,
                   stdout=subprocess.DEVNULL)
    for name, content in files.items():
        for i in range(1, name.count("/") + 1):
            folder = "/".join(name.split("/")[:i])
            subprocess.run([tools / "usr/bin/mmd", "-D", "s", "-i", path, f"::{folder}"],
                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        subprocess.run([tools / "usr/bin/mcopy", "-i", path, "-", f"::{name}"], check=True,
                       input=content if isinstance(content, bytes) else content.encode())
    return path


class Machine:
    """One virtual machine. `ports`: guest ports to reach; a dict of guest port to port on 127.0.0.1. `writes`: an
    empty file, which gets a log of what is written to the disk (cut.py). `talk`: somebody types on its console (say)."""

    def __init__(self, shop, disk, config=None, ports=(8443, 9443), extra=(), writes=None, talk=False):
        self.shop, self.disk, self.config, self.writes, self.talk = shop, disk, config, writes, talk
        self.ports = dict(zip(ports, free_ports(len(ports))))
        self.extra, self.process, self.started = list(extra), None, None
        self.console = shop.folder / f"{disk.stem}.console"

    def drive(self):
        if not self.writes:
            return f"if=none,id=system,format=raw,file={self.disk},cache=writeback"
        return (f"if=none,id=system,driver=blklogwrites,file.driver=file,file.filename={self.disk},"
                f"log.driver=file,log.filename={self.writes},cache=writeback")

    def line(self):
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{h}-:{g}" for g, h in self.ports.items())
        accel, cpu = ("kvm", "host") if "RW_IMAGE_KVM" in os.environ else ("tcg,thread=multi", EMULATED)
        line = [
            "qemu-system-x86_64", "-machine", "q35,smm=on", "-accel", accel, "-cpu", cpu, "-smp", "2",
            "-m", "1024", "-uuid", "5f3f1e7a-6b0e-4a53-9c1d-72696e677761", "-nodefaults", "-display", "none",
            "-global", "driver=cfi.pflash01,property=secure,value=on",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={self.shop.tools / FIRMWARE}",
            "-drive", f"if=pflash,format=raw,unit=1,file={self.shop.variables}",
            "-drive", self.drive(),
            "-device", "virtio-blk-pci,drive=system,bootindex=1",
            "-netdev", f"user,id=net{forwards}", "-device", "virtio-net-pci,netdev=net,romfile=",
            "-device", "virtio-rng-pci", "-serial", "chardev:console", "-chardev",
            f"socket,id=console,path={self.typing()},server=on,wait=off,logfile={self.console}" if self.talk
            else f"file,id=console,path={self.console}",
        ]
        if self.config:
            line += ["-drive", f"if=none,id=config,format=raw,readonly=on,file={self.config}",
                     "-device", "virtio-blk-pci,drive=config"]
        return line + self.extra

    def start(self):
        self.console.write_bytes(b"")
        self.started = time.monotonic()
        with open(self.shop.folder / "qemu.log", "ab") as log:
            self.process = subprocess.Popen(self.line(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def typing(self):
        return self.shop.folder / "typing"

    def say(self, line):
        """Types a line on the console."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.typing()))
            s.sendall(line.encode() + b"\n")
            time.sleep(1)

    def plug(self, image):
        """A disk into the port that Workshop.late left open."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.shop.folder / "monitor"))
            for line in (f"drive_add 0 if=none,id=late,format=raw,readonly=on,file={image}",
                         "device_add virtio-blk-pci,drive=late,bus=late"):
                s.sendall(line.encode() + b"\n")
            time.sleep(1)
            assert b"Error" not in (said := s.recv(65536)), said

    def kill(self):
        """As a power cut does."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def text(self):
        return re.sub(r"\x1b\[[0-9;?=]*[A-Za-z]", "", self.console.read_text(errors="replace"))

    def wait(self, what, until, seconds=PATIENCE_S):
        """What `until` returns once that is true; the console's end goes into the failure."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := until():
                return value
            assert self.process.poll() is None, f"the machine ended before {what}\n{self.tail()}"
            time.sleep(0.2)
        raise AssertionError(f"no {what} in {seconds:.0f} s\n{self.tail()}")

    def tail(self):
        log = (self.shop.folder / "qemu.log").read_text(errors="replace")
        return "\n".join([log, *self.text().splitlines()[-60:]])

    def wait_text(self, pattern, seconds=PATIENCE_S):
        return self.wait(f"'{pattern}' on the console", lambda: re.search(pattern, self.text()), seconds)

    def request(self, port, method, path, body=None, headers=(), tls=True, timeout=60, pause=0):
        """(status, body) as somebody outside gets it, who waits `pause` seconds before asking over a new connection."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        args = ("127.0.0.1", self.ports[port])
        c = (http.client.HTTPSConnection(*args, context=context, timeout=timeout) if tls
             else http.client.HTTPConnection(*args, timeout=timeout))
        with contextlib.closing(c):
            c.connect()
            time.sleep(pause)
            c.request(method, path, body, dict(headers))
            r = c.getresponse()
            return r.status, r.read()

    def tries(self, *args, **kwargs):
        try:
            return self.request(*args, **kwargs)
        except (OSError, http.client.HTTPException):
            return None

    def ready(self, seconds=PATIENCE_S):
        """Seconds from power on to the first answer over TLS."""
        self.wait("answer over TLS", lambda: self.tries(8443, "GET", "/v1/models", timeout=5), seconds)
        return time.monotonic() - self.started


class Workshop:
    """A folder of disks and machines, and the firmware's memory that they share."""

    def __init__(self, folder, image, tools):
        self.folder, self.image, self.tools = pathlib.Path(folder), image, tools
        self.variables = self.folder / "variables.fd"
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.enrolled_firmware()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """Consoles and logs stay, to be read; disks are too large for all tests to keep theirs."""
        self.stack.close()
        for pattern in ("*.raw", "*.img", "*.tgz", "writes.log"):
            for large in self.folder.glob(pattern):
                large.unlink()

    def blank_firmware(self):
        """No keys: the first start takes those on the image's own ESP, and enforces them from then on."""
        shutil.copy(self.tools / VARIABLES, self.variables)

    def enrolled_firmware(self):
        """It enforces the image's keys, from a first start that is made once for these keys."""
        key = hashlib.sha256((TOP / "build/keys/boot.crt").read_bytes()).hexdigest()[:16]
        kept = TOP / f"build/cache/imagetest/enrolled-{key}.fd"
        if not kept.exists():
            self.blank_firmware()
            disk = self.disk("enrolling")
            m = self.machine(disk).start()
            m.wait_text("Custom Secure Boot keys successfully enrolled")
            m.wait_text("BdsDxe: starting Boot(?s:.*)BdsDxe: starting Boot")
            m.kill()
            disk.unlink()
            part = kept.with_suffix(".part")
            shutil.copy(self.variables, part)
            part.rename(kept)
        shutil.copy(kept, self.variables)

    def disk(self, name="system", image=None, size=2 << 30):
        """A disk with the image on it, as one is that was just deployed."""
        path = self.folder / f"{name}.raw"
        subprocess.run(["cp", "--sparse=always", image or self.image, path], check=True)
        os.truncate(path, size)
        return path

    def config(self, files, name="config", kib=4096):
        return config_disk(self.tools, self.folder / f"{name}.img", files, kib)

    def machine(self, disk, config=None, **kwargs):
        m = Machine(self, disk, config, **kwargs)
        self.stack.callback(m.kill)
        return m

    def late(self):
        """Machine arguments for a disk that is plugged in later (Machine.plug)."""
        return ["-device", "pcie-root-port,id=late,chassis=1", "-monitor", f"unix:{self.folder}/monitor,server=on,wait=off"]

    def tpm(self, state):
        """Machine arguments for a TPM whose memory is the folder `state`: for one start, it ends with the machine."""
        tree, path = fetch_tpm(), self.folder / f"{state.name}.tpm"
        state.mkdir(exist_ok=True)
        libraries = tree / "usr/lib/x86_64-linux-gnu"
        p = subprocess.Popen([tree / "usr/bin/swtpm", "socket", "--tpm2", "--terminate", "--tpmstate", f"dir={state}", "--ctrl",
                              f"type=unixio,path={path}"], stdin=subprocess.DEVNULL,
                             env={"LD_LIBRARY_PATH": f"{libraries}:{libraries}/swtpm"})
        self.stack.callback(lambda: (p.kill(), p.wait()))
        while not path.exists():
            assert p.poll() is None, "swtpm did not start"
            time.sleep(0.05)
        return ["-chardev", f"socket,id=tpm,path={path}", "-tpmdev", "emulator,id=tpm,chardev=tpm",
                "-device", "tpm-crb,tpmdev=tpm"]

    def stub(self):
        """An OpenAI-compatible upstream on this host; the guest knows the host as 10.0.2.2."""
        [port] = free_ports(1)
        p = subprocess.Popen([TOP / "build/release/ringwall", "stub", "--plain", "--listen", f"127.0.0.1:{port}"],
                             stdin=subprocess.DEVNULL)
        self.stack.callback(lambda: (p.kill(), p.wait()))
        return port
