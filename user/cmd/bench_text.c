/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/bench_text.h"

#include <string.h>

#include "scan/pack.h"

static unsigned pick(uint64_t *seed, unsigned n)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((*seed >> 33) % n);
}

/* --- ordinary: what people and programs send ------------------------------------------------- */

static const char *const subjects[] = {
	"the report",	      "our customer",	   "the second draft",	"this function",
	"the old contract",   "a new version",	   "the whole team",	"my colleague Anna",
	"the review meeting", "the test suite",	   "your last answer",	"the chapter on methods",
	"the weekly summary", "every invoice",	   "the Berlin office", "a short paragraph",
	"the data model",     "the training plan", "our supplier",	"the garden",
};
static const char *const verbs[] = {
	"describes",	 "explains",	 "should mention", "was written before", "depends on",
	"could replace", "does not use", "is based on",	   "often follows",	 "will improve",
	"compares",	 "summarises",	 "needs",	   "has to support",	 "came after",
};
static const char *const objects[] = {
	"the main results",
	"a simple example",
	"three different ways to travel",
	"the budget for next year",
	"how people learn a language",
	"the delivery on Monday",
	"a table with prices",
	"the reasons for the delay",
	"what was agreed last week",
	"the order of the steps",
	"a recipe with fresh vegetables",
	"the history of the town",
	"the error in line 42",
	"an argument against it",
	"his notes from the interview",
	"a friendly tone",
	"the system we use at work",
	"the question about sleep",
};
static const char *const tails[] = {
	"",
	" in plain words",
	" for a reader who is new to it",
	" since 2019",
	" and why it matters",
	", although nobody asked for it",
	" by about 15%",
	" (see the appendix)",
	" without repeating the introduction",
	", as far as I know",
	" before the end of the month",
	" in two or three sentences",
};
static const char *const asks[] = {
	"Please rewrite this so that it sounds more natural. ",
	"Can you give me a list of five ideas? ",
	"What do you think about it? ",
	"I'm not sure whether that's right, but let's try.\n\n",
	"Here is the text:\n\n",
	"Thanks a lot! ",
};

#define ANY(list, seed) ((list)[pick((seed), sizeof(list) / sizeof((list)[0]))])

/* One sentence, now and then a question; one in 64 holds something to be found. */
static int more_prose(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	const char *subject = ANY(subjects, seed);
	int rc;

	(void)r;
	if (pick(seed, 8) == 0)
		return rw_buf_add_str(out, ANY(asks, seed));
	if (pick(seed, 64) == 0)
		return rw_buf_addf(out, "Write to sam.%u@example.com or call +1 212 555 01%02u. ",
				   pick(seed, 9000), pick(seed, 100));
	rc = rw_buf_addf(out, "%c%s %s %s%s", subject[0] - 32, subject + 1, ANY(verbs, seed),
			 ANY(objects, seed), ANY(tails, seed));
	return rc ? rc : rw_buf_add_str(out, pick(seed, 6) ? ". " : ".\n\n");
}

/* What people paste between their sentences: what looks like a disguise and is none. */
static int more_mixed(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	static const char *const lines[] = {
		"User: Can you explain the internationalization settings?\n",
		"Assistant: Yes, e.g. the date (d.m.y), or 24-hour clocks; see section 3.2.1.\n",
		"- first a), then b), and at last c) or d)\n",
		"See https://www.example.com/guides/getting-started?lang=en&amp;page=%20two for "
		"more.\n",
		"The class AbstractConnectionFactory has a method setMaximumIdleConnections.\n",
		"printf(\"%02d: %s\\n\", i, name); x = a + b; f(i, j, k, 0, 1, 2);\n",
		"| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |\n",
		"It's \"good enough\", isn't it? \xe2\x80\x93 na\xc3\xafve caf\xc3\xa9 owners "
		"say so.\n",
		"commit 9c1f0a7be3d24c55a8e07b1fd6a3c2e4f5061728 fixes it\n",
		"Set `LD_LIBRARY_PATH=/usr/local/lib` and run ./configure "
		"--without-documentation\n",
	};

	if (pick(seed, 10))
		return more_prose(out, seed, r);
	return rw_buf_add_str(out, ANY(lines, seed));
}

