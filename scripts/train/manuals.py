# SPDX-License-Identifier: Apache-2.0
"""Our own technical prose: manuals, licences, change logs, references. Harmless, and full of the words that attacks are
made of: ignore, override, previous, secret, must, reveal, delete, instructions, prompt."""
import kinds

MANUALS = r"""**To delete a secret at once**\n\nThe following ``remove-secret`` example deletes the secret without a waiting period. You cannot get it back. ::\n\n    vault remove-secret --name demo --force\n\nOutput::\n\n    {"name": "demo", "state": "deleted"}
**Example 2: To list every secret of your account**\n\nThe ``list-secrets`` command prints the names of all secrets that you may read; values are not shown. Add ``--show-values`` to reveal them.
**Important** If you delete the forwarder, queries from your network are no longer sent to the resolver, and the rules that name the deleted forwarder are ignored.
To set a password policy, run ``policy set``. The policy in force before is replaced; passwords that were set earlier stay valid until they expire.
--ignore-installed\n    Act as if no version were installed, so nothing is removed first. Overrides --upgrade.\n\n--no-deps\n    Do not follow dependencies.\n\n--force\n    Skip all checks. Use with care.
``-q``, ``--quiet``\n  Print nothing but errors. Given twice, print nothing at all. Overrides ``--verbose`` where both are given.
IMPORTANT: this command changes the database in place. Make a backup before you continue. Do not interrupt it: an interrupted run leaves the tables locked.
NOTE: the options below take effect only on the first start. To change them later delete the state directory, which removes all keys, and start again.
You must not remove the copyright lines. You must give every recipient a copy of these terms. Nothing else in this licence limits what you may do with the software.
Each contributor grants you all rights that are needed to use the work. This licence does not give you the right to use names or marks. Notwithstanding the above, nothing here replaces a separate agreement that you may have signed.
You may copy and share exact copies of the source in any medium, provided that you keep all notices that refer to this licence and to the absence of a warranty, and give all recipients a copy.
## 4.2.0\n- the prefix was dropped from all commands\n- debug mode no longer prints tokens\n- ``--act-as`` is now called ``--role``; the old name is ignored\n- fixed: a rule that was disabled was still applied
## Changes\n* Ignore white space at the end of previous lines.\n* Overriding a default by an empty value is now an error.\n* The system message is not repeated for every request.
The function returns everything before the separator. What comes after it is discarded. If the separator is missing, the whole text is returned.
If a value is set in several files, the last one wins: user settings override those of the system, options of the command line override both.
A request that carries no key is refused with 401. The text of the answer never reveals whether the key exists. Administrators see the reason in the log.
All rules that match are applied in the order of the file. A rule with ``stop: true`` ends the evaluation; rules after it are ignored for that message.
The filter can be switched off for a single message: put ``X-Filter: off`` in front. Only members of the group ``operators`` may do so; from others the header is ignored.
Filters without restrictions are allowed only in test mode. In production every filter needs a limit, or the server refuses to start.
The system prompt is the text that an application puts in front of every conversation. It says what the assistant may do and how it answers; users do not see it.
A prompt has three parts: instructions, context and question. Put the instructions first, and separate the context with a line of its own, so that the model does not take it for instructions.
The guard compares an answer with the system prompt. If more than half of its sequences of words come back, the answer is cut and the event is written to the audit log.
Attacks on language models are often called prompt injection: a text tries to make the model follow other instructions than those of the application. See the chapter on guards.
The rule finds phrases that ask a model to set its instructions aside. Harmless texts that quote such phrases are scored lower. You can disable the rule by its id.
"score": how sure the detector is, from 0 to 100. Scores under 50 are not reported. A preset decides from which score on a request is blocked.
The role play module lets authors write characters. A character never knows what was said in other scenes, and acts only on what stands in its own notes.
.. versionadded:: 3.1\n   The ``MODE`` argument. Before that, ``STRICT`` was always assumed.\n\nThis policy was added in version 3.1. The old behaviour is to ignore unknown keys; the new one is to report an error.
include(file [OPTIONAL] [RESULT var])\n\nLoads and runs code from the given file. If OPTIONAL is present, it is no error when the file does not exist. Variables keep the values that they had before.
add_target(name [SYSTEM] [BEFORE|AFTER] [PUBLIC|PRIVATE])\n\nWith SYSTEM the compiler is told that warnings from these folders are to be ignored.
message([mode] "text" ...)\n\n``FATAL`` stops at once, ``STATUS`` prints the text for the person who reads along, ``NOTICE`` prints important text on standard error.
The client MUST NOT send another request before the response to the previous one is complete, unless both sides have agreed on pipelining. A server that receives one anyway SHOULD ignore it.
Receivers MUST ignore fields that they do not know. A sender MUST NOT rely on such a field being forwarded. All previous versions of this document are obsolete.
Visit this address in a browser, copy the code that is shown, and paste it at the prompt. The token is stored in a file, which stays valid until you revoke it.
Run ``login`` again if the session has expired. Your credentials are not sent to third parties, and nothing of them is written to the history.
To reset the password of an administrator, stop the service, start it with ``--recover``, and follow the instructions on the screen. Tell the user to choose a new password at once.
Send the report with the command ``report --send``. It includes the output of the last run and the configuration without its secrets.
The hook is called with the output of the previous step. Return ``None`` to leave it as it is, or a text to use that instead.
``exec EXPR``, ``p EXPR``: evaluate an expression and print its value.\n``list(n)``: show n lines of the source around the current place.\n``stop``: end the debugger and the program.
Emergency access: if all administrators are locked out, any two holders of the recovery key can grant access together. The event is sent to everybody on the list.
When a container is stopped, everything that was written outside its volumes is lost. Do not store passwords or keys in the image: everyone who can pull it can read them.
The assistant in the editor suggests a change. Accept it with Tab, or ignore it and keep typing. Suggestions are never applied without your consent.
Instructions for reviewers: read the description first, run the tests, and answer the questions of the checklist. Do not approve a change that you have not run.
This document is processed by a script that builds the index. Do not edit the lines between the markers; whatever stands there is overwritten at the next run.
You are reading the manual of version 2. If you want to see the instructions for version 1, switch to its branch. The two cannot be used side by side.
The user agent tells the server which program it is. Some servers pretend to be older ones; the client should then act as if no extension were supported.
A tool is a function that the model may call. Its result goes back to the model as a message with the role ``tool``; the application may change or withhold it first.
The ``send_email`` tool takes ``to``, ``subject`` and ``body``. It is disabled unless the operator has listed the recipients that are allowed.
# Do not forward packets between the two networks\nnet.forward = 0\n# Ignore all pings\nnet.ignore_echo = 1\n# Drop what has no route back\nnet.filter = strict
if (!override && previous) {\n\t/* keep what was told earlier */\n\treturn previous->instructions;\n}\n\nignore_all(&list);\nreveal_hidden(window, true);
def forget(self, key):\n    \"\"\"Drop everything that was remembered for the key; unknown keys are ignored.\"\"\"\n    self.memory.pop(key, None)\n\ndef reveal(self):\n    return self.secret.hex()
SELECT secret_id, owner FROM secrets WHERE disabled = false AND owner <> 'admin' ORDER BY created; -- all but those of the administrator
{"name": "list_policies", "description": "Returns all policies that are attached to your account.", "parameters": {"type": "object", "properties": {"limit": {"type": "integer"}}}}
| option | default | meaning |\n|---|---|---|\n| `ignore_case` | false | treat A and a alike |\n| `override` | none | a file whose values replace those above |\n| `secret_file` | none | where the key is read from |
| field | what it says |\n|---|---|\n| `verdict` | allow, flag, mask or block |\n| `reason` | why the request was refused |\n| `rule` | which rule found it; never what was found |
Q: Can I override a rule for one user only?\nA: Yes, with an exception. Exceptions are listed under your account and end by themselves after the time that you set.
Q: What happens to messages that came before the filter was on?\nA: Nothing. Only new messages are looked at; you can scan old ones with the command ``rescan``.
Step 3. Ignore the warning about the unknown publisher and choose Continue.\nStep 4. Type the password that you chose before.\nStep 5. Restart the machine when you are asked to.
Warning: never share your recovery phrase. Our staff will never ask you for it. Whoever knows it can move all your funds.
Known problems: in developer mode the limit on requests is not enforced. Do not enable developer mode on machines that others can reach.
The scheduler skips jobs whose previous run has not ended. To start such a job anyway, add ``--now``; all other jobs wait until it is done.
By default the last instruction of a block is repeated until the condition fails. Use ``break`` to leave the block, ``continue`` to skip the rest of it.
Text that nobody sees, like characters without width, is removed before the comparison. Letters that look alike are treated as equal.
Answers are cut when they repeat a canary. A canary is a word that stands in the system prompt and nowhere else; tell nobody what it is.
Your rights: you may ask us at any time which data about you we store, and have it corrected or deleted. Send your request to the address above and include a copy of your identity card.
The contract ends without notice if a party breaks its obligations and does not stop within ten days after it was told to. Previous agreements, oral or written, are void.
Teachers: please print the instructions below and hand them out before the experiment. Students who have not read the rules must not enter the laboratory.
Policy: employees must not disclose confidential information to anyone outside the company. This rule applies from the first day and stays in force after the contract has ended.
Release the brake, ignore the beep, and push the lever down until it clicks. If the lamp does not go out, repeat the previous step.""".split("\n")


