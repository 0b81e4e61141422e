# SPDX-License-Identifier: Apache-2.0
"""auth.keys_file: keys that came by a file, as on a machine on which no command can be given."""

import openai
import pytest
from common import say
from world import World, wait_for


@pytest.fixture
def w(ringwall, flavour):
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        w.list = w.dir / "keys"
        w.write_config(auth={"keys_file": str(w.list)})
        yield w


def listed(w, name):
    return w.run(w.ringwall, "key", "add", name, "--list", w.list).stdout.strip()


def is_valid(w, key):
    with w.as_client(), w.openai(key=key, max_retries=0) as c:
        try:
            return bool(c.chat.completions.create(**say("hello")))
        except openai.AuthenticationError:
            return False


def test_listed_keys_come_and_go_with_their_lines(w):
    key = listed(w, "a")
    w.start_gateway()
    assert is_valid(w, key) and is_valid(w, w.key), "the store's keys are valid beside them"
    new = listed(w, "b")
    wait_for("the new key", 10, lambda: is_valid(w, new), every=0.1)
    ids = {f"k_{line.split('sha256:')[1][:12]}" for line in w.list.read_text().splitlines()}
    wait_for("records that name both", 10, lambda: ids <= {r["key_id"] for r in w.audit() if r["status"] == 200})
    w.list.write_text("".join(line for line in w.list.open() if not line.startswith("a ")))
    wait_for("the key whose line is gone to be refused", 10, lambda: not is_valid(w, key), every=0.1)
    assert is_valid(w, new)


def test_list_with_a_mistake_leaves_the_old_keys_and_is_said(w):
    key = listed(w, "a")
    w.start_gateway()
    good = w.list.read_text()
    w.list.write_text(good + "b sha256:0\n")
    wait_for("the mistake to be told", 10, lambda: f"{w.list}:2: behind the name" in w.gateway.text())
    assert is_valid(w, key)
    w.list.write_text("")
    wait_for("the list to be read again", 10, lambda: not is_valid(w, key), every=0.1)


def test_list_that_cannot_be_read_refuses_the_start(w):
    w.list.write_text("")
    w.list.chmod(0o666)
    w.start_gateway(wait=False)
    assert w.gateway.wait(60) != 0 and "only its owner can write" in w.gateway.text()
    w.gateway = None
