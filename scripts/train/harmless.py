# SPDX-License-Identifier: Apache-2.0
"""Our own harmless long texts that look like attacks by their form: dialogues with turns marked, prompts that give a role
and rules, documents about guards of models and gateways, tasks for programmers, pages of shops and mails that ask for things. Templates are those of kinds.py."""
import kinds

ROLE = r"""{career adviser|tutor of mathematics|market analyst|copywriter|product manager|senior engineer|nutritionist|legal intake assistant|travel planner|interview coach|prompt optimizer|security auditor|trivia host|speech writer|research associate|storyteller|image prompt designer|UX reviewer|data scientist|wellness coach}"""
SLOTS = {
    "CITY": "Paris London Lisbon Chicago Oakland Sydney Boston Toronto Madrid Denver Oslo Berlin Austin Seattle Nairobi".split(),
    "NAME": "Mary Tom Ann Diego Priya Chen Fatima Lars Zoe Omar Kate Jorge".split(),
    "DAY": "today|tomorrow|Monday|next Tuesday|the 3rd of March|this weekend|March 11th|Friday evening|the day after tomorrow".split("|"),
    "TIME": "5 pm|quarter past 7|noon|11:30 in the morning|8 in the evening|half past 6".split("|"),
    "NUM": "1 2 3 4 two three five 12 six".split(),
    "PLACE": "The Sunset Grill|Blue Moon|Il Forno|Riverside Inn|Hotel Aurora|Golden Dragon|Park Lane 45|Café Central|The Red Lion".split("|"),
    "FILM": "comedy|drama|horror|action|romance|documentary|science fiction|Dragon Road|Little Rivers|After the Storm".split("|"),
    "ROLE": [ROLE],
    "STREET": "782 Oak Street|12 Mission Road|45 Park Avenue|310 Grand View|the station|the airport".split("|"),
}
OPENING = r"""{Hi|Hello|Hey|Hi there|Good morning}{,|.|!} {can|could|would} you {please |}{help me|find me|get me|look for} {{find |}a {table|restaurant|hotel room|cab|rental car|house|film|bus|flight|dentist|therapist|concert} {in|near|to|at} {CITY}{ for {NUM}|}|{something|anything} to {watch|do|listen to} {DAY}}{?|, please.}
{I|We} {want|need|would like|am looking|wish|plan} {to|for} {{book|reserve|find|see|rent} {a {room|table|film|car|house|ride|show}|tickets|an apartment}|go {out|there}|travel to {CITY}} {DAY}.
{I've|I have} {finished work|nothing to do|some free time|the day off} {DAY}{.| and want to relax.} {Are there|Can you suggest|Could you show me|Tell me about} {any |some |}{good |}{FILM} {films|movies|shows}{?| to watch?}
{What|How} is {my {balance|account}|the weather|traffic} {in {CITY}|like|now}{?| right now?}
{Please |}{transfer|send|wire} {$|}{NUM}{00|0|} {dollars |}to {NAME}{.| from my {savings|checking} account.}
{Are|Were} you also {good|excellent|any good} {at|in} {finding|booking} {movies|hotels|rides}?
{Play|Put on} {a song|some jazz|the new album}{ by {NAME}|}{.|, please.}
{Set|Add|Change} {an alarm|a reminder|a meeting} {for|at} {TIME}.""".split("\n")
USER = r"""{No|Yes|Sure|OK|Fine|Great|Perfect}, {that {is {all|fine|right|perfect}|works|sounds {good|great}}|thanks|go ahead|please do|book it}{.|!| then.}
{Actually,|Wait,|Hmm,|No,|Sorry,|On second thought,} {make it|I meant|change {it|that} to|I would prefer} {{NUM} people|{DAY}|{TIME}|{CITY}|something cheaper|the second one}.
{What|Which} {is|are} {the|their|its} {price|address|phone number|rating|director|hours|fare|menu}{?| like?}
{Tell|Show|Give|Send} me {more|the details|others|something else|the {first|last} one|the full list}{.|, please.}
{Does|Do} {it|they} {have|take|offer|charge} {GPS|pets|live music|vegan food|parking|a pool|cards|extra}?
{I will|I'll|We'll|We are} {be {leaving|there}|leave|arrive|travelling} {at {TIME}|{DAY}|from {CITY}|with {NUM}}.
{At|On|For|To|From|In|Around} {{TIME}|{DAY}|{CITY}|{STREET}|{NUM} people}{.|, please.}
{Forget|Skip|Ignore|Never mind|Cancel} {that {one|film|room}|it|the last one|the second}{.|, find another.|, I changed my mind.}
{Thanks|Thank you}{.|!| so much.| for your help.} {That is all|That's it|I need nothing else|Bye}.
{How about|What about|Check out|Try} {{PLACE}|{CITY}|{DAY}|{FILM}}?""".split("\n")
BOT = r"""{What|Which|How many|Where|When|At what time} {city|day|type|genre|people|time|account|area|name}{?| should {I|it be}?| do you {want|need|prefer|have in mind}?| are you looking for?}
{I|I have|I've} {found|located|see} {NUM|one|10} {options|movies|rooms|places|events|of them}{.|:|;} {How about|What do you think of|Would you like|There is} {PLACE|FILM}{?|. It {has|is rated|costs} {4.2|7.9|$40|60 euros}.}
{Please confirm|Let me confirm|Confirming|Just to be sure|Okay}{:|,} {{NUM} {tickets|people|rooms|seats}|a {table|ride|car|transfer}} {in|at|to|for} {CITY|PLACE|NAME|DAY} {at {TIME}|{DAY}|}.{ Is that {right|correct}?| Shall I go ahead?|}
{Done|Your {booking|reservation|transfer|ride} is {confirmed|made|complete|on its way}|I have booked it|It has been sent|The payment was made}{.|!} {Anything else|Is there anything else|What else can I do|Can I help with more}?
{I'm sorry|Sorry|Unfortunately|I could not do that}{,|;} {it|the booking|the place} {is full|was not possible|failed|is closed}. {Another time|Shall I try {DAY}|Would you like a different one}?
{It|The {film|room|address|number|price}} is {{STREET}|555-0143|12 dollars|directed by {NAME}|rated 4.5|free of charge|in the centre|no longer available}.
{Sure|Of course|Certainly|Absolutely|No problem|Okay}{.|!|,} {where|what|when|here it is|I can do that|one moment}{.|?}
{I think I am the best|I like to help|Happy to}{.|!} {Tell me|What} {the kind|genre|place} {you want|do you like}{.|?}
{You are welcome|Have a {nice|great} {day|trip|evening}|Enjoy the {film|meal|ride}|Goodbye}{.|!}""".split("\n")

