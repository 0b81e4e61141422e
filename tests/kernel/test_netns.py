# SPDX-License-Identifier: Apache-2.0
"""Real TCP through the programs on a veth pair, and the commands that attach, ban, lift and explain."""

import json
import re
import shutil
import socket
import subprocess
import threading

import pytest
from veth import BANNED, FREE, NOBODY, PINS, Net, bpf_ids, echoes
from world import GATEWAY, GATEWAY6, PORT, run, wait_for

both_modes = pytest.mark.parametrize("attached", ["native", "tcx"], indirect=True)


# --- packets -----------------------------------------------------------------------------------


@both_modes
@pytest.mark.parametrize("source,host", [(FREE, GATEWAY), ("fd77:4::2", GATEWAY6)])
def test_honest_tcp_passes_whole(attached, source, host):
    """A megabyte each way: segments of several buffers (xdp.frags) must not be taken for malformed."""
    with attached.connect(source, host, seconds=20) as s:
        assert echoes(s, bytes(range(256)) * 4096)
    c = attached.counters()
    assert c["pass"] > 20
    assert not {k: v for k, v in c.items() if "drop" in k and v}


@both_modes
def test_every_packet_is_counted_once(attached):
    attached.rw("deny", "add", BANNED)
    for source in (BANNED, FREE):
        attached.can_connect(source)
    wait_for("silence", 10, lambda: attached.counters()["rx"] == attached.counters()["rx"], every=0.3)
    c = attached.counters()
    assert c["rx"] == sum(v for k, v in c.items() if k.startswith(("pass", "drop_", "would_drop_")))


@both_modes
@pytest.mark.parametrize("source,host,shown", [(BANNED, GATEWAY, f"{BANNED}/32"),
                                               ("fd77:3::2", GATEWAY6, "fd77:3::/64")])
def test_banned_source_cannot_connect_and_is_counted(attached, source, host, shown):
    assert attached.can_connect(source, host)
    assert shown in attached.rw("deny", "add", source, "--for", "10m")
    before = attached.counters()["drop_denied"]
    assert not attached.can_connect(source, host)
    assert attached.counters()["drop_denied"] > before
    bans = attached.bans()
    assert [(b["prefix"], b["verdict"], b["reason"]) for b in bans] == [(shown, "drop_all", "operator")]
    assert 0 < bans[0]["left_s"] <= 600 and bans[0]["drops"] >= 1
    assert attached.can_connect(FREE), "its neighbour is untouched"
    attached.rw("deny", "del", source)
    assert attached.can_connect(source, host)


@both_modes
def test_ban_ends_by_itself(attached):
    """No command of ours runs between the ban and its end: the kernel tests the time."""
    attached.rw("deny", "add", BANNED, "--for", "2s")
    assert not attached.connect(BANNED)
    wait_for("the ban to end", 10, lambda: attached.connect(BANNED)).close()
    assert attached.counters()["ban_expired"] > 0
    assert attached.bans() == []


@both_modes
def test_drop_all_cuts_open_connections_and_drop_syn_does_not(attached):
    with attached.connect(BANNED) as s:
        attached.rw("deny", "add", BANNED, "--verdict", "drop_syn")
        assert echoes(s, b"still here")
        assert not attached.can_connect(BANNED)
        attached.rw("deny", "add", BANNED)
        s.settimeout(0.7)
        with pytest.raises(TimeoutError):
            echoes(s, b"and now")
    c = attached.counters()
    assert c["drop_denied_syn"] > 0 and c["drop_denied"] > 0


@both_modes
def test_other_ports_of_a_banned_source_stay_open(attached):
    """Management can never be locked out by a ban."""
    attached.rw("deny", "add", "10.77.0.0/24")
    with attached.as_gateway():
        ssh = socket.create_server((GATEWAY, 22))
    with ssh, attached.as_client(), socket.create_connection((GATEWAY, 22), 5) as s:
        assert s.getpeername()[1] == 22
    attached.in_ns(attached.cl_ns, "ip", "neigh", "flush", "dev", attached.cl_if)
    with attached.as_client():
        p = subprocess.run(["ping", "-c1", "-W2", GATEWAY], capture_output=True) \
            if shutil.which("ping") else None
    assert p is None or p.returncode == 0


