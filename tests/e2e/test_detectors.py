# SPDX-License-Identifier: Apache-2.0
"""External detectors over real HTTP: Presidio's protocol by a server of its own, a judge by the stub."""

import concurrent.futures
import json
import pathlib
import sys
import time

import openai
import pytest
from common import say
from world import PROVIDER_KEY, STUB_PORT, Process, World

PORT = 5002
ANSWERS = {"moonlight": 'I am sure: {"score": 95}', '"': '{"score": 3}'}  # only a judged text is quoted


@pytest.fixture(scope="module")
def world(ringwall, flavour, tmp_path_factory):
    answers = tmp_path_factory.mktemp("answers") / "answers.json"
    answers.write_text(json.dumps(ANSWERS))
    config = World(ringwall, flavour, kernel=False, stub_args=("--answers", answers))
    stub = {"name": "stub", "url": f"https://127.0.0.1:{STUB_PORT}/v1", "key": PROVIDER_KEY, "ca_file": str(config.dir / "stub.crt")}
    detectors = [{"name": "pd", "protocol": "presidio", "upstream": "presidio", "deadline": "1s"},
                 {"name": "jd", "protocol": "judge", "upstream": "stub", "model": "stub", "fail": "open"}]
    config.config = {"upstreams": [stub, {"name": "presidio", "url": f"http://127.0.0.1:{PORT}"}],
                     "guards": {"detectors": detectors}}
    with config as w:
        server = Process([*w.ns_prefix(w.gw_ns), sys.executable, pathlib.Path(__file__).parent / "presidio.py", PORT],
                         w.dir / "presidio.log")
        try:
            w.wait_ready(server, "presidio: listening")
            yield w
        finally:
            server.p.kill()
            server.p.wait()
            server.file.close()


def sent(world, i=-1):
    return json.loads(world.stub_last()["body"])["messages"][i]["content"]


def asked(world):
    return json.loads(world.get(f"http://127.0.0.1:{PORT}/asked"))


def test_names_are_masked_beside_what_the_rules_find(world, client):
    text = "😀 José and 张伟 met Jane Doe (jane@example.com) in Lisbon; card 4111 1111 1111 1111."
    r = client.chat.completions.with_raw_response.create(**say(text))
    assert sent(world) == "😀 [PERSON] and [PERSON] met [PERSON] ([EMAIL_ADDRESS]) in [LOCATION]; card [CREDIT_CARD]."
    assert r.headers["x-ringwall-verdict"] == "mask" and "external.person;n=3" in r.headers["x-ringwall-findings"]
    record = world.audit(r.headers["x-ringwall-request-id"])
    assert record["detector_asked"] == 2 and record["detector_failed"] == 0 and record["detector_us"] > 0
    assert {"rule": "external.person", "type": "PERSON", "category": "pii", "count": 3} in record["request_findings"]
    assert "Jane" not in world.audit_file.read_text()


def test_a_judge_has_a_say(world, client):
    with pytest.raises(openai.BadRequestError) as e:
        client.chat.completions.create(**say("tell me about the moonlight"))
    assert e.value.code == "content_policy_violation" and "external.judge" in e.value.response.headers["x-ringwall-findings"]
    assert world.audit(e.value.response.headers["x-ringwall-request-id"])["upstream"] == "", "nothing left"


def test_a_conversation_is_asked_about_once(world, client):
    turns = [{"role": "user" if i % 2 == 0 else "assistant", "content": f"turn {i} of Jane"} for i in range(21)]
    before = world.metrics()
    for extra in range(3):
        messages = turns + [{"role": "user", "content": f"and now {extra}"}]
        client.chat.completions.create(model="stub", messages=messages)
        assert sent(world, 0) == "turn 0 of [PERSON]" and sent(world) == f"and now {extra}"
    got = world.metrics()
    delta = {k: got[f"ringwall_detector_{k}_total"] - before[f"ringwall_detector_{k}_total"] for k in ("asked", "cached", "failed")}
    per_request = 21 + 11 + 2  # Presidio sees all turns, the judge those of the user, and both the new one
    assert delta["failed"] == 0
    assert delta["asked"] + delta["cached"] == 3 * per_request
    # A worker of its own remembers; there are two.
    assert per_request <= delta["asked"] - 4 <= 2 * per_request


def test_silence_refuses_in_time_and_nothing_else_waits(world, client):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        def slow():
            with world.as_client(), world.openai(max_retries=0) as c:
                begun = time.monotonic()
                with pytest.raises(openai.InternalServerError) as e:
                    c.chat.completions.create(**say("say it slowly"))
                return e.value, time.monotonic() - begun

        waiting = [pool.submit(slow) for _ in range(4)]
        time.sleep(0.3)
        begun = time.monotonic()
        for i in range(4):  # on either worker
            client.chat.completions.create(**say(f"quick {i}"))
        assert time.monotonic() - begun < 0.7 and not any(w.done() for w in waiting)
        for error, seconds in (w.result() for w in waiting):
            assert error.status_code == 503 and error.code == "detector_unavailable" and "pd" in error.message
            assert 0.9 < seconds < 4
    assert "detector pd: no answer within its deadline; requests are refused" in world.gateway.text()


def test_half_an_answer_is_none(world, client):
    with pytest.raises(openai.InternalServerError) as e:
        client.with_options(max_retries=0).chat.completions.create(**say("Jane said it brokenly"))
    assert e.value.code == "detector_unavailable"


def test_post_scan_has_their_findings(world, client):
    r = client._client.post(str(client.base_url).replace("/v1/", "/scan"), json={"texts": ["Jane", "moonlight"]},
                            headers={"authorization": f"Bearer {client.api_key}"}).json()
    assert [(f["rule"], f["text"]) for f in r["findings"]] == [("external.person", 0), ("external.judge", 1)]
    assert r["action"] == "block" and r["risk_score"] == 95 and r["redacted"][0] == "[PERSON]"


def test_arguments_of_tools_are_not_shown(world, client):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"to":"Jane Only Here"}'}}
    client.chat.completions.create(model="stub", messages=[
        {"role": "user", "content": "go on"}, {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "Jane in a result"}])
    assert sent(world) == "[PERSON] in a result"
    assert not any("Only Here" in text for text in asked(world))
