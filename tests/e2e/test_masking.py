# SPDX-License-Identifier: Apache-2.0
"""Personal data and secrets are masked in both directions, also when cut into pieces."""

import json

import pytest
from common import say

TEXT = ("Write to jane.doe@example.com or call +1 415 555 0132; card 4111 1111 1111 1111, "
        "IBAN DE89 3704 0044 0532 0130 00, key AKIAIOSFODNN7EXAMPLQ end.")
HIDDEN = ["jane.doe@example.com", "jane", "4111 1111", "DE89 3704", "AKIAIOSF"]


def without_guard(**kw):
    """Asks the stub for TEXT without the prompt holding it."""
    return dict(**say("tell me", **kw))


def check(text):
    for word in HIDDEN:
        assert word not in text
    assert "[EMAIL_ADDRESS]" in text and "[CREDIT_CARD]" in text and text.endswith(" end.")


def test_prompt_is_masked_before_it_leaves(world, client):
    r = client.chat.completions.with_raw_response.create(**say(TEXT))
    body = json.loads(world.stub_last()["body"])
    check(body["messages"][0]["content"])
    assert r.headers["x-ringwall-verdict"] == "mask"
    assert "pii.email;n=1" in r.headers["x-ringwall-findings"]


def test_whole_answer_is_masked(client):
    r = client.chat.completions.create(**without_guard(), extra_headers={"x-stub-answer": TEXT})
    check(r.choices[0].message.content)


@pytest.mark.parametrize("piece", list(range(1, 40)) + [64, 4096])
def test_streamed_answer_is_masked_however_it_is_cut(client, piece):
    got = "".join(
        c.choices[0].delta.content or ""
        for c in client.chat.completions.create(
            **without_guard(stream=True),
            extra_headers={"x-stub-answer": TEXT, "x-stub-piece": str(piece)}) if c.choices)
    check(got)


def test_tool_arguments_are_masked_and_stay_json(client):
    args = json.dumps({"to": "jane.doe@example.com", "n": 1})
    r = client.chat.completions.create(**without_guard(),
                                       extra_headers={"x-stub-tool": f"mail {args}"})
    got = json.loads(r.choices[0].message.tool_calls[0].function.arguments)
    assert got == {"to": "[EMAIL_ADDRESS]", "n": 1}


def test_audit_tells_what_was_found_but_not_its_value(world, client):
    r = client.chat.completions.with_raw_response.create(**say(TEXT))
    assert world.audit(r.headers["x-ringwall-request-id"])["verdict"] == "mask"
    text = world.audit_file.read_text()
    for word in HIDDEN + [world.key]:
        assert word not in text
