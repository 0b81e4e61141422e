# SPDX-License-Identifier: Apache-2.0
"""The whole gateway on the simulator: 1,000 seeded scenarios. A failing seed is printed with the
command that replays it."""

import os
import subprocess

import pytest

from common import TOP
from world import run

SEEDS = int(os.environ.get("RW_SEEDS", "1000"))
PART = 250


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    # RSA: its signatures have one length, so that a seed gives the same bytes' lengths again
    d = tmp_path_factory.mktemp("sim")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=sim", "-keyout", d / "gateway.key", "-out", d / "gateway.crt", "-addext",
        "subjectAltName=IP:127.0.0.1,DNS:gateway.test")
    os.chmod(d / "gateway.key", 0o600)
    return d


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_seeds(flavour, certificates, first):
    program = TOP / "build" / flavour / "tests/sim/sim"
    p = subprocess.run([program, certificates, str(first), str(min(first + PART, SEEDS) - 1)],
                       capture_output=True, text=True, errors="replace", timeout=900)
    assert p.returncode == 0, p.stdout[-6000:] + p.stderr[-6000:]
    whole = int(p.stdout.rsplit(" answers came whole", 1)[0].rsplit(" ", 1)[1])
    assert whole > PART, "most exchanges must have come to their end, or nothing was tested"
