# SPDX-License-Identifier: Apache-2.0
"""Networks for the tests, with or without the kernel side attached."""

import pytest
from veth import Net
from world import PORT


@pytest.fixture
def net(ringwall, flavour):
    with Net(ringwall, flavour) as n:
        yield n


@pytest.fixture
def attached(net, request):
    """In native mode, or in that of an indirect parameter."""
    mode = getattr(request, "param", "native")
    assert f"({mode})" in net.rw("kern", "attach", "-i", net.gw_if, "-p", PORT, "--mode", mode)
    return net
