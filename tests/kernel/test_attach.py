# SPDX-License-Identifier: Apache-2.0
"""Ways to attach: modes, what TCX sees of a packet, who else has a program on the interface."""

import contextlib
import ctypes
import os
import socket
import struct

import pytest
from veth import BANNED, FREE, echoes, mac, tcp_frame
from world import PORT, wait_for

XDP, SCHED_CLS, PASS = 6, 3, {6: 2, 3: 0}


@contextlib.contextmanager
def foreign_program(kind):
    """The id of a program of somebody else: it passes everything, on TCX finally (TCX_PASS)."""
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(struct.pack("<BBhiBBhi", 0xb7, 0, 0, PASS[kind], 0x95, 0, 0, 0), 16)
    licence = ctypes.create_string_buffer(b"GPL")
    load = struct.pack("<IIQQIIQII16s", kind, 2, ctypes.addressof(code), ctypes.addressof(licence),
                       0, 0, 0, 0, 0, b"foreign")
    fd = libc.syscall(321, 5, load, len(load))  # BPF_PROG_LOAD
    assert fd >= 0, os.strerror(ctypes.get_errno())
    try:
        with open(f"/proc/self/fdinfo/{fd}") as info:
            yield next(int(l.split()[1]) for l in info if l.startswith("prog_id"))
    finally:
        os.close(fd)


def attach(net, *args, **kw):
    return net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, *args, **kw)


# --- modes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["generic", "tcx"])
def test_driver_without_xdp_is_explained_and_the_rest_is_only_by_request(net, mode):
    text = net.rw("kern", "attach", "-i", "lo", "-p", PORT, status=1)
    assert "the driver of lo does not take XDP natively" in text and "--mode tcx" in text
    assert net.pins() == [], "a failed attach leaves nothing"
    assert f"attached to lo ({mode})" in net.rw("kern", "attach", "-i", "lo", "-p", PORT, "--mode", mode)
    assert net.status()["mode"] == mode
    net.echo("127.0.0.1")
    with net.as_gateway():
        s = socket.create_connection(("127.0.0.1", PORT), 20)
    with s:
        assert echoes(s, bytes(1 << 20))
    net.rw("deny", "add", "127.0.0.1")
    before = net.counters()
    with net.as_gateway(), pytest.raises(TimeoutError):
        socket.create_connection(("127.0.0.1", PORT), 0.5)
    after = net.counters()
    assert after["pass"] == before["pass"] > 0 and after["drop_denied"] > before["drop_denied"]


def test_auto_takes_native_where_it_can_and_says_why_not_elsewhere(net):
    p = net.run(net.ringwall, "kern", "attach", "-i", net.gw_if, "-p", PORT, "--mode", "auto")
    assert "(native)" in p.stdout and not p.stderr
    net.rw("kern", "detach")
    p = net.run(net.ringwall, "kern", "attach", "-i", "lo", "-p", PORT, "--mode", "auto")
    assert "attached to lo (tcx)" in p.stdout
    assert "note: the driver of lo does not take XDP natively" in p.stderr
    frame = net.run(net.ringwall, "top", "--once", "--admin", "127.0.0.1:1", check=False).stdout
    assert "lo (tcx)" in frame


def test_interface_without_ethernet_is_refused(net):
    """Every packet of a tunnel is malformed to who looks for Ethernet: the host would be cut off."""
    net.run("ip", "tuntap", "add", "dev", "tun9", "mode", "tun")
    net.run("ip", "link", "set", "tun9", "up")
    for mode in ("native", "tcx", "generic", "auto"):
        text = net.rw("kern", "attach", "-i", "tun9", "-p", PORT, "--mode", mode, status=1)
        assert "tun9 does not carry Ethernet frames" in text
    assert net.pins() == []


# --- what TCX sees ------------------------------------------------------------------------------


@pytest.mark.parametrize("attached", ["native", "tcx"], indirect=True)
@pytest.mark.parametrize("tags,counters", [(0, ("pass", "drop_denied")), (1, ("pass", "drop_denied")),
                                           (2, ("pass", "drop_denied")), (3, ("pass_other", "pass_other"))])
def test_tags_are_judged_alike(attached, tags, counters):
    """TCX sees a frame without its outer tag, which is no way round a ban, and counts as a tag."""
    attached.rw("deny", "add", BANNED)
    for source, counter in zip((FREE, BANNED), counters, strict=True):
        before = attached.counters()[counter]
        attached.send(*[tcp_frame(mac(attached), source, tags=tags)] * 10)
        wait_for(counter, 10, lambda: attached.counters()[counter] >= before + 10)  # noqa: B023


