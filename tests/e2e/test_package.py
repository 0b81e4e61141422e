# SPDX-License-Identifier: Apache-2.0
"""What goes into the Debian package, as far as it can be said without building it: scripts/debtest has the rest."""

import fnmatch
import os
import re
import subprocess

import pytest

UNITS = ("ringwall.service", "ringwall-kern.service")


def sh(*cmd, **kw):
    p = subprocess.run([str(c) for c in cmd], capture_output=True, text=True, timeout=120, **kw)
    assert p.returncode == 0, f"{cmd}: {p.stdout}{p.stderr}"
    return p.stdout


@pytest.fixture(scope="module")
def binary(top):
    return os.environ.get("RW_BINARY") or top / "build/release/ringwall"


@pytest.fixture(scope="module")
def made(top, binary, tmp_path_factory):
    """Man pages and completions."""
    out = tmp_path_factory.mktemp("made")
    sh("python3", "-B", top / "scripts/manual.py", binary, out, env={**os.environ, "SOURCE_DATE_EPOCH": "86400"})
    return out


def unit(top, name):
    return (top / "appliance/units" / name).read_text()


def plain(text):
    """What a reader sees of a roff page, more or less."""
    text = re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\(aq", "'").replace("\\(ga", "`")
    return re.sub(r"\s+", " ", text)


def commands(top):
    return dict(re.findall(r'\{"(\w+)", rw_cmd_\w+, "([^"]+)"\}', (top / "user/main.c").read_text()))


def test_versions_agree(top):
    """Binary, Debian's changelog and ours name one version."""
    version = re.search(r"^VERSION := (.*)$", (top / "scripts/build.mk").read_text(), re.M)[1]
    assert re.match(r"ringwall \((.*)-\d+\)", (top / "debian/changelog").read_text())[1] == version
    assert re.search(r"^## (?:Unreleased \()?([\d.]+)", (top / "CHANGELOG.md").read_text(), re.M)[1] == version


def test_packages_that_a_build_needs_are_those_of_the_build_root(top):
    """debian/control and scripts/packages.list are two lists of the same libraries."""
    control = (top / "debian/control").read_text().split("\n\n")[0]
    needs = set(re.findall(r"[a-z][\w.+-]*", re.search(r"^Build-Depends: (.*?)$(?=\n\S|\Z)", control, re.M | re.S)[1]))
    listed = set(re.findall(r"^[a-z].*$", (top / "scripts/packages.list").read_text(), re.M))
    makefile = (top / "scripts/build.mk").read_text()
    libraries = {p for p in listed if re.match(r"lib.*-dev$", p)} - {"libclang-rt-19-dev", "libcmocka-dev"}
    assert libraries - {"libhyperscan-dev"} <= needs and "libhs" in makefile
    assert {"clang-19", "bpftool", "linux-bpf-dev"} <= needs & listed


def test_licences_are_those_that_the_files_name(top):
    """debian/copyright by its patterns, the last that fits, against each file's own line."""
    head, *parts = (top / "debian/copyright").read_text().split("\n\n")
    told = [(re.findall(r"\S+", m[1]), m[2]) for m in (
        re.match(r"Files:(.*?)\nCopyright:.*?\nLicense: ([^\n]*)", p, re.S) for p in parts) if m]
    seen = 0
    for path in [p for f in ("user", "bpf", "include", "bench", "scripts", "tests", "appliance", "debian") for p in (top / f).rglob("*")]:
        if not path.is_file() or path.suffix in (".pyc", ".whl"):
            continue
        line = re.search(r"SPDX-License-Identifier: \(?([A-Z].*?)\)?(?: \*/)?$",
                         path.read_bytes()[:400].decode(errors="replace"), re.M)
        if not line:
            continue
        name = str(path.relative_to(top))
        want = [licence for patterns, licence in told if any(fnmatch.fnmatch(name, p) for p in patterns)][-1]
        assert set(line[1].split(" OR ")) == set(want.split(" or ")), name
        seen += 1
    assert len(told) == 3 and seen > 500


def test_every_command_has_a_page(top, made):
    want = commands(top)
    assert len(want) > 10, "the table moved"
    index = plain((made / "man/ringwall.1").read_text())
    for name, does in want.items():
        page = plain((made / f"man/ringwall-{name}.1").read_text())
        assert f"ringwall-{name} - {does}" in page and f"ringwall-{name}(1)" in index
    assert {p.name for p in (made / "man").iterdir()} == {"ringwall.1", "ringwall.yaml.5", *(f"ringwall-{n}.1" for n in want)}


def test_every_option_of_the_source_is_on_a_page_and_completed(top, made):
    """Read from the argp tables, not from --help, which the pages are made of."""
    source = "".join(p.read_text() for p in (top / "user/cmd").glob("*.c"))
    options = set(re.findall(r'^\t\{"([a-z][\w-]+)", (?:\'.\'|\w+), (?:"[^"]*"|NULL), [^\n]*', source, re.M))
    pages = "".join(plain(p.read_text()) for p in (made / "man").glob("*.1"))
    words = set(re.findall(r"--[\w-]+", (made / "completions/ringwall").read_text()))
    assert len(options) > 40, "the tables look different"
    assert {f"--{o}" for o in options} <= set(re.findall(r"--[\w-]+", pages))
    assert {f"--{o}" for o in options} <= words


def test_every_key_of_the_configuration_is_on_its_page(top, made):
    keys = re.findall(r'^\t\{"([a-z_.\[\]]+)", RW_KIND_', (top / "user/policy/schema.c").read_text(), re.M)
    page = (made / "man/ringwall.yaml.5").read_text()
    assert len(keys) > 100, "the table moved"
    for key in keys:
        assert f"\n\\fB{key}\\fR\n" in page.replace("\\-", "-"), key


def complete(made, *words):
    line = " ".join(f"'{w}'" for w in words)
    return sh("bash", "-c", f"source {made}/completions/ringwall; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
              "_ringwall; printf '%s\\n' \"${COMPREPLY[@]}\"", cwd=made).split()


@pytest.mark.parametrize("words, want", [
    (("ringwall", "ke"), {"kern", "key"}),
    (("ringwall", "kern", "egress", "a"), {"attach", "allow"}),
    (("ringwall", "key", "re"), {"revoke"}),
    (("ringwall", "serve", "--ta"), {"--take-over"}),
    (("ringwall", "serve", "-c", ""), {"--config", "--debug", "--take-over", "--help", "--usage"}),
    (("ringwall", "check", "-c", "comp"), {"completions"}),
])
def test_bash_completes(made, words, want):
    assert set(complete(made, *words)) == want


def test_units_call_commands_and_options_that_exist(top, binary):
    """Options of a unit are written once and fail at the next boot."""
    calls = 0
    for name in UNITS:
        for line in re.findall(r"^Exec\w+=[-+]*/usr/bin/ringwall (.*)$", unit(top, name), re.M):
            verb = re.match(r"[a-z]+(?: [a-z]+)*", line)[0].split()
            told = sh(binary, *verb, "--help")
            for option in re.findall(r"(?:^| )(--?[a-z][\w-]*)", line):
                assert re.search(rf"(^|[\s,]){option}\b", told, re.M), f"{name}: {option}"
            calls += 1
    assert calls == 5


def test_the_service_contains_itself_before_it_starts(top):
    """With root's power for that step alone; a kernel that cannot do it is no reason to stay down."""
    text = unit(top, "ringwall.service")
    lines = re.findall(r"^(Exec\w+)=(\S*)(/usr/bin/\w+) (.*)$", text, re.M)
    assert [line[:3] for line in lines[:3]] == [
        ("ExecStartPre", "-+", "/usr/bin/chmod"), ("ExecStartPre", "-+", "/usr/bin/ringwall"), ("ExecStart", "", "/usr/bin/ringwall")]
    slice_ = re.search(r"^Slice=(.*)$", text, re.M)[1]
    assert lines[1][3].startswith(f"kern egress attach --cgroup /sys/fs/cgroup/{slice_} --group ringwall ")
    assert lines[1][3].endswith(" $RINGWALL_EGRESS_OPTIONS"), "the operator can add to it"
    assert re.search(r"^RINGWALL_EGRESS_OPTIONS=$", (top / "debian/ringwall.default").read_text(), re.M)


def test_the_configuration_that_is_shipped_is_right_but_for_the_key(top, binary, tmp_path):
    env = {**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    shipped = (top / "appliance/ringwall.yaml").read_text()
    (tmp_path / "ringwall.yaml").write_text(shipped.replace("/var/log/ringwall/", f"{tmp_path}/"))
    check = [binary, "check", "-c", tmp_path / "ringwall.yaml"]
    without = subprocess.run(check, env=env, capture_output=True, text=True, timeout=120)
    assert without.returncode == 1 and "ringwall.openai" in without.stderr
    key = tmp_path / "ringwall.openai"
    key.write_text("sk-x\n")
    key.chmod(0o600)
    assert "ok" in sh(*check, env=env).split()


def test_documents_that_units_name_exist(top):
    for name in UNITS:
        for path in re.findall(r"^Documentation=file:/usr/share/doc/ringwall/(.*)$", unit(top, name), re.M):
            assert (top / path).is_file(), f"{name} names {path}"
