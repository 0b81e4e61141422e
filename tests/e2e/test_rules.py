# SPDX-License-Identifier: Apache-2.0
"""`ringwall rules`: what is in force and from where, and what is wrong with a pack."""

import json
import subprocess

import pytest

GOOD = """category: pii
disable: [pii.mac]
rules:
  - {id: acme.id, type: ACME_ID, severity: 50, patterns: ['\\bE-[0-9]{6}\\b'], match: ['E-123456'], no_match: ['E-12']}
  - {id: pii.email, type: EMAIL_ADDRESS, severity: 5, patterns: ['\\b[a-z]{3,20}@acme\\.test\\b'], match: ['joe@acme.test'], no_match: ['x']}
"""


@pytest.fixture
def rules(ringwall, tmp_path):
    folder = tmp_path / "rules.d"
    folder.mkdir()
    listed = json.loads(subprocess.run([ringwall, "rules", "list", "--json", "--rules", folder], capture_output=True,
                                       timeout=60, check=True).stdout)
    taken_out = next(r["id"] for r in listed["rules"] if r["category"] == "pii" and r["id"] != "pii.email")
    (folder / "50-acme.yaml").write_text(GOOD.replace("pii.mac", taken_out))

    def call(*args):
        p = subprocess.run([ringwall, "rules", *args], capture_output=True, text=True, timeout=60)
        return p.returncode, p.stdout, p.stderr

    call.folder, call.taken_out = folder, taken_out
    return call


def test_list_shows_what_a_pack_replaced_and_disabled(rules):
    status, out, err = rules("list", "--json", "--rules", str(rules.folder))
    assert status == 0 and err == ""
    listed = json.loads(out)
    by_id = {r["id"]: r for r in listed["rules"]}
    assert by_id["acme.id"]["pack"] == "50-acme.yaml" and "replaces" not in by_id["acme.id"]
    assert by_id["pii.email"]["pack"] == "50-acme.yaml" and by_id["pii.email"]["replaces"] == "pii.yaml"
    assert listed["disabled"] == [{"id": rules.taken_out, "by": "50-acme.yaml", "pack": "pii.yaml"}]
    assert rules.taken_out not in by_id
    status, out, _ = rules("list", "--rules", str(rules.folder), "--category", "pii")
    assert status == 0 and f"{rules.taken_out} " in out and "disabled by 50-acme.yaml" in out
    assert "in place of the rule in pii.yaml" in out and "injection.override" not in out


def test_show_test_and_lint(rules, tmp_path):
    status, out, _ = rules("show", "acme.id", "--rules", str(rules.folder))
    assert status == 0 and "from: 50-acme.yaml:4" in out and "E-123456" in out
    status, _, err = rules("show", "no.such")
    assert status == 1 and "no.such" in err
    status, out, _ = rules("test", "--rules", str(rules.folder))
    assert status == 0 and "all are as they should be" in out
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD.replace("E-123456']", "E-12345']").replace("pii.mac", rules.taken_out))
    status, out, err = rules("lint", str(bad), str(rules.folder / "50-acme.yaml"))
    assert status == 1, "one mistake does not hide that the other file is right"
    assert "bad.yaml:4: rule acme.id: its match case is not found" in err
    assert out == f"{rules.folder / '50-acme.yaml'}: ok\n"


def test_compile_writes_databases_for_every_processor(ringwall, tmp_path):
    """An image is built on one machine and started on another; a folder that is there is not added to."""
    out = tmp_path / "compiled"
    p = subprocess.run([ringwall, "rules", "compile", out], capture_output=True, text=True, timeout=300)
    assert p.returncode == 0, p.stderr
    files = sorted(out.glob("*.hsdb"))
    assert files and len(files) % 4 == 0 and len({f.read_bytes() for f in files}) == len(files)
    p = subprocess.run([ringwall, "rules", "compile", out], capture_output=True, text=True, timeout=300)
    assert p.returncode == 1 and "cannot make" in p.stderr
