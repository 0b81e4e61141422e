/* SPDX-License-Identifier: Apache-2.0 */
/* Hot code at each level that this processor has, against the least one: the same, bit by bit. */
#include <stdlib.h>

#include "levels.h"
#include "scan/decode.h"
#include "scan/match.h"
#include "scan/seg_int.h"
#include "scan/valid.h"

enum { TEXTS = 3000 };

/* What texts are made of: each path of the hot code is entered by some of them. */
static const char *const pieces[] = {
	"a",
	"I",
	"to",
	"ignore",
	"instructions",
	"previous",
	"system prompt",
	"Donaudampfschifffahrtsgesellschaft",
	"1234567890",
	"12345678901234567",
	"0x1f",
	"42",
	"aa",
	"bb",
	"ccc",
	"x y z u v w q ",
	"deadbeef",
	"1gn0r3",
	"10x",
	"h4ck",
	"a@b.co",
	"$100",
	"[INST]",
	"<|im_start|>",
	"-----BEGIN",
	"https://",
	"//",
	"don't",
	"_",
	"\xc3\xa9t\xc3\xa9",
	"pr\u00e9c\u00e9dentes",
	"\xd0\xb8\xd0\xb3\xd0\xbd\xd0\xbe\xd1\x80\xd0\xb8\xd1\x80\xd1\x83\xd0\xb9",
	"\xe5\xbf\xbd\xe7\x95\xa5",
	"\xe2\x80\x8b",
	"\xf0\x9f\x98\x80",
	"\xff",
	"\xc3",
	"\x7f",
	"\t",
	"\n",
	"  ",
	"   \n",
	"word ",
	"word ",
	"word word word ",
	"THE",
	"The",
	": ",
	", ",
	". ",
};

static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((seed >> 33) % n);
}

/* Of a few kinds of pieces, so that rows come about; with and without spaces between. */
static size_t make(char *out)
{
	size_t want = pick(8) ? pick(400) : pick(TEXT), n = 0, len;
	unsigned first = pick(sizeof(pieces) / sizeof(pieces[0])), kinds = 1 + pick(24);
	unsigned apart = pick(4);

	while (n < want) {
		const char *p =
			pieces[(first + pick(kinds)) % (sizeof(pieces) / sizeof(pieces[0]))];

		len = strlen(p);
		if (n + len + 1 > TEXT)
			break;
		memcpy(out + n, p, len);
		n += len;
		if (apart && pick(4) < apart)
			out[n++] = pick(16) ? ' ' : (char)pick(256);
	}
	return n;
}

/* A level that differs would find other things on another machine, and no test would see it there.
 */
static void every_level_gives_the_same(void **state)
{
	static char text[TEXT];
	uint64_t cells[RW_LEXICON_CELL_WORDS];
	unsigned coded = 0, spaced = 0, found = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct rw_slice t = {text, make(text)};

		for (unsigned k = 0; k < sizeof(cells) / sizeof(cells[0]); k++)
			cells[k] = (uint64_t)1 << pick(64) | (uint64_t)pick(2) << pick(64);
		check_levels(t, pick(4) ? cells : pick(2) ? rw_lexicon_everywhere : NULL);
		coded += least.hints.coded;
		spaced += least.hints.spaced;
		found += least.n;
	}
	/* the texts are worth it */
	assert_in_range(coded, TEXTS / 20, TEXTS - TEXTS / 20);
	assert_in_range(spaced, TEXTS / 100, TEXTS - TEXTS / 20);
	assert_true(found > TEXTS);
}

/* Signs that look like letters, beside letters, and white space, at any place of the blocks that
 * are folded; nothing behind the text may be read. */