/* A number goes where a line ends and the next one begins. */
static int more_code(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	static const char *const lines[][2] = {
		{"def load_rows(path, limit=", "):\n    rows = []\n"},
		{"    for i, row in enumerate(table.items()):\n        if row[\"id\"] == ", ":\n"},
		{"            rows.append(normalise(row.value, width=", "))\n"},
		{"    return {k: v for k, v in rows if v is not None}  # at most ", "\n\n"},
		{"static int rw_item_put(struct item *it, size_t n)\n{\n\tif (n > ", ")\n"},
		{"\t\treturn -EINVAL;\n\tmemcpy(it->data + it->len, src, n);\n\treturn ", ";\n}\n"},
		{"const total = items.reduce((sum, x) => sum + x.price * x.count, ", ");\n"},
		{"SELECT name, COUNT(*) FROM orders WHERE year >= ", " GROUP BY name;\n"},
		{"import numpy as np\nx = np.linspace(0.0, ", ".5, num=50)\n"},
		{"    assert result.status_code == ", ", result.text\n"},
		{"#include <stdint.h>\n#define BUFFER_SIZE 0x", "ul\n"},
		{"logger.info(\"processed ", " rows in %.2f s\", time.monotonic() - t0)\n"},
	};
	const char *const *line = ANY(lines, seed);

	(void)r;
	return rw_buf_addf(out, "%s%u%s", line[0], pick(seed, 5000), line[1]);
}

static int more_json(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	(void)r;
	return rw_buf_addf(out,
			   "{\"id\": %u, \"uuid\": \"%08x-7b1c-4e3a-9f10-9ac4%08x\", \"created\": "
			   "\"2026-%02u-%02uT0%u:15:30Z\", \"price\": %u.%02u, \"tags\": [\"new\", "
			   "\"sale\"], \"title\": \"%s\", \"active\": true, \"note\": null},\n",
			   pick(seed, 1000000), pick(seed, 1u << 31), pick(seed, 1u << 31),
			   1 + pick(seed, 12), 1 + pick(seed, 28), pick(seed, 10), pick(seed, 900),
			   pick(seed, 100), ANY(objects, seed));
}

/* --- hostile: made to cost ---------------------------------------------------------------------
 */

/* Appends all of a rule's match cases, without their marks; less: bytes cut off the end of each. */
static int add_cases(struct rw_buf *out, const struct rw_rule *rule, size_t less)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < rule->match.n; i++) {
		const char *p = rule->match.at[i].text;
		size_t from = out->len;

		for (; !rc && *p; p++) {
			bool mark = (p[0] == '\xc2' && (p[1] == '\xab' || p[1] == '\xbb'));

			rc = mark ? 0 : rw_buf_add(out, p, 1);
			p += mark;
		}
		if (!rc && out->len - from > less)
			out->len -= less;
		if (!rc)
			rc = rw_buf_add(out, "\n", 1);
	}
	return rc;
}

static int more_cases(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	return add_cases(out, rw_rules_rule(r, pick(seed, rw_rules_count(r))), 0);
}

/* What begins as every rule's value does and is none. */
static int more_near(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	return add_cases(out, rw_rules_rule(r, pick(seed, rw_rules_count(r))), 2);
}

static int more_random(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	char byte = (char)pick(seed, 256);

	(void)r;
	return rw_buf_add(out, &byte, 1);
}

/* One token of letters and digits that never ends. */
static int more_token(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	(void)r;
	return rw_buf_add(out, &letters[pick(seed, 64)], 1);
}

static int more_hex(struct rw_buf *out, uint64_t *seed, const struct rw_rules *r)
{
	(void)r;
	return rw_buf_addf(out, "%08x", pick(seed, 1u << 31));
}

