# SPDX-License-Identifier: Apache-2.0
"""What goes wrong at 3 a.m.: each failure says what it is and loses or leaves behind nothing."""

import json
import os
import signal
import subprocess
import time

import openai
import pytest
from common import say
from world import ADMIN_PORT, PORT, Process, World, config_yaml, run, wait_for


def serve(world, config=None, prefix=(), expect=1):
    """Starts a second gateway that should fail; returns what it said."""
    p = subprocess.run([*world.ns_prefix(world.gw_ns), *prefix, world.ringwall, "serve", "-c",
                        config or world.config_file], capture_output=True, text=True, timeout=30,
                       env=world.env())
    assert p.returncode == expect, p.stderr
    assert "AddressSanitizer" not in p.stderr and "LeakSanitizer" not in p.stderr, p.stderr
    return p.stderr


def other_config(world, **over):
    path = world.dir / "other.yaml"
    base = dict(cert=str(world.ca), key=str(world.dir / "gateway.key"),
                state=str(world.dir / "other-state"), stub_ca=str(world.dir / "stub.crt"),
                audit_file=str(world.dir / "other.jsonl"),
                listeners=[{"address": "127.0.0.1:18443", "tls": {
                    "cert_file": str(world.ca), "key_file": str(world.dir / "gateway.key")}}],
                admin={"address": "127.0.0.1:19443"})
    base.update(over)
    path.write_text(config_yaml(**base))
    os.chmod(path, 0o600)
    return path


def test_missing_config_file(world):
    assert "/nowhere/ringwall.yaml" in serve(world, "/nowhere/ringwall.yaml")


def test_bad_config_tells_line_and_key(world):
    path = world.dir / "bad.yaml"
    path.write_text("listeners:\n  - address: 127.0.0.1:18443\nlimits:\n  key_rate: {per_minute: ten}\n")
    out = serve(world, path)
    assert f"{path}:4:" in out and "per_minute" in out and "ten" in out
    p = run(world.ringwall, "check", "-c", path, check=False)
    assert p.returncode == 1 and f"{path}:4:" in p.stderr


def test_missing_certificate_file(world):
    path = other_config(world, cert="/nowhere/cert.pem", listeners=[
        {"address": "127.0.0.1:18443",
         "tls": {"cert_file": "/nowhere/cert.pem", "key_file": str(world.dir / "gateway.key")}}])
    assert "/nowhere/cert.pem" in serve(world, path)


def test_key_that_others_may_read_is_refused(world):
    loose = world.dir / "loose.key"
    loose.write_bytes((world.dir / "gateway.key").read_bytes())
    os.chmod(loose, 0o644)
    path = other_config(world, listeners=[{"address": "127.0.0.1:18443", "tls": {
        "cert_file": str(world.ca), "key_file": str(loose)}}])
    out = serve(world, path, expect=77)
    assert str(loose) in out and "chmod" in out


def test_port_in_use_by_somebody_else(world):
    """SO_REUSEPORT lets workers share; a stranger on the port must still be an error."""
    holder = Process([*world.ns_prefix(world.gw_ns), "python3", "-c",
                      "import socket,time; s=socket.create_server(('127.0.0.1',18443)); "
                      "print('up',flush=True); time.sleep(60)"], world.dir / "holder.log")
    try:
        wait_for("the holder", 20, lambda: "up" in holder.text())
        out = serve(world, other_config(world))
        assert "127.0.0.1:18443: another process listens there" in out
    finally:
        holder.p.kill()
        holder.p.wait()
        holder.file.close()


def test_no_privilege_for_the_kernel_side(world):
    p = run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
            "--bounding-set", "-all", world.ringwall, "kern", "attach", "-i", "lo", "-p", "8443",
            check=False)
    assert p.returncode == 77, p.stderr
    assert "CAP_BPF" in p.stderr or "root" in p.stderr


