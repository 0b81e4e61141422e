#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the rows that outside.py scores from clones of public repositories that neither rules nor model were made with.

  scripts/train/outside_rows.py MIRRORS OUT [--known FILE...]

MIRRORS holds clones, bare or not, as OWNER/NAME or OWNER+NAME, of ogulcanaydogan/Prompt-Injection-Firewall (PIF),
utkusen/promptmap, sherdencooper/GPTFuzz, swisskyrepo/PayloadsAllTheThings, HumanCompatibleAI/tensor-trust-data,
meta-llama/PurpleLlama (CyberSecEval), microsoft/BIPIA, leolee99/PIGuard (NotInject, WildGuard's harmless half, PINT's
examples), carbonz0/alpaca-chinese-dataset, tatsu-lab/alpaca_eval, lmarena/arena-hard-auto, lm-sys/FastChat (MT-Bench),
PolyAI-LDN/task-specific-datasets (banking77), tangqiaoyu/ToolAlpaca, THU-BPM/MarkLLM (news). What is not there is told
and left out. A text is dropped where more than a third of its sequences of five words stand in the FILEs, of .jsonl in
their texts. What comes out, OUT/attacks.jsonl and OUT/harmless.jsonl, may not be read by those who write rules.
"""
import argparse
import csv
import functools
import io
import json
import os
import random
import re
import subprocess
import sys

WORD = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]|\w+")
CSE, CSE_TOP, CSE_ENGLISH = "meta-llama/PurpleLlama", "CybersecurityBenchmarks/datasets/", "prompt_injection"
PINT_ATTACKS = "PINT_public_prompt_injection", "PINT_internal_prompt_injection", "PINT_jailbreak"
PLAIN = "ignore_previous_instructions", "system_mode", "mixed_techniques"
DISGUISED = "token_smuggling", "payload_splitting", "repeated_token_attack"
PIF, PIGUARD, BIPIA = "ogulcanaydogan/Prompt-Injection-Firewall", "leolee99/PIGuard", "microsoft/BIPIA"
FASTCHAT, ALPACA_EVAL, ARENA = "lm-sys/FastChat", "tatsu-lab/alpaca_eval", "lmarena/arena-hard-auto"
BANKING, TOOLS, NEWS = "PolyAI-LDN/task-specific-datasets", "tangqiaoyu/ToolAlpaca", "THU-BPM/MarkLLM"


class Mirrors:
    def __init__(self, top):
        self.top = top

    def git(self, repo, *command):
        """What git writes; nothing, and a word about it, where the clone or the file is not there."""
        for name in (repo, repo.replace("/", "+")):
            got = subprocess.run(["git", "-C", os.path.join(self.top, name), *command], capture_output=True)
            if got.returncode == 0:
                return got.stdout.decode(errors="replace")
        print("not there:", repo, *command, file=sys.stderr)
        return ""

    def text(self, repo, path):
        return self.git(repo, "show", "HEAD:" + path)

    def rows(self, repo, path):
        text = self.text(repo, path)
        if path.endswith(".csv"):
            return list(csv.DictReader(io.StringIO(text)))
        if path.endswith(".jsonl"):
            return [json.loads(line) for line in text.split("\n") if line]
        return json.loads(text or "[]")

    def paths(self, repo, pattern):
        names = self.git(repo, "ls-tree", "-r", "--name-only", "HEAD").split("\n")
        return [name for name in names if re.fullmatch(pattern, name)]


def sequences(text):
    words = WORD.findall(text.lower())
    return {hash(tuple(words[i:i + 5])) for i in range(max(1, len(words) - 4))}


def known_sequences(paths):
    known = set()
    for path in paths:
        with open(path, encoding="utf8") as f:
            for text in [json.loads(line)["text"] for line in f] if path.endswith(".jsonl") else [f.read()]:
                known |= sequences(text)
    return known


class Rows:
    """The rows of one file: no text twice, none that is known."""
    def __init__(self, label, known):
        self.label, self.known, self.seen, self.rows = label, known, {""}, []

    def add(self, tier, source, texts, role="user"):
        """Those of the texts that were taken."""
        before = len(self.rows)
        for text in map(str.strip, texts):
            found = sequences(text)
            if text not in self.seen and len(found & self.known) <= len(found) / 3:
                self.rows.append({"id": "%s-%05d" % (self.label, len(self.rows)), "text": text, "label": self.label,
                                  "tier": tier, "source": source, "role": role})
            self.seen.add(text)
        return [row["text"] for row in self.rows[before:]]

    def write(self, path):
        with open(path, "w", encoding="utf8") as f:
            f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows)
        print("%s: %d rows, %d known ones left out" % (path, len(self.rows), len(self.seen) - 1 - len(self.rows)))


def promptmap(mirrors):
    """The prompts of its rules that turn on the application; those that ask for harm or hate are of another kind."""
    for path in mirrors.paths("utkusen/promptmap", r"rules/(distraction|jailbreak|prompt_stealing)/.*\.yaml"):
        rule = mirrors.text("utkusen/promptmap", path)
        block, line = re.search(r"^prompt: *(?:\|[-+]?\n((?: .*\n|\n)+)|(.+))", rule, re.M).groups()
        yield re.sub(r"^ +", "", block, flags=re.M) if block else line.strip("\"'").replace('\\"', '"')


def payloads(mirrors):
    """The blocks and listed lines on injection, not the table: most of that only asks for code to be run."""
    text = mirrors.text("swisskyrepo/PayloadsAllTheThings", "Prompt Injection/README.md")
    section = text.partition("\n## Direct Prompt Injection")[2].partition("\n## References")[0]
    for block in re.findall(r"```\w*\n(.*?)```", section, re.S):
        yield re.sub(r"^ {4}", "", block, flags=re.M)
    yield from re.findall(r"^\* .*?`([^`\n]{20,})`", section, re.M)


def pint(mirrors, kinds):
    return [row["prompt"] for row in mirrors.rows(PIGUARD, "datasets/valid.json") if row["source"] in kinds]


def pif(mirrors, name):
    return [row["text"] for row in dict(mirrors.rows(PIF, "benchmarks/dataset/" + name)).get("samples", ())]


def cse(mirrors, name, way, wanted):
    return [row["user_input"] for row in mirrors.rows(CSE, CSE_TOP + "prompt_injection/%s.json" % name)
            if row["injection_type"] == way and wanted(row["injection_variant"])]


def mails(mirrors):
    return [r["context"] for half in ("test", "train") for r in mirrors.rows(BIPIA, "benchmark/email/%s.jsonl" % half)]


def pages(mirrors):
    """News, three sentences a paragraph."""
    for row in mirrors.rows(NEWS, "dataset/cnn_dailymail/test-00000-of-00001.jsonl"):
        sentences = re.split(r"(?<=[.!?]) +", row["article"])
        yield "\n\n".join(" ".join(sentences[i:i + 3]) for i in range(0, len(sentences), 3))


def put_into(texts, carriers, chance):
    """Every text as lines of its own somewhere in a carrier, after the carrier's first line."""
    for text in texts if carriers else ():
        lines = chance.choice(carriers).split("\n")
        lines.insert(chance.randint(1, len(lines)), text)
        yield "\n".join(lines)


