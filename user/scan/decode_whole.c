/* SPDX-License-Identifier: Apache-2.0 */
/* Whole texts in disguise: rotated, reversed, spaced out. */
#include "base/err.h"
#include "base/utf8.h"
#include "scan/decode.h"

void rw_decode_rotated(struct rw_decoded *d, struct rw_slice text, unsigned n)
{
	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
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
	d->n = 0;
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
	d->n = 0;
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

/* Length of the letter or digit at i, or 0. */
static size_t letter(struct rw_slice text, size_t i)
{
	char low = i < text.n ? text.p[i] | 0x20 : 0;

	if ((low >= 'a' && low <= 'z') || (i < text.n && text.p[i] >= '0' && text.p[i] <= '9') ||
	    (i < text.n && (text.p[i] == '@' || text.p[i] == '$')))
		return 1;
	return i < text.n && text.p[i] & (char)0x80 ? rw_utf8_len(text.p + i, text.n - i) : 0;
}

enum { MARKED_MIN = 2 };

static bool spacer(char c)
{
	return c == ' ' || c == '.' || c == '-' || c == '_' || c == '*' || c == '|' || c == '/' ||
	       c == ',' || c == '~' || c == '+' || c == '\n';
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
		if (at >= text.n || !spacer(text.p[at]) || (sign && text.p[at] != sign))
			return end;
		sign = text.p[at];
		while (gap < 3 && at + gap < text.n && spacer(text.p[at + gap]))
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

	return at < text.n && spacer(text.p[at]) && text.p[at] != ' ' ? MARKED_MIN
								      : RW_CODED_RUN_MIN;
}

bool rw_decode_spaced(struct rw_decoded *d, struct rw_slice text)
{
	bool some = false;
	size_t i = 0;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		size_t letters = 0, end;
		bool starts = !i || !letter(text, i - 1);

		end = starts ? row_end(text, i, &letters) : i;
		if (letters < row_min(text, i)) {
			rw_decoded_put(d, text.p[i], i);
			i++;
			continue;
		}
		some = true;
		while (i < end) {
			size_t gap = 0;

			while (i < end && !spacer(text.p[i])) {
				rw_decoded_put(d, text.p[i], i);
				i++;
			}
			for (; i < end && spacer(text.p[i]); i++)
				gap++;
			if (gap > 1)
				rw_decoded_put(d, ' ', i - 1);
		}
	}
	return some;
}
