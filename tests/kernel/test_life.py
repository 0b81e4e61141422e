# SPDX-License-Identifier: Apache-2.0
"""What is attached, changed while it works."""

import pytest
from veth import BANNED, FREE, echoes
from world import PORT


both_modes = pytest.mark.parametrize("attached", ["native", "tcx"], indirect=True)


# --- kern set ---------------------------------------------------------------------------------------


@both_modes
def test_set_changes_what_is_named_and_nothing_else(attached):
    attached.rw("deny", "add", BANNED)
    secrets = attached.dump_value("rw_cfg")["hash"]
    with attached.connect(FREE, seconds=20) as s:
        text = attached.rw("kern", "set", "--syn-rate", "50", "--pkt-rate", "1000", "--pkt-burst", "3000")
        assert "50 per second and source, burst 50" in text and "1000 per second and source, burst 3000" in text
        assert "shadow" in attached.rw("kern", "set", "--shadow")
        assert attached.can_connect(BANNED)
        assert "enforcing" in attached.rw("kern", "set", "--enforce")
        assert not attached.can_connect(BANNED)
        assert f"ports      {PORT}, 9\n" in attached.rw("kern", "set", "-p", f"{PORT},9", "--syn-rate", "0")
        text = attached.rw("kern", "set", "-p", "9")
        assert "SYN rate   no limit" in text and "burst 3000" in text
        assert attached.can_connect(BANNED), "its port is not protected any more"
        attached.rw("kern", "set", "-p", PORT)
        assert echoes(s, bytes(1000)), "an open connection lives through all of it"
    assert not attached.can_connect(BANNED)
    assert [b["prefix"] for b in attached.bans()] == [f"{BANNED}/32"]
    assert attached.dump_value("rw_cfg")["hash"] == secrets


def test_set_takes_nothing_that_attach_would_not(attached):
    for args, words in ((("--syn-burst", "5"), "a SYN burst needs a SYN rate"),
                        (("--syn-rate", "1", "--syn-burst", "999999"), "worth more than an hour")):
        assert words in attached.rw("kern", "set", *args, status=1)
    for args in ((), ("-p", ""), ("-p", "0"), ("--syn-rate", "-1"), ("--syn-burst", "0"), ("-i", "lo")):
        assert attached.rw("kern", "set", *args, status=2)
    assert "lacks CAP_BPF:" in attached.rw("kern", "set", "--shadow", status=77, before=[
        "setpriv", "--bounding-set", "-bpf"])
    status = attached.status()
    assert status["ports"] == [PORT] and not status["shadow"] and not status["syn_per_second"]


def test_set_without_an_attachment_says_so(net):
    assert "not attached" in net.rw("kern", "set", "--shadow", status=1)