def test_kernel_required_but_absent_refuses_to_start(ringwall, flavour):
    with World(ringwall, flavour, kernel=False) as w:
        w.write_config(kernel="required", listeners=[{"address": "127.0.0.1:18443", "tls": {
            "cert_file": str(w.ca), "key_file": str(w.dir / "gateway.key")}}])
        out = serve(w)
        assert "kern attach" in out and "preferred" in out


def test_kernel_preferred_but_absent_says_so_and_serves(ringwall, flavour):
    with World(ringwall, flavour, kernel=False) as w:
        w.gateway.stop()
        w.write_config(kernel="preferred")
        w.start_gateway()
        assert "without the kernel side" in w.gateway.text()
        with w.as_client(), w.openai() as c:
            ready = c._client.get(f"https://10.77.0.1:{PORT}/readyz").json()
        assert ready["ready"] and ready["kernel"] == "missing"
        assert ready["enforced"]["bans"] == "nowhere"


def test_readyz_says_what_is_enforced_where(world, client):
    ready = client._client.get(f"https://10.77.0.1:{PORT}/readyz").json()
    assert ready["ready"] and ready["kernel"] == "native"
    assert ready["enforced"]["bans"] == "kernel"
    assert ready["enforced"]["request_rates"] == "engine"


def test_upstream_down_is_a_502_and_comes_back(ringwall, flavour):
    with World(ringwall, flavour) as w, w.as_client(), w.openai(max_retries=0) as c:
        assert c.chat.completions.create(**say("up"))
        with w.as_gateway():
            w.stub.stop()
        with pytest.raises(openai.InternalServerError) as e:
            c.chat.completions.create(**say("down"))
        assert e.value.status_code == 502 and e.value.code == "upstream_unavailable"
        assert "refused" in w.gateway.text(), "the log says why"
        w.start_stub()
        assert c.chat.completions.create(**say("up again"))


def test_upstream_that_never_answers_is_a_504(ringwall, flavour):
    up = [{"name": "stub", "url": "https://127.0.0.1:8444/v1", "key": "k",
           "ca_file": "", "timeouts": {"first_byte": "500ms"}}]
    with World(ringwall, flavour) as w:
        w.gateway.stop()
        up[0]["ca_file"] = str(w.dir / "stub.crt")
        w.write_config(upstreams=up)
        w.start_gateway()
        with w.as_client(), w.openai(max_retries=0) as c:
            with pytest.raises(openai.InternalServerError) as e:
                c.chat.completions.create(**say("slow"), extra_headers={"x-stub-delay-ms": "3000"})
        assert e.value.status_code == 504


def test_full_disk_stops_service_and_loses_no_record(ringwall, flavour, tmp_path):
    """audit.required: what cannot be recorded is not served; what was served is recorded."""
    disk = tmp_path / "disk"
    disk.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk)
    try:
        with World(ringwall, flavour) as w:
            w.gateway.stop()
            w.write_config(audit_file=disk / "audit.jsonl")
            w.start_gateway()
            (disk / "ballast").write_bytes(b"x" * 40000)
            served, refused = 0, None
            with w.as_client(), w.openai(max_retries=0) as c:
                for _ in range(400):
                    try:
                        c.models.list()
                        served += 1
                    except openai.InternalServerError as e:
                        refused = e
                        break
                assert refused and refused.code == "audit_unavailable"
                assert int(refused.response.headers["retry-after"]) > 0
                assert "No space left" in w.gateway.text()
                (disk / "ballast").unlink()

                def again():
                    try:
                        return bool(c.models.list())
                    except openai.InternalServerError:
                        return False
                wait_for("service to come back", 10, again, every=0.2)
            w.gateway.stop()
            ok = [r for r in w.audit() if r["status"] == 200]
            assert len(ok) == served + 1, "every answer has its record"
    finally:
        run("umount", disk)


