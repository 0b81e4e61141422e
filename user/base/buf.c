/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/utf8.h"
#include "base/vec.h"

enum { FIRST_CAP = 256 };

/* Allocates at least want bytes, doubling, but no further than the bound without need. */
static int grow(struct rw_buf *b, size_t want)
{
	size_t cap = b->cap ? b->cap : FIRST_CAP;
	char *p;

	if (want <= b->cap)
		return RW_OK;
	while (cap < want)
		cap *= 2;
	if (b->max && cap > b->max)
		cap = b->max > want ? b->max : want;
	p = realloc(b->p, cap);
	if (!p)
		return RW_ENOMEM;
	b->p = p;
	b->cap = cap;
	return RW_OK;
}

int rw_buf_make_room(struct rw_buf *b, size_t n)
{
	if (n > SIZE_MAX / 4 - b->len)
		return RW_ELIMIT;
	if (b->max && b->len + n > b->max)
		return RW_ELIMIT;
	return grow(b, b->len + n);
}

int rw_buf_add_u64(struct rw_buf *b, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	if (v < 10) {
		digits[0] = (char)('0' + v);
		return rw_buf_add(b, digits, 1);
	}
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return rw_buf_add(b, digits + at, sizeof(digits) - at);
}

int rw_buf_addf(struct rw_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	size_t room = b->cap - b->len;
	int n, rc;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
	va_end(ap);
	rc = n < 0 ? RW_EINVAL : rw_buf_reserve(b, (size_t)n);
	if (!rc && (size_t)n >= room) {
		/* One more than reserved: vsnprintf writes a NUL behind, which is no content. */
		rc = grow(b, b->len + (size_t)n + 1);
		if (!rc)
			vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	if (!rc)
		b->len += (size_t)n;
	return rc;
}

static int add_u_escape(struct rw_buf *b, unsigned cp)
{
	static const char hex[] = "0123456789abcdef";
	const char text[6] = {
		'\\', 'u', hex[cp >> 12 & 15], hex[cp >> 8 & 15], hex[cp >> 4 & 15], hex[cp & 15]};

	return rw_buf_add(b, text, sizeof(text));
}

static int add_escaped(struct rw_buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		return rw_buf_add_str(b, "\\\"");
	case '\\':
		return rw_buf_add_str(b, "\\\\");
	case '\n':
		return rw_buf_add_str(b, "\\n");
	case '\r':
		return rw_buf_add_str(b, "\\r");
	case '\t':
		return rw_buf_add_str(b, "\\t");
	default:
		return add_u_escape(b, c);
	}
}

/* The code point of a valid sequence that ends a line for somebody (C1, U+2028/9), else 0. */
static unsigned line_breaker(const unsigned char *s, size_t n)
{
	if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
		return s[1];
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
		return 0x2000u + (s[2] & 0x3fu);
	return 0;
}

static int json_byte_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static int add_json_text(struct rw_buf *b, struct rw_slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, run = 0, n;
	unsigned cp;
	int rc;

	while (i < s.n) {
		if (json_byte_is_plain(p[i])) {
			i++;
			continue;
		}
		n = p[i] >= 0x80 ? rw_utf8_len(s.p + i, s.n - i) : 0;
		cp = n ? line_breaker(p + i, n) : 0;
		if (n && !cp) {
			i += n;
			continue;
		}
		rc = rw_buf_add(b, p + run, i - run);
		if (!rc && cp)
			rc = add_u_escape(b, cp);
		else if (!rc)
			rc = p[i] < 0x80 ? add_escaped(b, p[i]) : rw_buf_add_str(b, "\xef\xbf\xbd");
		if (rc)
			return rc;
		i += n ? n : 1;
		run = i;
	}
	return run < i ? rw_buf_add(b, p + run, i - run) : RW_OK;
}

/* Nothing in it needs a look: no quote, backslash or control, and ASCII alone. */
static bool is_plain_json(struct rw_slice s)
{
	char last[RW_VEC] = "                ";

	for (; s.n >= RW_VEC; s.p += RW_VEC, s.n -= RW_VEC)
		if (rw_vec_any(rw_vec_json_special(rw_vec_at(s.p))))
			return false;
	if (s.n == 0)
		return true;
	memcpy(last, s.p, s.n);
	return !rw_vec_any(rw_vec_json_special(rw_vec_at(last)));
}

/* Most texts are: then this is one append. */
static int add_plain_json(struct rw_buf *b, struct rw_slice s)
{
	int rc = rw_buf_reserve(b, s.n + 2);
	char *p;

	if (rc)
		return rc;
	p = b->p + b->len;
	*p = '"';
	if (s.n)
		memcpy(p + 1, s.p, s.n);
	p[s.n + 1] = '"';
	b->len += s.n + 2;
	return RW_OK;
}

int rw_buf_add_json(struct rw_buf *b, struct rw_slice s)
{
	size_t before = b->len;
	int rc;

	if (is_plain_json(s))
		return add_plain_json(b, s);
	rc = rw_buf_add(b, "\"", 1);
	if (!rc)
		rc = add_json_text(b, s);
	if (!rc)
		rc = rw_buf_add(b, "\"", 1);
	if (rc)
		b->len = before; /* all or nothing, as every append */
	return rc;
}

void rw_buf_consume(struct rw_buf *b, size_t n)
{
	RW_BUG_ON(n > b->len);
	b->len -= n;
	if (b->len)
		memmove(b->p, b->p + n, b->len);
}

void rw_buf_reset(struct rw_buf *b)
{
	b->len = 0;
}

void rw_buf_free(struct rw_buf *b)
{
	size_t max = b->max;

	free(b->p);
	*b = (struct rw_buf){.max = max};
}

void rw_buf_wipe(struct rw_buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	rw_buf_free(b);
}
