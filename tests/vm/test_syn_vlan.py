# SPDX-License-Identifier: Apache-2.0
"""SYN cookies through VLAN devices, which not every kernel has."""

import pytest
from cookienet import CookieNet
from veth import PINS, echoes
from world import PORT

ONE, TWO = [(5, "802.1Q")], [(6, "802.1ad"), (7, "802.1Q")]


class VlanNet(CookieNet):
    """VLAN devices on both ends, one on the other, with addresses on the last."""

    def add_vlans(self, tags):
        for ns, dev, host in ((self.gw_ns, self.gw_if, 1), (self.cl_ns, self.cl_if, 4)):
            # in the frame, not beside it: XDP is before the stack that knows of it
            self.in_ns(ns, "ethtool", "-K", dev, "txvlan", "off", "tx-vlan-stag-hw-insert", "off")
            for i, (number, protocol) in enumerate(tags):
                vlan = f"v{i}"
                self.in_ns(ns, "ip", "link", "add", "link", dev, "name", vlan, "mtu", 1500 - 4 * i,
                           "type", "vlan", "id", number, "proto", protocol)
                self.in_ns(ns, "ip", "link", "set", vlan, "up")
                dev = vlan
            self.in_ns(ns, "ip", "addr", "add", f"10.78.0.{host}/24", "dev", dev)
            self.in_ns(ns, "ip", "addr", "add", f"fd78::{host}/64", "dev", dev, "nodad")
        self.echo("10.78.0.1")
        self.echo("fd78::1")


@pytest.mark.parametrize("mode,tags", [("native", ONE), ("native", TWO), ("tcx", TWO)])
def test_tagged_clients_connect_with_cookies(ringwall, flavour, mode, tags):
    """Of two tags the stack takes one off before rw_syn looks: the VLAN device has its own."""
    with VlanNet(ringwall, flavour) as net:
        net.add_vlans(tags)
        p = net.run(net.ringwall, "kern", "attach", "-i", net.gw_if, "-p", PORT, "--syn-budget", "1", "--mode", mode)
        assert ("rxvlan off" in p.stderr) == (mode == "native")
        net.rw("kern", "detach")
        net.run("ethtool", "-K", net.gw_if, "rxvlan", "off")
        net.attach("--syn-budget", "1", "--mode", mode)
        links = [n for n in net.run("ls", PINS).stdout.split() if n.startswith("rw_syn_") and n.endswith("_link")]
        assert len(links) == 2
        net.spend_budget()
        for source, host in (("10.78.0.4", "10.78.0.1"), ("fd78::4", "fd78::1")):
            with net.connect(source, host, seconds=30) as s:
                assert echoes(s, bytes(range(256)) * 400)
        c = net.counters()
        assert c["cookie_accepted"] == 2 and c["cookie_refused"] == c["cookie_failed"] == 0
        net.rw("kern", "detach")
        assert net.run("bpftool", "net", "show").stdout.count("rw_syn") == 0
