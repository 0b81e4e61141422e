# SPDX-License-Identifier: Apache-2.0
"""Every test that names the fixture `flavour` runs once per build: release and ASan + UBSan."""

import os
import pathlib
import sys

import pytest

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "scripts")]
from common import FLAVOURS, TOP, flavours  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--flavour", choices=FLAVOURS, help="only this build")


def pytest_generate_tests(metafunc):
    if "flavour" in metafunc.fixturenames:
        metafunc.parametrize("flavour", flavours(metafunc.config), scope="session")


@pytest.fixture(scope="session")
def top():
    return TOP


@pytest.fixture(scope="session")
def ringwall(flavour):
    """RW_BINARY: another one, that is installed, say."""
    path = pathlib.Path(os.environ.get("RW_BINARY") or TOP / "build" / flavour / "ringwall")
    assert path.exists(), f"{path} is not built: run `make test`"
    return path


@pytest.fixture(scope="session", autouse=True)
def sanitizers():
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=99")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    os.environ.setdefault("LSAN_OPTIONS", f"suppressions={TOP / 'tests/lsan.supp'}:print_suppressions=0")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Commands keep compiled rules among the caller's files: not among those of who runs the tests."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session", autouse=True)
def compiled():
    """Hyperscan's databases are compiled once, not by each process that a test starts: tests/hsmemo.c."""
    library, folder = TOP / "build/tests/hsmemo.so", TOP / "build/suite/compiled"
    if library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.update(LD_PRELOAD=str(library), RW_HS_MEMO=str(folder))
