/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of bytes in recycled chunks. */
#include <stdlib.h>
#include <string.h>

#include "ring/internal.h"

void rw_chunk_pool_init(struct rw_chunk_pool *p, size_t max_bytes)
{
	*p = (struct rw_chunk_pool){.max_chunks = max_bytes / sizeof(struct rw_chunk)};
	if (p->max_chunks == 0)
		p->max_chunks = 1;
}

void rw_chunk_pool_free(struct rw_chunk_pool *p)
{
	RW_BUG_ON(p->free_chunks != p->chunks);
	while (p->free) {
		struct rw_chunk *c = p->free;

		p->free = c->next;
		free(c);
	}
	*p = (struct rw_chunk_pool){0};
}

/* So many wait for the next turn in any case; of a burst, as many as are still in use. */
enum { KEPT = 64 };

static void drop_one(struct rw_chunk_pool *p)
{
	struct rw_chunk *c = p->free;

	p->free = c->next;
	p->free_chunks--;
	p->chunks--;
	free(c);
}

static void put(struct rw_chunk_pool *p, struct rw_chunk *c)
{
	c->next = p->free;
	p->free = c;
	p->free_chunks++;
}

static void give_back(struct rw_chunk_pool *p, struct rw_chunk *c)
{
	put(p, c);
	while (p->free_chunks > KEPT && p->free_chunks > p->chunks / 2)
		drop_one(p);
}

static struct rw_chunk *take(struct rw_chunk_pool *p)
{
	struct rw_chunk *c = p->free;

	p->free = c->next;
	p->free_chunks--;
	c->next = NULL;
	c->begin = c->end = 0;
	c->record = 0;
	return c;
}

/* Makes n chunks be free, growing the pool up to its bound. */
static int reserve(struct rw_chunk_pool *p, size_t n)
{
	if (n > p->free_chunks + (p->max_chunks - p->chunks))
		return RW_ENOMEM;
	while (p->free_chunks < n) {
		struct rw_chunk *c = malloc(sizeof(*c));

		if (!c)
			return RW_ENOMEM;
		p->chunks++;
		put(p, c);
	}
	return RW_OK;
}

static void append(struct rw_sendq *q, struct rw_chunk *c)
{
	if (q->tail)
		q->tail->next = c;
	else
		q->head = c;
	q->tail = c;
}

int rw_sendq_add(struct rw_sendq *q, struct rw_chunk_pool *p, const void *data, size_t n)
{
	const uint8_t *from = data;
	size_t room = q->tail && !q->tail->record ? RW_CHUNK_BYTES - q->tail->end : 0;
	int rc;

	if (n > room) {
		rc = reserve(p, (n - room + RW_CHUNK_BYTES - 1) / RW_CHUNK_BYTES);
		if (rc)
			return rc;
	}
	q->bytes += n;
	while (n) {
		size_t k;

		if (room == 0) {
			append(q, take(p));
			room = RW_CHUNK_BYTES;
		}
		k = n < room ? n : room;
		memcpy(q->tail->data + q->tail->end, from, k);
		q->tail->end += (uint32_t)k;
		from += k;
		n -= k;
		room -= k;
	}
	return RW_OK;
}

int rw_sendq_add_record(struct rw_sendq *q, struct rw_chunk_pool *p, uint8_t type, const void *data,
			size_t n)
{
	int rc = reserve(p, 1);
	struct rw_chunk *c;

	RW_BUG_ON(n > RW_CHUNK_BYTES);
	if (rc)
		return rc;
	c = take(p);
	memcpy(c->data, data, n);
	c->end = (uint32_t)n;
	c->record = type;
	append(q, c);
	q->bytes += n;
	return RW_OK;
}

unsigned rw_sendq_peek(const struct rw_sendq *q, struct iovec iov[RW_IO_MAX_IOV], size_t *bytes)
{
	unsigned n = 0;

	*bytes = 0;
	for (struct rw_chunk *c = q->head; c && n < RW_IO_MAX_IOV; c = c->next) {
		if (n && (c->record || q->head->record))
			break;
		iov[n].iov_base = c->data + c->begin;
		iov[n].iov_len = c->end - c->begin;
		*bytes += iov[n++].iov_len;
	}
	return n;
}

void rw_sendq_consume(struct rw_sendq *q, struct rw_chunk_pool *p, size_t n)
{
	RW_BUG_ON(n > q->bytes);
	q->bytes -= n;
	while (n) {
		struct rw_chunk *c = q->head;
		size_t k;

		RW_BUG_ON(!c);
		k = c->end - c->begin;
		if (n < k) {
			c->begin += (uint32_t)n;
			return;
		}
		n -= k;
		q->head = c->next;
		if (!q->head)
			q->tail = NULL;
		give_back(p, c);
	}
}

void rw_sendq_drop(struct rw_sendq *q, struct rw_chunk_pool *p)
{
	rw_sendq_consume(q, p, q->bytes);
}