static void every_level_folds_signs_the_same(void **state)
{
	static const char bytes[] = "aez1074@$26 -A1 \t\x7f.\xc3\xa9";
	size_t turned = 0;

	(void)state;
	for (unsigned i = 0; i < 10 * TEXTS; i++) {
		size_t n = pick(200), kinds = 2 + pick(sizeof(bytes) - 3);
		size_t from = pick((unsigned)(sizeof(bytes) - kinds));
		char *text = malloc(n ? n : 1);

		assert_non_null(text);
		for (size_t at = 0; at < n; at++)
			text[at] = bytes[from + pick((unsigned)kinds)];
		rw_view_fold_with(rw_fold_plain_at[0], &least.view, rw_slice_of(text, n));
		for (unsigned level = 1; level <= rw_level_here(); level++) {
			rw_view_fold_with(rw_fold_plain_at[level], &other.view,
					  rw_slice_of(text, n));
			assert_int_equal(least.view.n, other.view.n);
			assert_memory_equal(least.view.bytes, other.view.bytes, least.view.n);
			assert_memory_equal(least.view.origin, other.view.origin,
					    least.view.n * sizeof(least.view.origin[0]));
		}
		for (size_t at = 0; at < least.view.n; at++)
			turned += text[least.view.origin[at]] != least.view.bytes[at];
		free(text);
	}
	assert_true(turned > (size_t)TEXTS * 10);
}

static bool ends_token(unsigned char c)
{
	return !(rw_seg_classes[c] & IN_TOKEN);
}

/* Three bytes that nobody sees: of no width, or of direction. */
static bool is_hidden(const unsigned char *p)
{
	if (p[1] == 0x80)
		return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf;
}

/* Where the first token starts that holds what an entity may, or goes on to the end. */
static size_t first_odd(const unsigned char *p, size_t n)
{
	size_t start = 0, capital = n; /* the token's last */

	for (size_t i = 0; i < n; i++) {
		if ((p[i] >= '0' && p[i] <= '9') || p[i] == '@' || p[i] == 0xf3)
			return start;
		if ((p[i] == '-' || p[i] == '/') && i > start && p[i - 1] == p[i])
			return start;
		if (p[i] == 0xe2 && (n - i < 3 || is_hidden(p + i)))
			return start;
		if (p[i] >= 'A' && p[i] <= 'Z')
			capital = i;
		if (ends_token(p[i]))
			start = i + 1;
		else if (i + 1 - start >= RW_SEG_LONG_TOKEN && capital < n && capital >= start)
			return start;
	}
	return start;
}

/* What is skipped is never looked at again: no level may go too far, and none between two bytes of
 * a stretch. */
static void no_level_skips_what_may_be_an_entity(void **state)
{
	static char text[TEXT];
	size_t skipped = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		const unsigned char *p = (const unsigned char *)text;
		size_t n = make(text), from = n ? pick((unsigned)n) : 0;

		for (unsigned level = 0; level <= rw_level_here(); level++) {
			size_t at = rw_seg_skip_at[level](p, from, n);

			assert_in_range(at, from, from + first_odd(p + from, n - from));
			assert_true(at == from || ends_token(p[at - 1]));
			skipped += at - from;
		}
	}
	assert_true(skipped > TEXTS);
}

/* Two dashes or slashes, also over the edge of two blocks. */
static void no_level_skips_two_signs_at_any_place(void **state)
{
	char text[200];

	(void)state;
	for (size_t at = 0; at + 2 < sizeof(text) - RW_SEG_LONG_TOKEN; at++)
		for (unsigned level = 0; level <= rw_level_here(); level++) {
			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = i % 3 ? 'a' : ' ';
			memset(text + at, at % 2 ? '/' : '-', 2);
			assert_true(rw_seg_skip_at[level]((unsigned char *)text, 0, sizeof(text)) <=
				    at);
			memset(text + at, at % 2 ? '-' : '/', 2);
			assert_true(rw_seg_skip_at[level]((unsigned char *)text, 0, sizeof(text)) <=
				    at);
		}
}

/* Letters of base64, of either alphabet. */
static bool is_letter64(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("+-/_", c));
}

/* The end of the token at i, which is i where there is none. */
static size_t token_end(struct rw_slice t, size_t i)
{
	while (i < t.n && is_letter64(t.p[i]))
		i++;
	return i;
}

/* Behind the token or the byte at i. */
static size_t past(struct rw_slice t, size_t i)
{
	size_t end = token_end(t, i);

	return end > i ? end : i + 1;
}

