/* SPDX-License-Identifier: Apache-2.0 */
/* What is encoded inside a text, decoded in its place. */
#include "scan/decode.h"

#include "base/err.h"
#include "base/utf8.h"

enum {
	LETTERS = 26,	      /* of the alphabet */
	LINE_MIN = 32,	      /* a line of wrapped base64 is at least so long */
	READABLE_PERCENT = 90 /* of what a token decodes to; less is a key or a hash */
};

/* Value of a letter of either base64 alphabet, plus one; 0: it is none. */
static const uint8_t letters64[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,
	['H'] = 8,  ['I'] = 9,	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
	['-'] = 63, ['/'] = 64, ['_'] = 64,
};

/* Its value, or -1. */
static int letter64(char c)
{
	return letters64[(unsigned char)c] - 1;
}

/* Whether what is in d from from on reads like text, in ASCII or UTF-8. */
static bool readable(const struct rw_decoded *d, size_t from)
{
	size_t good = 0, n = d->n - from, i = from;

	while (i < d->n) {
		size_t len = rw_utf8_len(d->bytes + i, d->n - i);
		unsigned char c = (unsigned char)d->bytes[i];

		if (len > 1 || (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t' || c == '\r')
			good += len ? len : 0;
		i += len ? len : 1;
	}
	return n >= RW_CODED_RUN_MIN && good * 100 >= n * READABLE_PERCENT;
}

/* Keeps what was appended where it is readable. */
static bool keep(struct rw_decoded *d, size_t from)
{
	if (readable(d, from))
		return true;
	d->n = from;
	return false;
}

/* A line end, where base64 may be wrapped; 0: none. */
static size_t wrap(struct rw_slice text, size_t i)
{
	size_t n = i;

	if (n < text.n && text.p[n] != '\\' && text.p[n] != '\r' && text.p[n] != '\n')
		return 0;
	if (n + 1 < text.n && text.p[n] == '\\' && text.p[n + 1] == 'n')
		return 2;
	while (n < text.n && n < i + 3 && (text.p[n] == '\r' || text.p[n] == '\n'))
		n++;
	return n - i;
}

/*
 * The end of the token at i: letters of base64, over line ends where its lines are long. *mixed: it
 * has a capital or a digit. Without, as most long names in programs, it codes no text: every third
 * byte would be one of h to z.
 */
static size_t token_end(struct rw_slice text, size_t i, bool *mixed)
{
	size_t line = i, n = i, skip;

	*mixed = false;
	for (;;) {
		for (; n < text.n && letter64(text.p[n]) >= 0; n++)
			*mixed |= text.p[n] >= '0' && text.p[n] <= 'Z';
		skip = wrap(text, n);
		if (!skip || n - line < LINE_MIN || n + skip >= text.n ||
		    letter64(text.p[n + skip]) < 0)
			return n;
		line = n += skip;
	}
}

static bool base64(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n, first = i;
	uint32_t bits = 0;
	unsigned n = 0;

	for (; i < end; i++) {
		int v = letter64(text.p[i]);

		if (v < 0) {
			if (text.p[i] == '\\')
				i++;
			continue;
		}
		bits = bits << 6 | (uint32_t)v;
		if (n++ % 4 == 0)
			first = i;
		else
			rw_decoded_put(d, (char)(bits >> (6 - 2 * ((n - 1) % 4))), first);
	}
	return keep(d, from);
}

static bool hex(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n;

	if ((end - i) % 2)
		return false;
	for (size_t k = i; k < end; k++)
		if (rw_hex_digit(text.p[k]) < 0)
			return false;
	for (; i < end; i += 2)
		rw_decoded_put(
			d, (char)(rw_hex_digit(text.p[i]) << 4 | rw_hex_digit(text.p[i + 1])), i);
	return keep(d, from);
}

/* RFC 4648 6: capitals and the digits from 2 to 7, five bits each. */
static bool base32(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n, first = i;
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t k = i; k < end; k++)
		if (!(text.p[k] >= 'A' && text.p[k] <= 'Z') &&
		    !(text.p[k] >= '2' && text.p[k] <= '7'))
			return false;
	for (; i < end; i++) {
		unsigned v = text.p[i] >= 'A' ? (unsigned)(text.p[i] - 'A')
					      : (unsigned)(text.p[i] - '2') + LETTERS;

		if (!n)
			first = i;
		bits = bits << 5 | v;
		n += 5;
		if (n < 8)
			continue;
		n -= 8;
		rw_decoded_put(d, (char)(bits >> n), first);
		first = i;
	}
	return keep(d, from);
}

/* Zeros and ones, eight a character, without anything between. */
static bool binary(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end)
{
	size_t from = d->n;

	if ((end - i) % 8 || end - i < 8 * RW_CODED_RUN_MIN)
		return false;
	for (size_t k = i; k < end; k++)
		if (text.p[k] != '0' && text.p[k] != '1')
			return false;
	for (; i < end; i += 8) {
		unsigned v = 0;

		for (size_t k = i; k < i + 8; k++)
			v = v << 1 | (text.p[k] == '1');
		rw_decoded_put(d, (char)v, i);
	}
	return keep(d, from);
}

/* Appends what the token [i, end) decodes to; false: nothing. */
static bool token(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end, bool inside)
{
	bool prefixed = end - i > 2 && text.p[i] == '0' && (text.p[i + 1] | 0x20) == 'x';

	if (binary(d, text, i, end) || hex(d, text, prefixed ? i + 2 : i, end) ||
	    base64(d, text, i, end) || base32(d, text, i, end))
		return true;
	/* The rest of a token begins anywhere in a group of four. */
	for (size_t k = 1; inside && !i && k < 4; k++)
		if (base64(d, text, k, end))
			return true;
	return false;
}

/* What other knows begins so. No number begins with a letter: what that codes is no character. */
static const bool may_be_other[256] = {
	['0' ... '9'] = true, ['%'] = true, ['&'] = true, ['\\'] = true,
	['='] = true,	      ['.'] = true, ['-'] = true,
};

/* What is coded at i in other ways than a token; how much of the text it is. */
static size_t other(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	switch (text.p[i]) {
	case '%':
	case '&':
	case '=':
	case '\\':
		return rw_decode_escape(d, text, i);
	case '.':
	case '-':
		return rw_decode_morse(d, text, i);
	default:
		return rw_decode_numbers(d, text, i);
	}
}

/* Appends what is coded at i, and how much of the text that is; 0: nothing is. *next: where to look
 * on. */
static size_t code(struct rw_decoded *d, struct rw_slice text, size_t i, bool inside, size_t *next)
{
	size_t n = may_be_other[(unsigned char)text.p[i]] ? other(d, text, i) : 0;
	bool mixed = false;
	size_t end = n || letter64(text.p[i]) < 0 ? i : token_end(text, i, &mixed);

	if (mixed && end - i >= RW_CODED_BYTES_MIN && token(d, text, i, end, inside)) {
		while (end < text.n && text.p[end] == '=') /* padding */
			end++;
		n = end - i;
	}
	*next = n ? i + n : end > i ? end : i + 1;
	return n;
}

static bool is_word(struct rw_slice text, size_t i)
{
	char c = i < text.n ? text.p[i] : 0;

	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') || c & (char)0x80;
}

/* Whether [from, n) of d, which [i, next) of the text was decoded to, says something else: it does
 * but where it is a space or a quote with no word behind that it was taken for a part of. Of what
 * leaves nothing, the break of a line, it does inside a word. */
static bool is_news(const struct rw_decoded *d, size_t from, struct rw_slice text, size_t i,
		    size_t next)
{
	if (d->n == from)
		return i && is_word(text, i - 1) && is_word(text, next);
	if (is_word(text, next))
		return true;
	for (size_t k = from; k < d->n; k++)
		if ((unsigned char)d->bytes[k] > ' ' && d->bytes[k] != '"' && d->bytes[k] != '\'')
			return true;
	return false;
}

/*
 * Most of a text stands for itself, and most texts wholly: that is copied where something is coded,
 * which is no longer than what it comes from, so there is room for all in front of it.
 */
bool rw_decode(struct rw_decoded *d, struct rw_slice text, bool inside)
{
	rw_decode_skip_fn *skip = rw_decode_skip_at[rw_level_here()];
	size_t copied = 0, at = 0, i = 0, next;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	rw_decoded_begin(d);
	for (; (i = skip(text, i)) < text.n; i = next) {
		size_t from = d->n = at + i - copied;

		if (!code(d, text, i, inside, &next))
			continue;
		RW_BUG_ON(d->n > next);
		if (is_news(d, from, text, i, next))
			rw_decoded_tell(d, from, d->n);
		rw_decoded_place(d, at, text, copied, i);
		copied = next;
		at = d->n;
	}
	d->n = 0;
	if (!copied)
		return false;
	rw_decoded_place(d, at, text, copied, text.n);
	d->n = at + text.n - copied;
	return true;
}
