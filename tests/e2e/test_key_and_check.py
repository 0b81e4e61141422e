# SPDX-License-Identifier: Apache-2.0
"""`ringwall key` and `ringwall check` as scripts and operators use them."""

import hashlib
import json
import os
import re
import subprocess
import tempfile

import pytest

KEY = re.compile(r"rw-[A-Za-z0-9_-]{43}\n")
LEAST = """\
listeners:
  - address: 127.0.0.1:8443
upstreams:
  - name: openai
    url: https://api.openai.com/v1
    key: ${RW_TEST_KEY}
models:
  - {name: "*", upstream: openai}
state_dir: state
"""
SECRET = "sk-never-to-be-shown"


@pytest.fixture
def run(ringwall, tmp_path):
    def go(*args, **kw):
        env = {**os.environ, "RW_TEST_KEY": SECRET, **kw.pop("env", {})}
        kw = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": tmp_path, **kw}
        return subprocess.run([ringwall, *args], text=True, timeout=60, env=env, **kw)
    return go


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "ringwall.yaml"
    file.write_text(LEAST)
    return file


def test_script_captures_the_key_and_nothing_else(run):
    p = run("key", "add", "ci", "--rate", "30", "--state", "state")
    assert p.returncode == 0, p.stderr
    assert KEY.fullmatch(p.stdout)
    assert p.stdout.strip() not in p.stderr
    listed = json.loads(run("key", "list", "--json", "--state", "state").stdout)
    assert [(k["name"], k["state"], k["rate_per_minute"]) for k in listed] == [("ci", "live", 30)]
    table = run("key", "list", "--state", "state").stdout
    assert "ci" in table and p.stdout.strip() not in table


def test_key_that_cannot_be_shown_is_revoked(run):
    with open("/dev/full", "w") as full:
        p = run("key", "add", "lost", "--state", "state", stdout=full)
    assert p.returncode == 1
    assert "cannot print the key: No space left on device; it is revoked again" in p.stderr
    assert json.loads(run("key", "list", "--json", "--state", "state").stdout)[0]["state"] == "revoked"


def test_revoke_twice_is_fine_and_unknown_is_not(run):
    run("key", "add", "a", "--state", "state")
    assert run("key", "revoke", "a", "--state", "state").returncode == 0
    assert run("key", "revoke", "a", "--state", "state").returncode == 0
    p = run("key", "revoke", "b", "--state", "state")
    assert (p.returncode, p.stderr) == (1, "ringwall: there is no key with this id or name\n")


def test_pasted_key_is_never_repeated(run):
    key = run("key", "add", "a", "--state", "state").stdout.strip()
    for args in ("revoke", key), ("add", key), ("add", key[:-1]), (key,), ("add", "b", key):
        p = run("key", *args, "--state", "state")
        assert p.returncode in (1, 2)
        assert key[3:20] not in p.stdout + p.stderr


def test_list_in_the_wrong_directory_makes_nothing(run, tmp_path):
    p = run("key", "list", "--state", "elsewhere")
    assert p.returncode == 1
    assert "there are no keys in 'elsewhere' yet" in p.stderr
    assert not (tmp_path / "elsewhere").exists()


def test_key_needs_the_configurations_state_dir_only(run, config, tmp_path):
    config.write_text(LEAST.replace("RW_TEST_KEY", "RW_TEST_UNSET"))
    p = run("key", "add", "a", "-c", config)
    assert p.returncode == 0, p.stderr
    assert (tmp_path / "state" / "ringwall.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("args", [(), ("add",), ("frob",), ("list", "x"), ("list", "--rate", "1"),
                                  ("add", "a", "--rate", "1e3"), ("add", "a", "--json"),
                                  ("add", "a", "--state", "s", "-c", "f")])
def test_wrong_usage_is_status_2(run, args):
    p = run("key", *args)
    assert p.returncode == 2
    assert p.stderr.startswith("ringwall key: ")


def test_no_permission_is_status_77(run):
    with tempfile.TemporaryDirectory() as state:  # tmp_path lets nobody else pass
        run("key", "add", "a", "--state", state)
        os.chmod(state, 0o755)
        p = run("key", "list", "--state", state, user=65534, group=65534, extra_groups=[], cwd="/")
    assert p.returncode == 77, p.stderr
    assert "run as the user it belongs to" in p.stderr


def test_check_says_what_it_understood_and_no_secret(run, config):
    p = run("check", "-c", config)
    assert p.returncode == 0, p.stderr
    assert p.stdout.endswith("\nok\n")
    for line in ("127.0.0.1:8443, TLS, self-signed", "openai: https://api.openai.com:443/v1, with a key",
                 "every other by openai", "injection block, pii mask, secret mask"):
        assert line in p.stdout
    assert SECRET not in p.stdout + p.stderr


