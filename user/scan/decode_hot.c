/* SPDX-License-Identifier: Apache-2.0 */
/* Skipping what is not coded or spaced out, which is most of what is looked at for that. */
#include "scan/decode.h"
#include "scan/lanes.h"

enum { RUN = 16 /* bytes of what may be coded that a row of one kind has at least */ };

_Static_assert((int)RW_CODED_BYTES_MIN >= (int)RUN, "a token is a row");
_Static_assert(RW_CODED_RUN_MIN * 2 + RW_CODED_RUN_MIN - 1 >= (int)RUN,
	       "and so are numbers with a sign between");
enum { MORSE_RUN = 8 };
_Static_assert(RW_CODED_RUN_MIN + RW_CODED_RUN_MIN - 1 >= (int)MORSE_RUN,
	       "and letters of Morse with a space between");

/* 64 bytes, a bit for each: letters of base64; digits, and what else rows of numbers are of; what
 * Morse begins with and is of; what escapes begin with. */
struct kinds {
	uint64_t letter, digit, number, sign, morse, escape;
};

static inline struct kinds classify(const char *p)
{
	struct kinds k = {0};

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES), low = x | 0x20;
		rw_lanes digit = rw_lanes_within(x, '0', '9');
		rw_lanes dash = rw_lanes_equal(x, '-'), slash = rw_lanes_equal(x, '/');
		rw_lanes space = rw_lanes_equal(x, ' ');
		rw_lanes sign = dash | rw_lanes_equal(x, '.');
		unsigned at = i * RW_LANES;

		k.letter |= rw_lanes_bits(rw_lanes_within(low, 'a', 'z') | digit | dash | slash |
					  rw_lanes_equal(x, '+') | rw_lanes_equal(x, '_'))
			    << at;
		k.digit |= rw_lanes_bits(digit) << at;
		k.number |= rw_lanes_bits(rw_lanes_within(low, 'a', 'f') | digit | dash | space |
					  rw_lanes_equal(x, 'x') | rw_lanes_equal(x, ',') |
					  rw_lanes_within(x, ':', ';') | rw_lanes_equal(x, '\n'))
			    << at;
		k.sign |= rw_lanes_bits(sign) << at;
		k.morse |= rw_lanes_bits(sign | slash | space) << at;
		k.escape |= rw_lanes_bits(rw_lanes_within(x, '%', '&') | rw_lanes_equal(x, '\\') |
					  rw_lanes_equal(x, '='))
			    << at;
	}
	return k;
}

enum { ESCAPE_AHEAD = 8 }; /* bytes behind a sign that tell an escape: &NewLine; */

/* 64 bytes, a bit for each: escapes' first signs apart, and what stands behind them. */
struct escapes {
	uint64_t percent, ampersand, backslash, equal, hex, hash, semicolon, newline, escaped;
};

static inline struct escapes classify_escapes(const char *p)
{
	struct escapes e = {0};

	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES), low = x | 0x20;
		unsigned at = i * RW_LANES;

		e.percent |= rw_lanes_bits(rw_lanes_equal(x, '%')) << at;
		e.ampersand |= rw_lanes_bits(rw_lanes_equal(x, '&')) << at;
		e.backslash |= rw_lanes_bits(rw_lanes_equal(x, '\\')) << at;
		e.equal |= rw_lanes_bits(rw_lanes_equal(x, '=')) << at;
		e.hex |=
			rw_lanes_bits(rw_lanes_within(x, '0', '9') | rw_lanes_within(low, 'a', 'f'))
			<< at;
		e.hash |= rw_lanes_bits(rw_lanes_equal(x, '#')) << at;
		e.semicolon |= rw_lanes_bits(rw_lanes_equal(x, ';')) << at;
		e.newline |= rw_lanes_bits(rw_lanes_equal(x, '\n')) << at;
		e.escaped |= rw_lanes_bits(rw_lanes_within(x, '0', '7') |
					   rw_lanes_within(low, 't', 'u') | rw_lanes_equal(x, 'x') |
					   rw_lanes_equal(x, 'n') | rw_lanes_equal(x, 'r'))
			     << at;
	}
	return e;
}

/* Which of the signs may begin an escape, as rw_decode_escape knows them: %41, &#65; and &lt; with
 * its like, \n and \101, =69=67 and = at the end of a line. What the block does not tell may. */
static inline uint64_t may_escape(const char *p)
{
	const uint64_t last = -(UINT64_C(1) << (RW_BLOCK - ESCAPE_AHEAD));
	const uint64_t first = 7; /* an = in front of the block is not seen */
	struct escapes e = classify_escapes(p);
	uint64_t named = e.semicolon >> 3 | e.semicolon >> 4 | e.semicolon >> 5 |
			 e.semicolon >> ESCAPE_AHEAD;

	return (e.percent & (e.hex >> 1 | last)) | (e.ampersand & (e.hash >> 1 | named | last)) |
	       (e.backslash & (e.escaped >> 1 | last)) |
	       (e.equal & (e.newline >> 1 | e.equal >> 3 | first | last));
}

