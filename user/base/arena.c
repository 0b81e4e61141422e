/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 4096 };

struct rw_arena_chunk {
	struct rw_arena_chunk *next;
	size_t len;
	size_t cap;
	alignas(max_align_t) char data[];
};

void rw_arena_init(struct rw_arena *a, size_t limit_bytes)
{
	*a = (struct rw_arena){.limit_bytes = limit_bytes};
}

/*
 * A request for more than a chunk gets one of its own behind the head, so that the head goes on
 * being filled and is what a reset keeps. Near the bound a chunk is as large as what is left.
 */
static struct rw_arena_chunk *add_chunk(struct rw_arena *a, size_t n)
{
	size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;
	size_t left = a->limit_bytes ? a->limit_bytes - a->used_bytes : SIZE_MAX;
	struct rw_arena_chunk *c;

	if (n > left)
		return NULL;
	if (cap > left)
		cap = left;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	*c = (struct rw_arena_chunk){.cap = cap};
	if (n > CHUNK_BYTES && a->chunks) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	a->used_bytes += cap;
	return c;
}

static void *take(struct rw_arena *a, size_t n)
{
	struct rw_arena_chunk *c = a->chunks;
	const size_t align = alignof(max_align_t);
	void *p;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = (n + align - 1) & ~(align - 1);
	if (!c || c->cap - c->len < n)
		c = add_chunk(a, n);
	if (!c)
		return NULL;
	p = c->data + c->len;
	c->len += n;
	return p;
}

void *rw_arena_bytes(struct rw_arena *a, size_t n)
{
	return take(a, n);
}

void *rw_arena_alloc(struct rw_arena *a, size_t n)
{
	void *p = take(a, n);

	return p ? memset(p, 0, n) : NULL;
}

static char *put(char *p, struct rw_slice s)
{
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p + s.n;
}

char *rw_arena_copy(struct rw_arena *a, struct rw_slice s)
{
	char *p = s.n < SIZE_MAX ? take(a, s.n + 1) : NULL;

	if (p)
		put(p, s);
	return p;
}

char *rw_arena_join(struct rw_arena *a, struct rw_slice first, struct rw_slice then,
		    struct rw_slice last)
{
	char *p = take(a, first.n + then.n + last.n + 1);

	if (p)
		put(put(put(p, first), then), last);
	return p;
}

char *rw_arena_printf(struct rw_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	p = take(a, (size_t)n + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return p;
}

void rw_arena_reset(struct rw_arena *a)
{
	struct rw_arena_chunk *c = a->chunks, *next;

	if (!c)
		return;
	for (struct rw_arena_chunk *d = c->next; d; d = next) {
		next = d->next;
		free(d);
	}
	c->next = NULL;
	c->len = 0;
	a->used_bytes = c->cap;
}

void rw_arena_free(struct rw_arena *a)
{
	struct rw_arena_chunk *next;

	for (struct rw_arena_chunk *c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	rw_arena_init(a, a->limit_bytes);
}
