# SPDX-License-Identifier: Apache-2.0
"""From power on to a chat, seen from outside."""

import json

from common import TOP
from gpt import Esp
from inside import credentials

CONFIG = """
listeners:
  - address: 0.0.0.0:8443
admin:
  address: 0.0.0.0:9443
upstreams:
  - name: stub
    url: http://10.0.2.2:{stub}/v1
    insecure_plain: true
models:
  - name: "*"
    upstream: stub
auth:
  keys: optional
audit:
  file: /var/log/ringwall/audit.jsonl
"""


def chat(m, text="hello", **kwargs):
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]})
    return m.request(8443, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"}, **kwargs)


def test_boots_enforcing_secure_boot_and_serves_a_chat(workshop):
    config = workshop.config({"ringwall.yaml": CONFIG.format(stub=workshop.stub())})
    workshop.blank_firmware()
    m = workshop.machine(workshop.disk(), config).start()
    m.ready()
    assert "Custom Secure Boot keys successfully enrolled" in m.text()
    status, body = chat(m)
    assert status == 200, body
    assert json.loads(body)["choices"][0]["message"]["content"]
    status, body = m.request(9443, "GET", "/readyz", tls=False)
    assert status == 200, body


# QEMU sends what comes from outside to the first of them.
NETWORK = """
[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Address=10.0.2.78/24
"""


def test_the_network_is_as_the_disk_says(workshop):
    """From the start: an address that no DHCP server gave."""
    files = {"ringwall.yaml": CONFIG.format(stub=workshop.stub()), "network.conf": NETWORK}
    m = workshop.machine(workshop.disk(), workshop.config(files)).start()
    m.ready()
    assert chat(m)[0] == 200
    m.wait_text(r"addresses .*10\.0\.2\.78(?s:.*)XDP native")


def test_a_start_that_cannot_go_on_is_told_and_made_again(workshop):
    """As one is whose disk does not come up: local-fs.target fails, what it began is irreversible, and yet it starts anew."""
    disk = workshop.disk()
    Esp(workshop.tools, disk).replace_uki(TOP / f"build/image/{workshop.image.parent.name}/debug.efi")
    unit = "[Unit]\nDefaultDependencies=no\nConditionPathExists=!/etc/initrd-release\n[Service]\nType=oneshot\nExecStart=/usr/bin/false\n"
    m = workshop.machine(disk, extra=credentials(unit, "local-fs.target", "[Unit]\nRequires=rwtest.service\nAfter=rwtest.service\n"))
    m.start().wait_text(r"rwtest.service +loaded +failed(?s:.*)BdsDxe: starting Boot", seconds=600)
