# SPDX-License-Identifier: Apache-2.0
"""Throw-away certificate authorities and certificates, by the openssl command. For tests, for the
TLS report and for benchmarks."""

import os
import pathlib
import subprocess


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)


class Authority:
    """A CA of its own: NAME.crt and NAME.key in folder."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.crt, self.key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 900,
                "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.crt,
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        os.chmod(self.key, 0o600)

    def issue(self, name, san, rsa=False, usage="serverAuth", expired=False):
        """NAME.crt (with the CA behind it) and NAME.key; returns both paths."""
        crt, key, csr = (self.folder / f"{name}.{x}" for x in ("crt", "key", "csr"))
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        openssl("req", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", csr)
        os.chmod(key, 0o600)
        ext = self.folder / f"{name}.ext"
        ext.write_text(f"basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage={usage}\n"
                       f"subjectAltName={san}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
        when = (["-not_before", "20240101000000Z", "-not_after", "20240201000000Z"] if expired else ["-days", 180])
        leaf = self.folder / f"{name}.leaf"
        openssl("x509", "-req", "-in", csr, "-CA", self.crt, "-CAkey", self.key, "-extfile", ext, *when, "-out", leaf)
        part = crt.with_suffix(".part")
        part.write_text(leaf.read_text() + self.crt.read_text())
        part.rename(crt)
        return crt, key
