# SPDX-License-Identifier: Apache-2.0
"""`ringwall feed`: what people do with it, and feeds that are exchanged under load."""

import contextlib
import json
import socket
import struct
import threading

import pytest
from veth import BANNED, FREE, NOBODY, PINS, Net, bpf_ids
from world import GATEWAY, PORT, wait_for


@pytest.fixture
def net(ringwall, flavour):
    with Net(ringwall, flavour) as n:
        yield n


@pytest.fixture
def attached(net):
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT)
    return net


@pytest.fixture
def write(tmp_path):
    def write(name, *lines, end="\n", head=b""):
        path = tmp_path / name
        path.write_bytes(head + end.join(lines).encode())
        return path
    return write


def load(net, *args, status=0, **kw):
    """Returns what it printed and what it complained about."""
    p = net.run(net.ringwall, "feed", "load", *args, check=False, **kw)
    assert p.returncode == status, p.stdout + p.stderr
    assert "Sanitizer" not in p.stderr, p.stderr
    return p.stdout, p.stderr


def feeds(net):
    return json.loads(net.rw("feed", "list", "--json"))


def test_listed_source_cannot_connect_until_the_feed_is_cleared(attached, write):
    out, _ = load(attached, write("bad.v4.txt", BANNED, "fd77:3::/64"), "--reserved")
    assert out.startswith("loaded 'bad': 1 IPv4 and 1 IPv6 prefixes (drop_all) from 2 lines\n")
    assert not attached.can_connect(BANNED) and attached.can_connect(FREE)
    assert not attached.can_connect("fd77:3::2", "fd77::1")
    (feed,) = feeds(attached)
    assert feed["name"] == "bad" and feed["entries4"] == feed["entries6"] == 1
    assert feed["drops"] == attached.counters()["drop_feed"] >= 2 and 0 <= feed["age_s"] < 600
    assert attached.status()["feeds"][0]["name"] == "bad"
    text = attached.rw("kern", "status")
    assert any(line.split()[:4] == ["bad", "drop_all", "1", "1"] for line in text.splitlines())
    assert any(line.split()[:4] == ["bad", "drop_all", "1", "1"]
               for line in attached.rw("feed", "list").splitlines())
    assert attached.rw("feed", "clear", "bad") == "cleared 'bad'\n"
    assert attached.can_connect(BANNED) and feeds(attached) == []
    assert "no feed 'bad'" in attached.rw("feed", "clear", "bad", status=1)


def test_bad_lines_are_told_by_number_and_the_rest_is_loaded(attached, write):
    path = write("list", "# comment", BANNED, "example.com", "10.77.0.9/24", "", "\x1b[2Jred", "; x",
                 "50.0.0.0-50.0.0.9", "0.0.0.0/0", "2400:1::5 | AS64500", end="\r\n", head=b"\xef\xbb\xbf")
    out, err = load(attached, path, "--reserved")
    assert "loaded 'list': 1 IPv4 and 1 IPv6" in out and "10 lines\n5 bad lines skipped\n" in out
    told = [line.removeprefix(f"{path}:") for line in err.splitlines()]
    assert [t.split(":")[0] for t in told] == ["3", "4", "6", "8", "9"]
    assert "'example.com' does not begin with" in told[0] and "bits beyond" in told[1]
    assert "range" in told[3] and "wider" in told[4] and "\x1b" not in err
    assert not attached.can_connect(BANNED)


def test_strict_loads_nothing_and_keeps_what_was(attached, write):
    load(attached, write("list", BANNED), "--reserved")
    _, err = load(attached, write("list", FREE, "example.com"), "--reserved", "--strict", status=1)
    assert "1 bad lines: nothing is loaded" in err
    assert not attached.can_connect(BANNED) and attached.can_connect(FREE)


