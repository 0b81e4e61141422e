# SPDX-License-Identifier: Apache-2.0
"""`ringwall doctor`: what it says is so, with privilege and without."""

import json
import os
import subprocess

from world import run


def rows(p):
    return {(r["part"], r["what"]): r for r in json.loads(p.stdout)}


def as_nobody():
    os.setgroups([])
    os.setuid(65534)


def test_report_names_every_part(ringwall):
    p = run(ringwall, "doctor")
    for part in ("kernel", "io_uring", "TLS records", "BPF", "hardening", "limits"):
        assert f"\n{part}\n" in "\n" + p.stdout
    r = rows(run(ringwall, "doctor", "--json"))
    assert r["kernel", os.uname().release]["can"] == "yes"
    assert r["io_uring", "ring"]["can"] == "yes"  # the tests run on it
    assert r["BPF", "XDP programs"]["can"] == r["BPF", "TCX"]["can"] == "yes"
    assert r["TLS records", "aead"]["can"] == "yes"


def test_ktls_that_is_missing_says_what_to_do(ringwall):
    r = rows(run(ringwall, "doctor", "--json"))
    ktls = r["TLS records", "ktls"]
    if ktls["can"] == "yes":
        assert ("kernel TLS", "key changes") in r and r["kernel TLS", "1.3 AES-128-GCM"]["can"] == "yes"
    else:
        assert "modprobe tls" in ktls["text"] and ("kernel TLS", "key changes") not in r


def test_without_privilege_it_says_what_it_may_not_ask(ringwall):
    p = subprocess.run([ringwall, "doctor", "--json"], capture_output=True, text=True, timeout=60,
                       preexec_fn=as_nobody)
    r = rows(p)
    assert p.returncode == 0 and r["BPF", "XDP programs"]["can"] == "unknown"
    assert "run as root" in r["BPF", "TCX"]["text"]


def test_without_io_uring_ringwall_cannot_run(ringwall):
    """No descriptor is left: any reason ends in the same row."""
    p = subprocess.run(["prlimit", "--nofile=4", ringwall, "doctor", "--json"], capture_output=True, text=True,
                       timeout=60)
    assert p.returncode == 1 and rows(p)["io_uring", "ring"]["can"] == "no"


def test_full_disk_and_wrong_usage(ringwall):
    with open("/dev/full", "w") as full:
        p = subprocess.run([ringwall, "doctor"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert p.returncode == 1 and "cannot write" in p.stderr
    assert run(ringwall, "doctor", "more", check=False).returncode == 2