PERSONA = r"""{You are|Act as|Take the role of|I want you to be} {a|an|the} {ROLE}{, an expert in {your field|the subject|your craft}|} {and help {me|users|the team} {with|in} {planning|writing|analysis|decisions|preparation}|with {10|20} years of experience}. {Your {mission|goal|task|job} is to {turn|transform} {any|the user's} {input|notes|idea} into {a {plan|report|prompt|summary}|clear steps}.|}
{## |### |**|# |<}{Role|Goal|Objective|Rules|Constraints|Instructions|Output format|Context|Identity|Author|Version|Audience|Workflow|Guardrails}{**|>|:|}
{- |* |1. |2. |}{Never|Do not|Don't|You must not} {invent {numbers|facts|sources}|give {legal|medical} advice|break character|skip a step|reveal {these instructions|your reasoning}|add {explanations|comments}|use jargon|mention {these rules|that you are an AI}|assume anything}{.|;}
{- |* |1. |3. |}{Always|You must|You will|You should} {ask {one question|for missing data} {first|at a time}|cite {sources|pages}|answer in {English|the user's language|a table}|stay {in role|neutral|on topic}|wait for {my|the user's} {answer|input}|follow {this|the} {order|structure|workflow}|use {metric units|plain words}}{.|;}
{- |* |}{If|When} the {user|client|student} {asks|says|gives|provides} {something off topic|no data|"stop"|a file|their goal}{,|:} {you |}{ask again|decline politely|summarise|proceed to step 2|start the {simulation|game|interview}|explain the limits}.
{My first {request|sentence|question} is|Start with|The first topic:|Begin by asking} {"{help me plan|write about|explain} {rivers|my thesis|the budget|a trip}"|for my name|about the industry|the deadline}.
{The {analysis|answer|text} {covers|has|contains} {three parts|sections|a table}|Output only {the {table|JSON|final text}|markdown}|Use {headings|bullets|short sentences}|Length: {300 words|one page}}{.|, nothing else.}
{You {have|get} full access to {the {board|repository|notes|documents}|my files}|Your {tone|style} is {calm|witty|cold|formal|warm}|Think {step by step|before you answer}|Take your time}.""".split("\n")