def test_download_that_came_out_empty_keeps_what_was(attached, write):
    load(attached, write("list", BANNED), "--reserved")
    for lines in ((), ("# nothing today",), ("<html>", "not found")):
        _, err = load(attached, write("list", *lines), status=1)
        assert "what was in force stays" in err
    assert "cannot open" in load(attached, "/nonesuch/list", status=1)[1]
    assert "cannot read" in load(attached, "/etc", "--name", "list", status=1)[1]
    assert not attached.can_connect(BANNED)


def test_only_the_first_bad_lines_are_shown_and_all_are_counted(attached, write):
    out, err = load(attached, write("list", "50.0.0.7", *["x"] * 1000))
    assert "1000 bad lines skipped" in out
    assert len(err.splitlines()) == 11 and err.endswith("990 more bad lines\n")


def test_dry_run_changes_nothing_and_needs_nothing(net, write):
    path = write("list", BANNED, "50.0.0.0/24", "50.0.0.7", "50.0.0.7")
    out, err = load(net, path, "--dry-run")
    assert "would load 'list': 1 IPv4 and 0 IPv6" in out and "2 duplicates or covered" in out
    assert "1 private or reserved skipped" in out
    assert "not compared with the allowlist" in err and "kern attach" in err
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT)
    net.rw("kern", "allow", "add", "10.77.0.0/24")
    out, err = load(net, path, "--dry-run", "--reserved", "--strict")
    assert "1 skipped because the allowlist" in out and not err
    assert feeds(net) == []


def test_private_sources_are_skipped_unless_asked_for(attached, write):
    """Lists of bogons have 10.0.0.0/8: the load balancer, the monitoring, everybody inside."""
    out, _ = load(attached, write("bogons", "10.0.0.0/8", "127.0.0.0/8", "50.0.0.0/24"))
    assert "2 private or reserved skipped (--reserved takes them)" in out
    assert attached.can_connect(BANNED)


def test_allowlisted_source_passes_a_feed_and_it_is_said(attached, write):
    attached.rw("kern", "allow", "add", FREE)
    out, _ = load(attached, write("list", FREE, "10.77.0.0/29"), "--reserved")
    assert "loaded 'list': 1 IPv4" in out
    assert attached.can_connect(FREE) and not attached.can_connect(BANNED)
    out, _ = load(attached, write("list", FREE, "50.0.0.7"), "--reserved")
    assert "1 skipped because the allowlist lets them pass anyway" in out


def test_standard_input_wants_a_name(attached):
    out, _ = load(attached, "-", "--name", "piped", "--reserved", "--verdict", "drop_syn",
                  input=f"{BANNED}\n")
    assert "loaded 'piped': 1 IPv4 and 0 IPv6 prefixes (drop_syn) from 1 lines" in out
    assert not attached.can_connect(BANNED)
    assert "--name" in load(attached, "-", status=2, input="")[1]


@pytest.mark.parametrize("args", [
    (), ("a", "b"), ("x" * 16,), ("list", "--name", "a b"), ("list", "--name", ""),
    ("list", "--name", "x" * 16), ("list", "--verdict", "pardon"), (".hidden",),
])
def test_wrong_usage_is_status_2(net, args):
    assert load(net, *args, status=2)[1]
    assert net.pins() == []


def test_who_may_what(net, write):
    path = write("list", BANNED)
    net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--group", "daemon")
    gid = net.run("getent", "group", "daemon").stdout.split(":")[2]
    member = ["setpriv", "--reuid", "65534", "--regid", gid, "--clear-groups", "--bounding-set", "-all"]
    load(net, path, "--reserved")
    assert "list" in net.rw("feed", "list", before=member)
    for command in (("load", "-", "--name", "list"), ("clear", "list")):
        p = net.run(*member, net.ringwall, "feed", *command, check=False, input="50.0.0.7\n")
        assert p.returncode == 77 and "as root" in p.stderr, p.stderr
    assert net.rw("feed", "list", status=77, before=NOBODY)
    assert not net.can_connect(BANNED)


