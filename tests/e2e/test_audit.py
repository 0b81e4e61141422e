# SPDX-License-Identifier: Apache-2.0
"""The audit log's chain: it goes on over kills, rotations and a second gateway, what is done to it shows, and
`ringwall audit` says so."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time

import openai
import pytest
from common import TOP, say
from test_audit_sync import kill_under_load, serve
from world import World, wait_for

KILLS = 3


def audit(w, *args, check=True, **kw):
    p = subprocess.run([w.ringwall, "audit", *map(str, args)], capture_output=True, text=True, timeout=60,
                       env=w.env(), **kw)
    if check:
        assert p.returncode == 0, p.stdout + p.stderr
    return p


def verify(w, *args, **kw):
    return audit(w, "verify", *(args or ["-c", w.config_file]), **kw)


def records(p):
    return int(re.match(r"whole: (\d+) records", p.stdout)[1])


def auditors_script(files):
    """What docs/audit.md gives an auditor to check the chain without us: (last number, its digest)."""
    script = re.search(r"```python\n(.*?)```", (TOP / "docs/audit.md").read_text(), re.S)[1]
    p = subprocess.run([sys.executable, "-c", script, *map(str, files)], capture_output=True, text=True, check=True)
    word, seq, digest = p.stdout.split()
    assert word == "whole", p.stdout
    return int(seq), digest


@pytest.mark.parametrize("sync", ["interval", "request"])
def test_the_chain_goes_on_over_kills(ringwall, flavour, sync):
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        for _ in range(KILLS):
            serve(w, sync)
            kill_under_load(w)
            n = records(verify(w))
        with w.audit_file.open("ab") as f:  # what a power cut leaves, which no kill does
            f.write(w.audit_file.read_bytes()[:100])
        assert "the last 100 bytes are a record without its end" in verify(w).stderr
        serve(w, sync)
        w.gateway.stop()
        p = verify(w)
        assert "in 1 places stand 100 bytes" in p.stderr
        assert auditors_script([w.audit_file]) == (n + 1, p.stdout.split()[-1].rpartition(":")[2])


def ask(w, n):
    with w.as_client(), w.openai(max_retries=0) as c:
        return [c.chat.completions.with_raw_response.create(**say("hello")).headers["x-ringwall-request-id"]
                for _ in range(n)]


def test_rotation_is_one_chain_with_and_without_sighup(ringwall, flavour):
    """logrotate that forgets its postrotate, or runs while nothing does."""
    with World(ringwall, flavour) as w:
        ids, files = ask(w, 5), []
        for how in ("alone", "SIGHUP", "restart"):
            wait_for("the records", 60, lambda: ids[-1] in w.audit_file.read_text())
            files.append(w.audit_file.with_name(f"audit.jsonl.{how}"))
            os.rename(w.audit_file, files[-1])
            if how == "SIGHUP":
                w.gateway.signal(signal.SIGHUP)
                wait_for("the new file", 60, w.audit_file.exists)
            elif how == "restart":
                w.gateway.stop()
                w.start_gateway()
            ids += ask(w, 5)
            wait_for("the new file", 60, w.audit_file.exists)
        wait_for("the records", 60, lambda: ids[-1] in w.audit_file.read_text())
        p = verify(w)
        assert f"in {len(files) + 1} files" in p.stdout and records(p) >= len(ids)
        auditors_script([*files, w.audit_file])
        text = "".join(f.read_text() for f in [*files, w.audit_file])
        assert all(text.count(i) == 1 for i in ids)
        os.unlink(files[1])
        p = verify(w, check=False)
        assert p.returncode == 1 and "those between are missing" in p.stderr


@pytest.fixture
def log(ringwall, flavour, tmp_path):
    """A stopped gateway's log, and a head that was noted before its last records."""
    with World(ringwall, flavour) as w:
        ids = ask(w, 6)
        wait_for("the records", 60, lambda: ids[-1] in w.audit_file.read_text())
        early = verify(w).stdout.split()[-1]
        ids += ask(w, 6)
        w.gateway.stop()
        w.ids, w.early, w.lines = ids, early, w.audit_file.read_bytes().splitlines(keepends=True)
        yield w


def changed(w, lines):
    w.audit_file.write_bytes(b"".join(lines))
    p = verify(w, check=False)
    assert p.returncode == 1, p.stdout
    return p.stderr


def forge(lines):
    """A whole chain of what somebody would like to have happened."""
    out, prev = [], "0" * 64
    for seq, line in enumerate(lines, 1):
        r = {**json.loads(line), "seq": seq, "prev": prev}
        out.append(json.dumps(r, separators=(",", ":")).encode())
        prev = hashlib.sha256(out[-1]).hexdigest()
    return [line + b"\n" for line in out]