GUARDS = r"""{This guide|The chapter|The example|This page} {shows|explains|describes} how to {add|configure|test|write} {input rails|output rails|guardrails|moderation rules|a topic filter|jailbreak detection|a policy for the bot} {in|to|for} {your {app|bot|configuration}|the configuration|a chatbot}.
{Company policy|Policy|Rules} for the {bot|user messages|assistant}{:|} {should|must} not {contain|include|ask for} {explicit content|harmful data|personal information|abusive language|code to execute|insults}{, even if just a few words|}.
{should|messages should|it must} not {ask the bot to {impersonate someone|forget about rules|reveal the system prompt|return code}|try to instruct the bot to {respond in an inappropriate manner|ignore its policy}}
{define|flow} {user|bot} {ask {off topic|about politics|for help}|refuse to respond|express greeting|inform cannot answer}{\n  "{I cannot help with that|How are you?|What can you do?|Tell me about stocks}"|}
{The model|The LLM|The checker} {is asked|decides|answers yes or no} whether the {message|answer|input} should be {blocked|allowed}. {Question|Answer|Your task}: {should the user message be blocked (Yes or No)?|check if it complies with the policy}
{await|match|send|when} {user|bot} {action|said|asked something}{.Finished()|(final_transcript="{Hi|Great! Thanks|Good and you?}")|}
{The|A} {prompt|system prompt|instruction} {tells|asks} the {model|bot|assistant} to {answer only about {the handbook|orders}|refuse {other|unsafe} {topics|requests}|be {polite|brief}}{.|, and the rail checks that it does.}
{If|When} the {user|attacker} {asks|tries} to {bypass|ignore|override} the {rules|instructions}{,|} the {rail|guard|filter} {stops|blocks|refuses} {it|the message} {and logs the reason|before the model sees it}.
{> |User: |}{hi|hello|what is the weather|how many vacation days do I have}{\n> |\nBot: }{Hi there! How are you?|I can help with questions about {the handbook|your order}.|I am sorry, I can't respond to that.}""".split("\n")
WEB = r"""{Welcome to|Visit|Discover|Explore|Come and see} {our {shop|new site|blog|workshop|showroom}|PLACE|the {best|most trusted} {bakery|dentist|florist|agency} in CITY}{!|. We have {served|helped} {customers|families} {since 1987|for 20 years}.}
{Click|Tap} {here|the {link|button} below} to {learn more|subscribe|download the brochure|read the full story|claim your {discount|free sample}|unsubscribe at any time}{.|!|, no strings attached.}
{Call|Contact|E-mail|Write to} us {today|now|at 555-0187|at info@shop.example} {for|to get} {a free quote|an appointment|more information|your tickets|the password of the guest network}{.|!}
{Do not|Don't|Never} {miss|forget|ignore|wait for|hesitate to {call|ask about}} {our {offer|sale|spring collection}|the {signs|deadline|leaking roof}|us}{.|!| - it ends {DAY}.}
{The|Our} {new|latest|previous|original|updated} {rules|guidelines|terms|policy|instructions} {apply|take effect|are in force|replace the old ones} {from|on} {DAY}{.|; please read them.}
{She|He|The author|The mayor|Our chef} {said|wrote|revealed|told us|admitted} that {the secret {of|to} {good bread|a long life|the recipe} is {time|patience|butter}|{rules|orders} were {ignored|forgotten}|the {letter|key|story} was {hidden|a secret}|nothing {would|will} change}{.|, in {CITY}.}
{You|We|They} {must|have to|should|need to} {be {18|21} or older|sign the form|bring an ID|follow the instructions {on the {label|screen}|of the staff}|agree to the terms|register first} {to|before you} {enter|order|use the {site|machine|pool}|take part}{.|!}
{Dear|Hi|Hello} {NAME|team|customer|colleague|subscriber},\n\n{please|could you|I would be glad if you could|kindly} {send|forward|return|sign|confirm|review|update|transfer} {the {report|invoice|draft|deposit|minutes|address}|your {details|answer|availability}} {to {NAME|me|accounting}|by {DAY}|before we meet}{.|, thank you.|. Let me know if anything is missing.}
{Best|Kind regards|Thanks|Yours|Cheers},\n{NAME}{\n\n{--|On {DAY}, {NAME} wrote:|Sent from my phone|This mail is confidential. If you are not the intended recipient, please delete it and tell the sender.}|}
{Your|The} {order|parcel|account|subscription|password|appointment} {has been|was|will be} {shipped|confirmed|changed|cancelled|suspended|renewed}{.| on {DAY}.| If this was not you, tell us at once.}
{In this|The} {article|post|review|study|chapter|video} {we|I} {look at|explain|compare|show} {how to {choose|repair|clean|plant} {a bike|a roof|roses|shoes}|what {AI|assistants|robots} {can|cannot} do|why {prices|rules|models} change}{.|, step by step.}
{Add|Mix|Heat|Remove|Repeat|Drop|Transfer} the {dough|oil|onions|second layer|mixture|screws} {into|from|to|with} the {bowl|pan|frame|wall}{,|.|; then} {wait|rest|stir|tighten} for {NUM} minutes{.|, and start again.}
{Comments|Reviews|Related posts|Share this|Print|Log in|Search|Next|Previous|Leave a reply|Privacy policy|Terms of use|All rights reserved}{ ({NUM})|| - {DAY}|:}""".split("\n")
TASKS = r"""{def|function|int|fn} {solve|count_words|closest|is_valid|encode|find_all|rotate|parse}({s|text|words|n, k|lst})\n    \"\"\"{You are given|Given} {a {string|list|number|matrix|sentence}|an array of integers|two words}{.|,} {Your task is to|You have to|You must|Write a function that|Return} {find|return|count|replace|reverse|remove} {the {first|closest|longest|last} {vowel|word|letter|number}|every {digit|letter|word}{ whose length is prime|}|all {rules|values} above the {limit|threshold}}{ from the {left|right} side|}.
{Ignore|Skip|Do not count|Leave out} {case|spaces|empty lines|punctuation|the first {element|letter|line}|words with capital letters}{.|, and return the rest.|; the order stays the same.}
{You may|You can|You should} assume {that |}{the {given|input} {string|list|sentence} {contains only {letters|digits|words}|is not empty|is sorted}|all {words|inputs} are valid}{.|, so no check is needed.}
{If there {is|are} none|If it is not possible|Otherwise|If the {string|list} is empty}{,|} {return|print|output} {an empty string|-1|None|an empty list|"{No|Yes|Invalid}"|0}{.| only.}
{>>> |Example: |Input: }{solve("{yogurt|quick|hello world}")|count_words("this is a test")|3 4 5|[1, 2, 3]}{\n| -> |\nOutput: }{"u"|4|""|[3, 2]|True}
{Explain|Complete|Review|Translate} {this|the following|the given} {code|function|snippet|query}{.|: |\n\n}{static int|return|struct|p.error(|const|typedef struct} {parse_header|chunk_size|on_message|settings|callback}{;|, 'Missing {character|end} after {name|value}')|(void *arg);}""".split("\n")
GATEWAY = r"""{## |### |# |}{Prompt guard|Guardrail|AI gateway|LLM|MCP|Moderation|Agent|Routing|Authorization}{ example| configuration| policy|s| server}{\n|: }{this example|the {config|policy} below} {shows|explains} how to {route|guard|protect|expose|limit} {requests|responses|prompts|tools|models} {with|behind|through} {the gateway|one listener|a proxy}.
curl {-s |}http://localhost:{3000|8080}{/v1/chat/completions|} -H "Content-Type: application/json" -d '"model": "{gpt-4o-mini|claude|llama}", "messages": ["role": "{user|system}", "content": "{Hello|What is the weather|My {SSN|card|e-mail} is ...|Tell me a joke|Write a haiku}"]'
{body|reject|error|message|status}: {"Request rejected{: {content contains {sensitive|harmful} information|policy violation}|}"|403|inappropriate content|"access denied"}
{The|A|This} {gateway|proxy|guard|policy|webhook} {rejects|masks|blocks|logs|inspects|forwards} {the request|prompts that {contain|match}|any {message|answer} {with|containing}} {a {social security number|secret|credit card}|{harmful|unsafe} content|instructions {to|that} {ignore|override} {the rules|a policy}}{.|, and {returns|answers} 403.|, without the {client|user} {noticing|seeing it}.}
{Run|Start|Validate|Send|Open} {the {example|gateway|server|request}|it} {with|without starting, with|by}{:|} {cargo run -- -f examples/config.yaml|--validate-only|docker compose up|npx inspector|agent -f config.yaml}
{- |* |}{Related|Implementation|Design|Tracking issue|Owner}: [#{1714|88|204}](https://{git|code}.example/{gateway|agent}/issues/{1714|88})
{The|Each} {token|key|JWT|header} {must|should|is} {be {valid|signed|sent}|{checked|validated|stripped|replaced} before {the|a} {tool|model|backend} is {called|asked}}{.|; otherwise the request is {denied|refused}.}
{policies|rules|promptGuard|listeners|backends|routes|actions}:\n  - {name: {default|ai|strict}|regex: "{ssn|credit_card|email}"|action: {mask|reject|allow}|host: api.example}""".split("\n")
SPEC = r"""{PROMPT NAME|Prompt Title|TITLE|Name|name}: {Neutral Intake Organizer|Trip Planner|App Architect|Music Agent|Scam Briefing|Career Analyst|Trivia Night}{\n|. }{AUTHOR|Author}: {Sam|Kim L|R. Diaz}{\n|. }{VERSION|Version}: {1.3|2.0|0.9}{\n|. }{LAST UPDATED|Updated|Supported engines}: {2025-11-02|today|any model, best first}
{<|## |**|}{role|goal|objective|mission|context|task|scope|non-goals|inputs|output_format|constraints|tone|guardrails|changelog|identity|failure modes}{>|:|**}{\n| }{{You are|Act as} {a|the} {ROLE}{ - part {interviewer|analyst|editor}, part {translator|coach|critic}|, {the|a} lead {manager|architect|reviewer} for {the|this} project|}.|{Provide|Produce|Deliver|Create} {a {neutral|clear|structured} {briefing|summary|plan|report}|three {options|drafts}} {for|about} {the {user|region|client}|any topic}.}
{You have|The agent has} {full |}access to {the {project's|user's} {files|notes|history|file structure}|web search|the tools below}{.|, and {use|uses} them before {asking|answering}.}
{NEVER|DO NOT|Never|You do not|This prompt does not} {give {legal|medical|financial} advice|{invent|guess} {facts|numbers|names|laws}|{judge|diagnose|assume} {intent|guilt|the cause}|skip {a phase|the questions}|{mention|repeat|reveal} {this prompt|these rules|internal steps} {to the user|in the {output|answer}}|{exit|break|leave} {character|the role} {until|unless} {told|the user says "{stop|exit}"}|override {the user's|earlier} {choices|answers}}{.|;|!}
{Stay|Remain|Speak|Write} {fully |}{in character|neutral|calm|in {his|her} voice|dry and {witty|cold}} {at all times|throughout|from {start|the first line} to {finish|the last}}{.|, {with|and use} {sarcasm|short lines|no emoji}.}
{Phase|Step|Stage|Mode|Module} {1|2|3|A}{:|.| -} {{ask|collect|confirm} {the {user's|client's} {goal|name|region|budget}|one question at a time}|{score|rank|sort} {the {risks|answers|options}} {from 1 to 10|by impact}|{wait|stop} {for|until} {the user|"{GO|START|CONTINUE}"}|{summarise|print} {the result|a table} and {stop|ask what is next}}.
{If|When|Unless} {the user {asks|tries} {for {legal advice|something else}|to {change|skip} {the rules|a step}}|{information|data} is missing|unsure}{,|:} {{say|answer} {so|"I can't help with that"}|{go|return} to {step 1|the {menu|role}}|ask {once|again}, then {go on|stop}}.
{[INSERT {ROLE|TOPIC|GOAL}, E.G. {A CHEF|RIVERS|SPAIN}]|<your {topic|text|name} here>|Replace the {brackets|examples} with your own|Use this agent when {adding|planning|reviewing} {features|tests|music}}{.|, then {send|paste} {it|this prompt}.|}""".split("\n")
MARKS = (("User", "Assistant"), ("User", "Assistant"), ("User", "Assistant"), ("Human", "AI"), ("user", "assistant"), ("Customer", "Agent"), ("Q", "A"), ("USER", "SYSTEM"))


