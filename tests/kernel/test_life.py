# SPDX-License-Identifier: Apache-2.0
"""What is attached, changed while it works."""

import json
import re
import signal

import pytest
from flood import Flood
from veth import BANNED, FREE, PINS, echoes
from world import PORT, World, wait_for


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


def dropped_more(net, than):
    """The count of dropped packets, once there are more: a busy machine may let the sender wait."""
    return wait_for("packets to be dropped", 20, lambda: (n := net.status()["counters"]["drop_denied"]) > than and n)


# --- kern upgrade -----------------------------------------------------------------------------------


@pytest.mark.parametrize("attached,times", [("native", 200), ("tcx", 50)], indirect=["attached"])
def test_replacing_the_program_200_times_lets_no_packet_through(attached, times, flavour):
    """Each by a process of its own, as an operator would, while a banned source sends without a pause."""
    times = times if flavour == "release" else 20
    attached.rw("deny", "add", BANNED)
    programs, before = [], attached.counters()["drop_denied"]
    with Flood(attached, BANNED) as flood:
        drops = dropped_more(attached, 1000)
        for i in range(times):
            text = attached.rw("kern", "upgrade")
            new, old = re.search(r"rw_(?:xdp|tcx): program (\d+) in the place of (\d+)", text).groups()
            assert not programs or programs[-1] == old
            programs.append(new)
            if i % 10 == 9:
                drops = dropped_more(attached, drops)
        assert flood.got == []
        attached.rw("deny", "del", BANNED)
        wait_for("packets, now that nothing holds them", 10, lambda: flood.got)
    assert "maps are kept as they are" in text and "another layout" not in text
    assert len(set(programs)) == times
    c = attached.counters()
    assert flood.got[0][0] + 1 >= c["drop_denied"] - before, "no drop is of what came through"
    assert c["drop_malformed"] == 0


@both_modes
def test_upgrade_keeps_what_there_is(attached):
    attached.rw("deny", "add", BANNED, "--for", "1h")
    attached.rw("kern", "allow", "add", FREE)
    attached.rw("kern", "set", "--syn-rate", "77")
    attached.can_connect(BANNED)
    before = attached.status()
    with attached.connect(FREE, seconds=20) as s:
        attached.rw("kern", "upgrade")
        assert echoes(s, bytes(1 << 16))
    after = attached.status()
    assert after["link_alive"] and after["syn_per_second"] == 77
    assert after["counters"]["drop_denied"] >= before["counters"]["drop_denied"] > 0
    assert [b["prefix"] for b in attached.bans()] == [f"{BANNED}/32"]
    assert attached.rw("kern", "allow", "list") == f"{FREE}/32\n"
    assert not attached.can_connect(BANNED)


def test_upgrade_refuses_in_words_what_it_cannot_do(net):
    assert "not attached" in net.rw("kern", "upgrade", status=1)
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT)
    assert "lacks CAP_BPF:" in net.rw("kern", "upgrade", status=77, before=["setpriv", "--bounding-set", "-bpf"])
    net.run("ip", "link", "del", net.gw_if)
    assert "is gone" in net.rw("kern", "upgrade", status=1)
    net.rw("kern", "detach")
    net.run("mkdir", "-p", PINS)
    net.run("bpftool", "map", "create", f"{PINS}/rw_meta", "type", "array", "key", 4, "value", 8, "entries", 1,
            "name", "rw_meta")
    assert "cannot be upgraded" in net.rw("kern", "upgrade", status=1)


def test_link_of_an_unknown_program_is_left_and_told(attached):
    """After a downgrade: what a newer version attached is not ours to judge."""
    attached.run("bpftool", "link", "pin", "id", attached.link("rw_xdp_link")["id"], f"{PINS}/xx_new_link")
    assert "xx_new_link: unknown to this version, left as it is" in attached.rw("kern", "upgrade")
    attached.run("rm", f"{PINS}/rw_xdp_link")
    assert "the link of rw_xdp is not among the pins" in attached.rw("kern", "upgrade", status=1)
    assert attached.status()["link_alive"]
    attached.rw("kern", "detach")
    assert "xdp" not in attached.run("ip", "link", "show", attached.gw_if).stdout


# --- bans, whatever becomes of the engine ---------------------------------------------------------


@both_modes
def test_ban_ends_between_two_packets_of_a_tick(attached):
    """
    By the clock that the program reads, and that the sender stamps packets with: the last that was
    dropped was sent before the end, the first that passed arrived after it. No margin.
    """
    with Flood(attached, BANNED) as flood:
        wait_for("the flood", 10, lambda: flood.got)
        attached.rw("deny", "add", BANNED, "--for", "2s")
        end = json.loads(attached.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_deny4").stdout
                         )[0]["formatted"]["value"]["expires_ns"]
        wait_for("the ban to end", 10, lambda: flood.got[-1][3] > end)
    # Who receives may be behind, and count what passed before the ban after it: the ban is the largest gap.
    before, passed = max(zip(flood.got, flood.got[1:], strict=False), key=lambda pair: pair[1][0] - pair[0][0])
    assert passed[0] - before[0] > 1000, "it was dropped while it was banned"
    assert passed[2] < end, "a packet that was sent after the end was dropped"
    assert passed[3] >= end, "a packet passed before the end"


def test_20_killed_engines_leave_every_packet_judged(ringwall, flavour):
    with World(ringwall, flavour) as w:
        w.run(w.ringwall, "deny", "add", BANNED)
        with Flood(w, BANNED) as flood:
            drops = dropped_more(w, 1000)
            for _ in range(20 if flavour == "release" else 3):
                w.gateway.signal(signal.SIGKILL)
                w.gateway.wait(10)
                drops = dropped_more(w, drops)
                w.start_gateway()
                drops = dropped_more(w, drops)
            assert flood.got == []
            w.run(w.ringwall, "deny", "del", BANNED)
            wait_for("packets, now that nothing holds them", 10, lambda: flood.got)
