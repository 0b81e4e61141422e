# SPDX-License-Identifier: Apache-2.0
"""The Debian package, for `make debtest`; elsewhere nothing here is collected."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
collect_ignore_glob = [] if os.environ.get("RW_LAYER") == "debtest" else ["test_*.py"]


@pytest.fixture(scope="session")
def package(top):
    found = list((top / "build/deb").glob("ringwall_*.deb"))
    assert len(found) == 1, f"{found}: run `make deb`"
    return found[0]


@pytest.fixture
def root():
    from roots import Root
    with Root() as r:
        yield r


@pytest.fixture
def machine(root, package):
    """A booted Debian with the package installed and configured, and a stub for its provider."""
    from machine import Machine
    root.install(package)
    with Machine(root) as m:
        yield m
