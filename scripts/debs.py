# SPDX-License-Identifier: Apache-2.0
"""Debian packages beside the build root: fetched and unpacked under build/cache, never installed.
For what only a test or a benchmark needs, and for kernels. Runs inside the build root."""

import pathlib
import shlex
import shutil
import subprocess
import sys


class Failed(Exception):
    """A package could not be had; the text is for people."""


class Debs:
    """apt with lists of its own in `folder`, so that the build root stays as it was made.

    suite: None for what the build root is made from, else a suite of the same archive, alone.
    """

    def __init__(self, folder, suite=None):
        self.folder = pathlib.Path(folder)
        self.suite = suite
        (self.folder / "lists/partial").mkdir(parents=True, exist_ok=True)
        (self.folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
        self.options = [
            f"Dir::State::Lists={self.folder}/lists",
            f"Dir::Cache={self.folder}/cache",
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
        ]
        if suite:
            self.options += [f"Dir::Etc::SourceList={self.write_source()}", "Dir::Etc::SourceParts=-"]
        self.apt("apt-get", "-q", "update", stdout=sys.stderr)

    def apt(self, command, *args, **kwargs):
        line = [command, *(f"-o{o}" for o in self.options), *args]
        try:
            return subprocess.run(line, check=True, text=True, **kwargs).stdout
        except subprocess.CalledProcessError as e:
            raise Failed(f"'{shlex.join(args)}' by {command} failed; run again when the network is there") from e

    def write_source(self):
        """The archive that the build root comes from, with another suite."""
        for line in pathlib.Path("/etc/apt/sources.list").read_text().splitlines():
            words = line.split()
            if words[:1] == ["deb"] and words[2] == "trixie":
                source = self.folder / "sources.list"
                source.write_text(f"deb {words[1]} {self.suite} main\n")
                return source
        raise Failed("/etc/apt/sources.list names no archive of Debian 13")

    def depends(self, package):
        out = self.apt("apt-cache", "depends", "--important", package, stdout=subprocess.PIPE)
        return [w.split()[1] for w in out.splitlines() if w.strip().startswith("Depends: ")]

    def unpack(self, packages, tree):
        """Downloads the packages and unpacks them into one tree."""
        work = self.folder / "debs"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self.apt("apt-get", "-q", "download", *packages, cwd=work, stdout=sys.stderr)
        for deb in sorted(work.glob("*.deb")):
            print(f"ringwall: unpacking {deb.name}", file=sys.stderr, flush=True)
            subprocess.run(["dpkg", "-x", deb, tree], check=True)

    def unpack_missing(self, packages, tree):
        """The same with all that they need and the build root lacks."""
        out = self.apt("apt-get", "-s", "--no-install-recommends", "install", *packages, stdout=subprocess.PIPE)
        self.unpack(sorted({w.split()[1] for w in out.splitlines() if w.startswith("Inst ")}), tree)

    def close(self):
        shutil.rmtree(self.folder)


def once(folder, packages, needs=False):
    """
    The tree of these packages of the build root's own suite, fetched at the first use; with what they
    need, where the build root lacks it.
    """
    folder = pathlib.Path(folder)
    tree = folder / "tree"
    stamp = folder / "packages"
    if stamp.exists() and stamp.read_text().split() == list(packages):
        return tree
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    debs = Debs(folder / "apt")
    (debs.unpack_missing if needs else debs.unpack)(packages, tree)
    debs.close()
    stamp.write_text("\n".join(packages) + "\n")
    return tree
