# SPDX-License-Identifier: Apache-2.0
"""A/B updates from the configuration disk, and what becomes of one that is broken."""

import itertools
import os
import threading
import time

import pytest

from common import TOP
from gpt import Esp
from inside import Inside
from test_boot import CONFIG, chat

VERSION = os.environ.get("RW_IMAGE", "")
NEXT = f"{VERSION}.next"
# ringwall-update.timer's two minutes after a start and one of random delay, and what a busy host takes.
AFTER_TIMER_S = 300


def update_files(version):
    return {f"update/{p.name}": p.read_bytes() for p in (TOP / f"build/image/{version}/update").iterdir()}


@pytest.fixture
def deployed(workshop):
    """(the shop, a disk with the image, the configuration's files)"""
    return workshop, workshop.disk(), {"ringwall.yaml": CONFIG.format(stub=workshop.stub())}


class Asking(threading.Thread):
    """Asks over a connection of its own, again and again: whether there was an answer, each time."""

    def __init__(self, machine):
        super().__init__()
        self.machine, self.outcomes, self.over = machine, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            self.outcomes.append(self.machine.tries(8443, "GET", "/v1/models", timeout=30) is not None)
            time.sleep(0.2)

    def spells(self):
        """[True, False, True]: answers, none, answers."""
        self.over.set()
        self.join()
        return [answered for answered, _ in itertools.groupby(self.outcomes)]


def test_an_update_from_the_disk_is_installed_and_started_and_gone_back_from(deployed):
    """Signed, by the timer, into the other slot; called good once the gateway listens. Nobody is refused but while the
    machine starts. Then the command that goes back."""
    shop, disk, files = deployed
    m = shop.machine(disk, shop.config({**files, **update_files(NEXT)}, kib=262144)).start()
    m.wait_text(rf"image {VERSION}\b(?s:.*)state +configured")
    m.ready()
    asking = Asking(m)
    asking.start()
    m.wait_text(rf"image {NEXT}\b(?s:.*)listener +0.0.0.0:8443, answers", seconds=900)
    assert chat(m)[0] == 200
    m.wait("good boot on the ESP", lambda: f"ringwall_{NEXT}.efi" in Esp(shop.tools, disk).names())
    assert asking.spells() == [True, False, True], asking.outcomes
    m.kill()

    back = Inside(shop, disk, "ringwall update rollback --reboot", m.config, version=NEXT).machine.start()
    back.wait_text(rf"image {NEXT}\b(?s:.*)image {VERSION}\b(?s:.*)listener +0.0.0.0:8443, answers", seconds=900)
    assert chat(back)[0] == 200


def test_an_update_signed_by_somebody_else_is_not_installed(deployed):
    """One checksum changed behind the signature."""
    shop, disk, files = deployed
    update = update_files(NEXT)
    update["update/SHA256SUMS"] = update["update/SHA256SUMS"].replace(b"a", b"b", 1)
    m = shop.machine(disk, shop.config({**files, **update}, kib=262144)).start()
    m.wait_text("listener +0.0.0.0:8443, answers")
    m.wait_text("update +not installed", seconds=600)
    assert Esp(shop.tools, disk).names() == [f"ringwall_{VERSION}.efi"]


def test_a_broken_update_falls_back(deployed):
    """Three starts of a system that does not verify, and the one before it serves again, by itself, and goes on: the
    timer, that finds the broken one there, does not start it again."""
    shop, disk, files = deployed
    update = update_files(f"{VERSION}.broken")
    m = shop.machine(disk, shop.config({**files, **update}, kib=262144)).start()
    m.wait_text(rf"image {VERSION}\b(?s:.*)state +configured")
    m.wait("three starts of the broken one", lambda: m.text().count("Kernel panic") >= 3, seconds=900)
    m.wait_text(rf"(?s:.*Kernel panic.*)image {VERSION}\b(?s:.*)answers", seconds=600)
    assert chat(m)[0] == 200
    starts = m.text().count("BdsDxe: starting")
    time.sleep(AFTER_TIMER_S)
    assert m.text().count("BdsDxe: starting") == starts
    assert chat(m)[0] == 200