@both_modes
def test_allowlisted_source_passes_a_ban_of_its_network(attached):
    attached.rw("kern", "allow", "add", FREE)
    attached.rw("deny", "add", "10.77.0.0/24")
    assert attached.can_connect(FREE) and not attached.can_connect(BANNED)
    assert attached.rw("kern", "allow", "list") == f"{FREE}/32\n"
    assert "allowlisted" in attached.rw("deny", "add", FREE, status=77)
    attached.rw("kern", "allow", "del", FREE)
    assert not attached.can_connect(FREE)


def test_source_that_opens_connections_too_fast_is_limited(net):
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--syn-rate", "1")
    for _ in range(6):
        net.connect(BANNED, seconds=0.1)
    assert net.counters()["drop_syn_rate"] > 0
    assert net.can_connect(FREE), "others have budgets of their own"
    text = net.rw("kern", "status")
    assert "1 per second and source, burst 2" in text and "drop_syn_rate" in text


def test_shadow_mode_drops_nothing_and_counts(net):
    assert "shadow" in net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--shadow")
    net.rw("deny", "add", BANNED)
    assert net.can_connect(BANNED)
    status = net.status()
    assert status["shadow"] and status["counters"]["would_drop_denied"] > 0
    assert status["counters"]["drop_denied"] == 0


# --- life --------------------------------------------------------------------------------------


@pytest.mark.parametrize("attached", ["native", "tcx", "generic"], indirect=True)
def test_detach_leaves_nothing(attached):
    """Counted by id: other programs and maps of the machine come and go as they please."""
    def left():
        return links & bpf_ids(attached, "link"), programs & bpf_ids(attached, "prog"), maps & bpf_ids(attached, "map")

    names = attached.run("ls", PINS).stdout.split()
    pinned = [attached.link(n) for n in names if n.endswith("_link")]
    programs = {n for n in names if n.endswith("_prog")}
    maps = {n for n in names if not n.endswith(("_link", "_prog")) and n != "reader"}

    def id_of(kind, name):
        return json.loads(attached.run("bpftool", "-j", kind, "show", "pinned", f"{PINS}/{name}").stdout)["id"]

    links = {l["id"] for l in pinned}
    programs = {l["prog_id"] for l in pinned} | {id_of("prog", n) for n in programs}
    maps = {id_of("map", n) for n in maps}
    assert len(links) == 1 and len(programs) == 2 and len(maps) > 12 and left() == (links, programs, maps)
    attached.rw("deny", "add", BANNED)
    attached.rw("kern", "detach")
    assert "ringwall" not in attached.pins()
    assert "xdp" not in attached.run("ip", "link", "show", attached.gw_if).stdout
    # freed after an RCU grace period
    wait_for("the programs and their maps to go", 10, lambda: not any(left()))
    assert attached.can_connect(BANNED)
    assert "nothing is attached" in attached.rw("kern", "detach", status=1)
    assert "not attached" in attached.rw("kern", "status", status=1)
    assert "kern attach" in attached.rw("deny", "list", status=1)


def test_attach_twice_says_who_holds_it(attached):
    attached.rw("deny", "add", BANNED)
    text = attached.rw("kern", "attach", "-i", attached.gw_if, "-p", PORT, status=1)
    assert f"attached to {attached.gw_if} (native) already" in text and "detach" in text
    assert not attached.can_connect(BANNED), "the first attachment is untouched"


@both_modes
def test_interface_that_goes_is_noticed(attached):
    attached.run("ip", "link", "del", attached.gw_if)
    p = attached.run(attached.ringwall, "kern", "status", check=False)
    assert p.returncode == 1 and "THE LINK IS GONE" in p.stdout
    attached.run("ip", "link", "add", attached.gw_if, "type", "veth", "peer", "name", "other")
    text = attached.rw("kern", "attach", "-i", attached.gw_if, "-p", PORT, status=1)
    assert "earlier attachment" in text and "kern detach" in text
    attached.rw("kern", "detach")
    attached.rw("kern", "attach", "-i", attached.gw_if, "-p", PORT)


def test_pins_of_another_version_are_left_alone_and_named(net):
    net.run("mkdir", "-p", "/sys/fs/bpf/ringwall/v2")
    for command in (("kern", "status"), ("kern", "attach", "-i", net.gw_if, "-p", PORT)):
        assert "/sys/fs/bpf/ringwall/v2" in net.rw(*command, status=1)
    assert net.run("ls", "/sys/fs/bpf/ringwall").stdout.split() == ["v2"]


