/* SPDX-License-Identifier: Apache-2.0 */
/* Characters written as codes: escapes of the web and of programs, numbers, Morse. */
#include "base/utf8.h"
#include "scan/decode.h"

/* Reads up to most digits of base at i; how many there are. */
static size_t digits(struct rw_slice text, size_t i, unsigned base, size_t most, uint32_t *value)
{
	size_t n = 0;

	for (*value = 0; n < most && i + n < text.n; n++) {
		int v = rw_hex_digit(text.p[i + n]);

		if (v < 0 || (unsigned)v >= base)
			break;
		*value = *value * base + (unsigned)v;
	}
	return n;
}

static void put_char(struct rw_decoded *d, uint32_t cp, size_t from)
{
	char out[4];
	size_t n = rw_utf8_put(out, cp > 0x10ffff ? 0xfffd : cp);

	for (size_t k = 0; k < n; k++)
		rw_decoded_put(d, out[k], from);
}

static size_t percent(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	uint32_t v;

	if (digits(text, i + 1, 16, 2, &v) != 2)
		return 0;
	rw_decoded_put(d, (char)v, i);
	return 3;
}

/* =69 of quoted-printable beside another; and = at the end of a line, which may be inside a word.
 */
static size_t quoted_printable(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	bool beside = (i + 3 < text.n && text.p[i + 3] == '=') || (i > 2 && text.p[i - 3] == '=');

	if (i && i + 1 < text.n && text.p[i + 1] == '\n' && (unsigned char)text.p[i - 1] > ' ')
		return 2;
	return beside ? percent(d, text, i) : 0;
}

static size_t entity(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	static const struct {
		const char *name;
		uint32_t cp;
	} names[] = {{"lt;", '<'},    {"gt;", '>'},   {"amp;", '&'},	  {"quot;", '"'},
		     {"apos;", '\''}, {"nbsp;", ' '}, {"NewLine;", '\n'}, {"Tab;", ' '}};
	size_t at = i + 1, n;
	uint32_t v;

	if (at < text.n && text.p[at] == '#') {
		bool in_hex = at + 1 < text.n && (text.p[at + 1] | 0x20) == 'x';

		at += in_hex ? 2 : 1;
		n = digits(text, at, in_hex ? 16 : 10, 7, &v);
		if (!n)
			return 0;
		put_char(d, v, i);
		at += n;
		return at - i + (at < text.n && text.p[at] == ';');
	}
	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		n = strlen(names[k].name);
		if (text.n - at < n || memcmp(text.p + at, names[k].name, n) != 0)
			continue;
		put_char(d, names[k].cp, i);
		return n + 1;
	}
	return 0;
}

/* \uXXXX, two of which may be one character. */
static size_t unicode(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	uint32_t v, low;

	if (i + 2 < text.n && text.p[i + 2] == '{') {
		size_t n = digits(text, i + 3, 16, 6, &v);

		if (!n || i + 3 + n >= text.n || text.p[i + 3 + n] != '}')
			return 0;
		put_char(d, v, i);
		return n + 4;
	}
	if (digits(text, i + 2, 16, 4, &v) != 4)
		return 0;
	if (v >= 0xd800 && v < 0xdc00 && i + 12 <= text.n && text.p[i + 6] == '\\' &&
	    (text.p[i + 7] | 0x20) == 'u' && digits(text, i + 8, 16, 4, &low) == 4 &&
	    low >= 0xdc00 && low < 0xe000) {
		put_char(d, 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00), i);
		return 12;
	}
	put_char(d, v, i);
	return 6;
}

static size_t backslash(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	char c = i + 1 < text.n ? text.p[i + 1] : 0;
	uint32_t v;

	if (c == 'u')
		return unicode(d, text, i);
	if (c == 'U' && digits(text, i + 2, 16, 8, &v) == 8) {
		put_char(d, v, i);
		return 10;
	}
	if (c == 'x' && digits(text, i + 2, 16, 2, &v) == 2) {
		rw_decoded_put(d, (char)v, i);
		return 4;
	}
	if (c == 'n' || c == 't' || c == 'r') {
		rw_decoded_put(d, ' ', i);
		return 2;
	}
	if (digits(text, i + 1, 8, 3, &v) == 3 && v < 256) {
		rw_decoded_put(d, (char)v, i);
		return 4;
	}
	return 0;
}