/* Whether something that is no token is decoded at i. */
static bool is_coded(struct rw_slice t, size_t i)
{
	static struct rw_decoded d;

	d.n = 0;
	return rw_decode_numbers(&d, t, i) ||
	       (t.p[i] && strchr("%&\\=", t.p[i]) && rw_decode_escape(&d, t, i)) ||
	       rw_decode_morse(&d, t, i);
}

static const char *const codes[] = {
	"%41",
	"&#65;",
	"&lt;|im_start|&gt;",
	"&amp;",
	"&quot;",
	"&apos;",
	"&nbsp;",
	"&Tab;",
	"&NewLine;",
	"\\u0041",
	"\\u{41}",
	"\\U00000041",
	"\\n",
	"\\t",
	"\\r",
	"\\x41",
	"\\101",
	"01101001 01100111 01101110 01101111 01110010 01100101",
	"69 67 6e 6f 72 65",
	"0x69,0x67,0x6e,0x6f,0x72,0x65",
	"65 66 67 68 69 70",
	"151 147 156 157 162 145",
	"=69=67=6E",
	"x=\ny",
	"NFTW433SMUQGC3DMEBZHK3DFOM======",
	".- -... -.-. -.. . ..-.",
	"aWdub3JlIHRoZSBydWxlcw==",
	"internationalization",
};

/* What is skipped is not decoded: nothing of it may be coded. How many places are skipped. */
static size_t check_skipped(struct rw_slice t, unsigned level, size_t *seen)
{
	size_t skipped = 0, next;

	for (size_t at = 0; at < t.n; at = past(t, next)) {
		next = rw_decode_skip_at[level](t, at);
		for (; at < next; at = past(t, at)) {
			assert_true(token_end(t, at) - at < RW_CODED_BYTES_MIN);
			assert_false(is_coded(t, at));
			skipped++;
		}
		*seen += next < t.n;
	}
	return skipped;
}

static void no_level_skips_what_may_be_coded(void **state)
{
	static char text[TEXT];
	size_t skipped = 0, seen = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct rw_slice t = {text, make(text)};
		const char *code = codes[pick(sizeof(codes) / sizeof(codes[0]))];
		size_t n = strlen(code);

		if (t.n > n)
			memcpy(text + pick((unsigned)(t.n - n)), code, n);
		for (unsigned level = 0; level <= rw_level_here(); level++)
			skipped += check_skipped(t, level, &seen);
	}
	assert_true(skipped > TEXTS && seen > TEXTS);
}

/* Each code at each place of the blocks that are skipped, also at the text's end. */
static void no_level_skips_a_code_at_any_place(void **state)
{
	enum { PLACES = 140, BEHIND = 70 };
	size_t seen = 0;

	(void)state;
	for (unsigned k = 0; k < sizeof(codes) / sizeof(codes[0]); k++)
		for (size_t at = 0; at < PLACES; at++)
			for (size_t behind = 0; behind < BEHIND; behind += 1 + 16 * (at % 3)) {
				size_t n = strlen(codes[k]), all = at + n + behind;
				char *text = malloc(all);

				assert_non_null(text);
				memset(text, ' ', all);
				memcpy(text + at, codes[k], n);
				for (unsigned level = 0; level <= rw_level_here(); level++)
					check_skipped(rw_slice_of(text, all), level, &seen);
				free(text);
			}
	assert_true(seen > (size_t)PLACES * sizeof(codes) / sizeof(codes[0]));
}

/* A token of 16 bytes with a capital stops it; so what ends tokens there ends them here. */
static void every_level_ends_tokens_where_runs_end(void **state)
{
	char text[4 * RW_SEG_LONG_TOKEN + 1];

	(void)state;
	for (unsigned c = 0; c < 256; c++) {
		bool token = rw_seg_classes[c] & IN_TOKEN;

		if (rw_seg_classes[c] & (DIGIT | AT) || (!token && rw_seg_classes[c] & LEAD))
			continue;
		memset(text, ' ', sizeof(text));
		memcpy(text + 2, "Abcdefgh.ijklmnop", 17);
		text[10] = (char)c;
		for (unsigned level = 1; level <= rw_level_here(); level++) {
			size_t at = rw_seg_skip_at[level]((unsigned char *)text, 0, sizeof(text));

			assert_true(token ? at == 2 : at > 19);
		}
	}
}

