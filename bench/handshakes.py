# SPDX-License-Identifier: Apache-2.0
"""Two things about handshakes. What 200 running streams notice of a flood of TLS handshakes: 5,000 a second are offered for 20 s, more than
the machine can do, from other addresses. Every event is timed from the stub's stamp to the client, once
without and once with the flood. And whether requests fail while the certificate is exchanged 100 times, each
request on a connection of its own. `make bench-handshakes`. Writes build/bench/handshakes.json."""

import argparse
import json
import os
import pathlib
import ssl
import subprocess
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from pki import Authority  # noqa: E402
from world import GATEWAY, PORT, World, wait_for  # noqa: E402

BIN = TOP / "build/release/bench"
STREAMS, EVENT_MS, ROUND = 200, 100, 24
SOURCES = [f"10.77.0.{i}" for i in range(3, 10)]


class Renewed(World):
    def make_certificates(self):
        self.authority = Authority(self.dir, "bench-ca")
        self.ca = self.authority.crt
        self.renew()

    def renew(self):
        self.authority.issue("gateway", f"IP:{GATEWAY}")

    def write_config(self, **over):
        tls = {"cert_file": str(self.dir / "gateway.crt"), "key_file": str(self.dir / "gateway.key")}
        super().write_config(listeners=[{"address": f"{GATEWAY}:{PORT}", "tls": tls}], **over)


def client_hello(file):
    """The first bytes of OpenSSL's client, as they go over the wire: X25519MLKEM768 and X25519."""
    out = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="gateway.test")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    file.write_bytes(out.read())


def resident_kib(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def gateway_pid(w):
    out = subprocess.run(["pgrep", "-f", f"{w.ringwall} serve -c {w.config_file}"], capture_output=True, text=True)
    return int(out.stdout.split()[-1])


def streams(w, seconds):
    words = "word " * int(seconds * 1000 / EVENT_MS) + "end"
    body = w.dir / "body.json"
    body.write_text(json.dumps({"model": "stub", "stream": True, "messages": [{"role": "user", "content": "Hello."}]}))
    return subprocess.Popen(
        [*w.ns_prefix(w.cl_ns), str(BIN / "load"), "--address", f"{GATEWAY}:{PORT}", "--host", GATEWAY, "--ca", str(w.ca),
         "--body", str(body), "--connections", str(STREAMS), "--seconds", str(seconds), "--ramp", "1000", "--stream",
         "--header", f"authorization: Bearer {w.key}", "--header", "x-stub-stamp: 1", "--header",
         f"x-stub-delay-ms: {EVENT_MS}", "--header", f"x-stub-answer: {words}"], stdout=subprocess.PIPE, text=True)


def one(w, rate, seconds):
    pid = gateway_pid(w)
    before, cpu, began = w.metrics(), cpu_seconds(pid), time.monotonic()
    memory = [resident_kib(pid)]
    load = streams(w, seconds + 4)
    time.sleep(2)
    flood = None
    if rate:
        flood = subprocess.Popen([*w.ns_prefix(w.cl_ns), str(BIN / "hello"), GATEWAY, str(PORT), str(rate), str(seconds),
                                  str(w.dir / "hello.bin"), *SOURCES], stdout=subprocess.PIPE, text=True)
    done = threading.Event()

    def watch():
        while not done.wait(0.5):
            memory.append(resident_kib(pid))
    watcher = threading.Thread(target=watch)
    watcher.start()
    out = {"flood": json.loads(flood.communicate()[0]) if flood else None}
    out["streams"] = json.loads(load.communicate()[0])
    done.set()
    watcher.join()
    after = w.metrics()
    out["metrics"] = {k: after[k] - before[k] for k in after if k.startswith("ringwall_tls_")}
    out["cpu"] = (cpu_seconds(pid) - cpu) / (time.monotonic() - began)
    half = len(memory) // 2
    out["resident_kib"] = {"before": memory[0], "most_of_first_half": max(memory[:half]), "most": max(memory), "after": resident_kib(pid)}
    return out


def reloads(w, times):
    """Requests, each with a handshake, while certificate and key change; by files alone."""
    body = w.dir / "chat.json"
    body.write_text(json.dumps({"model": "stub", "messages": [{"role": "user", "content": "Hello."}]}))
    load = subprocess.Popen(
        [*w.ns_prefix(w.cl_ns), str(BIN / "load"), "--address", f"{GATEWAY}:{PORT}", "--host", GATEWAY, "--ca", str(w.ca),
         "--body", str(body), "--connections", "8", "--seconds", "100000", "--churn", "--header",
         f"authorization: Bearer {w.key}"], stdout=subprocess.PIPE, text=True)
    before = w.metrics()
    for n in range(times):
        taken = w.metrics()["ringwall_cert_reloads_total"]
        w.renew()
        wait_for("the new certificate", 30, lambda t=taken: w.metrics()["ringwall_cert_reloads_total"] > t, every=0.1)
    after = w.metrics()
    load.terminate()
    load.communicate()
    return {k: after[f"ringwall_{k}_total"] - before[f"ringwall_{k}_total"]
            for k in ("cert_reloads", "tls_handshakes", "tls_handshakes_failed", "requests", "answers_2xx", "answers_4xx",
                      "answers_5xx", "canceled")}


def say(title, r):
    s, m = r["streams"], r["resident_kib"]
    print(f"{title}: {s['events']} events, {s['late']} later than 50 ms, {s['broken']} streams broken; "
          f"event {json.dumps(s['event'])}")
    print(f"  gateway: {r['cpu']:.2f} processors; memory {m['before']} KiB before, at most {m['most_of_first_half']} in "
          f"the first half, {m['most']} in all, {m['after']} after")
    if s["refused"] or s["why"]:
        print(f"  {s['refused']} requests refused: {s['why']}")
    if r["flood"]:
        f = r["flood"]
        print(f"  {f['offered'] / f['seconds']:.0f} handshakes/s offered, {f['answered'] / f['seconds']:.0f}/s answered (mean "
              f"{f['mean_ms']} ms), {f['refused']} reset, {f['unanswered']} without an answer; the gateway counts "
              f"{r['metrics']['ringwall_tls_refused_total']:.0f} refused")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--rate", type=int, default=5000)
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--reloads", type=int, default=100)
    a = p.parse_args()
    with Renewed(TOP / "build/release/ringwall", kernel=False, strikes={"threshold": 1000000}) as w:
        client_hello(w.dir / "hello.bin")
        quiet, flooded = one(w, 0, a.seconds), one(w, a.rate, a.seconds)
        renewed = reloads(w, a.reloads)
    say("quiet", quiet)
    say("flood", flooded)
    print(f"reloads: {json.dumps(renewed)}")
    out = TOP / "build/bench/handshakes.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"quiet": quiet, "flood": flooded, "reloads": renewed}, indent=1))


if __name__ == "__main__":
    main()
