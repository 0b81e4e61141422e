# SPDX-License-Identifier: Apache-2.0
"""A configuration with a mistake, or none yet: no gateway, a page that says why, and the console too."""

from test_boot import CONFIG, chat


def test_a_mistake_in_the_configuration_is_told_on_page_and_console(workshop):
    config = CONFIG.format(stub=1).replace('name: "*"\n    upstream: stub', 'name: "*"\n    upstream: stab')
    m = workshop.machine(workshop.disk(), workshop.config({"ringwall.yaml": config})).start()
    m.wait_text("state +HELD, nothing is served: .*stab")
    status, page = m.wait("health page", lambda: m.tries(9443, "GET", "/readyz", tls=False, timeout=5))
    assert status == 503 and b"stab" in page
    assert m.tries(8443, "GET", "/v1/models", timeout=5) is None


def test_a_disk_that_comes_after_the_boot_gave_it_up_is_taken(workshop):
    m = workshop.machine(workshop.disk(), extra=workshop.late()).start()
    m.wait_text("state +HELD, nothing is served: no configuration", seconds=600)
    m.plug(workshop.config({"ringwall.yaml": CONFIG.format(stub=workshop.stub())}))
    m.ready()
    assert chat(m)[0] == 200
    m.wait_text("state +configured(?s:.*)listener +0.0.0.0:8443, answers(?s:.*)XDP native")