static bool is_lone_kind(unsigned char c)
{
	return c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       c == '@' || c == '$';
}

/* Whether an ASCII letter stands alone at i. */
static bool is_lone(struct rw_slice t, size_t i)
{
	return i < t.n && (unsigned char)t.p[i] < 0x80 && is_lone_kind((unsigned char)t.p[i]) &&
	       !(i && (unsigned char)t.p[i - 1] < 0x80 &&
		 is_lone_kind((unsigned char)t.p[i - 1])) &&
	       !(i + 1 < t.n && is_lone_kind((unsigned char)t.p[i + 1]));
}

/* Whether one does at i, and another behind one to three signs. */
static bool is_row(struct rw_slice t, size_t i)
{
	return is_lone(t, i) && (is_lone(t, i + 2) || is_lone(t, i + 3) || is_lone(t, i + 4));
}

/* Letters that stand apart are not passed over, wherever they stand in and between blocks. */
static void no_level_skips_letters_that_stand_alone(void **state)
{
	static const char *const rows[] = {"i g n o r e",      "i.g.n.o.r.e",	"a - b", " x\ny ",
					   "\u201ci.g\u201d ", "\u6587 \u6587", "$ @ 1"};
	static char text[TEXT];
	size_t skipped = 0, seen = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct rw_slice t = {text, make(text)};
		const char *row = rows[pick(sizeof(rows) / sizeof(rows[0]))];
		size_t n = strlen(row);

		if (t.n > n)
			memcpy(text + pick((unsigned)(t.n - n)), row, n);
		for (unsigned level = 0; level <= rw_level_here(); level++) {
			for (size_t at = 0; at < t.n; at++) {
				size_t next = rw_decode_lone_at[level](t, at);

				assert_int_equal(next, rw_decode_lone_at[0](t, at));
				for (; at < next; at++, skipped++)
					assert_false(is_row(t, at));
				seen += next < t.n;
			}
		}
	}
	assert_true(skipped > TEXTS && seen > TEXTS);
}

/* Signs anywhere in and between blocks of 64 bytes. */
static void hints_do_not_depend_on_the_level(void **state)
{
	static const char *const signs[] = {
		"%41",	 "&#65;", "\\u0041", "=69=67", "\nUser: ", "\n**Human (2)**: ",
		".-",	 "-.",	  "- ",	     "a+b",    "\"+ \"",   "\" + \"",
		"word ", "= ",
	};
	static char text[TEXT];
	unsigned coded = 0, turns = 0, sum = 0, none = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		struct rw_slice t = {text, make(text)};
		struct rw_decode_hints at_least, there;

		for (unsigned k = pick(8); k; k--) {
			const char *sign = signs[pick(sizeof(signs) / sizeof(signs[0]))];
			size_t n = strlen(sign);

			if (t.n > n)
				memcpy(text + pick((unsigned)(t.n - n)), sign, n);
		}
		at_least = rw_decode_hints_at[0](t);
		for (unsigned level = 1; level <= rw_level_here(); level++) {
			there = rw_decode_hints_at[level](t);
			assert_int_equal(there.coded, at_least.coded);
			assert_int_equal(there.turns, at_least.turns);
			assert_int_equal(there.sum, at_least.sum);
		}
		coded += at_least.coded;
		turns += at_least.turns;
		sum += at_least.sum;
		none += !at_least.coded && !at_least.turns && !at_least.sum;
	}
	assert_true(coded && turns && sum && none);
}

/* What runs are made of: each count has something of its own, and something that ends it. Behind
 * the run are digits that are none of it. */
static size_t make_run(char out[RW_SHAPE_RUN_MAX])
{
	static const char letters[] = "0123456789012345678900 --..()/+:@AZaz_,\xc3";
	size_t n = pick(pick(8) ? 70 : RW_SHAPE_RUN_MAX + 1), kinds = 1 + pick(sizeof(letters) - 1);

	memset(out, '7', RW_SHAPE_RUN_MAX);
	for (size_t i = 0; i < n; i++)
		out[i] = letters[pick((unsigned)kinds)];
	return n;
}

