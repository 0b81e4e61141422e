/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are written in groups: whether a run goes on over a space. */
#include "scan/seg_int.h"

enum {
	IBAN_MAX = 34,
	MONTH_MAX = 10,
	NINO_PREFIX = 2,
	NINO_STEM_PAIRS = 11, /* "AB 12 34 56" */
	NINO_STEM_WHOLE = 9,  /* "AB 123456" */
};

/* Capitals, a bit each. */
#define CAPITAL(c) (UINT32_C(1) << ((c) - 'A'))

static bool is_one_of(char c, uint32_t capitals)
{
	return c >= 'A' && c <= 'Z' && capitals & CAPITAL(c);
}

static bool is_group(const struct rw_seg *s)
{
	return s->at_core && s->digit;
}

static bool upper_or_digit(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "GB93", "GB93PITW...": the first group of an IBAN, or a further one. */
static bool is_iban_group(const struct rw_seg *s, struct rw_slice text)
{
	size_t n = s->pos - s->core;
	const char *p = text.p + s->core;

	if (n == 0 || n > IBAN_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!upper_or_digit(p[i]))
			return false;
	if (s->iban && n <= 4)
		return true;
	return n >= 4 && p[0] >= 'A' && p[1] >= 'A' && p[2] <= '9' && p[3] <= '9';
}

enum {
	MONTHS_BEGIN = CAPITAL('J') | CAPITAL('F') | CAPITAL('M') | CAPITAL('A') | CAPITAL('S') |
		       CAPITAL('O') | CAPITAL('N') | CAPITAL('D')
};

/* The three letters of a month, in lower case, as they are loaded. */
#define MONTH(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

static bool is_month(struct rw_slice token)
{
	const unsigned char *p = (const unsigned char *)token.p;

	if (token.n < 3 || token.n > MONTH_MAX)
		return false;
	switch (MONTH(p[0], p[1], p[2]) | MONTH(0x20, 0x20, 0x20)) {
	case MONTH('j', 'a', 'n'):
	case MONTH('f', 'e', 'b'):
	case MONTH('m', 'a', 'r'):
	case MONTH('a', 'p', 'r'):
	case MONTH('m', 'a', 'y'):
	case MONTH('j', 'u', 'n'):
	case MONTH('j', 'u', 'l'):
	case MONTH('a', 'u', 'g'):
	case MONTH('s', 'e', 'p'):
	case MONTH('o', 'c', 't'):
	case MONTH('n', 'o', 'v'):
	case MONTH('d', 'e', 'c'):
		return true;
	default:
		return false;
	}
}

/* "AB" in front of the groups of a British national insurance number, "AB 12 34 56 C"; some letters
 * are never given out, and so "US 12" or "ID 4" is not one. */
static bool is_nino_prefix(struct rw_slice token)
{
	const uint32_t never = CAPITAL('D') | CAPITAL('F') | CAPITAL('I') | CAPITAL('Q') |
			       CAPITAL('U') | CAPITAL('V');

	return token.n == NINO_PREFIX && is_one_of(token.p[0], ~never) &&
	       is_one_of(token.p[1], ~(never | CAPITAL('O')));
}

bool rw_seg_leads(struct rw_slice token)
{
	size_t at = token.n;

	/* as runs have it, a value may start behind a sign: "nino=AB 123456C" */
	while (at && token.n - at <= MONTH_MAX &&
	       !(rw_seg_classes[(unsigned char)token.p[at - 1]] & RESET))
		at--;
	token = rw_slice_of(token.p + at, token.n - at);
	return is_nino_prefix(token) || is_month(token);
}

/* All but the last letter of a national insurance number, in pairs or in one piece. */
static bool is_nino_stem(const struct rw_seg *s, struct rw_slice text)
{
	size_t n = s->pos - s->run;

	return (n == NINO_STEM_PAIRS || n == NINO_STEM_WHOLE) &&
	       is_nino_prefix(rw_slice_of(text.p + s->run, NINO_PREFIX)) &&
	       text.p[s->run + NINO_PREFIX] == ' ';
}

int rw_seg_joins(struct rw_seg *s, struct rw_slice text, bool eof)
{
	bool group = is_group(s);
	bool iban = is_iban_group(s, text);
	bool lead = rw_seg_leads(rw_slice_of(text.p + s->core, s->pos - s->core));
	bool day = group && s->pos - s->core <= 3;
	char next;

	if (!group && !iban && !lead)
		return 0;
	if (s->pos + 1 >= text.n)
		return eof ? 0 : -1;
	next = text.p[s->pos + 1];
	s->iban = iban;
	if ((group || lead || iban) && next >= '0' && next <= '9')
		return 1;
	if (group && (next == '(' || next == '+' || next == '-'))
		return 1;
	if (iban && next >= 'A' && next <= 'Z')
		return 1;
	if (next >= 'A' && next <= 'D' && is_nino_stem(s, text))
		return 1;
	return day && is_one_of(next, MONTHS_BEGIN);
}
