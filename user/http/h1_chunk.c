/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict walk through chunked framing (RFC 9112 7.1). llhttp decodes; this
 * refuses before it what it would let pass: sizes of more than 16 digits, endless
 * extensions and trailers.
 */
#include "http/h1_impl.h"

enum {
	AT_SIZE,
	AT_EXTENSION,
	AT_SIZE_LF,
	AT_DATA,
	AT_DATA_CR,
	AT_DATA_LF,
	AT_TRAILER,
	AT_TRAILER_NAME,
	AT_TRAILER_VALUE,
	AT_TRAILER_LF,
	AT_LAST_LF,
	AT_END,
};

enum { MAX_SIZE_DIGITS = 16, MAX_EXTRA_BYTES = 4096 };

void rw_h1_chunks_init(struct rw_h1_chunks *c, uint64_t limit_bytes)
{
	*c = (struct rw_h1_chunks){.state = AT_SIZE, .limit = limit_bytes};
}

uint64_t rw_h1_chunks_run(const struct rw_h1_chunks *c)
{
	return c->state == AT_DATA ? c->left : 0;
}

static int hex_value(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

static bool is(char ch, unsigned cls)
{
	return rw_h1_bytes[(unsigned char)ch] & cls;
}

static int step_size(struct rw_h1_chunks *c, char ch, struct rw_error *e)
{
	int v = hex_value(ch);

	if (v >= 0) {
		if (++c->digits > MAX_SIZE_DIGITS)
			return rw_fail(e, RW_EPROTO, "a chunk size has more than 16 digits");
		c->left = c->left << 4 | (uint64_t)v;
		return RW_OK;
	}
	if (!c->digits || (ch != '\r' && ch != ';'))
		return rw_fail(e, RW_EPROTO, "a chunk size is not a hexadecimal number");
	c->state = ch == ';' ? AT_EXTENSION : AT_SIZE_LF;
	return RW_OK;
}

static int size_done(struct rw_h1_chunks *c, struct rw_error *e)
{
	if (c->left > (uint64_t)INT64_MAX - c->total)
		return rw_fail(e, RW_EPROTO, "a chunk size is out of range");
	c->total += c->left;
	if (c->limit && c->total > c->limit)
		return rw_fail(e, RW_ELIMIT, "the body is larger than %llu bytes",
			       (unsigned long long)c->limit);
	c->state = c->left ? AT_DATA : AT_TRAILER;
	return RW_OK;
}

/* The bytes that are dropped: extensions and trailers. */
static int step_extra(struct rw_h1_chunks *c, char ch, struct rw_error *e)
{
	if (++c->extra_bytes > MAX_EXTRA_BYTES)
		return rw_fail(e, RW_EPROTO,
			       "chunk extensions and trailers are larger than %d bytes",
			       MAX_EXTRA_BYTES);
	if (c->state == AT_TRAILER_NAME) {
		if (ch == ':')
			c->state = AT_TRAILER_VALUE;
		else if (!is(ch, RW_H1_TCHAR))
			return rw_fail(e, RW_EPROTO, "a trailer's name is not a token");
		return RW_OK;
	}
	if (ch == '\r')
		c->state = c->state == AT_EXTENSION ? AT_SIZE_LF : AT_TRAILER_LF;
	else if (!is(ch, RW_H1_VALUE))
		return rw_fail(e, RW_EPROTO, "a control character in a chunk extension or trailer");
	return RW_OK;
}

static int step_trailer(struct rw_h1_chunks *c, char ch, struct rw_error *e)
{
	if (ch == '\r') {
		c->state = AT_LAST_LF;
		return RW_OK;
	}
	c->state = AT_TRAILER_NAME;
	if (ch == ':')
		return rw_fail(e, RW_EPROTO, "a trailer has no name");
	return step_extra(c, ch, e);
}

/* A byte that can only be one thing, and the state after it. */
static int step_fixed(struct rw_h1_chunks *c, char ch, struct rw_error *e)
{
	static const struct {
		char want;
		unsigned char next;
	} fixed[] = {
		[AT_DATA_CR] = {'\r', AT_DATA_LF},    [AT_DATA_LF] = {'\n', AT_SIZE},
		[AT_TRAILER_LF] = {'\n', AT_TRAILER}, [AT_LAST_LF] = {'\n', AT_END},
		[AT_SIZE_LF] = {'\n', AT_SIZE_LF},
	};

	if (ch != fixed[c->state].want)
		return rw_fail(e, RW_EPROTO, "chunked framing: CR LF is missing or split");
	if (c->state == AT_SIZE_LF)
		return size_done(c, e);
	if (c->state == AT_DATA_LF)
		c->digits = 0;
	c->state = fixed[c->state].next;
	return RW_OK;
}

int rw_h1_chunks_walk(struct rw_h1_chunks *c, const char *data, size_t n, size_t *good, bool *end,
		      struct rw_error *e)
{
	size_t i = 0, k;
	int rc = RW_OK;

	while (i < n && !rc && c->state != AT_END) {
		switch (c->state) {
		case AT_DATA:
			k = c->left < n - i ? (size_t)c->left : n - i;
			c->left -= k;
			i += k;
			if (!c->left)
				c->state = AT_DATA_CR;
			continue;
		case AT_SIZE:
			rc = step_size(c, data[i], e);
			break;
		case AT_EXTENSION:
		case AT_TRAILER_NAME:
		case AT_TRAILER_VALUE:
			rc = step_extra(c, data[i], e);
			break;
		case AT_TRAILER:
			rc = step_trailer(c, data[i], e);
			break;
		default:
			rc = step_fixed(c, data[i], e);
		}
		i += !rc;
	}
	*good = i;
	*end = c->state == AT_END;
	return rc;
}