def add_put(rows, tier, texts, carriers, chance):
    short = [t for t in texts if 20 <= len(t.encode()) <= 300]
    for source, documents in carriers.items():
        rows.add(tier, "in " + source, put_into(short, documents, chance), "document")


def add_lists(rows, mirrors, carriers, chance):
    fuzzer = [row["text"] for row in mirrors.rows("sherdencooper/GPTFuzz", "datasets/prompts/GPTFuzzer.csv")]
    lists = {"PIF": pif(mirrors, "injections.json"), "promptmap": promptmap(mirrors),
             "PINT": pint(mirrors, PINT_ATTACKS), "GPTFuzzer": fuzzer, "PayloadsAllTheThings": payloads(mirrors)}
    taken = [text for source, texts in lists.items() for text in rows.add("lists", source, texts)]
    add_put(rows, "lists, in mails and pages", taken, carriers, chance)


def add_cse(rows, mirrors, carriers, chance):
    for source, name in (("English", CSE_ENGLISH), ("translated", CSE_ENGLISH + "_multilingual_machine_translated")):
        plain = rows.add("CyberSecEval, " + source, source, cse(mirrors, name, "direct", lambda kind: kind in PLAIN))
        rows.add("CyberSecEval, disguised", source, cse(mirrors, name, "direct", lambda kind: kind in DISGUISED))
        others = cse(mirrors, name, "direct", lambda kind: kind not in PLAIN + DISGUISED)
        rows.add("CyberSecEval, persuasion and the like", source, others)
        if name == CSE_ENGLISH:
            its_own = cse(mirrors, name, "indirect", lambda kind: True)
            rows.add("CyberSecEval, in documents", "its own", its_own, "document")
            add_put(rows, "CyberSecEval, in documents", plain, carriers, chance)