def test_missing_bpffs_is_explained(net):
    text = net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, status=1, before=[
        "unshare", "--mount", "--propagation", "private", "sh", "-c",
        'mount -t tmpfs none /sys/fs/bpf && exec "$@"', "sh"])
    assert "not a BPF filesystem" in text and "mount -t bpf" in text


@pytest.mark.parametrize("args,words", [
    (("-i", "nonesuch0", "-p", "443"), "there is no interface 'nonesuch0'"),
    (("-i", "lo", "-p", "443", "--group", "nonesuch"), "there is no group 'nonesuch'"),
])
def test_what_is_not_there_is_named(net, args, words):
    assert words in net.rw("kern", "attach", *args, status=1)
    assert net.pins() == []


@pytest.mark.parametrize("command", [
    ("kern",), ("kern", "fly"), ("kern", "attach"), ("kern", "attach", "-i", "lo"),
    ("kern", "attach", "-i", "lo", "-p", "0"), ("kern", "attach", "-i", "lo", "-p", "443,"),
    ("kern", "attach", "-i", "lo", "-p", "65536"), ("kern", "attach", "-i", "lo", "-p", "443", "--mode", "xdp"),
    ("kern", "attach", "-i", "lo", "-p", ",".join(map(str, range(1, 18)))),
    ("kern", "attach", "-i", "lo", "-p", "443", "--syn-rate", "1000001"),
    ("kern", "attach", "-i", "lo", "-p", "443", "--syn-rate", "-1"),
    ("kern", "allow"), ("kern", "allow", "add"), ("kern", "allow", "add", "10.1"),
    ("deny", "add"), ("deny", "add", "example.com"), ("deny", "add", "10.1.2.3/24"),
    ("deny", "add", "10.1.2.3", "--for", "0"), ("deny", "add", "10.1.2.3", "--for", "1y"),
    ("deny", "add", "10.1.2.3", "--for", "99999999999999999999d"),
    ("deny", "add", "10.1.2.3", "--verdict", "pardon"), ("deny", "add", "10.1.2.3", "10.1.2.4"),
])
def test_wrong_usage_is_status_2_and_touches_nothing(net, command):
    assert net.rw(*command, status=2)
    assert net.pins() == []


# --- privilege ---------------------------------------------------------------------------------


def test_no_privilege_is_said_in_words(net):
    text = net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, status=77, before=NOBODY)
    assert "lacks CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON" in text and "root" in text
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT)
    for command in (("kern", "status"), ("deny", "list"), ("deny", "add", BANNED)):
        text = net.rw(*command, status=77, before=NOBODY)
        assert "/sys/fs/bpf/ringwall" in text and "--group" in text
    assert "CAP_BPF" in net.rw("kern", "detach", status=77, before=NOBODY)
    assert net.status()["link_alive"]


def test_three_capabilities_are_enough_to_attach(net):
    net.run("chown", "65534", "/sys/fs/bpf")
    caps = "+bpf,+net_admin,+perfmon"
    one = ["setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps", caps, "--ambient-caps", caps,
           "--bounding-set", "-all," + caps]
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, before=one)
    net.rw("deny", "add", BANNED, before=one)
    assert not net.can_connect(BANNED)
    net.rw("kern", "set", "--syn-rate", "5", before=one)
    assert re.search(r"rw_xdp: program \d+ in the place of [1-9]", net.rw("kern", "upgrade", before=one))
    assert not net.can_connect(BANNED)
    net.rw("kern", "detach", before=one)
    assert net.pins() == []


def test_group_bans_without_any_capability(net):
    """The engine runs like this: file modes of the pins are all it has."""
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--group", "daemon")
    gid = net.run("getent", "group", "daemon").stdout.split(":")[2]
    member = ["setpriv", "--reuid", "65534", "--regid", gid, "--clear-groups", "--bounding-set", "-all"]
    net.rw("deny", "add", BANNED, before=member)
    assert not net.can_connect(BANNED)
    assert f"{BANNED}/32" in net.rw("deny", "list", before=member)
    assert net.gw_if in net.rw("kern", "status", before=member)
    net.rw("deny", "del", BANNED, before=member)
    assert net.can_connect(BANNED)
    modes = net.run("stat", "-c", "%n %a %G", *(f"{PINS}/{n}" for n in ("rw_xdp_link", "rw_stats", "rw_deny4")))
    assert [l.split()[1:] for l in modes.stdout.splitlines()] == [
        ["600", "root"], ["640", "daemon"], ["660", "daemon"]]


