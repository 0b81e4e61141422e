# SPDX-License-Identifier: Apache-2.0
"""Portkey's gateway from npm, as a peer: JavaScript that routes the same requests, and scans nothing here.

Node and npm come as Debian packages beside the build root, the gateway by npm; all of it stays under
build/cache. It has no TLS of its own towards clients, so that leg is plain, which is in its favour."""

import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "scripts"))
from debs import once  # noqa: E402

VERSION = "1.15.2"
HOST_CA = "/run/host-ca.crt"  # of scripts/in-root; where it is not, node says so and goes on
FOLDER = TOP / "build/cache/bench-portkey"


# Debian's node looks for its own modules under /usr/share: they are there in a mount namespace of its own.
SHELL = ('mount -t tmpfs share /usr/share && mkdir /usr/share/nodejs && '
         'mount --bind "$1/usr/share/nodejs" /usr/share/nodejs && shift && exec "$@"')


def node():
    """What node is started by, and its environment."""
    tree = once(TOP / "build/cache/bench-node", ("nodejs", "npm"), needs=True)
    libs = next(p for p in (tree / "usr/lib").iterdir() if p.name.endswith("-linux-gnu"))
    return (["unshare", "--mount", "--propagation", "private", "sh", "-c", SHELL, "sh", tree, tree / "usr/bin/node"],
            {**os.environ, "LD_LIBRARY_PATH": str(libs), "NODE_EXTRA_CA_CERTS": HOST_CA})


def fetch():
    """What runs the gateway: (command, environment)."""
    program, env = node()
    start = FOLDER / "node_modules/@portkey-ai/gateway/build/start-server.js"
    if not start.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        subprocess.run([*program, "/usr/share/nodejs/npm/bin/npm-cli.js", "install", "--prefix", FOLDER, "--omit=dev", "--ignore-scripts", "--no-audit",
                        "--no-fund", f"@portkey-ai/gateway@{VERSION}"], check=True, env=env, stdout=sys.stderr)
    return [*program, start], env


if __name__ == "__main__":
    print(*fetch()[0])
