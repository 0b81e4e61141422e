# SPDX-License-Identifier: Apache-2.0
"""Connections by source: `kern attach --cgroup`, and who shows what it counts."""


import pytest
from cage import Inside, cgroup
from veth import PINS, bpf_ids
from world import GATEWAY, GATEWAY6, PORT, wait_for

SERVE = """
[kept.update({h: socket.create_server((h, %d), family=f)}) for h, f in
 ((%r, socket.AF_INET), (%r, socket.AF_INET6))] and "ok"
""".replace("\n", " ").strip() % (PORT + 1, GATEWAY, GATEWAY6)


@pytest.fixture
def group():
    with cgroup() as path:
        yield path


def attach(net, *args, **kw):
    return net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT + 1, *args, **kw)


@pytest.fixture
def counted(net, group):
    """A server in a cgroup whose sockets tell of themselves."""
    attach(net, "--cgroup", group)
    with Inside(net.ns_prefix(net.gw_ns), group) as server:
        assert server(SERVE) == "ok"
        net.server = server
        yield net


def connect(net, source, host=GATEWAY):
    s = net.connect(source, host, seconds=20, port=PORT + 1)
    assert s
    assert net.server(f"kept.update({{len(kept): kept[{host!r}].accept()[0]}}) or 'ok'") == "ok"
    return s


def sources(net):
    return {s["source"]: s for s in net.status()["sources"]}


def test_open_connections_of_each_source_are_shown(counted):
    held = [connect(counted, "10.77.0.3"), connect(counted, "10.77.0.3"), connect(counted, "10.77.0.4"),
            connect(counted, "fd77:5::2", GATEWAY6)]
    seen = sources(counted)
    assert {s: v["open"] for s, v in seen.items()} == {"10.77.0.3/32": 2, "10.77.0.4/32": 1, "fd77:5::/64": 1}
    assert list(seen)[0] == "10.77.0.3/32", "the most open first"
    assert all(0 < v["srtt_us_min"] <= v["srtt_us_last"] < 10 ** 6 for v in seen.values())
    text = counted.rw("kern", "status")
    assert "CONNECTIONS  4 open" in text and "10.77.0.3/32" in text
    assert "CONNECTIONS  4 open" in counted.rw("top", "--once", status=1 if "down" in text else 0)
    for s in held:
        s.close()
    counted.server("[s.close() for k, s in kept.items() if isinstance(k, int)] and 'ok'")
    wait_for("all to be closed", 10, lambda: not any(v["open"] for v in sources(counted).values()))
    c = counted.counters()
    assert c["sock_opened"] == c["sock_closed"] == 4


def test_bpftool_shows_them_in_words(counted):
    connect(counted, "10.77.0.3")
    dump = "".join(counted.dump("rw_conn").split())
    assert '255,255,10,77,0,3]' in dump and '"open":1,' in dump and '"opened":1,"closed":0,"srtt_us_min":' in dump


def test_sockets_of_other_cgroups_are_nobodys(counted):
    """Their port is protected, but it is not the gateway that listens there."""
    with cgroup() as other, Inside(counted.ns_prefix(counted.gw_ns), other) as stranger:
        counted.server("[s.close() for s in kept.values()] and 'ok'")
        assert stranger(SERVE) == "ok"
        with counted.connect("10.77.0.3", seconds=20, port=PORT + 1):
            assert sources(counted) == {}


def test_without_a_cgroup_nothing_is_counted_and_it_is_said_nowhere_as_zero(net):
    attach(net)
    assert "sources" not in net.status() and "sock_opened" not in net.counters()
    assert "CONNECTIONS" not in net.rw("kern", "status")
    assert not [n for n in net.run("ls", PINS).stdout.split() if "conn" in n or "sock_" in n]


@pytest.mark.parametrize("path,words", [("/nonesuch", "cannot open cgroup /nonesuch"),
                                        ("/proc", "not in a cgroup v2")])
def test_what_is_no_cgroup_is_refused_and_leaves_nothing(net, path, words):
    assert words in attach(net, "--cgroup", path, status=1)
    assert net.pins() == []
    assert "xdp" not in net.run("ip", "link", "show", net.gw_if).stdout


def test_detach_ends_it(counted):
    with connect(counted, "10.77.0.3"):
        link = counted.link("rw_sock_link")
        assert link["type"] == "cgroup"
        counted.rw("kern", "detach")
        assert counted.pins() == []
        wait_for("the link to go", 10, lambda: link["id"] not in bpf_ids(counted, "link"))