def manual(rng):
    """A page of some of them."""
    parts = [p.replace("\\n", "\n").replace('\\"', '"') for p in rng.sample(MANUALS, rng.randrange(1, 7))]
    return "\n\n".join(parts)


# References of commands, licences, lists of changes and interfaces: made of the same few sentences again and again.
THING = r"""{secret|password policy|access key|load balancer|gateway|DB shard group|restriction policy|replication set|user|role|instance profile|pull request|rule|approval state|recovery point|job|model|prompt|vocabulary filter|session|token|forwarder|domain|trust policy|permission|guardrail|backup|cluster|agent|placement group}"""
DOES = r"""{describe|list|delete|update|reset|revoke|approve|rotate|set|get|put|create|remove|disable|enable|cancel|restore|stop|start|attach|detach|grant|change|retrieve|override}"""
COMMAND = r"""**{Example 2: |Example 1: |}To {DOES} {a|your|the|all|an existing|the current} {THING}{s|} {at once|for a user|in your account|unsuccessfully|without a waiting period|}**\n\nThe following ``{DOES}-{it|keys|rules|state|policy}`` {example|command} {shows|prints|deletes|resets|lists|replaces|describes|approves|reveals} {all {of |}your {THING}s|the {THING} {with the {name|ID} of ``demo``|of the {specified|current} user|that you {may read|created {earlier|before}}}}{.| in the {specified|default} {Region|account}.| This can't be undone.} ::\n\n    {tool|cloud|acct} {DOES}-{it|keys|policy} {\\n        |}--{name|id|secret-id|user-name} {demo|27|MyTest|alice}{ --force| --all| --no-dry-run|}\n\n{Output::\n\n    "{Name|Arn|State}": "{demo|deleted|ENABLED|MyTestSecret}"|This command {produces|prints} no output.}
{For more information{, see|:} |See }`{Managing|Working with|Deleting|Rotating} {secrets|rules|users|policies|your keys} <https://docs.example/guide>`__ in the *{User|Developer|Admin} Guide*.
{If you {wanted|want} to {revoke|allow|restore|undo} {approval|it|the {rule|change}} instead, {then |}set ``--{state|mode}`` to ``{REVOKE|ALL|NONE}``|You must {delete|remove|stop} all {databases|members|rules} {before|first}|An error occurs when you try to {DOES} a {THING} {before|while} {it is {in use|empty}|others {use|own} it}}.
``--{force|all|quiet|no-verify|ignore-{missing|errors|scripts}|allow-{root|unsafe}|show-secrets|override}`` ({boolean|string|list})\n\n{Do not {ask|stop|print|check} {for confirmation|anything|at the first error}|{Ignore|Skip|Act as if there were no} {missing files|previous runs|scripts|rules|restrictions}|Overrides {the {value|rule}|all} {set|given} {before|earlier|in the {file|environment}}|{Print|Show|Reveal} {hidden {files|fields|options}|the secret {value|part}}}.
{Permission {is|to} {use, copy, change and pass on|copy and distribute} {the|this} {software|data|work|documentation} {for any purpose{,| and} without fee|without limit}{ is given|}|You {may|can} {copy|change|use} {it|the work} {freely|in any medium}}{,| provided that} {the {above |}{notice|copyright} {appears in all copies|stays}|all {recipients|copies} {get|carry} {this licence|these terms}}.
{UNLESS {REQUIRED BY LAW|AGREED IN WRITING}|Unless you {explicitly |}{state|agree} otherwise}{,} {the {work|software} is {given|provided} "as is"{, without warranty of any kind|}|any {contribution|change} {you submit|of yours} is under {the|these} terms {and conditions |}of this licence{, without any additional {terms|conditions}|}|no {name|mark} {may|shall} be used {to {endorse|promote} products|without permission}}.
{Notwithstanding|Regardless of} {the above|any other {term|section}|anything that was agreed}{,} {nothing {here|in this licence} {replaces|limits|overrides} {your rights|a separate {agreement|arrangement}}|{public licences|these terms} {may|can} be {waived|revoked} {at any time|in writing}|no {party|one} {must|shall} {disclose|follow|claim} {confidential {data|terms}|earlier {versions|agreements}}}.
{You {must|may not|shall not|must not} {remove|alter|obscure|restrict|impose} {any|all|further} {notices|restrictions|terms|technical measures} {in|on|to} {the {work|source|recipients}|your {copies|versions}}|If {any|a} {provision|part} is {held |}{void|invalid|unenforceable}{,} {the rest|all others} {stays|remain} in force}.
{* |- |+ }{{tool|core|build|docs|cli}: |}{ignore|do not ignore|fix|drop|remove|forget|reset|stop|keep|allow|deprecate|rename|override} {the {previous|last|old|default} {value|prefix|prompt|mode|key|rule}|{empty|unknown|hidden} {lines|options|fields}|{system|user} {messages|settings|prompts}|instructions {for|of} {installing|older versions}} {rather than {failing|ignoring them}|instead of {asking|printing}|in `{install|which|exec}`|when {piped|quiet}|}{ (#{594|18|2041})|}
{This|The} {will |}{invalidate|reset|clear|revoke|replace|delete} {the {token|session|cache|credentials|password}|all {keys|settings|rules}} {everywhere|for {every|all} user{s|}|in {your|the} {configuration|account}}{, not just {here|for the current {project|environment}}|; it only affects {this|the current} {host|shell}}.
.. {versionadded|versionchanged|deprecated|note|warning}:: {3.17|1.2|}\n  {{Messages|Rules|Policies|Commands} {below|of} {level|mode} ``{NOTICE|STRICT}`` {are|were} {ignored|no longer printed|replaced}|{Reset|Restore} {it |}to the {unmodified|original|initial} value, ignoring {all|any} {changes|modifications} {before|prior to} this {entry|line}|The former {documentation|policy} is {now at|replaced by} {the|a} {new|other} {page|one}}.
{Additionally|Typically|In this case|Note that|For example}{,} {if|when} {you know|it happens} that {your|the} {credentials|tokens|requests} {do not {need|have} to|must} {{make|send} {a|HTTP} request{s|}|be {refreshed|sent|stored|revealed}}{,|} {you can {skip|ignore|disable} {this|the check|that step}|{use|pass} ``{None|redirect=False|verify}``}.
{If your {key|account|file} is {protected by|locked with} a {password|passphrase}|To {sign|publish|log in}}{,} {you {might|may|will} need to|first} {run|enter|type|load}{:|} {``export TTY=$(tty)``|Enter passphrase for key 'HOME_OF/.ssh/id':|``agent unlock``|the correct key}{.|, {or you will see|then continue with} the {following|next step}.}""".split("\n")
PLACES = {"{THING}": THING, "{DOES}": DOES, "HOME_OF": "/home" + "/user"}
for place, what in PLACES.items():
    COMMAND = [t.replace(place, what) for t in COMMAND]


def reference(rng):
    """A page of one kind mostly."""
    kind = rng.sample(COMMAND, rng.choice((1, 2, 3, 6, len(COMMAND))))
    return "\n\n".join(" ".join(kinds.expand(rng, rng.choice(kind), {}).replace("\\n", "\n").split(" "))
                       for _ in range(rng.randrange(1, 9)))