OPEN_EACH = """
import ctypes, os, platform, struct, sys
nr = {"x86_64": 321, "aarch64": 280}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
def get(path, flags):
    name = ctypes.create_string_buffer(path.encode())
    attr = ctypes.create_string_buffer(struct.pack("=QII", ctypes.addressof(name), 0, flags), 128)
    fd = libc.syscall(nr, 7, attr, 128)
    return fd >= 0 and os.close(fd) is None
for path in sys.argv[1:]:
    print(path.rsplit("/", 1)[1], "rw" if get(path, 0) else "r" if get(path, 8) else "no")
"""


def test_pins_open_for_whom_the_document_says(net, top):
    """docs/kernel.md has a table of what the group may write; others open nothing, whatever bpffs's own mode."""
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--group", "daemon")
    net.run("chmod", "711", "/sys/fs/bpf")
    pins = [n for n in net.run("ls", PINS).stdout.split() if n != "reader"]
    paths = [f"{PINS}/{n}" for n in pins]
    gid = net.run("getent", "group", "daemon").stdout.split(":")[2]
    member = ["setpriv", "--reuid", "65534", "--regid", gid, "--clear-groups", "--bounding-set", "-all"]

    def opens(before):
        out = net.run(*before, "python3", "-c", OPEN_EACH, *paths).stdout
        return dict(line.split() for line in out.splitlines())

    assert opens(NOBODY) == dict.fromkeys(pins, "no")
    table = (top / "docs/kernel.md").read_text().split("## The pins", 1)[1].split("\n## ", 1)[0]
    rows = [[c.strip() for c in l.strip("|").split(" | ")] for l in table.splitlines() if l.startswith("| `")]
    told = {r[0].strip("`"): r[-1] for r in rows if "_link`" not in r[0]}
    maps = [n for n in pins if not n.endswith("_link")]
    assert told["rw_syn_key"] == "nor reads"
    assert opens(member) == {n: "no" if n not in maps or told[n] == "nor reads" else "rw" if told[n] == "yes" else "r" for n in pins}
    # egress has an attachment, and a test of its pins, of its own
    assert {n for n in told if not n.startswith("rw_out")} == {*maps, "reader"}


# --- what people read ----------------------------------------------------------------------------


def test_no_ban_at_all_is_said_and_is_an_empty_list(attached):
    """Not to a program that reads the table: it is empty."""
    p = attached.run(attached.ringwall, "deny", "list")
    assert (p.stdout, p.stderr) == ("", "ringwall: nobody is banned\n")
    assert attached.rw("deny", "list", "--json") == "[]\n"


def test_bpftool_prints_names_and_addresses(attached):
    attached.rw("deny", "add", "10.77.0.9", "--verdict", "drop_syn")
    attached.rw("deny", "add", "2001:db8:1:2::/64")
    attached.rw("kern", "allow", "add", "192.0.2.7")
    attached.can_connect(FREE)
    squeezed = {n: "".join(attached.dump(n).split())
                for n in ("rw_deny4", "rw_deny6", "rw_allow", "rw_meta", "rw_cfg", "rw_stats", "rw_steer_stats")}
    assert '"plen":32,"addr":[10,77,0,9]' in squeezed["rw_deny4"]
    assert '"verdict":"RW_KERN_VERDICT_DROP_SYN"' in squeezed["rw_deny4"]
    assert '"reason":"RW_KERN_REASON_OPERATOR"' in squeezed["rw_deny4"]
    assert '"plen":64,"addr":[32,1,13,184,0,1,0,2,0,0,0,0,0,0,0,0]' in squeezed["rw_deny6"]
    assert '255,255,192,0,2,7]' in squeezed["rw_allow"]
    assert f'"interface":"{attached.gw_if}"' in squeezed["rw_meta"]
    assert '"mode":"RW_KERN_MODE_NATIVE"' in squeezed["rw_meta"]
    assert f'"ports":[{PORT},' in squeezed["rw_cfg"]
    for counter in attached.counters():
        assert f'"{counter}":' in squeezed["rw_stats"] + squeezed["rw_steer_stats"]


