# SPDX-License-Identifier: Apache-2.0
"""What a load can go through: ringwall in three configurations, its peers, and nothing at all.

Each side is a way from the client's namespace to the same stub, TLS on both legs, on processor 0; load and
stub have processor 1. `start` gives the processes whose CPU time counts."""

import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
import portkey  # noqa: E402
from debs import once  # noqa: E402
from world import GATEWAY, PORT, STUB_PORT, Process, wait_for  # noqa: E402

RELAY = TOP / "build/release/bench/relay"
PEER_PORT, RELAY_PORT, DIRECT_PORT, PORTKEY_PORT = 8445, 8446, 8447, 8448
# What nginx's own package leaves to others: HAProxy, ModSecurity with its rules, and their libraries.
PACKAGES = ("haproxy", "libjemalloc2", "liblua5.4-0", "libopentracing1", "libopentracing-c-wrapper0t64",
            "libnginx-mod-http-modsecurity", "libnginx-mod-http-ndk", "libmodsecurity3t64", "modsecurity-crs",
            "libfuzzy2", "libgeoip1t64", "liblua5.3-0", "libmaxminddb0", "libyajl2")
OFF = {c: "allow" for c in ("injection", "pii", "secrets", "markup", "topics")}
# The classifier is asked about injection only.
NO_CLASSIFIER = {"request": {"injection": "allow"}, "tools": {"injection": "allow"}, "answer": {"injection": "allow"}}
UNLIMITED = {"key_rate": {"per_minute": 0, "burst": 1}, "address_rate": {"per_minute": 0, "burst": 1}}
# More than any machine answers: a limit that never bites, and is looked at all the same.
NEVER = {"per_minute": 60000000, "burst": 100000}
LIMITED = {"key_rate": NEVER, "address_rate": NEVER}
ROOM = {"connections": 20000, "memory": "2GiB", "handshakes": 16384, "address_handshakes": 16384}

NGINX = """
{modules}
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx-error.log;
events {{ worker_connections 9000; }}
http {{
  access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; client_body_buffer_size 2m; client_max_body_size 8m;
  fastcgi_temp_path {dir}; uwsgi_temp_path {dir}; scgi_temp_path {dir}; keepalive_requests 1000000;
  upstream stub {{ server 127.0.0.1:{stub}; keepalive 64; keepalive_requests 1000000; }}
  {rules}
  server {{
    listen {gateway}:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
    location / {{
      proxy_pass https://stub; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify on; proxy_ssl_name localhost;
      proxy_buffering {buffering};
    }}
  }}
}}
"""

HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 120s
  http-reuse always
frontend in
  bind {gateway}:{port} ssl crt {pem}
  default_backend stub
backend stub
  server stub 127.0.0.1:{stub} ssl verify required ca-file {ca} sni str(localhost) verifyhost localhost
"""


class Failed(Exception):
    """A side did not start; the text is for people."""


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid, *map(int, out)]


class Side:
    """One way. name: in tables; port: where the load goes."""

    port = PEER_PORT
    scheme = "https"
    headers = {}  # that it wants to be asked with
    verify = "gateway"  # which certificate a client sees

    def __init__(self, name, **options):
        self.name, self.options, self.process = name, options, None

    def start(self, w, stream=False):
        """Returns the processes to charge. stream: answers are to be passed on as they come."""
        raise NotImplementedError

    def stop(self, w):
        if self.process:
            self.process.p.terminate()
            self.process.p.wait()
            self.process.file.close()
            self.process = None

    def run(self, w, *cmd, env=None):
        self.process = Process([*w.ns_prefix(w.gw_ns), "taskset", "-c", "0", *cmd], w.dir / f"{self.name}.log",
                               {**os.environ, **(env or {})})
        return self.process

    def listens(self, w, port, what):
        def probe():
            if not self.process.alive():
                raise Failed(f"{what} ended at once:\n{self.process.text()[-1500:]}")
            return str(port) in w.run("ss", "-Hltn", f"sport = :{port}").stdout
        wait_for(f"{what} to listen", 20, probe)


class Ringwall(Side):
    """binary: another build than the world's, to be compared with it."""

    port = PORT

    def __init__(self, name, binary=None, workers=1, **options):
        if binary:
            options["kernel"] = "preferred"  # its maps may have another layout than the attached ones
        super().__init__(name, **options)
        self.binary, self.workers = binary, workers

    def start(self, w, stream=False):
        limits = {**self.options["limits"], **ROOM}
        # The load has one key, and one prompt in twenty of `mixed` is an attack: the key would be suspended.
        w.write_config(workers=self.workers, **{"strikes": {"key_threshold": 0}, **self.options, "limits": limits})
        ours, w.ringwall = w.ringwall, self.binary or w.ringwall
        w.start_gateway()
        w.ringwall = ours
        return [w.gateway.p.pid]

    def stop(self, w):
        if w.gateway:
            w.gateway.stop()
            w.gateway = None


