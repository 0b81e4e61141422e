# SPDX-License-Identifier: Apache-2.0
"""A short measurement beside nginx: CPU time per request of the gateway's processes, the same load,
the same upstream, TLS on both legs, interleaved rounds in one run. `make bench`.

CPU time per request is steady on noisy machines where throughput is not; read the ratios, not
the absolute figures. Writes build/bench/report.json."""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from world import GATEWAY, PORT, STUB_PORT, Process, World, run, wait_for  # noqa: E402

ROUNDS = int(os.environ.get("RW_BENCH_ROUNDS", "3"))
SECONDS = int(os.environ.get("RW_BENCH_SECONDS", "4"))
NGINX_PORT = 8445
TICK = os.sysconf("SC_CLK_TCK")
PROMPT = "The quick brown fox jumps over the lazy dog and thinks about it for a while. " * 26  # 2 KB
ANSWER = "An answer of some length, with nothing in it that a guard would want to change. " * 13  # 1 KB

NGINX = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; client_body_buffer_size 64k;
  fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir}; keepalive_requests 1000000;
  upstream stub {{ server 127.0.0.1:{stub}; keepalive 64; keepalive_requests 1000000; }}
  server {{
    listen {gateway}:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{
      proxy_pass https://stub; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify on; proxy_ssl_name localhost;
      proxy_buffering on;
    }}
  }}
}}
"""

LUA = """
wrk.method = "POST"
wrk.body = {body}
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.headers["x-stub-answer"] = {answer}
"""


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid, *map(int, out)]


def load(w, port, script, connections):
    p = w.in_ns(w.cl_ns, "taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-s", script,
                f"https://{GATEWAY}:{port}/v1/chat/completions", timeout=SECONDS + 30)
    m = re.search(r"(\d+) requests in", p.stdout)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", p.stdout)
    if bad or not m:
        raise SystemExit(f"ringwall: the load was not answered well:\n{p.stdout}")
    return int(m.group(1))


def nginx(w):
    conf = w.dir / "nginx.conf"
    conf.write_text(NGINX.format(dir=w.dir, stub=STUB_PORT, gateway=GATEWAY, port=NGINX_PORT,
                                 cert=w.ca, key=w.dir / "gateway.key", ca=w.dir / "stub.crt"))
    p = Process([*w.ns_prefix(w.gw_ns), "taskset", "-c", "0", "nginx", "-e", w.dir / "nginx-error.log", "-c", conf], w.dir / "nginx.log")
    wait_for("nginx", 10, lambda: len(children(p.p.pid)) > 1)
    return p


def modes():
    off = {"injection": "allow", "pii": "allow", "secrets": "allow"}
    plain = {"guards": {"request": off, "answer": off}, "audit": {"required": False},
             "limits": {"address_rate": {"per_minute": 0, "burst": 1}, "key_rate": {"per_minute": 0, "burst": 1}}}
    governed = {"guards": {"request": off, "answer": off},
                "limits": {"address_rate": {"per_minute": 1000000, "burst": 100000},
                           "key_rate": {"per_minute": 1000000, "burst": 100000}}}
    guarded = {"limits": governed["limits"]}
    return {"plain": plain, "governed": governed, "guarded": guarded}


def main():
    release = TOP / "build/release/ringwall"
    figures = {"nginx": [], **{m: [] for m in modes()}}
    print(f"ringwall: {ROUNDS} rounds of {SECONDS} s for each of {', '.join(figures)}", flush=True)
    for r in range(ROUNDS):
        for mode, config in modes().items():
            with World(release, workers=1, **config) as w:
                script = w.dir / "load.lua"
                body = json.dumps({"model": "stub", "messages": [{"role": "user", "content": PROMPT}]})
                script.write_text(LUA.format(body=json.dumps(body), key=w.key, answer=json.dumps(ANSWER)))
                os.system(f"taskset -acp 1 {w.stub.p.pid} >/dev/null")
                sides = [(mode, [w.gateway.p.pid], PORT)]
                peer = None
                if mode == "plain":
                    peer = nginx(w)
                    sides.append(("nginx", children(peer.p.pid), NGINX_PORT))
                for name, pids, port in sides:
                    load(w, port, script, 16) if r == 0 else None
                    before = cpu_seconds(pids)
                    n = load(w, port, script, 16)
                    us = (cpu_seconds(pids) - before) * 1e6 / n
                    figures[name].append({"us_per_request": us, "requests_per_s": n / SECONDS})
                    print(f"  round {r + 1} {name:9} {us:7.1f} us CPU a request, {n / SECONDS:8.0f} requests/s",
                          flush=True)
                if peer:
                    peer.p.terminate()
                    peer.p.wait()
                    peer.file.close()
    base = statistics.median(f["us_per_request"] for f in figures["nginx"])
    out = {}
    print(f"\n  {'':9} {'us CPU/request':>15} {'x nginx':>8} {'requests/s':>11}")
    for name, rows in figures.items():
        us = statistics.median(f["us_per_request"] for f in rows)
        rps = statistics.median(f["requests_per_s"] for f in rows)
        out[name] = {"us_per_request": us, "times_nginx": us / base, "requests_per_s": rps, "rounds": rows}
        print(f"  {name:9} {us:15.1f} {us / base:8.2f} {rps:11.0f}")
    path = TOP / "build/bench/report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    commit = run("git", "-C", TOP, "rev-parse", "--short", "HEAD", check=False).stdout.strip()
    path.write_text(json.dumps({"commit": commit, "seconds": SECONDS, "figures": out}, indent=1))
    print(f"\n  written to {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
