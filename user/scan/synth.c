/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Synthetic values: the form of the real one, from ranges that are nobody's where there are
 * any. A function of the seed, which the caller makes from the value with a key.
 */
#include <string.h>

#include "scan/redact_int.h"
#include "scan/valid.h"

struct synth {
	const struct rw_rule *rule;
	struct rw_slice value;
	uint64_t state;
	char *out;
	size_t n;
};

/* splitmix64: public domain, by Sebastiano Vigna. */
static uint64_t next(struct synth *s)
{
	uint64_t z = s->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static char digit(struct synth *s)
{
	return (char)('0' + next(s) % 10);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static unsigned count_digits(struct rw_slice v)
{
	unsigned n = 0;

	for (size_t i = 0; i < v.n; i++)
		n += is_digit(v.p[i]);
	return n;
}

/* The value with its digits, from the first on, replaced by those given; its form stays. */
static void put_digits(struct synth *s, const char *digits)
{
	for (size_t i = 0; i < s->value.n; i++)
		s->out[i] = is_digit(s->value.p[i]) ? *digits++ : s->value.p[i];
	s->n = s->value.n;
}

static void put_text(struct synth *s, const char *text)
{
	s->n = strlen(text);
	memcpy(s->out, text, s->n);
}

/* RFC 2606: nobody's domain. The local part keeps its form, at least six letters of it. */
static bool email(struct synth *s)
{
	static const char domain[] = "@example.com";
	const char *at = memchr(s->value.p, '@', s->value.n);
	size_t local = at ? (size_t)(at - s->value.p) : 0;

	for (size_t i = 0; i < local || i < 6; i++) {
		char c = i < local ? s->value.p[i] : 'x';

		if (s->n + sizeof(domain) > 64)
			break;
		if (is_digit(c))
			s->out[s->n++] = digit(s);
		else if (c == '.' || c == '-' || c == '_')
			s->out[s->n++] = c;
		else
			s->out[s->n++] = (char)('a' + next(s) % 26);
	}
	memcpy(s->out + s->n, domain, sizeof(domain) - 1);
	s->n += sizeof(domain) - 1;
	return true;
}

/* Area codes in use for ages: the last four digits 0100 to 0199 behind 555 are for fiction in all.
 */
static void nanp(struct synth *s, char d[11])
{
	static const char *const areas[] = {"202", "212", "213", "214", "303", "305", "312", "404",
					    "412", "415", "503", "512", "602", "606", "615", "617",
					    "702", "713", "716", "801", "804", "808", "907", "919"};

	memcpy(d, areas[next(s) % (sizeof(areas) / sizeof(areas[0]))], 3);
	memcpy(d + 3, "55501", 5);
	d[8] = digit(s);
	d[9] = digit(s);
	d[10] = '\0';
}

/*
 * North America: 555-0100 to 555-0199. United Kingdom (Ofcom): 07700 900000 to 900999. No other
 * plan that we know has as clear a range: a number of another country becomes a North American one.
 */
static bool phone(struct synth *s)
{
	unsigned n = count_digits(s->value);
	bool plus = memchr(s->value.p, '+', s->value.n);
	char d[16] = "", text[24];
	size_t first = 0;

	while (first < s->value.n && !is_digit(s->value.p[first]))
		first++;
	nanp(s, d);
	if (plus && n == 12 && s->value.n - first >= 2 && !memcmp(s->value.p + first, "44", 2)) {
		memcpy(d, "447700900", 9);
		for (unsigned i = 9; i < 12; i++)
			d[i] = digit(s);
	} else if (n == 11 && s->value.p[first] == '1') {
		memmove(d + 1, d, 11);
		d[0] = '1';
	} else if (n == 7 && !plus) {
		memmove(d, d + 3, 8);
	} else if (n != 10 || plus) {
		snprintf(text, sizeof(text), "+1 %.3s-%.3s-%.4s", d, d + 3, d + 6);
		put_text(s, text);
		return true;
	}
	put_digits(s, d);
	return true;
}

static char luhn_digit(const char *d, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned x = (unsigned)(d[n - 1 - i] - '0') * (i % 2 ? 1 : 2);

		sum += x > 9 ? x - 9 : x;
	}
	return (char)('0' + (10 - sum % 10) % 10);
}

/* Test numbers of the issuers begin so; no card is made from these ranges. */
static bool card(struct synth *s)
{
	unsigned n = count_digits(s->value);
	const char *prefix = n == 15 ? "378282" : n == 14 ? "305693" : "400000";
	char d[24];

	if (n < 12 || n > 19)
		return false;
	memcpy(d, prefix, 6);
	for (unsigned i = 6; i + 1 < n; i++)
		d[i] = digit(s);
	d[n - 1] = luhn_digit(d, n - 1);
	put_digits(s, d);
	return true;
}

/* The rest of the number over 97, as ISO 13616 reads it. */
static unsigned mod97(const char *text, size_t n, unsigned rest)
{
	for (size_t i = 0; i < n; i++) {
		if (is_digit(text[i]))
			rest = (rest * 10 + (unsigned)(text[i] - '0')) % 97;
		else if (is_upper(text[i]) || is_lower(text[i]))
			rest = (rest * 100 + (unsigned)((text[i] & ~0x20) - 'A' + 10)) % 97;
	}
	return rest;
}

/* Country and form stay; the bank's place begins TEST or 0000, which is no bank's. */
static bool iban(struct synth *s)
{
	static const char bank[] = "TEST";
	struct rw_slice v = s->value;
	unsigned k = 0, check;
	char head[4] = {v.p[0], v.p[1], '0', '0'};

	if (v.n < 15 || v.n > 64)
		return false;
	for (size_t i = 4; i < v.n; i++) {
		bool up = is_upper(v.p[i]), low = is_lower(v.p[i]);

		s->out[i] = v.p[i];
		if (is_digit(v.p[i]))
			s->out[i] = k < 4 ? '0' : digit(s);
		else if (up || low)
			s->out[i] = (char)((k < 4 ? bank[k] : (char)('A' + next(s) % 26)) |
					   (low ? 0x20 : 0));
		k += up || low || is_digit(v.p[i]);
	}
	check = 98 - mod97(head, 4, mod97(s->out + 4, v.n - 4, 0));
	memcpy(s->out, head, 2);
	s->out[2] = (char)('0' + check / 10);
	s->out[3] = (char)('0' + check % 10);
	s->n = v.n;
	return true;
}

/* Numbers that begin with 666 were never issued and never will be. */
static bool ssn(struct synth *s)
{
	char d[10] = "666";

	if (count_digits(s->value) != 9)
		return false;
	for (unsigned i = 3; i < 9; i++)
		d[i] = digit(s);
	d[4] = d[3] == '0' && d[4] == '0' ? '1' : d[4];
	d[8] = d[8] == '0' ? '7' : d[8];
	put_digits(s, d);
	return true;
}

/* RFC 5737 and RFC 3849: addresses for documents. */
static bool ip(struct synth *s)
{
	static const char *const nets[] = {"192.0.2", "198.51.100", "203.0.113"};
	uint64_t r = next(s);
	char text[48];

	if (memchr(s->value.p, ':', s->value.n))
		snprintf(text, sizeof(text), "2001:db8::%x:%x", (unsigned)(r & 0xffff) | 0x1000,
			 (unsigned)(r >> 16 & 0xffff) | 0x1000);
	else
		snprintf(text, sizeof(text), "%s.%u", nets[r % 3], (unsigned)(r >> 8) % 254 + 1);
	put_text(s, text);
	return true;
}

/* How much of a secret stays: its provider's prefix ("ghp_", "sk-ant-"), which is no secret. */
static size_t prefix_of(struct rw_slice v)
{
	size_t keep = 0;

	for (size_t i = 0;
	     i < v.n / 3 && i < 8 && (is_lower(v.p[i]) || v.p[i] == '_' || v.p[i] == '-'); i++)
		if (v.p[i] == '_' || v.p[i] == '-')
			keep = i + 1;
	return keep;
}

static void same_form(struct synth *s, size_t from, bool letters)
{
	memcpy(s->out, s->value.p, s->value.n);
	s->n = s->value.n;
	for (size_t i = from; i < s->n; i++) {
		char c = s->value.p[i];

		if (is_digit(c))
			s->out[i] = digit(s);
		else if (letters && is_upper(c))
			s->out[i] = (char)('A' + next(s) % 26);
		else if (letters && is_lower(c))
			s->out[i] = (char)('a' + next(s) % 26);
	}
}

static bool accepted(const struct synth *s)
{
	struct rw_candidate c = {
		.value = rw_slice_of(s->out, s->n), .before = rw_slice_of("", 0), .after = -1};

	if (rw_slice_eq(c.value, s->value))
		return false;
	if (s->rule->validator && !s->rule->validator->ok(&c))
		return false;
	return c.value.n == s->n;
}

/*
 * Every other type: characters of the same kind at random until the rule's own validator takes
 * them. Check digits are right then; letters change too, unless that never passes ("May 25, 1992").
 */
static bool any(struct synth *s)
{
	enum { TRIES = 400, WORK = 32 * 1024 };
	unsigned tries = WORK / (unsigned)s->value.n < TRIES ? WORK / (unsigned)s->value.n : TRIES;
	size_t from = s->rule->info.category == RW_CAT_SECRET ? prefix_of(s->value) : 0;

	for (unsigned i = 0; i < 2 * tries; i++) {
		if (i >= tries && count_digits(s->value) < 4)
			return false;
		same_form(s, from, i < tries);
		if (accepted(s))
			return true;
	}
	return false;
}

static const struct {
	const char *type;
	bool (*make)(struct synth *s);
} makers[] = {
	{"EMAIL_ADDRESS", email}, {"PHONE_NUMBER", phone}, {"CREDIT_CARD", card},
	{"IBAN_CODE", iban},	  {"US_SSN", ssn},	   {"IP_ADDRESS", ip},
};

bool rw_synth(const struct rw_rule *rule, struct rw_slice value, uint64_t seed, char *out,
	      size_t *n)
{
	struct synth s = {.rule = rule, .value = value, .state = seed, .out = out};
	bool made = false, known = false;

	if (value.n < RW_VALUE_MIN || value.n > RW_SYNTH_MAX)
		return false;
	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (strcmp(rule->info.type, makers[i].type) != 0)
			continue;
		known = true;
		/* The real value may happen to be of such a range. */
		for (unsigned k = 0; k < 4 && !made; k++) {
			s.n = 0;
			made = makers[i].make(&s) && !rw_slice_eq(rw_slice_of(out, s.n), value);
		}
	}
	if (!known)
		made = any(&s);
	*n = s.n;
	return made;
}
