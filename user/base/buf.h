/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable byte buffer with a bound.
 *
 * Contract: p[0..len) is the content; cap is what is allocated; max (0: none)
 * is the bound that appending never passes: RW_ELIMIT is returned and the
 * content stays as it was. Owned by whoever embeds it, one thread. A zeroed
 * struct is a valid empty buffer; rw_buf_free returns it to that state.
 * Appending may move the content, so pointers into it do not outlive an append, and what is
 * appended must not lie in it. Appends return RW_OK, RW_ELIMIT over max, or RW_ENOMEM.
 */
#ifndef RW_BASE_BUF_H
#define RW_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"

struct rw_buf {
	char *p;
	size_t len;
	size_t cap;
	size_t max;
};

/* What rw_buf_reserve does where there is no room yet. */
int rw_buf_make_room(struct rw_buf *b, size_t n);

/* Makes room for n more bytes, so that appending them cannot fail. */
static inline int rw_buf_reserve(struct rw_buf *b, size_t n)
{
	if (n <= b->cap - b->len && (!b->max || n <= b->max - b->len))
		return RW_OK;
	return rw_buf_make_room(b, n);
}

static inline int rw_buf_add(struct rw_buf *b, const void *data, size_t n)
{
	int rc = n ? rw_buf_reserve(b, n) : RW_OK;

	if (rc || n == 0)
		return rc;
	memcpy(b->p + b->len, data, n);
	b->len += n;
	return RW_OK;
}

static inline int rw_buf_add_slice(struct rw_buf *b, struct rw_slice s)
{
	return rw_buf_add(b, s.p, s.n);
}

static inline int rw_buf_add_str(struct rw_buf *b, const char *str)
{
	return rw_buf_add(b, str, strlen(str));
}

int rw_buf_addf(struct rw_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Decimal digits: what rw_buf_addf does with %lu, at a tenth of the cost. */
int rw_buf_add_u64(struct rw_buf *b, uint64_t v);
/*
 * Adds s as a JSON string with its quotes (RFC 8259). Invalid UTF-8 becomes U+FFFD, a byte
 * each; control characters and U+2028/9 are escaped, so no reader sees a line end in it.
 */
int rw_buf_add_json(struct rw_buf *b, struct rw_slice s);
/* Drops the first n bytes (n <= len). */
void rw_buf_consume(struct rw_buf *b, size_t n);
/* Empties, keeps the allocation. */
void rw_buf_reset(struct rw_buf *b);
void rw_buf_free(struct rw_buf *b);
/*
 * As free, after overwriting the content: for secrets. Reserve before the first append:
 * a buffer that grows leaves what it held in freed memory.
 */
void rw_buf_wipe(struct rw_buf *b);

static inline struct rw_slice rw_buf_slice(const struct rw_buf *b)
{
	return (struct rw_slice){b->p, b->len};
}

#endif
