/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/utf8.h"

enum { FIRST_CAP = 256 };

int rw_buf_reserve(struct rw_buf *b, size_t n)
{
	size_t want, cap;
	char *p;

	if (n > SIZE_MAX / 4 - b->len)
		return RW_ELIMIT;
	want = b->len + n;
	if (b->max && want > b->max)
		return RW_ELIMIT;
	if (want <= b->cap)
		return RW_OK;
	cap = b->cap ? b->cap : FIRST_CAP;
	while (cap < want)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p)
		return RW_ENOMEM;
	b->p = p;
	b->cap = cap;
	return RW_OK;
}

int rw_buf_add(struct rw_buf *b, const void *data, size_t n)
{
	int rc;

	if (n == 0)
		return RW_OK;
	rc = rw_buf_reserve(b, n);
	if (rc)
		return rc;
	memcpy(b->p + b->len, data, n);
	b->len += n;
	return RW_OK;
}

int rw_buf_add_slice(struct rw_buf *b, struct rw_slice s)
{
	return rw_buf_add(b, s.p, s.n);
}

int rw_buf_add_str(struct rw_buf *b, const char *str)
{
	return rw_buf_add(b, str, strlen(str));
}

int rw_buf_addf(struct rw_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return RW_EINVAL;
	rc = rw_buf_reserve(b, (size_t)n + 1); /* vsnprintf writes a NUL behind */
	if (rc)
		return rc;
	va_start(ap, fmt);
	vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return RW_OK;
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
		return rw_buf_addf(b, "\\u%04x", c);
	}
}

static int json_byte_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

int rw_buf_add_json(struct rw_buf *b, struct rw_slice s)
{
	size_t i = 0, run = 0, n;
	int rc = rw_buf_add(b, "\"", 1);

	while (!rc && i < s.n) {
		unsigned char c = (unsigned char)s.p[i];

		if (json_byte_is_plain(c)) {
			i++;
			continue;
		}
		n = c >= 0x80 ? rw_utf8_len(s.p + i, s.n - i) : 0;
		if (n) {
			i += n;
			continue;
		}
		rc = rw_buf_add(b, s.p + run, i - run);
		if (!rc)
			rc = c >= 0x80 ? rw_buf_add_str(b, "\xef\xbf\xbd") : add_escaped(b, c);
		run = ++i;
	}
	if (!rc)
		rc = rw_buf_add(b, s.p + run, i - run);
	return rc ? rc : rw_buf_add(b, "\"", 1);
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