def line(rng, templates):
    return " ".join(kinds.expand(rng, rng.choice(templates), SLOTS).split(" "))


def dialogue(rng):
    who = rng.choice(MARKS)
    out = ["%s: %s" % (who[0], line(rng, OPENING))]
    for i in range(rng.randrange(3, 18)):
        said = line(rng, USER if i % 2 else BOT)
        if rng.random() < 0.4:
            said += " " + line(rng, USER if i % 2 else BOT)
        out.append("%s: %s" % (who[1 - i % 2], said))
    return "\n".join(out)


def persona(rng):
    return "\n".join([line(rng, PERSONA[:1])] + [line(rng, PERSONA[1:]) for _ in range(rng.randrange(4, 30))])


def guards(rng):
    return "\n".join(line(rng, GUARDS).replace("\\n", "\n") for _ in range(rng.randrange(3, 16)))


def web(rng):
    """A page of a site, or a mail."""
    return rng.choice([" ", "\n"]).join(line(rng, WEB).replace("\\n", "\n") for _ in range(rng.randrange(2, 24)))


def pages(rng, templates, most):
    return rng.choice(["\n", "\n", "\n\n", " "]).join(line(rng, templates).replace("\\n", "\n").replace('\\"', '"')
                                                    for _ in range(rng.randrange(2, most)))


def task(rng):
    return pages(rng, TASKS, 6)


def gateway(rng):
    return pages(rng, GATEWAY, 14)


def spec(rng):
    return pages(rng, SPEC, 28)


FILLERS = """The quick brown fox jumps over the lazy dog.|Lorem ipsum dolor sit amet, consectetur adipiscing elit.|This is a test.|and then?
All work and no play makes Jack a dull boy.|Testing, one, two, three.|Hello world.|I will not talk in class.|Are we there yet?|blah blah
some words|The boat lies at the quay.|She thinks about it for a while.|It rains, and the dog sleeps on the sofa.|one more line of text
An answer of some length that nobody reads.|ping|What a long day it was.|I walked over the bridge and back again.""".replace("\n", "|").split("|")


def repeated(rng, sentence):
    """The same again and again, as tests fill a page and people an exercise book."""
    texts = [rng.choice(FILLERS) if rng.random() < 0.5 else sentence for _ in range(rng.choice((1, 1, 1, 2)))]
    return rng.choice([" ", " ", "\n", "  "]).join(texts * rng.randrange(3, 45))
