/* SPDX-License-Identifier: Apache-2.0 */
/* Whole texts in disguise: rotated, reversed, spaced out. */
#include "base/err.h"
#include "base/utf8.h"
#include "scan/decode.h"

void rw_decode_rotated(struct rw_decoded *d, struct rw_slice text, unsigned n)
{
	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	rw_decoded_tell(d, 0, text.n);
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		char low = c | 0x20;

		if (low >= 'a' && low <= 'z')
			c = (char)('a' + (low - 'a' + 26 - (int)(n % 26)) % 26);
		rw_decoded_put(d, c, i);
	}
}

void rw_decode_mirrored(struct rw_decoded *d, struct rw_slice text)
{
	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	rw_decoded_tell(d, 0, text.n);
	for (size_t i = 0; i < text.n; i++) {
		char low = text.p[i] | 0x20;

		rw_decoded_put(d, low >= 'a' && low <= 'z' ? (char)('z' - (low - 'a')) : text.p[i],
			       i);
	}
}

/* Appends the characters of [i, end) from the last to the first. */
static void reverse(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	while (end > i) {
		size_t at = end - 1;

		while (at > i && end - at < 4 && (text.p[at] & 0xc0) == 0x80)
			at--;
		if (rw_utf8_len(text.p + at, end - at) != end - at)
			at = end - 1;
		for (size_t k = at; k < end; k++)
			rw_decoded_put(d, text.p[k], k);
		end = at;
	}
}

void rw_decode_reversed(struct rw_decoded *d, struct rw_slice text, bool words)
{
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	rw_decoded_tell(d, 0, text.n);
	if (!words) {
		reverse(d, text, 0, text.n);
		return;
	}
	while (i < text.n) {
		size_t end = i;

		while (end < text.n && (unsigned char)text.p[end] > ' ')
			end++;
		reverse(d, text, i, end);
		for (i = end; i < text.n && (unsigned char)text.p[i] <= ' '; i++)
			rw_decoded_put(d, text.p[i], i);
	}
}

enum {
	LETTER = 1, /* or a digit, or a sign that looks like a letter */
	WIDE = 2,   /* may begin a letter beyond ASCII */
	SPACER = 4,
	DIGIT = 8,
	GAP_BYTES = 3, /* between rows that belong together */
	MARKED_MIN = 2,
	WORD_MIN = 4,	 /* letters of one row that is a word by itself */
	DIGITS_MIN = 18, /* of rows that may be codes of RW_CODED_RUN_MIN characters */
};

static const uint8_t kinds[256] = {
	['a' ... 'z'] = LETTER, ['A' ... 'Z'] = LETTER, ['0' ... '9'] = LETTER | DIGIT,
	['@'] = LETTER,		['$'] = LETTER,		[0x80 ... 0xff] = WIDE,
	[' '] = SPACER,		['.'] = SPACER,		['-'] = SPACER,
	['_'] = SPACER,		['*'] = SPACER,		['|'] = SPACER,
	['/'] = SPACER,		[','] = SPACER,		['~'] = SPACER,
	['+'] = SPACER,		['\n'] = SPACER,
};

static uint8_t kind(struct rw_slice text, size_t i)
{
	return i < text.n ? kinds[(unsigned char)text.p[i]] : 0;
}

/* Length of the letter or digit at i, or 0. */
static size_t letter(struct rw_slice text, size_t i)
{
	uint8_t k = kind(text, i);

	if (k & WIDE)
		return rw_utf8_len(text.p + i, text.n - i);
	return k & LETTER;
}

static bool is_spacer(struct rw_slice text, size_t i)
{
	return kind(text, i) & SPACER;
}

/* The end of the row of single letters at i, each but the last before one spacer. */
static size_t row_end(struct rw_slice text, size_t i, size_t *letters)
{
	size_t len = letter(text, i), end = i;
	char sign = 0; /* what stands between: always the same, or two spaces between words */

	*letters = 0;
	while (len) {
		size_t at = i + len, gap = 0;

		if (letter(text, at))
			return end; /* a word */
		++*letters;
		end = at;
		if (!is_spacer(text, at) || (sign && text.p[at] != sign))
			return end;
		sign = text.p[at];
		while (gap < GAP_BYTES && is_spacer(text, at + gap))
			gap++;
		i = at + gap;
		len = letter(text, i);
		if (!len && i < text.n && (unsigned char)text.p[i] > ' ') { /* a sign alone */
			len = 1;
			if (i + 1 < text.n && text.p[i + 1] != sign)
				return end;
		}
	}
	return end;
}

/* Letters that make a row: of those with a sign between fewer, since one word is a row of its own.
 */
static size_t row_min(struct rw_slice text, size_t i)
{
	size_t at = i + letter(text, i);

	return is_spacer(text, at) && text.p[at] != ' ' ? MARKED_MIN : RW_CODED_RUN_MIN;
}

/* Where behind a row that ends at i another may begin. */
static size_t behind_row(struct rw_slice text, size_t i)
{
	size_t at = i;

	while (at < i + GAP_BYTES && at < text.n && !letter(text, at))
		at++;
	return at;
}

/* What stands side by side at one place. */
struct rows {
	size_t end, letters, longest, digits;
};

static size_t digits_in(struct rw_slice text, size_t i, size_t end)
{
	size_t n = 0;

	for (; i < end; i++)
		n += (kind(text, i) & DIGIT) != 0;
	return n;
}

static struct rows see_rows(struct rw_slice text, size_t i)
{
	struct rows r = {.end = i};
	size_t n;

	for (size_t at = i; letter(text, at); at = behind_row(text, r.end)) {
		size_t end = row_end(text, at, &n);

		if (n < row_min(text, at))
			break;
		r.letters += n;
		r.longest = n > r.longest ? n : r.longest;
		r.digits += digits_in(text, at, end);
		r.end = end;
	}
	return r;
}

/* Whether they are words, and not "e.g." or "x, y"; or many digits, which may code some: short
 * lists of numbers are all digits. */
static bool are_words(const struct rows *r)
{
	if (r->letters >= DIGITS_MIN)
		return true;
	return (r->letters >= RW_CODED_RUN_MIN || r->longest >= WORD_MIN) &&
	       r->digits * 8 <= r->letters * 7;
}

/* Appends the row [i, end) without what stands between the letters of a word. */
static void close_row(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	while (i < end) {
		size_t gap = 0;

		while (i < end && !is_spacer(text, i)) {
			rw_decoded_put(d, text.p[i], i);
			i++;
		}
		for (; i < end && is_spacer(text, i); i++)
			gap++;
		if (gap > 1)
			rw_decoded_put(d, ' ', i - 1);
	}
}

static void close_rows(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	while (i < end) {
		size_t letters, row = row_end(text, i, &letters), next = behind_row(text, row);

		close_row(d, text, i, row);
		i = next < end ? next : end;
		rw_decoded_copy(d, text, row, i);
	}
}

bool rw_decode_spaced(struct rw_decoded *d, struct rw_slice text)
{
	rw_decode_lone_fn *lone = rw_decode_lone_at[rw_level_here()];
	size_t copied = 0, i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	while ((i = lone(text, i)) < text.n) {
		struct rows r = see_rows(text, i);
		size_t from;

		if (!are_words(&r)) {
			i++;
			continue;
		}
		rw_decoded_copy(d, text, copied, i);
		from = d->n;
		close_rows(d, text, i, r.end);
		rw_decoded_tell(d, from, d->n);
		copied = i = r.end;
	}
	if (copied)
		rw_decoded_copy(d, text, copied, text.n);
	return copied > 0;
}
