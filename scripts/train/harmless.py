# SPDX-License-Identifier: Apache-2.0
"""Our own harmless long texts that look like attacks by their form: dialogues with turns marked, prompts that give a role
and rules, documents about guards of models, pages of shops and mails that ask for things. Templates are those of kinds.py."""
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
