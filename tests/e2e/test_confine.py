# SPDX-License-Identifier: Apache-2.0
"""Landlock around a running engine: what its configuration names can be read again, other folders cannot."""

import signal

import pytest
from world import World, wait_for


@pytest.fixture
def w(ringwall, flavour):
    with World(ringwall, flavour) as w:
        yield w


def reload(w, keys_file, words):
    keys_file.parent.mkdir(exist_ok=True)
    keys_file.write_text("")
    keys_file.chmod(0o600)
    w.write_config(auth={"keys_file": str(keys_file)})
    w.gateway.signal(signal.SIGHUP)
    wait_for(words, 30, lambda: words in w.gateway.text())


def test_reload_reads_named_folders_and_no_others(w, tmp_path):
    assert "files: those that the configuration names, by landlock" in w.gateway.text()
    reload(w, tmp_path / "other" / "keys", "a folder that was not named at the start wants a restart")
    assert f"cannot read the list of keys {tmp_path}/other/keys: Permission denied" in w.gateway.text()
    reload(w, w.dir / "new" / "keys", "reloaded: ")