def attacks(mirrors, known):
    rows, chance = Rows("attack", known), random.Random(1)
    carriers = {"mails": mails(mirrors), "pages": list(pages(mirrors))}
    add_lists(rows, mirrors, carriers, chance)
    for name in ("extraction-robustness", "hijacking-robustness"):
        path = "benchmarks/%s/v1/%s_dataset.jsonl" % (name, name.replace("-", "_"))
        told = mirrors.rows("HumanCompatibleAI/tensor-trust-data", path)
        rows.add("Tensor Trust", name, [row["attack"] for row in told if len(row["attack"].encode()) >= 20])
    add_cse(rows, mirrors, carriers, chance)
    bare = [task for kind in dict(mirrors.rows(BIPIA, "benchmark/text_attack_test.json")).values() for task in kind]
    rows.add("BIPIA, bare tasks", "in mails", put_into(bare, carriers["mails"], chance), "document")
    return rows


def add_ordinary(rows, mirrors):
    add = functools.partial(rows.add, "ordinary")
    chinese = mirrors.rows("carbonz0/alpaca-chinese-dataset", "zh-data-part-00.json")
    add("alpaca, Chinese", [row["instruction"] + "\n\n" + row["input"] for row in chinese[::5]])
    add("AlpacaEval", [row["instruction"] for row in mirrors.rows(ALPACA_EVAL, "example/outputs.json")])
    for version in ("0.1", "2.0"):
        add("Arena-Hard", [r["prompt"] for r in mirrors.rows(ARENA, "data/arena-hard-v%s/question.jsonl" % version)])
    mt_bench = mirrors.rows(FASTCHAT, "fastchat/llm_judge/data/mt_bench/question.jsonl")
    add("MT-Bench", [turn for row in mt_bench for turn in row["turns"]])
    add("banking77", [row["text"] for row in mirrors.rows(BANKING, "banking_data/test.csv")[::3]])
    for half in ("simulated", "real"):
        apis = mirrors.rows(TOOLS, "data/eval_%s.json" % half)
        add("ToolAlpaca", [text for api in apis for text in api["Instructions"]])
    add("PINT", pint(mirrors, ["PINT_chat"]))


def add_documents(rows, mirrors):
    add = functools.partial(rows.add, "documents", role="document")
    add("news", pages(mirrors))
    add("BIPIA, mails", mails(mirrors))
    add("BIPIA, tables", [row["context"] for row in mirrors.rows(BIPIA, "benchmark/table/test.jsonl")])
    for half in ("test", "train"):
        code = mirrors.rows(BIPIA, "benchmark/code/%s.jsonl" % half)
        add("BIPIA, code", ["\n".join(row["error"] + row["code"] + row["context"]) for row in code])
    for repo in (FASTCHAT, ALPACA_EVAL, ARENA, BANKING, TOOLS, NEWS):
        add("manuals", [mirrors.text(repo, path) for path in mirrors.paths(repo, r".*\.md")])
    add("PINT", pint(mirrors, ["PINT_documents"]))


def harmless(mirrors, known):
    rows = Rows("benign", known)
    add_ordinary(rows, mirrors)
    add_documents(rows, mirrors)
    for tier, source, name in (("hard", "NotInject", "NotInject_one"), ("hard", "NotInject", "NotInject_two"),
                               ("hard", "NotInject", "NotInject_three"), ("WildGuard", "PIGuard", "wildguard")):
        rows.add(tier, source, [row["prompt"] for row in mirrors.rows(PIGUARD, "datasets/%s.json" % name)])
    for source, name in (("English", "mitre_frr"), ("translated", "frr_multilingual_machine_translated")):
        refused = mirrors.rows(CSE, CSE_TOP + "mitre_frr/%s.json" % name)
        rows.add("hard", "false refusals, " + source, [row["mutated_prompt"] for row in refused])
    rows.add("hard", "PIF", pif(mirrors, "benign.json"))
    rows.add("hard", "PINT", pint(mirrors, ["PINT_hard_negatives"]))
    return rows


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("mirrors")
    p.add_argument("out")
    p.add_argument("--known", nargs="+", default=[], metavar="FILE")
    args = p.parse_args()
    mirrors, known = Mirrors(args.mirrors), known_sequences(args.known)
    os.makedirs(args.out, exist_ok=True)
    for name, make in (("attacks", attacks), ("harmless", harmless)):
        make(mirrors, known).write(os.path.join(args.out, name + ".jsonl"))


if __name__ == "__main__":
    main()