def test_bpftool_reads_a_feed(attached, write):
    """As docs/kernel.md says: the outer map has the inner one's number."""
    load(attached, write("list", BANNED, "fd77:3::/64"), "--reserved")
    outer = json.loads(attached.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_feed4").stdout)
    (inner,) = [e["inner_map_id"] for e in outer if "inner_map_id" in e]
    text = "".join(attached.run("bpftool", "map", "dump", "id", str(inner)).stdout.split())
    assert '"plen":32,"addr":[10,77,0,3]' in text and '"verdict":"RW_KERN_VERDICT_DROP_ALL"' in text
    assert '"name":"list"' in "".join(attached.dump("rw_feeds").split())


def inner_maps(net):
    """The numbers of the lists in force."""
    return {e["inner_map_id"] for n in ("_view", "4", "6", "_net4", "_net6")
            for e in json.loads(net.run("bpftool", "-j", "map", "dump", "pinned", f"{PINS}/rw_feed{n}").stdout)
            if "inner_map_id" in e}


def all_maps(net):
    return bpf_ids(net, "map")


def test_lists_that_are_out_of_force_are_freed(attached, write):
    """A feed of a million entries is 80 MB: each reload must give back the last one's."""
    load(attached, write("list", BANNED), "--reserved")
    first = inner_maps(attached)
    assert len(first) == 5 and first <= all_maps(attached)
    load(attached, write("list", FREE), "--reserved")
    second = inner_maps(attached)
    wait_for("the first lists to go", 10, lambda: not first & all_maps(attached))
    assert len(second) == 5 and not first & second
    attached.rw("kern", "detach")
    wait_for("the second lists to go", 10, lambda: not second & all_maps(attached))


# --- under load ----------------------------------------------------------------------------------


def syn(source, port):
    """IP and TCP header; XDP looks at no checksum."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, socket.inet_aton(source),
                     socket.inet_aton(GATEWAY))
    return ip + struct.pack("!HHIIBBHHH", port, PORT, 0, 0, 0x50, 2, 64, 0, 0)


class Flood(threading.Thread):
    """SYNs of these sources as fast as one thread sends them."""

    def __init__(self, net, sources):
        super().__init__(daemon=True)
        with net.as_client():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.packets = [syn(s, 40000 + i) for i, s in enumerate(sources)]
        self.sent, self.over = 0, False

    def run(self):
        while not self.over:
            for p in self.packets * 16:
                with contextlib.suppress(BlockingIOError):
                    self.socket.sendto(p, (GATEWAY, 0))
                    self.sent += 1

    def end(self):
        self.over = True
        self.join()
        self.socket.close()


def test_no_packet_passes_while_feeds_are_exchanged(attached, write):
    """Fifty loads under load: what the old and the new list have is dropped at any moment, what is banned too."""
    banned = "10.77.0.5"
    a = write("a", BANNED, "fd77:3::/64", *(f"50.{i >> 8}.{i & 255}.1" for i in range(3000)))
    b = write("b", "10.77.0.2/31", *(f"51.{i >> 8}.{i & 255}.0/{25 + i % 8}" for i in range(3000)))
    assert attached.can_connect(FREE), "the neighbours know each other"
    attached.rw("deny", "add", banned)
    load(attached, a, "--reserved", "--name", "list")
    before = attached.counters()
    flood = Flood(attached, [BANNED, banned])
    flood.start()
    try:
        for i in range(500):
            if i >= 50 and flood.sent > 10000:
                break
            load(attached, (b, a)[i % 2], "--reserved", "--name", "list")
    finally:
        flood.end()

    def seen():
        after = attached.counters()
        return {n: after[n] - before[n] for n in ("pass", "drop_feed", "drop_denied")}

    # The last of them may still be in the interface's rings.
    wait_for(f"{flood.sent} packets", 10, lambda: sum(seen().values()) == flood.sent)
    passed, *dropped = seen().values()
    assert not passed, f"{passed} of {flood.sent} passed"
    assert flood.sent > 5000 and min(dropped) > 2000, (flood.sent, dropped)
    assert len(attached.bans()) == 1 and feeds(attached)[0]["entries4"] == 3001
