/* SPDX-License-Identifier: Apache-2.0 */
/* What in a text asks for a disguise to be undone, in one pass over its bytes. */
#include "scan/decode.h"
#include "scan/lanes.h"

enum { ESCAPES = 3, MARKS = 7, TAIL_BYTES = 8, EQUAL_APART = 3 };

/* What stands in front of the colon of a user's line, at least: two of one kind are turns. */
static const char *const marks[MARKS] = {"ser", "SER", "uman", "ustomer", "urn", "essage", "art"};

struct hints {
	struct rw_slice text;
	unsigned escapes, marks[MARKS];
	bool turns, morse, sum;
};

/* 64 bytes: where an escape may begin, lines of speakers, Morse and sums may be. */
struct signs {
	uint64_t escape, colon, dot, dash, plus;
};

static inline struct signs classify(const char *p)
{
	struct signs s = {0};
	uint64_t equal = 0;

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		unsigned at = i * RW_LANES;

		s.escape |= rw_lanes_bits(rw_lanes_within(x, '%', '&') | rw_lanes_equal(x, '\\'))
			    << at;
		equal |= rw_lanes_bits(rw_lanes_equal(x, '=')) << at;
		s.plus |= rw_lanes_bits(rw_lanes_equal(x, '+')) << at;
		s.colon |= rw_lanes_bits(rw_lanes_equal(x, ':')) << at;
		s.dot |= rw_lanes_bits(rw_lanes_equal(x, '.')) << at;
		s.dash |= rw_lanes_bits(rw_lanes_equal(x, '-')) << at;
	}
	/* where all is coded, =69=67, the next is near */
	s.escape |= equal & (equal >> EQUAL_APART | -(UINT64_C(1) << (RW_BLOCK - EQUAL_APART)));
	return s;
}

static bool is_escape(const char *p)
{
	if (*p == '%')
		return rw_hex_digit(p[1]) >= 0 && rw_hex_digit(p[2]) >= 0;
	if (*p == '=')
		return rw_hex_digit(p[1]) >= 0 && rw_hex_digit(p[2]) >= 0 && p[EQUAL_APART] == '=';
	if (*p == '&')
		return p[1] == '#' || (p[2] == 't' && p[3] == ';');
	return (p[1] | 0x20) == 'u' || p[1] == 'x' || (p[1] >= '0' && p[1] <= '3');
}

static void see_escape(struct hints *h, size_t at)
{
	h->escapes += h->text.n - at > 3 && is_escape(h->text.p + at);
}

/* What may stand between a speaker's name and the colon: "**User**:", "User (2):" */
static const bool tails[256] = {
	['*'] = true, [']'] = true, [')'] = true, ['>'] = true,	       ['_'] = true,
	[' '] = true, ['('] = true, ['#'] = true, ['0' ... '9'] = true};

/* What the marks end with. */
static const bool ends_mark[256] = {
	['r'] = true, ['R'] = true, ['n'] = true, ['e'] = true, ['t'] = true};

static void see_colon(struct hints *h, size_t at)
{
	const char *p = h->text.p;

	for (unsigned i = 0; i < TAIL_BYTES && at && tails[(unsigned char)p[at - 1]]; i++)
		at--;
	if (!at || !ends_mark[(unsigned char)p[at - 1]])
		return;
	for (unsigned k = 0; k < MARKS; k++) {
		size_t n = strlen(marks[k]);

		if (at >= n && p[at - 1] == marks[k][n - 1] && !memcmp(p + at - n, marks[k], n))
			h->turns |= h->marks[k]++ > 0;
	}
}

/* A dot and a dash in turn; a space must be behind the second. */
static void see_morse(struct hints *h, size_t at)
{
	h->morse |= at + 2 < h->text.n && h->text.p[at + 2] == ' ';
}

static bool may_be_added(char c)
{
	return (c | 0x20) >= 'a' ? (c | 0x20) <= 'z' : (c && strchr("\"'`", c));
}

/* A plus between names or quotes, with a space on both sides or none. */
static void see_plus(struct hints *h, size_t at)
{
	const char *p = h->text.p;
	size_t gap = at && p[at - 1] == ' ' ? 2 : 1;

	h->sum |= at >= gap && at + gap < h->text.n && (p[at + 1] == ' ') == (gap == 2) &&
		  (may_be_added(p[at - gap]) || (p[at - gap] >= '0' && p[at - gap] <= '9')) &&
		  may_be_added(p[at + gap]);
}

static void see_each(struct hints *h, size_t at, uint64_t bits,
		     void (*see)(struct hints *h, size_t at))
{
	for (; bits; bits &= bits - 1)
		see(h, at + (unsigned)__builtin_ctzll(bits));
}

struct rw_decode_hints RW_HOT(rw_decode_hints)(struct rw_slice text)
{
	struct hints h = {.text = text};
	struct signs s, before = {0};
	struct rw_decode_hints out;
	char rest[RW_BLOCK] = "";

	for (size_t at = 0; at < text.n; at += RW_BLOCK) {
		const char *p = text.p + at;
		uint64_t turn;

		if (text.n - at < RW_BLOCK)
			p = memcpy(rest, p, text.n - at);
		s = classify(p);
		if (h.escapes < ESCAPES)
			see_each(&h, at, s.escape, see_escape);
		if (!h.turns)
			see_each(&h, at, s.colon, see_colon);
		if (!h.sum)
			see_each(&h, at, s.plus, see_plus);
		/* A bit where the second of the two stands. */
		turn = (s.dash & (s.dot << 1 | before.dot >> 63)) |
		       (s.dot & (s.dash << 1 | before.dash >> 63));
		for (; turn; turn &= turn - 1)
			see_morse(&h, at + (unsigned)__builtin_ctzll(turn) - 1);
		before = s;
	}
	out.coded = h.escapes >= ESCAPES || h.morse;
	out.turns = h.turns;
	out.sum = h.sum;
	return out;
}