def test_what_is_done_to_the_log_is_found(log):
    w, lines = log, log.lines
    assert verify(w, w.audit_file, "--head", w.early).returncode == 0
    assert f"{w.audit_file}:6: " in changed(w, [*lines[:4], lines[4].replace(b"allow", b"block"), *lines[5:]])
    assert f"{w.audit_file}:5: " in changed(w, [*lines[:4], *lines[5:]])
    assert f"{w.audit_file}:5: " in changed(w, [*lines[:4], lines[5], lines[4], *lines[6:]])
    assert f"{w.audit_file}:6: " in changed(w, [*lines[:5], lines[2], *lines[5:]])
    assert f"{w.audit_file}:6: this is no record" in changed(w, [*lines[:5], b'{"put":"in"}\n', *lines[5:]])
    assert "its end was cut off" in changed(w, lines[:-2])
    assert "its end was cut off" in changed(w, [*lines[:-1], lines[-1][:40]])
    # Written anew from somewhere on: no link is wrong, and what was noted elsewhere is not there.
    forged = [*lines[:3], *forge(lines)[3:]]
    for i in range(3, len(forged)):
        r = json.loads(lines[i])
        r.update(prev=hashlib.sha256(forged[i - 1].rstrip(b"\n")).hexdigest(), verdict="allow", model="another")
        forged[i] = json.dumps(r, separators=(",", ":")).encode() + b"\n"
    assert "the log was written anew" in changed(w, forged)
    w.audit_file.with_name("audit.jsonl.head").unlink()
    assert verify(w).returncode == 0, "whoever writes all anew is found by a head that is kept elsewhere, and only so"
    p = verify(w, w.audit_file, "--head", w.early, check=False)
    assert p.returncode == 1 and "the log was written anew" in p.stderr


def test_the_gateway_shows_the_gap_that_it_finds(log):
    """What was cut off while it did not run is not papered over by what it writes then."""
    log.audit_file.write_bytes(b"".join(log.lines[:-3]))
    log.start_gateway()
    assert "was on the disk, and the file ends with" in log.gateway.text()
    ask(log, 1)
    time.sleep(0.1)
    log.gateway.stop()
    p = verify(log, check=False)
    assert p.returncode == 1 and "those between are missing" in p.stderr


def test_verify_as_scripts_use_it(log):
    w = log
    whole = json.loads(audit(w, "verify", w.audit_file, "--json").stdout)
    assert whole["whole"] and whole["records"] == len(w.lines) and whole["files"] == 1 and not whole["tail_bytes"]
    p = verify(w, "-", input=w.audit_file.read_text())
    assert f"head {whole['head']}" in p.stdout
    half = "".join(line.decode() for line in w.lines[4:])
    assert "begins with record 5" in verify(w, "-", input=half).stderr
    assert verify(w, w.dir / "nothing", check=False).returncode == 1
    assert verify(w, w.audit_file, "--head", "12:34", check=False).returncode == 2
    w.audit_file.write_bytes(b"".join(w.lines[1:3] + w.lines[4:]))
    broken = audit(w, "verify", "--json", w.audit_file, check=False)
    assert broken.returncode == 1 and json.loads(broken.stdout)["whole"] is False
    p = audit(w, "verify", w.audit_file, check=False, user=65534, group=65534, extra_groups=[], cwd="/")
    assert p.returncode == 77 and "Permission denied" in p.stderr
    with open("/dev/full", "w") as full:
        p = subprocess.run([w.ringwall, "audit", "verify", w.audit_file], stdout=full, stderr=subprocess.DEVNULL,
                           env=w.env(), timeout=60)
        assert p.returncode == 1


def test_show_explains_a_request(ringwall, flavour):
    with World(ringwall, flavour, guards={"request": {"secrets": "block"}}) as w:
        with w.as_client(), w.openai(max_retries=0) as c:
            with pytest.raises(openai.BadRequestError) as e:
                c.chat.completions.create(**say("my key is AKIAIOSFODNN7EXAMPLQ, keep it"))
        blocked = e.value.response.headers["x-ringwall-request-id"]
        w.audit(blocked)
        text = audit(w, "show", blocked, "-c", w.config_file).stdout
        assert "content_policy_violation" in text and "secret." in text and "blocked by a guard" in text
        assert "AKIA" not in text
        record = json.loads(audit(w, "show", blocked, w.audit_file, "--json").stdout)
        assert record["request_id"] == blocked
        assert audit(w, "show", "rq_0000000000000000", w.audit_file, check=False).returncode == 1
        assert audit(w, "show", "../../etc", w.audit_file, check=False).returncode == 2
        lines = w.audit_file.read_bytes()
        w.audit_file.write_bytes(lines.replace(b'"verdict":"block"', b'"verdict":"allow"') + lines)
        p = audit(w, "show", blocked, w.audit_file, check=False)
        assert p.returncode == 1 and "not whole" in p.stderr
