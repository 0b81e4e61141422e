/* SPDX-License-Identifier: Apache-2.0 */
/* What is encoded inside a text, decoded in its place. */
#include "scan/decode.h"

#include "base/err.h"
#include "base/utf8.h"

enum {
	LINE_MIN = 32,	      /* a line of wrapped base64 is at least so long */
	READABLE_PERCENT = 90 /* of what a token decodes to; less is a key or a hash */
};

/* Value of a letter of either base64 alphabet, or -1. */
static int letter64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
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

	if (n + 1 < text.n && text.p[n] == '\\' && text.p[n + 1] == 'n')
		return 2;
	while (n < text.n && n < i + 3 && (text.p[n] == '\r' || text.p[n] == '\n'))
		n++;
	return n - i;
}

/* The end of the token at i: letters of base64, over line ends where its lines are long. */
static size_t token_end(struct rw_slice text, size_t i)
{
	size_t line = i, n = i, skip;

	for (;;) {
		while (n < text.n && letter64(text.p[n]) >= 0)
			n++;
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

/* The token [i, end): decoded, or as it is. */
static bool token(struct rw_decoded *d, struct rw_slice text, size_t i, size_t end, bool inside)
{
	if (end - i >= RW_CODED_BYTES_MIN) {
		if (hex(d, text, i, end) || base64(d, text, i, end))
			return true;
		/* The rest of a token begins anywhere in a group of four. */
		for (size_t k = 1; inside && !i && k < 4; k++)
			if (base64(d, text, k, end))
				return true;
	}
	for (; i < end; i++)
		rw_decoded_put(d, text.p[i], i);
	return false;
}

/* What is coded at i in other ways than a token; how much of the text it is. */
static size_t other(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	size_t n = 0;

	switch (text.p[i]) {
	case '%':
	case '&':
	case '\\':
		return rw_decode_escape(d, text, i);
	case '.':
	case '-':
		return rw_decode_morse(d, text, i);
	default:
		if (rw_hex_digit(text.p[i]) >= 0)
			n = rw_decode_numbers(d, text, i);
		return n;
	}
}

bool rw_decode(struct rw_decoded *d, struct rw_slice text, bool inside)
{
	bool some = false;
	size_t i = 0, n, end;

	RW_BUG_ON(text.n > RW_VIEW_TEXT_BYTES);
	d->n = 0;
	while (i < text.n) {
		n = other(d, text, i);
		if (n) {
			some = true;
			i += n;
			continue;
		}
		end = token_end(text, i);
		if (end > i) {
			bool was = token(d, text, i, end, inside);

			some |= was;
			i = end;
			while (was && i < text.n && text.p[i] == '=') /* padding */
				i++;
		} else {
			rw_decoded_put(d, text.p[i], i);
			i++;
		}
	}
	return some;
}
