# SPDX-License-Identifier: Apache-2.0
"""docs/rules.schema.json, the schema of rule packs for editors: it admits what ships, and what it refuses lint refuses, too."""

import json
import re
import subprocess

import pytest
import yaml


@pytest.fixture(scope="module")
def schema(top):
    return json.loads((top / "docs/rules.schema.json").read_text())


KINDS = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
KNOWN = {"$schema", "title", "description", "$defs", "$ref", "type", "enum", "const", "not", "anyOf", "required", "properties",
         "additionalProperties", "items", "minItems", "maxItems", "minLength", "pattern", "minimum", "maximum"}


def holds(schema, at, v):
    """Whether v is as the schema says: the part of JSON Schema (2020-12) that the file uses, and no more."""
    assert set(at) <= KNOWN, set(at) - KNOWN
    if "$ref" in at and not holds(schema, schema["$defs"][at["$ref"].removeprefix("#/$defs/")], v):
        return False
    if "type" in at and (not isinstance(v, KINDS[at["type"]]) or (at["type"] == "integer" and isinstance(v, bool))):
        return False
    if v not in at.get("enum", [v]) or v != at.get("const", v):
        return False
    if "not" in at and holds(schema, at["not"], v):
        return False
    if "anyOf" in at and not any(holds(schema, a, v) for a in at["anyOf"]):
        return False
    if isinstance(v, dict):
        own = at.get("properties", {})
        return (all(k in v for k in at.get("required", []))
                and (at.get("additionalProperties", True) or all(k in own for k in v))
                and all(holds(schema, own[k], x) for k, x in v.items() if k in own))
    if isinstance(v, list):
        return (at.get("minItems", 0) <= len(v) <= at.get("maxItems", len(v))
                and all(holds(schema, at.get("items", {}), x) for x in v))
    if isinstance(v, str):
        return len(v) >= at.get("minLength", 0) and bool(re.search(at.get("pattern", ""), v))
    return not isinstance(v, int) or at.get("minimum", v) <= v <= at.get("maximum", v)


def test_every_shipped_pack_is_as_the_schema_says(schema, top):
    packs = [p for p in sorted((top / "user/scan/rules").glob("*.yaml")) if p.name != "concepts.yaml"]
    assert len(packs) >= 7
    for pack in packs:
        for rule in yaml.safe_load(pack.read_text())["rules"]:
            assert holds(schema, schema["$defs"]["rule"], rule), (pack.name, rule.get("id"))
        assert holds(schema, schema, yaml.safe_load(pack.read_text())), pack.name


def test_keys_and_validators_are_those_of_the_source(schema, top):
    source = (top / "user/scan/pack.c").read_text()
    keys = re.findall(r'^\t\{"(\w+)", key_\w+\},$', source, re.M)
    assert len(keys) >= 14 and set(keys) == set(schema["$defs"]["rule"]["properties"])
    names = re.findall(r'^\t\{\.name = "(\w+)", \.ok = rw_valid_\w+[,}]', (top / "user/scan/valid.c").read_text(), re.M)
    itself = re.findall(r'\[RW_BY_\w+\] = \{"(\w+)"', source)
    assert len(names) > 50 and "pem" in itself
    assert set(names) | set(itself) == set(schema["$defs"]["rule"]["properties"]["validator"]["enum"])


RULE = {"id": "x", "type": "T", "severity": 9, "patterns": ["E-[0-9]{6}"], "match": ["E-123456"], "no_match": ["E-1"]}
WRONG = [[], {"rule": []}, {"rules": {}}, {"category": "money"}, {"category": "pii", "rules": [{**RULE, "colour": "red"}]}]
WRONG += [{"category": "pii", "rules": [{k: v for k, v in RULE.items() if k != missing}]} for missing in RULE]
WRONG += [{"category": "pii", "rules": [{**RULE, **more}]} for more in (
    {"severity": 0}, {"severity": 101}, {"severity": "much"}, {"patterns": "abc"}, {"match": []}, {"validator": "magic"},
    {"validator": "pem"}, {"validator": "external"}, {"entropy": 801}, {"enabled": "perhaps"}, {"assigned_to": ["A+"]}, {"id": ""})]


@pytest.mark.parametrize("wrong", range(len(WRONG)))
def test_what_the_schema_refuses_lint_refuses(schema, ringwall, tmp_path, wrong):
    assert not holds(schema, schema, WRONG[wrong])
    pack = tmp_path / "50-wrong.yaml"
    pack.write_text(json.dumps(WRONG[wrong]))
    p = subprocess.run([ringwall, "rules", "lint", pack], capture_output=True, text=True, timeout=120)
    assert p.returncode == 1 and "50-wrong.yaml" in p.stderr


def test_what_is_right_is_right_for_both(schema, ringwall, tmp_path):
    right = {"category": "pii", "disable": ["pii.email"], "rules": [RULE, {"id": "pii.iban", "enabled": False},
                                                                   {"id": "x.shoe", "type": "SHOE", "severity": 5, "validator": "external"}]}
    assert holds(schema, schema, right)
    pack = tmp_path / "50-right.yaml"
    pack.write_text(json.dumps(right))
    p = subprocess.run([ringwall, "rules", "lint", pack], capture_output=True, text=True, timeout=120)
    assert p.returncode == 0, p.stderr
