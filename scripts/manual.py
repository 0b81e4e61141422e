#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Man pages and shell completions, from what the binary says of itself: its tables of commands and
options (--help) and of configuration keys (check --keys). Nothing about them is written a second time.

    scripts/manual.py BINARY FOLDER    writes FOLDER/man/*.[15] and FOLDER/completions/ringwall
"""

import datetime
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import time

# One line an option, and the texts behind the options in one column.
FORMAT = "rmargin=4000,opt-doc-col=60,no-dup-args-note"
OPTION = re.compile(r"^  (?:-(?P<short>\S), |    |-(?P<only>\S) +)(?:--(?P<long>[\w-]+)(?P<arg>\[?=\S+)?)?\s*(?P<text>.*)$")
STANDARD = ("help", "usage")  # every command has them: said once
EXITS = (("0", "done"), ("1", "failed, or the answer is no"), ("2", "used in a wrong way"),
         ("77", "a privilege is missing"))
FILES = (("/etc/ringwall/ringwall.yaml", "the configuration, ringwall.yaml(5)"),
         ("/etc/default/ringwall", "what the services attach to and may reach"),
         ("/var/lib/ringwall", "hashes of API keys, compiled rules, the self-signed certificate"),
         ("/sys/fs/bpf/ringwall/v1", "the kernel side's maps, while it is attached"))


class Option:
    def __init__(self, m):
        self.short, self.long, self.text = m["short"] or m["only"], m["long"], m["text"]
        self.arg = m["arg"] or ""

    def words(self):
        return [w for w in (self.short and f"-{self.short}", self.long and f"--{self.long}") if w]


class Command:
    """A command or verb as its --help describes it, with its verbs below."""

    def __init__(self, binary, path, does=""):
        self.path, self.does = path, does
        self.name = " ".join(["ringwall", *path])
        text = ask(binary, *path, "--help")
        self.usage = [u.strip() for u in re.findall(r"^(?:Usage:|  or:|      )\s+(ringwall .*)$", text, re.M)]
        table = dict(re.findall(r"^  ([a-z]+) +(\S.*)$", text, re.M)) if re.search(r"`ringwall [^`]*--help`", text) else {}
        self.verbs = [Command(binary, [*path, name], does) for name, does in table.items()]
        body = [] if table else [line for line in text.splitlines() if not re.match(r"Usage:|  or:|      +ringwall ", line)]
        self.options = [Option(m) for m in map(OPTION.match, body) if m]
        self.about = [line for line in body if line and not OPTION.match(line)]
        if not self.usage or bool(self.options) != ("[OPTION...]" in " ".join(self.usage)) and not table:
            raise SystemExit(f"{self.name} --help is not in the form that is understood here:\n{text}")

    def own_options(self):
        return [o for o in self.options if o.long not in STANDARD]

    def words(self):
        """Verbs that the usage spells out, `add|del`, where there is no table of them."""
        plain = " ".join(u.removeprefix(self.name).replace("[OPTION...]", "") for u in self.usage)
        return [w for w in re.findall(r"(?:^|(?<=[\s|]))[a-z]+(?=$|[\s|])", plain)]

    def walk(self):
        yield self
        for v in self.verbs:
            yield from v.walk()


def ask(binary, *words):
    env = {**os.environ, "ARGP_HELP_FMT": FORMAT, "LC_ALL": "C.UTF-8"}
    p = subprocess.run([binary, *words], env=env, capture_output=True, text=True)
    if p.returncode != 0:
        raise SystemExit(f"{binary} {' '.join(words)}: {p.stderr}")
    return p.stdout


# --- roff -------------------------------------------------------------------------------------------


def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")


def prose(text):
    """Folded: lines of roff source are short, and none begins as a request would."""
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join("\\&" + line if line.startswith(".") else line for line in lines)


def bold(text):
    return f"\\fB{roff(text)}\\fR"


def page(name, section, does, version, body):
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    day = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).date()
    head = [f'.TH {roff(name.upper())} {section} {day} "{version}"', ".SH NAME", f"{roff(name)} \\- {roff(does)}"]
    return "\n".join([*head, *body]) + "\n"


def items(pairs):
    for term, text in pairs:
        yield from (".TP", term, prose(text) or "\\&")


def sentence(text):
    return text[0].upper() + text[1:] + "."


def option_term(o):
    arg = f"\\fI{roff(o.arg.removeprefix('='))}\\fR" if o.arg else ""
    return ", ".join(bold(w) for w in o.words()) + (("=" if o.long else " ") + arg if arg else "")


def usage_line(usage):
    return " ".join(bold(w) if re.fullmatch(r"[a-z|]+", w) else roff(w) for w in usage.split())


def synopsis(command):
    for i, u in enumerate(command.usage):
        yield from ([".br"] if i else [])
        yield usage_line(u)


def details(command):
    """What stands below a heading: prose, options, the usage of verbs that are spelt out."""
    for i, line in enumerate(command.about):
        yield from ([".PP"] if i else [])
        yield prose(roff(line.strip()))


def options(command):
    if command.own_options():
        yield from items((option_term(o), roff(o.text)) for o in command.own_options())


def see_also(names):
    return [".SH SEE ALSO", ",\n".join(f".BR {roff(n)} ({s})" if i == len(names) - 1 else f".BR {roff(n)} ({s})"
                                       for i, (n, s) in enumerate(names)).replace(",\n", "\n")]


def main_page(commands, version, does):
    body = [".SH SYNOPSIS", "\\fBringwall\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]", ".SH DESCRIPTION",
            prose("Stands between applications and the providers of large language models. Each command has a "
                  f"page of its own and tells its options with {bold('--help')}."), ".SH COMMANDS"]
    body += items((f"\\fBringwall\\-{c.path[0]}\\fR(1)", roff(c.does)) for c in commands)
    body += [".SH EXIT STATUS", *items((bold(n), t) for n, t in EXITS)]
    body += [".SH FILES", *items((f"\\fI{roff(n)}\\fR", roff(t)) for n, t in FILES)]
    body += see_also([*((f"ringwall-{c.path[0]}", 1) for c in commands), ("ringwall.yaml", 5)])
    return page("ringwall", 1, does, version, body)


def command_page(command, version):
    body = [".SH SYNOPSIS"]
    leaves = [c for c in command.walk() if not c.verbs]
    for i, c in enumerate(leaves):
        body += [*([".br"] if i else []), *synopsis(c)]
    if command.verbs:
        body += [".SH DESCRIPTION", prose(roff(sentence(command.does))), ".SH VERBS"]
        for c in leaves:
            about = list(details(c)) or [prose(roff(sentence(c.does)))]
            body += [f'.SS "{roff(" ".join(c.path[1:]))}"', *about]
            body += options(c)
    else:
        body += [".SH DESCRIPTION", *details(command), ".SH OPTIONS", *options(command)]
    body += [".SH EXIT STATUS", *items((bold(n), t) for n, t in EXITS)]
    body += see_also([("ringwall", 1), ("ringwall.yaml", 5)])
    return page(f"ringwall-{command.path[0]}", 1, command.does, version, body)


def keys_page(rows, version):
    body = [".SH DESCRIPTION",
            prose("One YAML file says what the gateway does. Every key is known or an error; "
                  f"{bold('ringwall check')} says what is wrong. {bold('${NAME}')} in a value is the environment "
                  "variable of that name; durations and sizes are written with their unit. "
                  f"{bold('[]')} stands for an item of a list."), ".SH KEYS"]
    for key, value, default, text in rows:
        tail = f" Default: {default}." if default and default != "(required)" else " Required." if default else ""
        body += items([(bold(key), roff(f"{text}. Value: {value}.{tail}"))])
    body += see_also([("ringwall", 1), ("ringwall-check", 1), ("ringwall-serve", 1)])
    return page("ringwall.yaml", 5, "configuration of ringwall", version, body)


# --- bash -------------------------------------------------------------------------------------------


def bash(commands):
    """A table of what may follow each command; files where an argument is wanted."""
    rows = []
    for c in commands:
        for each in c.walk():
            words = [v.path[-1] for v in each.verbs] or each.words()
            words += [w for o in each.options for w in o.words() if w.startswith("--")]
            rows.append(f"\t['{' '.join(each.path)}']='{' '.join(words)}'")
    return textwrap.dedent("""\
        # bash completion for ringwall(1)
        # Made by scripts/manual.py from the binary's own tables.
        declare -A _ringwall_words=(
        %s
        )

        _ringwall() {
        	local cur=${COMP_WORDS[COMP_CWORD]} path= word
        	COMPREPLY=()
        	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        		[[ -n ${_ringwall_words[${path:+$path }$word]+set} ]] && path=${path:+$path }$word
        	done
        	# An option's argument, or a name that is no word of ours: files.
        	if [[ ${COMP_WORDS[COMP_CWORD-1]} == = || $cur == = || $cur == --*=* ]]; then
        		cur=${cur#*=}
        		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        		return
        	fi
        	mapfile -t COMPREPLY < <(compgen -W "${_ringwall_words[${path:-.}]}" -- "$cur")
        	((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        }
        complete -o filenames -F _ringwall ringwall
        """) % "\n".join([f"\t['.']='{' '.join(c.path[0] for c in commands)} --help --version'", *rows])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main():
    binary, folder = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    version = ask(binary, "--version").strip()
    top = Command(binary, [])
    commands = top.verbs
    rows = [[cell.strip(" `") for cell in line.strip("|").split(" | ")]
            for line in ask(binary, "check", "--keys").splitlines()[2:]]
    if not commands or any(len(r) != 4 for r in rows):
        raise SystemExit("the binary's tables are not in the form that is understood here")
    write(folder / "man/ringwall.1", main_page(commands, version, "LLM gateway with its guard in the kernel"))
    for c in commands:
        write(folder / f"man/ringwall-{c.path[0]}.1", command_page(c, version))
    write(folder / "man/ringwall.yaml.5", keys_page(rows, version))
    write(folder / "completions/ringwall", bash(commands))


if __name__ == "__main__":
    main()