@pytest.mark.parametrize("attached", ["tcx"], indirect=True)
@pytest.mark.parametrize("source,options,counter", [
    (BANNED, 0, "drop_denied"), (FREE, 0, "pass"), ("fd77:4::2", 0, "pass"), ("fd77:4::2", 248, "pass")])
def test_headers_in_page_fragments_are_found(attached, source, options, counter):
    """AF_PACKET puts all but 14 bytes of a frame over a page into fragments: no header is in one piece."""
    for ns, dev in ((attached.gw_ns, attached.gw_if), (attached.cl_ns, attached.cl_if)):
        attached.in_ns(ns, "ip", "link", "set", dev, "mtu", "9000")
    attached.rw("deny", "add", BANNED)
    before = attached.counters()[counter]
    attached.send(*[tcp_frame(mac(attached), source, payload=bytes(6000), options=options)] * 10)
    wait_for(counter, 10, lambda: attached.counters()[counter] >= before + 10)


@pytest.mark.parametrize("attached", ["tcx"], indirect=True)
def test_frames_of_several_segments_and_pieces_are_judged_whole(attached):
    """Segments of 64 KiB in page fragments: their length is the skb's, their headers may need pulling."""
    attached.in_ns(attached.cl_ns, "ip", "link", "set", attached.cl_if, "gso_max_size", "65536")
    with attached.connect(FREE, seconds=20) as s:
        assert echoes(s, bytes(8 << 20))
    c = attached.counters()
    assert (8 << 20) / c["pass"] > 1500, "no super-segments: nothing was tested"
    assert not {k: v for k, v in c.items() if "drop" in k and v}


# --- who else is there ----------------------------------------------------------------------------


def test_foreign_xdp_program_is_named(net):
    with foreign_program(XDP) as prog:
        net.run("bpftool", "net", "attach", "xdp", "id", prog, "dev", net.gw_if)
        text = attach(net, status=1)
        assert f"id {prog}, name 'foreign'" in text and f"ip link set dev {net.gw_if} xdp off" in text
        assert net.pins() == [], "a failed attach leaves nothing"
        p = net.run(net.ringwall, "kern", "attach", "-i", net.gw_if, "-p", PORT, "--mode", "auto")
        assert "(tcx)" in p.stdout and f"id {prog}" in p.stderr, "beside it, and it is said"
        assert net.status()["link_alive"]


def test_link_that_holds_the_interface_is_named(net):
    """`ip link set xdp off` does not help against a link: the message has to name the link."""
    attach(net)
    net.run("mv", "/sys/fs/bpf/ringwall", "/sys/fs/bpf/theirs")
    link = net.link("rw_xdp_link", "/sys/fs/bpf/theirs/v1")
    text = attach(net, status=1)
    assert f"id {link['prog_id']}, name 'rw_xdp'" in text
    assert f"'bpftool link detach id {link['id']}' removes it" in text
    net.run("bpftool", "link", "detach", "id", link["id"])
    attach(net)


def test_second_verdict_on_tcx_is_refused_and_named(net):
    """Two of ours on one interface would count each packet twice."""
    attach(net, "--mode", "tcx")
    net.run("mv", "/sys/fs/bpf/ringwall", "/sys/fs/bpf/theirs")
    link = net.link("rw_tcx_link", "/sys/fs/bpf/theirs/v1")
    text = attach(net, "--mode", "tcx", status=1)
    assert f"id {link['prog_id']}, name 'rw_tcx', held by link {link['id']}" in text
    assert net.pins() == ["theirs"], "a failed attach leaves nothing"


def test_foreign_tcx_programs_are_named_and_come_after_ours(net):
    """One that ends the walk (TCX_PASS) before ours would let all through."""
    with foreign_program(SCHED_CLS) as prog:
        net.run("bpftool", "net", "attach", "tcx_ingress", "id", prog, "dev", net.gw_if)
        p = net.run(net.ringwall, "kern", "attach", "-i", net.gw_if, "-p", PORT, "--mode", "tcx")
        assert f"note: behind ringwall's, other programs see what it passes: id {prog}" in p.stderr
        net.rw("deny", "add", BANNED)
        assert net.can_connect(FREE) and not net.can_connect(BANNED)
        net.rw("kern", "detach")
        assert net.can_connect(BANNED)