class Nginx(Side):
    def config(self, w, stream, modules="", rules=""):
        return NGINX.format(dir=w.dir, stub=STUB_PORT, gateway=GATEWAY, port=self.port, cert=w.ca,
                            key=w.dir / "gateway.key", ca=w.dir / "stub.crt", modules=modules, rules=rules,
                            buffering="off" if stream else "on")

    def begin(self, w, text, env=None):
        conf = w.dir / f"{self.name}.conf"
        conf.write_text(text)
        self.run(w, "nginx", "-e", w.dir / "nginx-error.log", "-c", conf, env=env)
        self.listens(w, self.port, self.name)
        return children(self.process.p.pid)

    def start(self, w, stream=False):
        return self.begin(w, self.config(w, stream))


def packages():
    tree = once(TOP / "build/cache/bench-peers", PACKAGES)
    return tree, {"LD_LIBRARY_PATH": str(next(tree.rglob("libyajl.so.2")).parent)}


class ModSecurity(Nginx):
    """nginx with the core rule set, which inspects bodies as ringwall's guards do."""

    def start(self, w, stream=False):
        tree, env = packages()
        module = next(tree.rglob("ngx_http_modsecurity_module.so"))
        crs = tree / "usr/share/modsecurity-crs"
        setup = next((tree / "etc").rglob("crs-setup.conf"))
        rules = w.dir / "crs.conf"
        includes = "".join(f"Include {f}\n" for f in sorted((crs / "rules").glob("*.conf")))
        rules.write_text("SecRuleEngine DetectionOnly\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n"
                         "SecResponseBodyMimeType application/json text/event-stream\n"
                         "SecRequestBodyLimit 13107200\nSecAuditEngine Off\n"
                         "SecRule REQUEST_HEADERS:Content-Type \"^application/json\" "
                         "\"id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON\"\n"
                         f"Include {setup}\n{includes}")
        return self.begin(w, self.config(w, stream, modules=f"load_module {module};",
                                         rules=f"modsecurity on; modsecurity_rules_file {rules};"), env)


class Haproxy(Side):
    def start(self, w, stream=False):
        tree, env = packages()
        pem = w.dir / "haproxy.pem"
        pem.write_text(pathlib.Path(w.ca).read_text() + (w.dir / "gateway.key").read_text())
        os.chmod(pem, 0o600)
        conf = w.dir / "haproxy.cfg"
        conf.write_text(HAPROXY.format(gateway=GATEWAY, port=self.port, pem=pem, stub=STUB_PORT,
                                       ca=w.dir / "stub.crt"))
        self.run(w, tree / "usr/sbin/haproxy", "-f", conf, env=env)
        self.listens(w, self.port, "HAProxy")
        return children(self.process.p.pid)


class Portkey(Side):
    """From npm; plain towards the client."""

    port = PORTKEY_PORT
    scheme = "http"
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"https://localhost:{STUB_PORT}/v1"}

    def start(self, w, stream=False):
        command, env = portkey.fetch()
        self.run(w, *command, f"--port={self.port}", "--headless",
                 env={**env, "NODE_ENV": "production", "NODE_EXTRA_CA_CERTS": str(w.dir / "stub.crt")})
        self.listens(w, self.port, "Portkey")
        return children(self.process.p.pid)


class Relay(Side):
    """The floor for a proxy: bytes from one socket to another on io_uring, nothing read, no TLS of its own."""

    port = RELAY_PORT
    verify = "stub"

    def start(self, w, stream=False):
        self.run(w, RELAY, f"{GATEWAY}:{self.port}", f"127.0.0.1:{STUB_PORT}")
        self.listens(w, self.port, "the relay")
        return [self.process.p.pid]


class Direct(Side):
    """No gateway: the client talks to a stub. For latencies; there is nobody to charge."""

    port = DIRECT_PORT
    verify = "stub"

    def start(self, w, stream=False):
        self.process = Process([*w.ns_prefix(w.gw_ns), "taskset", "-c", "1", w.ringwall, "stub", "--listen",
                                f"{GATEWAY}:{self.port}", "--self-signed", w.dir], w.dir / "direct.log", w.env())
        self.listens(w, self.port, "the stub")
        return []


def all_sides(against=None):
    """against: another binary, whose sides are there too, their names with a prime."""
    guards_off = {"guards": {"request": OFF, "answer": OFF}}
    # The load says the same prompt again and again, and each is to cost what a new one does.
    all_new = {"limits": LIMITED, "guards": {"remember": False}}
    unlogged = {"audit": {"required": False}, **guards_off}
    ours = {"plain": {"limits": UNLIMITED, **unlogged}, "limited": {"limits": LIMITED, **unlogged},
            "governed": {"limits": LIMITED, **guards_off}, "rules": {"limits": LIMITED, "guards": {"remember": False, **NO_CLASSIFIER}},
            "guarded": all_new}
    sides = [
        *(Ringwall(name, **options) for name, options in ours.items()),
        *(Ringwall(f"{name}'", binary=against, **options) for name, options in ours.items() if against),
        Ringwall("remembering", limits=LIMITED),
        Ringwall("guarded, no spin", **all_new, spin_us=0),
        Ringwall("guarded x 2", workers=2, **all_new),
        Nginx("nginx"),
        Haproxy("haproxy"),
        ModSecurity("modsecurity"),
        Portkey("portkey"),
        Relay("relay"),
        Direct("direct"),
    ]
    return {s.name: s for s in sides}
