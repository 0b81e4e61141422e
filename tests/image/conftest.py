# SPDX-License-Identifier: Apache-2.0
"""The image itself, booted under firmware, for `make imagetest`; elsewhere nothing here is collected."""

import os
import sys

import pytest

from common import TOP

collect_ignore_glob = [] if "RW_IMAGE" in os.environ else ["test_*.py"]
sys.path.insert(0, str(TOP / "tests/image"))


@pytest.fixture(scope="session")
def image():
    """The raw image under test."""
    folder = TOP / "build/image" / os.environ["RW_IMAGE"]
    return folder / f"ringwall_{os.environ['RW_IMAGE']}.raw"


@pytest.fixture(scope="session")
def tools():
    """Firmware, and what makes FAT file systems and looks into the image."""
    from machine import fetch_tools
    return fetch_tools()


@pytest.fixture
def workshop(tmp_path, image, tools):
    """Makes machines of the image; what they leave running ends with the test."""
    from machine import Workshop
    with Workshop(tmp_path, image, tools) as shop:
        yield shop