/* The bits with n - 1 more behind them, n a power of two; what is past the last counts as set. */
static inline uint64_t rows(uint64_t bits, unsigned n)
{
	for (unsigned k = 1; k < n; k *= 2)
		bits &= bits >> k | ~(~UINT64_C(0) >> k);
	return bits;
}

size_t RW_HOT(rw_decode_skip)(struct rw_slice text, size_t at)
{
	char rest[RW_BLOCK];

	while (at < text.n) {
		const char *p = text.p + at;
		uint64_t token, some;
		struct kinds k;
		unsigned first;

		if (text.n - at < RW_BLOCK) {
			memset(rest, 0, sizeof(rest));
			p = memcpy(rest, p, text.n - at);
		}
		k = classify(p);
		if (k.escape)
			k.escape = may_escape(p);
		token = k.letter & ~(k.letter << 1);
		some = k.escape | (token & rows(k.letter, RUN)) |
		       (token & k.digit & rows(k.number, RUN)) |
		       (k.sign & (token | ~k.letter) & rows(k.morse, MORSE_RUN));
		if (!some) { /* no token goes on behind the block */
			at += RW_BLOCK;
			continue;
		}
		first = (unsigned)__builtin_ctzll(some);
		if (first <= RW_BLOCK - RUN)
			return at + first;
		at += first; /* from here on it is seen whole */
	}
	return text.n;
}

size_t RW_HOT(rw_decode_quote)(struct rw_slice text, size_t at)
{
	char rest[RW_BLOCK] = "";

	for (; at < text.n; at += RW_BLOCK) {
		const char *p = text.p + at;
		uint64_t some = 0;

		if (text.n - at < RW_BLOCK)
			p = memcpy(rest, p, text.n - at);
		for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
			rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
			rw_lanes is = rw_lanes_equal(x, '"') | rw_lanes_equal(x, '\'') |
				      rw_lanes_equal(x, '`') | rw_lanes_equal(x, '=') |
				      rw_lanes_equal(x, '\xe2');

			some |= rw_lanes_bits(is) << (i * RW_LANES);
		}
		if (some)
			return at + (unsigned)__builtin_ctzll(some);
	}
	return text.n;
}

/* --- letters that stand alone --------------------------------------------------------------- */

/* Of what stands alone and the next that does, both with what is beside them. */
enum { AHEAD = 16 };

/* 64 bytes, a bit for each: letters, digits and what looks like some; bytes beyond ASCII, and those
 * of them that begin a character. */
static inline void classify_letters(const char *p, uint64_t *letter, uint64_t *wide,
				    uint64_t *first)
{
	*letter = *wide = *first = 0;
	for (unsigned i = 0; i < RW_BLOCK / RW_LANES; i++) {
		rw_lanes x = rw_lanes_load(p + (size_t)i * RW_LANES);
		unsigned at = i * RW_LANES;

		*wide |= rw_lanes_bits(x) << at;
		*first |= rw_lanes_bits(rw_lanes_within(x, 0xc0, 0xff)) << at;
		*letter |= rw_lanes_bits(x | rw_lanes_within(x | 0x20, 'a', 'z') |
					 rw_lanes_within(x, '0', '9') | rw_lanes_equal(x, '@') |
					 rw_lanes_equal(x, '$'))
			   << at;
	}
}

static bool is_ascii_letter(char c)
{
	char low = c | 0x20;

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '@' || c == '$';
}

size_t RW_HOT(rw_decode_lone)(struct rw_slice text, size_t at)
{
	char rest[RW_BLOCK];

	while (at < text.n) {
		const char *p = text.p + at;
		uint64_t letter, wide, first, start, lone, row;
		bool last = text.n - at <= RW_BLOCK;
		unsigned step = last ? RW_BLOCK : RW_BLOCK - AHEAD;

		if (text.n - at < RW_BLOCK) {
			memset(rest, 0, sizeof(rest));
			p = memcpy(rest, p, text.n - at);
		}
		classify_letters(p, &letter, &wide, &first);
		/* A row may begin behind a quote beyond ASCII, too. */
		start = letter & ~((letter & ~wide) << 1 | (at && is_ascii_letter(text.p[at - 1])));
		lone = (start & ~wide & ~(letter >> 1)) |
		       (start & first & ~(letter >> 1 & letter >> 2 & letter >> 3 & letter >> 4));
		row = lone &
		      (lone >> 2 | lone >> 3 | lone >> 4 | lone >> 5 | lone >> 6 | lone >> 7);
		if (!last)
			row &= (UINT64_C(1) << step) - 1;
		if (row)
			return at + (unsigned)__builtin_ctzll(row);
		at += step;
	}
	return text.n;
}
