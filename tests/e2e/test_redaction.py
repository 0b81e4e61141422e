# SPDX-License-Identifier: Apache-2.0
"""Kinds of redaction with the real SDK: what the provider sees, and what the caller gets back."""

import json
import re

import pytest
from common import say
from world import World

TEXT = ("Write to jane.doe@corp.com or jim@corp.com; card 4111 1111 1111 1111, "
        "call +44 7911 123456, from 81.2.69.142. Jane is jane.doe@corp.com.")
TOKEN = r"\[EMAIL_ADDRESS_(\d+)_([a-z]{10})\]"


@pytest.fixture(scope="module")
def world(ringwall, flavour):
    kinds = {"EMAIL_ADDRESS": "token", "CREDIT_CARD": "synthetic", "PHONE_NUMBER": "hash",
             "IP_ADDRESS": "replace"}
    with World(ringwall, flavour, kernel=False, guards={"redaction": {
            "types": [{"type": t, "as": k} for t, k in kinds.items()]}}) as w:
        yield w


def is_luhn(text):
    digits = [int(c) for c in reversed(text) if c.isdigit()]
    return sum(d if i % 2 == 0 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)) % 10 == 0


def sent(world):
    """What the provider was told."""
    return json.loads(world.stub_last()["body"])["messages"][0]["content"]


def check_sent(text):
    for word in ("corp.com", "jane.doe", "4111", "7911", "81.2"):
        assert word not in text
    tokens = re.findall(TOKEN, text)
    assert len(tokens) == 3 and len({tag for _, tag in tokens}) == 1
    assert tokens[0] == tokens[2] != tokens[1]
    card = re.search(r"4000 00\d\d \d{4} \d{4}", text)
    assert card and is_luhn(card[0])
    assert re.search(r"\[PHONE_NUMBER#[a-p]{12}\]", text)
    assert re.search(r"\[IP_ADDRESS_\d+\]", text)
    return card[0]


def check_back(text, card):
    """Tokens came back, once each; the rest is as the provider saw it."""
    assert text.count("jane.doe@corp.com") == 2 and "jim@corp.com" in text
    assert card in text and "4111" not in text and "_ADDRESS_1_" not in text


def test_tokens_come_back_in_a_whole_answer(world, client):
    r = client.chat.completions.create(**say(TEXT))
    check_back(r.choices[0].message.content, check_sent(sent(world)))


@pytest.mark.parametrize("piece", [1, 2, 7, 64])
def test_tokens_come_back_in_a_stream(world, client, piece):
    got = "".join(c.choices[0].delta.content or "" for c in client.chat.completions.create(
        **say(TEXT, stream=True), extra_headers={"x-stub-piece": str(piece)}) if c.choices)
    check_back(got, check_sent(sent(world)))


def test_hashes_and_synthetic_values_are_the_same_in_every_request(world, client):
    seen = set()
    for _ in range(2):
        client.chat.completions.create(**say(TEXT))
        text = sent(world)
        seen.add((re.search(r"\[PHONE_NUMBER#\w+\]", text)[0], check_sent(text)))
    assert len(seen) == 1
    key = world.dir / "state" / "redaction.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_text()) == 64


def test_a_token_of_another_request_stays_text(world, client):
    client.chat.completions.create(**say(TEXT))
    token = re.search(TOKEN, sent(world))[0]
    r = client.chat.completions.create(**say("mail jim@corp.com about this"),
                                       extra_headers={"x-stub-answer": f"it was {token}"})
    assert r.choices[0].message.content == f"it was {token}"


def test_tool_arguments_of_the_history_stay_json(world, client):
    args = json.dumps({"to": "a\njane.doe@corp.com", "card": 4111111111111111, "ip": [1, 2]})
    escaped = args.replace("@", "\\u0040")
    client.chat.completions.create(model="stub", messages=[
        {"role": "user", "content": "pay"},
        {"role": "assistant", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "pay", "arguments": a}}
            for a in (args, escaped)]},
        {"role": "tool", "tool_call_id": "1", "content": "done"}])
    calls = json.loads(world.stub_last()["body"])["messages"][1]["tool_calls"]
    got = [json.loads(c["function"]["arguments"]) for c in calls]
    assert got[0] == got[1] and got[0]["ip"] == [1, 2]
    assert re.fullmatch("a\n" + TOKEN, got[0]["to"])
    assert got[0]["card"] != 4111111111111111 and is_luhn(str(got[0]["card"]))


def test_audit_says_what_stood_where_and_what_became_of_it(world, client):
    r = client.chat.completions.with_raw_response.create(**say(TEXT))
    places = world.audit(r.headers["x-ringwall-request-id"])["request_places"]
    at = TEXT.index("jane.doe@corp.com")
    assert places[0] == {"rule": "pii.email", "action": "mask", "as": "token", "in": "user",
                         "index": 0, "start": at, "end": at + len("jane.doe@corp.com")}
    assert {p["as"] for p in places} == {"token", "synthetic", "hash", "replace"}
    for p in places:
        assert TEXT[p["start"]:p["end"]] in TEXT and p["end"] - p["start"] >= 6


def test_no_value_is_in_audit_or_logs(world, client):
    client.chat.completions.create(**say(TEXT))
    for file in (world.audit_file, world.gateway.log):
        text = file.read_text()
        # four digits of a card stand in one of a hundred logs by chance: identifiers and hashes are hex
        assert "corp.com" not in text and "4111 1111" not in text and "41111111" not in text
