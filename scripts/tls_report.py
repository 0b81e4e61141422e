# SPDX-License-Identifier: Apache-2.0
"""What an auditor sees of a listener: testssl.sh and sslscan of Debian against a running gateway, with an
ECDSA and an RSA certificate of a CA that they are told to trust. And whether Node talks to it: too large a package
for everybody's build root, so it is fetched here and not in the suite. `make tls-report`.

Reports stay under build/tls. Ends with status 0 only if testssl.sh grades A+, neither of them finds
anything vulnerable, and Node's chats and streams came whole."""

import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

from debs import once
from pki import Authority
from world import GATEWAY, GATEWAY6, PORT, World

TOP = pathlib.Path(__file__).resolve().parent.parent
OUT = TOP / "build/tls"
PACKAGES = ["testssl.sh", "sslscan", "bsdextrautils"]
NAME = "gateway.test"
BAD = ("LOW", "MEDIUM", "HIGH", "CRITICAL")
# What a throw-away CA cannot have, and what is no fault of the listener.
EXPECTED = ("cert_crlDistributionPoints", "cert_ocspURL", "cert_revocation", "DNS_CAArecord", "OCSP_stapling",
            "security_headers")


class Audited(World):
    def make_certificates(self):
        ca = Authority(self.dir, "demo-ca")
        san = f"DNS:{NAME},IP:{GATEWAY},IP:{GATEWAY6}"
        self.ca = ca.crt
        self.pairs = [ca.issue("ecdsa", san), ca.issue("rsa", san, rsa=True)]

    def write_config(self, **over):
        (cert, key), (cert2, key2) = self.pairs
        tls = {"cert_file": str(cert), "key_file": str(key),
               "certificates": [{"cert_file": str(cert2), "key_file": str(key2)}]}
        super().write_config(listeners=[{"address": f"{GATEWAY}:{PORT}", "tls": tls}],
                             limits={"address_rate": {"per_minute": 0, "burst": 1}},
                             strikes={"threshold": 1000000}, **over)


def tools():
    """The tree of the tools, and the environment to run them in."""
    tree = once(TOP / "build/cache/tls-report", PACKAGES)
    shim = tree.parent / "bin"  # it wants one of four ways to ask the DNS, and is told below not to
    shim.mkdir(exist_ok=True)
    (shim / "host").write_text("#!/bin/sh\nexit 1\n")
    (shim / "host").chmod(0o755)
    return tree, dict(os.environ, PATH=f"{shim}:{tree}/usr/bin:{os.environ['PATH']}", TERM="dumb",
                      TESTSSL_INSTALL_DIR=f"{tree}/etc/testssl")


def run(w, env, log, *cmd):
    with open(OUT / log, "w") as out:
        subprocess.run([*w.ns_prefix(w.cl_ns), *map(str, cmd)], env=env, stdout=out, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, timeout=900, check=False)


def testssl(w, tree, env):
    report = OUT / "testssl.json"
    report.unlink(missing_ok=True)
    run(w, env, "testssl.txt", "bash", tree / "usr/bin/testssl", "--quiet", "--color", "0", "--warnings", "batch",
        "--add-ca", w.ca, "--ip", GATEWAY, "--nodns", "none", "--overwrite", "--jsonfile", report, f"{NAME}:{PORT}")
    found = json.loads(report.read_text())
    grade = next((f["finding"] for f in found if f["id"] == "overall_grade"), "none")
    bad = [f for f in found if f["severity"] in BAD and not f["id"].startswith(EXPECTED)]
    notes = [f for f in found if f["severity"] in BAD and f["id"].startswith(EXPECTED)]
    return grade, bad, notes


def sslscan(w, env):
    report = OUT / "sslscan.xml"
    report.unlink(missing_ok=True)
    run(w, env, "sslscan.txt", "sslscan", "--no-colour", f"--sni-name={NAME}", f"--xml={report}", f"{GATEWAY}:{PORT}")
    test = xml.etree.ElementTree.parse(report).find("ssltest")
    bad = [f"{p.get('type')} {p.get('version')} is on" for p in test.iter("protocol")
           if p.get("enabled") == "1" and (p.get("type") == "ssl" or p.get("version") in ("1.0", "1.1"))]
    bad += [f"heartbleed in TLS {h.get('sslversion')}" for h in test.iter("heartbleed") if h.get("vulnerable") != "0"]
    bad += ["compression" for c in test.iter("compression") if c.get("supported") != "0"]
    bad += ["insecure renegotiation" for r in test.iter("renegotiation") if r.get("secure") == "0" and r.get("supported") == "1"]
    ciphers = [(c.get("sslversion"), c.get("cipher"), c.get("strength")) for c in test.iter("cipher")]
    bad += [f"{v} {c} is {s}" for v, c, s in ciphers if s not in ("strong", "acceptable")]
    return ciphers, bad


def node(w):
    """The lines that it prints, one for each exchange that came whole."""
    tree = once(TOP / "build/cache/node", ["nodejs"], needs=True)
    env = dict(os.environ, LD_LIBRARY_PATH=f"{tree}/usr/lib/x86_64-linux-gnu")
    # Debian's looks for parts of itself in /usr/share, which is laid over ours for it alone.
    there = 'mount -t overlay node -o "lowerdir=$0/usr/share:/usr/share" /usr/share && exec "$0/usr/bin/node" "$@"'
    run(w, env, "node.txt", "unshare", "--mount", "sh", "-c", there, tree, TOP / "scripts/node_client.js", GATEWAY, PORT, NAME,
        w.ca, w.key)
    return [line for line in (OUT / "node.txt").read_text().splitlines() if line.startswith("TLSv1.")]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    tree, env = tools()
    with Audited(TOP / "build/release/ringwall", kernel=False) as w:
        talks = node(w)
        grade, bad, notes = testssl(w, tree, env)
        ciphers, worse = sslscan(w, env)
    print(f"testssl.sh: overall grade {grade}; {len(bad)} findings")
    for f in bad:
        print(f"  {f['severity']} {f['id']}: {f['finding']}")
    print(f"  and {len(notes)} that a throw-away CA explains: {', '.join(sorted({f['id'].split(' ')[0] for f in notes}))}")
    print(f"sslscan: {len(ciphers)} cipher suites, {len(worse)} findings")
    for text in worse:
        print(f"  {text}")
    print(f"Node: {len(talks)} of 4 exchanges came whole: {', '.join(talks)}")
    print("reports: build/tls/testssl.txt, testssl.json, sslscan.txt, sslscan.xml, node.txt")
    return 0 if grade == "A+" and not bad and not worse and ciphers and len(talks) == 4 else 1


if __name__ == "__main__":
    sys.exit(main())