/* The most bytes of what, of which none of ends is between. */
static unsigned most_between(struct rw_slice run, const char *what, const char *ends)
{
	unsigned n = 0, most = 0;

	for (size_t i = 0; i < run.n; i++) {
		n = memchr(ends, run.p[i], strlen(ends)) ? 0 : n + !!strchr(what, run.p[i]);
		most = n > most ? n : most;
	}
	return most;
}

/* Runs of all lengths, also where nothing behind them may be read. */
static void every_level_counts_the_same(void **state)
{
	static const char digits[] = "0123456789";
	unsigned numbers = 0, more = 0;

	(void)state;
	for (unsigned i = 0; i < TEXTS; i++) {
		char text[RW_SHAPE_RUN_MAX], *alone;
		size_t n = make_run(text);
		struct rw_slice run = {alone = malloc(n ? n : 1), n};
		uint8_t at_least[RW_COUNT_LANES] = {0};

		assert_non_null(alone);
		memcpy(alone, text, n);
		rw_shape_count_at[0](run, n, at_least);
		assert_int_equal(at_least[RW_COUNT_NUMBER], most_between(run, digits, "AZaz"));
		assert_int_equal(at_least[RW_COUNT_GROUP],
				 most_between(run, digits, "AZaz:@_,\xc3"));
		for (unsigned level = 1; level <= rw_level_here(); level++) {
			uint8_t there[RW_COUNT_LANES] = {0};

			rw_shape_count_at[level](run, n, there);
			assert_memory_equal(there, at_least, sizeof(there));
			rw_shape_count_at[level](rw_slice_of(text, n), sizeof(text), there);
			assert_memory_equal(there, at_least, sizeof(there));
		}
		numbers += at_least[RW_COUNT_NUMBER] > at_least[RW_COUNT_GROUP];
		more += n > 64; /* which is what is counted at once */
		free(alone);
	}
	assert_true(numbers && more);
}

/* Of a run that is too long only the number is known. */
static void a_long_run_may_be_anything_but_a_number(void **state)
{
	char text[RW_SHAPE_RUN_MAX + 1];
	struct rw_shape_seen seen;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text + 100, "415 555/01.x1", 13);
	rw_shape_see(rw_slice_of(text, RW_SHAPE_RUN_MAX), sizeof(text), &seen);
	assert_int_equal(seen.counts[RW_COUNT_BYTES], RW_SHAPE_RUN_MAX);
	assert_int_equal(seen.counts[RW_COUNT_NUMBER], 8);
	rw_shape_see(rw_slice_of(text, sizeof(text)), sizeof(text), &seen);
	assert_int_equal(seen.counts[RW_COUNT_BYTES], UINT8_MAX);
	assert_int_equal(seen.counts[RW_COUNT_NUMBER], 8);
}

/* What a validator wants is asked of a run before its pattern is. */
static void shapes_want_the_digits_of_their_validators(void **state)
{
	unsigned local = 0;

	(void)state;
	for (unsigned i = 0; i < rules->shapes.n; i++) {
		const struct rw_shape *s = &rules->shapes.at[i];
		const struct rw_validator *v =
			rw_rule_of(rules, rules->pats[s->pat].rule)->validator;

		assert_int_equal(s->least[RW_COUNT_NUMBER], v ? v->digits : 0);
		local += v && v->digits == RW_PHONE_LOCAL_DIGITS;
	}
	assert_true(local > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_level_gives_the_same),
		cmocka_unit_test(every_level_folds_signs_the_same),
		cmocka_unit_test(no_level_skips_what_may_be_an_entity),
		cmocka_unit_test(no_level_skips_two_signs_at_any_place),
		cmocka_unit_test(no_level_skips_what_may_be_coded),
		cmocka_unit_test(no_level_skips_a_code_at_any_place),
		cmocka_unit_test(every_level_ends_tokens_where_runs_end),
		cmocka_unit_test(no_level_skips_letters_that_stand_alone),
		cmocka_unit_test(hints_do_not_depend_on_the_level),
		cmocka_unit_test(every_level_counts_the_same),
		cmocka_unit_test(a_long_run_may_be_anything_but_a_number),
		cmocka_unit_test(shapes_want_the_digits_of_their_validators),
	};

	return cmocka_run_group_tests(tests, load_rules, free_rules);
}