def test_check_names_file_line_column_key_and_what_is_right(run, config):
    config.write_text(LEAST + "limits:\n  key_rate:\n    per_minute: ten\n")
    p = run("check", "-c", config)
    assert (p.returncode, p.stdout) == (1, "")
    assert p.stderr == (f"ringwall: {config}:12:17: limits.key_rate.per_minute: expected a whole number "
                        "from 0 to 60000000, found 'ten'\n")


def test_check_tells_all_missing_files_at_once(run, config, tmp_path):
    (tmp_path / "key.pem").write_text("x")
    (tmp_path / "key.pem").chmod(0o644)
    config.write_text(LEAST.replace("8443\n", "8443\n    tls: {cert_file: cert.pem, key_file: key.pem}\n")
                      + "audit: {file: none/audit.jsonl}\n")
    p = run("check", "-c", config)
    assert p.returncode == 1
    assert f"tls.cert_file: cannot read '{tmp_path}/cert.pem': No such file or directory" in p.stderr
    assert f"tls.key_file: '{tmp_path}/key.pem' can be read by everybody" in p.stderr
    assert f"audit.file: no folder for '{tmp_path}/none/audit.jsonl'" in p.stderr


def test_check_makes_nothing(run, config, tmp_path):
    before = sorted(tmp_path.iterdir())
    run("check", "-c", config)
    assert sorted(tmp_path.iterdir()) == before


def test_reference_in_the_docs_is_what_check_prints(run, top):
    p = run("check", "--keys")
    assert p.returncode == 0
    assert p.stdout in (top / "docs/configuration.md").read_text()


def test_key_on_a_list_is_printed_once_and_its_hash_kept(run, tmp_path):
    p = run("key", "add", "ci", "--rate", "30", "--list", "keys")
    assert p.returncode == 0, p.stderr
    assert KEY.fullmatch(p.stdout) and p.stdout.strip() not in p.stderr
    text = (tmp_path / "keys").read_text()
    assert text == f"ci sha256:{hashlib.sha256(p.stdout.strip().encode()).hexdigest()} rate=30\n"
    listed = json.loads(run("key", "list", "--json", "--list", "keys").stdout)
    assert [(k["name"], k["created"], k["rate_per_minute"]) for k in listed] == [("ci", None, 30)]
    assert "ci" in run("key", "list", "--list", "keys").stdout
    again = run("key", "add", "ci", "--list", "keys")
    assert (again.returncode, again.stdout) == (1, "") and "delete its line" in again.stderr
    assert run("key", "revoke", "ci", "--list", "keys").returncode == 2
    with open("/dev/full", "w") as full:
        p = run("key", "add", "lost", "--list", "keys", stdout=full)
    assert p.returncode == 1 and "delete the line of 'lost' in keys" in p.stderr


def test_check_reads_the_list_of_keys(run, config, tmp_path):
    config.write_text(LEAST + "auth: {keys_file: keys}\n")
    assert f"auth.keys_file: cannot read the list of keys {tmp_path}/keys" in run("check", "-c", config).stderr
    (tmp_path / "keys").write_text("a sha256:0\n")
    p = run("check", "-c", config)
    assert p.returncode == 1 and f"auth.keys_file: {tmp_path}/keys:1: behind the name" in p.stderr
    (tmp_path / "keys").unlink()
    run("key", "add", "a", "--list", "keys")
    p = run("check", "-c", config)
    assert p.returncode == 0 and f"required, also those listed in {tmp_path}/keys" in p.stdout


def test_check_says_where_certificate_and_key_do_not_fit(run, config, tmp_path):
    for name in ("a", "b"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                        "2", "-subj", "/CN=x", "-keyout", f"{name}.key", "-out", f"{name}.crt"],
                       cwd=tmp_path, check=True, capture_output=True)
        (tmp_path / f"{name}.key").chmod(0o600)

    def check(cert, key):
        config.write_text(LEAST.replace("8443\n", f"8443\n    tls: {{cert_file: {cert}, key_file: {key}}}\n"))
        return run("check", "-c", config)
    assert check("a.crt", "a.key").returncode == 0
    p = check("a.crt", "b.key")
    assert p.returncode == 1 and "listeners[0].tls: " in p.stderr and "key" in p.stderr, p.stderr
    (tmp_path / "a.crt").write_text("not a certificate")
    assert "listeners[0].tls: " in check("a.crt", "a.key").stderr