def test_bans_can_be_changed_with_bpftool(attached):
    """As docs/kernel.md says: an entry by hand, the bits by listing; lifting needs nothing else."""
    key = "32 0 0 0 10 77 0 3".split()
    value = ("0 " * 32 + "3 0 0 0 1 0 0 0").split()
    attached.run("bpftool", "map", "update", "pinned", f"{PINS}/rw_deny4", "key", *key, "value", *value)
    assert f"{BANNED}/32" in attached.rw("deny", "list")
    assert not attached.can_connect(BANNED)
    attached.run("bpftool", "map", "delete", "pinned", f"{PINS}/rw_deny4", "key", *key)
    assert attached.can_connect(BANNED)


def test_removing_the_pins_by_hand_is_a_detach(attached):
    attached.run("rm", "-r", "/sys/fs/bpf/ringwall")
    wait_for("the program to go", 10, lambda: "xdp" not in
             attached.run("ip", "link", "show", attached.gw_if).stdout)
    attached.rw("kern", "attach", "-i", attached.gw_if, "-p", PORT)


def test_writers_at_once_lose_no_ban(attached):
    """Listing clears presence bits while others set them: without the lock a fresh ban had no effect."""
    def bans(start):
        for i in range(start, 200, 4):
            attached.rw("deny", "add", f"10.{i}.0.1")

    attached.rw("deny", "add", BANNED)
    writers = [threading.Thread(target=bans, args=(i,)) for i in range(4)]
    for t in writers:
        t.start()
    while any(t.is_alive() for t in writers):
        attached.bans()
    for t in writers:
        t.join()
    assert len(attached.bans()) == 201
    assert not attached.can_connect(BANNED)
    words = json.loads(attached.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_bits").stdout)
    deny4 = words[0]["formatted"]["value"]["deny4"]
    assert all(deny4[(10 << 8 | i) // 64] >> ((10 << 8 | i) % 64) & 1 for i in range(200))


def lines_are_short(text):
    return [l for l in text.splitlines() if len(l) > 80] == []


def test_status_and_top_tell_whom_they_stop_in_80_columns(net):
    """Who is limited stands in a table of the kernel's; how full the sketch is, nobody could see."""
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--syn-rate", "1", "--pkt-rate", "1000000")
    net.rw("deny", "add", BANNED, "--for", "10m")
    net.rw("deny", "add", "2001:db8:aaaa:bbbb::/64")
    assert not net.can_connect(BANNED)

    def too_fast():  # for some seconds, in which a busy machine does not start three programs
        for _ in range(8):
            net.connect(FREE, seconds=0.05)

    too_fast()
    status = net.status()
    assert [(s["source"], s["fast"]) for s in status["limited"]] == [(f"{FREE}/32", True)]
    assert status["limited"][0]["drops"] > 0 and status["limiters"] == 1
    assert status["sketch"]["syn"]["sources"] == 1 and 0 < status["sketch"]["syn"]["busy"] < 0.001
    assert not status["events_read"] and status["promote_capped_s"] == 0
    for what in (("kern", "status"), ("top", "--once", "--admin", "127.0.0.1:1")):
        too_fast()
        text = net.rw(*what)
        assert lines_are_short(text), text
        assert "sources: about 1)" in text and "events     read by nobody" in text
        assert re.search(rf"{FREE}/32 +\d+  too fast", text)
        assert re.search(rf"{BANNED}/32 +drop_all +operator +9m\d\ds +\d+ +\ds\n", text)
        assert re.search(r"2001:db8:aaaa:bbbb::/64 +drop_all +operator +for ever +0 +-\n", text)
        assert "LIMITED  1 with" in text and "BANS  2" in text


def test_top_shows_one_frame_and_says_that_the_engine_is_down(attached):
    attached.rw("deny", "add", BANNED, "--for", "10m")
    attached.can_connect(BANNED)
    frame = attached.rw("top", "--once", "--admin", "127.0.0.1:1")
    assert f"{attached.gw_if} (native)" in frame and "drop_denied" in frame
    assert f"{BANNED}/32" in frame and "drop_all" in frame
    assert "engine  down: no engine answers on 127.0.0.1:1" in frame
    attached.rw("kern", "detach")
    p = attached.run(attached.ringwall, "top", "--once", "--admin", "127.0.0.1:1", check=False)
    assert p.returncode == 1 and "kernel  down: the kernel side is not attached" in p.stdout


def test_names_left_on_the_host_are_none(ringwall):
    with Net(ringwall) as n:
        names = n.gw_ns, n.cl_ns
        assert set(names) <= set(run("ip", "netns", "list").stdout.split())
    assert not set(names) & set(run("ip", "netns", "list").stdout.split())
