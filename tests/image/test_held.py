# SPDX-License-Identifier: Apache-2.0
"""A configuration with a mistake: no gateway, a page that says why, and the console too."""

from test_boot import CONFIG


def test_a_mistake_in_the_configuration_is_told_on_page_and_console(workshop):
    config = CONFIG.format(stub=1).replace('name: "*"\n    upstream: stub', 'name: "*"\n    upstream: stab')
    m = workshop.machine(workshop.disk(), workshop.config({"ringwall.yaml": config})).start()
    m.wait_text("state +HELD, nothing is served: .*stab")
    status, page = m.wait("health page", lambda: m.tries(9443, "GET", "/readyz", tls=False, timeout=5))
    assert status == 503 and b"stab" in page
    assert m.tries(8443, "GET", "/v1/models", timeout=5) is None