def test_bad_reload_keeps_the_old_configuration(ringwall, flavour):
    with World(ringwall, flavour) as w, w.as_client(), w.openai(max_retries=0) as c:
        good = w.config_file.read_text()
        w.config_file.write_text(good.replace('"models"', '"modles"'))
        w.gateway.signal(signal.SIGHUP)
        wait_for("the reload to be refused", 30, lambda: "modles" in w.gateway.text())
        assert c.chat.completions.create(**say("still here"))
        w.config_file.write_text(good.replace('"name": "stub",\n   "upstream"',
                                              '"name": "other",\n   "upstream"'))
        w.gateway.signal(signal.SIGHUP)
        wait_for("the reload", 30, lambda: "generation" in w.gateway.text())
        wait_for("the new model", 30, lambda: [m.id for m in c.models.list().data] == ["other"])


def test_sigterm_drains_what_is_under_way(ringwall, flavour):
    with World(ringwall, flavour) as w, w.as_client(), w.openai(max_retries=0) as c:
        stream = c.chat.completions.create(**say("a b c d e f", stream=True),
                                           extra_headers={"x-stub-delay-ms": "200",
                                                          "x-stub-piece": "2"})
        got = next(stream).choices[0].delta.content or ""
        w.gateway.signal(signal.SIGTERM)
        for chunk in stream:
            got += chunk.choices[0].delta.content or ""
        assert got == "a b c d e f"
        # Sooner than the bound of 30 s; to give all back takes ASan some seconds on a busy machine.
        assert w.gateway.wait(25) == 0


@pytest.mark.parametrize("what,data,status", [
    ("te_and_cl", b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    ("bare_lf", b"GET /v1/models HTTP/1.1\nHost: a\n\n", b"400"),
    ("two_hosts", b"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
    ("huge_head", b"GET /v1/models HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 70000 + b"\r\n\r\n", b"431"),
    ("huge_body", b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\n"
                  b"Content-Length: 99999999999\r\n\r\n", b"413"),
])
def test_malformed_http_is_refused_in_the_openai_dialect(world, what, data, status):
    with world.as_client():
        got = world.raw(data.replace(b"KEY", world.key.encode()), source="10.77.0.9")
    assert got.startswith(b"HTTP/1.1 " + status), got[:300]
    body = json.loads(got.split(b"\r\n\r\n", 1)[1])
    assert set(body["error"]) == {"message", "type", "param", "code"}


def test_engine_holds_no_capability_and_writes_no_core(world):
    status = open(f"/proc/{world.gateway.p.pid}/status").read()
    caps = {l.split(":")[0]: l.split()[1] for l in status.splitlines() if l.startswith("Cap")}
    assert int(caps["CapEff"], 16) == 0 and int(caps["CapPrm"], 16) == 0, caps
    limits = open(f"/proc/{world.gateway.p.pid}/limits").read()
    core = next(l for l in limits.splitlines() if l.startswith("Max core"))
    assert core.split()[4] == "0"


def test_driver_without_native_xdp_is_refused_in_words_and_leaves_nothing(ringwall):
    """`lo` takes XDP in generic mode only: a feature that this kernel's driver has not."""
    p = run("unshare", "--net", "--mount", "sh", "-c",
            f"mount -t bpf bpf /sys/fs/bpf && ip link set lo up && {ringwall} kern attach -i lo -p 8443;"
            " echo status $?; find /sys/fs/bpf -name 'rw_*'; ip link show lo", check=False)
    assert "status 1" in p.stdout and "--mode tcx" in p.stderr, p.stdout + p.stderr
    assert "rw_" not in p.stdout and "xdp" not in p.stdout


# Installs a seccomp filter (io_uring_setup, 425 everywhere: EPERM), then becomes the command.
FORBID_IO_URING = """
import ctypes, os, struct, sys
code = b"".join(struct.pack("HBBI", *i) for i in (
    (0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)))
buf = ctypes.create_string_buffer(code)
prog = struct.pack("HxxxxxxP", 4, ctypes.addressof(buf))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, prog, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_host_that_forbids_io_uring_is_refused_in_words(world):
    """Container runtimes forbid it by seccomp: EPERM at the first call."""
    out = serve(world, other_config(world), prefix=["python3", "-c", FORBID_IO_URING], expect=77)
    assert "io_uring" in out and "seccomp" in out
