# SPDX-License-Identifier: Apache-2.0
"""audit.sync: request. An answer whose end a client has is on record, whatever becomes of the process then."""

import signal
import threading

import openai
import pytest
from common import say
from world import World, run, wait_for

CLIENTS = 6
KILLS = 4


def serve(w, sync, file=None):
    w.write_config(audit={"file": str(file or w.audit_file), "required": True, "sync": sync})
    w.start_gateway()


class Caller(threading.Thread):
    """Asks until the gateway is gone; keeps the names of the answers that came to their end."""

    def __init__(self, w, streams):
        super().__init__()
        self.w, self.streams, self.ids = w, streams, []

    def run(self):
        with self.w.openai(max_retries=0) as c:
            try:
                while True:
                    if self.streams:
                        r = c.chat.completions.with_raw_response.create(**say("a stream", stream=True))
                        assert [e for e in r.parse()][-1].choices[0].finish_reason == "stop"
                    else:
                        r = c.chat.completions.with_raw_response.create(**say("hello"))
                    self.ids.append(r.headers["x-ringwall-request-id"])
            except (openai.APIError, AssertionError, IndexError, OSError):
                return
            except Exception as e:  # httpx's own, of a stream that broke off
                assert "peer closed" in str(e) or "incomplete" in str(e) or "reset" in str(e), e


def kill_under_load(w):
    """Kills the gateway in the middle of answers; returns those that had come, and those on record."""
    before = len(w.audit()) if w.audit_file.exists() else 0
    with w.as_client():
        callers = [Caller(w, i % 2) for i in range(CLIENTS)]
        for c in callers:
            c.start()
    wait_for("some answers", 60, lambda: sum(len(c.ids) for c in callers) > 30)
    w.gateway.signal(signal.SIGKILL)
    for c in callers:
        c.join(60)
    w.gateway.wait(20)
    return {i for c in callers for i in c.ids}, {r["request_id"] for r in w.audit()[before:]}


def test_no_answer_that_came_is_lost_by_a_kill(ringwall, flavour):
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        for _ in range(KILLS):
            serve(w, "request")
            came, recorded = kill_under_load(w)
            assert len(came) > 30 and came <= recorded


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk)
    yield disk
    run("umount", disk)


def test_answers_wait_for_no_disk_that_is_full(ringwall, flavour, small_disk):
    """What cannot be recorded is cut, then refused; what came is on record; service comes back by itself."""
    log, ballast = small_disk / "audit.jsonl", small_disk / "ballast"
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        serve(w, "request", log)
        ballast.write_bytes(b"x" * 40000)
        came, errors = [], []
        with w.as_client(), w.openai(max_retries=0) as c:
            def ask():
                try:
                    came.append(c.models.with_raw_response.list().headers["x-ringwall-request-id"])
                    return True
                except openai.APIConnectionError as e:
                    errors.append(type(e.__cause__).__name__)
                except openai.InternalServerError as e:
                    errors.append(e.code)
                return False
            while len(errors) < 3 and len(came) < 400:
                ask()
            assert len(errors) == 3 and "ReadTimeout" not in errors, "cut, and not kept waiting"
            ballast.unlink()
            wait_for("service to come back", 10, ask, every=0.2)
        recorded = log.read_text()
        assert came and all(i in recorded for i in came), "every answer that came has its record"
        w.gateway.stop()