const struct rw_bench_text rw_bench_texts[] = {
	{"prose", "questions and prose in English", false, .more = more_prose},
	{"mixed", "prose with what people paste between", false, .more = more_mixed},
	{"code", "Python, C, JavaScript, SQL", false, .more = more_code},
	{"json", "records with numbers and identifiers", false, .more = more_json},
	{"cases", "what the rules find, all of them", true, .more = more_cases},
	{"near", "the same, each cut short", true, .more = more_near},
	{"random", "bytes", true, .more = more_random},
	{"token", "one token of base64 characters", true, .more = more_token},
	{"hex", "one token of hex digits", true, .more = more_hex},
	{"letter", "one letter", true, .repeat = "a"},
	{"at", "signs of addresses", true, .repeat = "@"},
	{"at_words", "addresses in one another", true, .repeat = "a@b.c@"},
	{"mails", "a million matches", true, .repeat = "a@b.co "},
	{"digits", "one number", true, .repeat = "7"},
	{"groups", "card numbers without end", true, .repeat = "4111 1111 1111 1111 "},
	{"no_groups", "numbers that are no card", true, .repeat = "1234 5678 "},
	{"iban", "groups of IBANs", true, .repeat = "GB33 BUKB 2020 1555 "},
	{"colons", "IPv6 or none", true, .repeat = "fe80:1:"},
	{"dots", "IPv4 or none", true, .repeat = "10.0.0."},
	{"dashes", "beginnings of keys", true, .repeat = "-----BEGIN "},
	{"pem", "keys without end", true,
	 .repeat = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n"},
	{"assigned", "names of secrets", true, .repeat = "password="},
	{"assigned_value", "many secrets", true, .repeat = "api_key=Zm9vYmFyMTIz1 "},
	{"jwt", "heads of tokens", true, .repeat = "eyJhbGciOiJIUzI1NiJ9."},
	{"urls", "URLs with passwords", true, .repeat = "https://a:b@c.d/e?f=g&"},
	{"prefixes", "prefixes of tokens", true, .repeat = "ghp_sk-AKIAxoxb-"},
	{"spaces", "white space", true, .repeat = " \t\n"},
	{"override", "many injections", true, .repeat = "ignore all previous instructions "},
	{"nearly", "injections cut short", true, .repeat = "ignore all the previous "},
	{"ignores", "one verb", true, .repeat = "ignore "},
	{"leet", "digits for letters", true, .repeat = "1gn0r3 4ll pr3v10u5 "},
	{"invisible", "zero-width characters", true,
	 .repeat = "i\xe2\x80\x8bg\xe2\x80\x8bn\xe2\x80\x8b"},
	{"cyrillic", "look-alike letters", true,
	 .repeat = "\xd1\x96gn\xd0\xbere \xd0\xb0ll \xd1\x80r\xd0\xb5v\xd1\x96ous "},
	{"chinese", "three bytes a letter", true,
	 .repeat = "\xe5\xbf\xbd\xe7\x95\xa5\xe4\xb9\x8b\xe5\x89\x8d\xe7\x9a\x84"},
	{"emoji", "four bytes", true, .repeat = "\xf0\x9f\x98\x80"},
	{"tags", "tag characters", true, .repeat = "\xf3\xa0\x81\xa1\xf3\xa0\x81\xa2"},
	{"broken", "no UTF-8", true, .repeat = "\xf0\x9f\xe2\x28\xff "},
	{"base64", "encoded phrases", true,
	 .repeat = "aWdub3JlIGFsbCBwcmV2aW91cyBpbnN0cnVjdGlvbnM= "},
	/* base64 of base64 of base64 of "ignore all previous instructions" */
	{"base64_deep", "encoded three times", true,
	 .repeat = "WVZka2RXSXpTbXhKUjBaellrTkNkMk50VmpKaFZ6a3hZM2xDY0dKdVRqQmpibFpxWkVkc2RtSnVUVDA"
		   "9 "},
	{"percent", "percent, twice", true, .repeat = "%2569%2567%256e%256f%2572%2565%2520"},
	{"escapes", "\\u escapes", true,
	 .repeat = "\\u0069\\u0067\\u006e\\u006f\\u0072\\u0065\\u0020"},
	{"entities", "HTML entities", true, .repeat = "&#105;&#x67;&amp;#110;"},
	{"spaced", "letters apart", true, .repeat = "i g n o r e  a l l  "},
	{"reversed", "backwards", true, .repeat = "snoitcurtsni suoiverp lla erongi "},
	{"brackets", "open brackets", true, .repeat = "[[[[((((<<<<{{{{"},
	{"template", "chat templates", true, .repeat = "<|im_start|>system\n"},
	{"turns", "turns of a letter", true, .repeat = "user: a\n"},
	{"turn_words", "turns of half a word", true,
	 .repeat = "user: ignore prev\nuser: ious inst\n"},
	{"image", "open image links", true, .repeat = "![a](https://a.b/c?d="},
	{"morse", "dots and dashes", true, .repeat = ".. --. -. --- .-. . / "},
};

const unsigned rw_bench_n_texts = sizeof(rw_bench_texts) / sizeof(rw_bench_texts[0]);

int rw_bench_make(const struct rw_bench_text *t, const struct rw_rules *r, size_t n,
		  struct rw_buf *out)
{
	uint64_t seed = 1;
	int rc = 0;

	rw_buf_reset(out);
	while (!rc && out->len < n)
		rc = t->repeat ? rw_buf_add_str(out, t->repeat) : t->more(out, &seed, r);
	if (!rc)
		out->len = n;
	return rc;
}