size_t rw_decode_escape(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	switch (text.p[i]) {
	case '%':
		return percent(d, text, i);
	case '=':
		return quoted_printable(d, text, i);
	case '&':
		return entity(d, text, i);
	default:
		return backslash(d, text, i);
	}
}

/* One number of width digits (0: two or three) at i, 0x before it; its length, or 0. */
static size_t number(struct rw_slice text, size_t i, unsigned base, size_t width, uint32_t *v)
{
	size_t prefix = base == 16 && i + 1 < text.n && text.p[i] == '0' && text.p[i + 1] == 'x'
				? 2
				: 0;
	size_t n = digits(text, i + prefix, base, width ? width : 3, v);
	size_t end = i + prefix + n;

	if ((width ? n != width : n < 2) || (end < text.n && rw_hex_digit(text.p[end]) >= 0))
		return 0;
	return (*v >= ' ' && *v < 0x7f) || *v == '\n' ? end - i : 0;
}

static bool between_numbers(char c)
{
	return c == ' ' || c == ',' || c == ':' || c == '-' || c == ';' || c == '\n';
}

/* A row of numbers of one base, with one or two separators between. */
static size_t row(struct rw_decoded *d, struct rw_slice text, size_t i, unsigned base, size_t width)
{
	size_t from = d->n, at = i, end = i, n, count = 0;
	uint32_t v;

	while (at < text.n && (n = number(text, at, base, width, &v)) > 0) {
		rw_decoded_put(d, (char)v, at);
		count++;
		at = end = at + n;
		while (at < text.n && at < end + 2 && between_numbers(text.p[at]))
			at++;
		if (at == end)
			break;
	}
	if (count >= RW_CODED_RUN_MIN)
		return end - i;
	d->n = from;
	return 0;
}

size_t rw_decode_numbers(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	size_t n;

	if (i && (rw_hex_digit(text.p[i - 1]) >= 0 || between_numbers(text.p[i - 1])) && i > 1 &&
	    rw_hex_digit(text.p[i - 2]) >= 0)
		return 0; /* the row began before */
	n = row(d, text, i, 2, 8);
	if (!n)
		n = row(d, text, i, 16, 2);
	if (!n)
		n = row(d, text, i, 10, 0);
	return n ? n : row(d, text, i, 8, 3);
}

/* By what is sent, as a number: a leading 1, then 0 for a dot and 1 for a dash. */
static const char morse[64] = {
	[2] = 'e',  [3] = 't',	[4] = 'i',  [5] = 'a',	[6] = 'n',  [7] = 'm',
	[8] = 's',  [9] = 'u',	[10] = 'r', [11] = 'w', [12] = 'd', [13] = 'k',
	[14] = 'g', [15] = 'o', [16] = 'h', [17] = 'v', [18] = 'f', [20] = 'l',
	[22] = 'p', [23] = 'j', [24] = 'b', [25] = 'x', [26] = 'c', [27] = 'y',
	[28] = 'z', [29] = 'q', [47] = '1', [39] = '2', [35] = '3', [33] = '4',
	[32] = '5', [48] = '6', [56] = '7', [60] = '8', [62] = '9', [63] = '0',
};

size_t rw_decode_morse(struct rw_decoded *d, struct rw_slice text, size_t i)
{
	size_t from = d->n, behind = from, at = i, end = i, letters = 0;

	if (i && (text.p[i - 1] == '.' || text.p[i - 1] == '-'))
		return 0;
	while (at < text.n && (text.p[at] == '.' || text.p[at] == '-')) {
		size_t start = at;
		unsigned code = 1, spaces = 0;

		for (; at < text.n && code < 64 && (text.p[at] == '.' || text.p[at] == '-'); at++)
			code = code << 1 | (text.p[at] == '-');
		if (code >= 64 || !morse[code])
			break;
		rw_decoded_put(d, morse[code], start);
		behind = d->n;
		letters++;
		end = at;
		for (; at < text.n && at < end + 4 && (text.p[at] == ' ' || text.p[at] == '/');
		     at++)
			spaces += text.p[at] == '/' ? 2 : 1;
		if (spaces > 1)
			rw_decoded_put(d, ' ', end);
		if (!spaces)
			break;
	}
	/* The gap behind the last letter is not taken, so it is not written either. */
	d->n = letters >= RW_CODED_RUN_MIN ? behind : from;
	return letters >= RW_CODED_RUN_MIN ? end - i : 0;
}
