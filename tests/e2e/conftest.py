# SPDX-License-Identifier: Apache-2.0
import pytest
from world import World


@pytest.fixture(scope="module")
def world(ringwall, flavour):
    """One gateway, stub and pair of namespaces for a module's tests; XDP attached natively."""
    with World(ringwall, flavour) as w:
        yield w


@pytest.fixture
def client(world):
    """The real SDK, inside the client's namespace: every byte passes the XDP program."""
    with world.as_client(), world.openai() as c:
        yield c
