# SPDX-License-Identifier: Apache-2.0
"""Kernel TLS under Debian's kernels: the program ktls.c, first without what it needs."""

import ctypes
import subprocess

import pytest
from common import TOP

PR_CAPBSET_DROP, CAP_NET_ADMIN = 24, 12
MODPROBE = "/proc/sys/kernel/modprobe"


def run(flavour, *args, **kwargs):
    p = subprocess.run([TOP / f"build/{flavour}/tests/vm/ktls", *args], capture_output=True, text=True, timeout=300,
                       **kwargs)
    assert p.returncode == 0, p.stdout[-4000:] + p.stderr[-4000:]


def loaded():
    with open("/proc/modules") as f:
        return {line.split()[0] for line in f}


def drop_net_admin():
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0) == 0


@pytest.fixture
def no_modprobe():
    with open(MODPROBE) as f:
        path = f.read()
    with open(MODPROBE, "w") as f:
        f.write("/bin/false")
    yield
    with open(MODPROBE, "w") as f:
        f.write(path)


def test_without_cap_net_admin_the_module_is_not_loaded(flavour):
    """ULP ENOENT: the kernel loads tls for CAP_NET_ADMIN only (tcp_ulp.c)."""
    assert "tls" not in loaded()
    run(flavour, "no-module", preexec_fn=drop_net_admin)
    assert "tls" not in loaded()


def test_a_cipher_that_the_kernel_lacks_stays_in_userspace(flavour, no_modprobe):
    """TLS_TX ENOENT: asked for each cipher, not once for all."""
    subprocess.run(["modprobe", "-a", "tls", "aesni_intel"], check=True)
    assert "chacha20poly1305" not in loaded()
    run(flavour, "no-cipher")


def test_traps(flavour):
    run(flavour)
