/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: the moment in which the kernel takes over the records, and what comes of it. */
#include "ring/ktls.h"
#include "tls/internal.h"
#include "tls/ktls.h"
#include "tls/stream_int.h"

/* It was to be the kernel's and will not be. */
void rw_stream_refused(struct rw_stream *st)
{
	rw_tls_count(st->tls, ktls_refused);
	st->tries = 0;
}

/*
 * Nothing is queued and nothing waits to be read: the moment to give the keys away, if the
 * socket has come to rest by then.
 */
static bool at_rest(const struct rw_stream *st)
{
	return st->open && !st->closing && !st->eof_told && st->recv_on && !st->more &&
	       st->held.len == 0 && rw_sock_queued(st->sock) == 0;
}

void rw_stream_try_kernel(struct rw_stream *st)
{
	if (!st->tries || !st->lean || st->switching || !at_rest(st))
		return;
	st->switching = true;
	rw_sock_still(st->sock);
}

/* From here on the socket takes and gives plaintext. */
static void enter_kernel(struct rw_stream *st, const struct rw_tls_keys *k)
{
	struct rw_record *old = st->rec;
	int rc = rw_ktls_new(&st->rec, k, st->sock);

	if (rc == RW_EIO) {
		rw_stream_break_off(st, rc);
		return;
	}
	if (rc) {
		rw_stream_refused(st);
		rw_sock_receive(st->sock);
		return;
	}
	old->ops->free(old);
	st->in_kernel = true;
	st->tries = 0;
	rw_tls_count(st->tls, records_ktls);
}

bool rw_stream_may_splice(const struct rw_stream *st)
{
	return st->in_kernel && !st->closing && !st->eof_told && st->corked.len == 0 &&
	       rw_loop_may_splice(st->loop);
}

void rw_stream_still(struct rw_stream *st)
{
	RW_BUG_ON(!st->in_kernel);
	rw_sock_still(st->sock);
}

int rw_stream_splice(struct rw_stream *st, struct rw_stream *to, uint64_t n)
{
	int rc;

	if (!rw_stream_may_splice(st) || !rw_stream_may_splice(to))
		return RW_EUNSUP;
	rc = rw_sock_splice(st->sock, to->sock, n);
	if (!rc)
		rw_ktls_spliced(to->rec, n);
	return rc;
}

void rw_stream_on_spliced(void *user, size_t n, bool over)
{
	struct rw_stream *st = user;

	if (!st->closing && st->cb->on_spliced)
		st->cb->on_spliced(st->user, n, over);
}

/* The user may begin a splice, which then receives in our place. */
static void still_in_kernel(struct rw_stream *st)
{
	if (!st->closing && st->cb->on_still)
		st->cb->on_still(st->user);
	rw_sock_receive(st->sock);
}

/*
 * No receive is under way. What came may end in the middle of a record: its rest is received by
 * the byte, for the kernel begins with a header.
 */
void rw_stream_on_still(void *user)
{
	struct rw_stream *st = user;
	struct rw_tls_keys k = {0};

	if (st->in_kernel) {
		still_in_kernel(st);
		return;
	}
	int rc = at_rest(st) ? st->rec->ops->keys(st->rec, &k) : RW_EAGAIN;
	size_t missing = at_rest(st) ? st->rec->ops->missing(st->rec) : 0;

	if (rc == RW_EAGAIN && missing) {
		rw_sock_recv_some(st->sock, missing);
		return;
	}
	st->switching = false;
	if (rc == RW_OK) {
		enter_kernel(st, &k);
	} else {
		if (rc != RW_EAGAIN || st->tries == 1)
			rw_stream_refused(st);
		else
			st->tries--;
		rw_sock_receive(st->sock);
	}
	rw_tls_keys_wipe(&k);
}

void rw_stream_on_record(void *user, uint8_t type, const uint8_t *data, size_t n)
{
	struct rw_stream *st = user;
	enum rw_record_event ev;
	bool plain;

	if (st->closing || st->eof_told)
		return;
	ev = rw_ktls_take(st->rec, type, data, n, &plain, &st->why);
	if (rw_ktls_stuck(st->rec))
		rw_tls_count(st->tls, ktls_stuck);
	if (plain && st->cb->on_data)
		st->cb->on_data(st->user, data, n);
	else if (ev == RW_RECORD_EOF)
		rw_stream_tell_eof(st, true);
	else if (ev == RW_RECORD_ERROR)
		rw_stream_fail(st);
}

void rw_stream_on_record_sent(void *user, uint8_t type)
{
	struct rw_stream *st = user;

	if (rw_ktls_sent(st->rec, type) == RW_OK)
		return;
	rw_tls_count(st->tls, ktls_stuck);
	if (!st->failed)
		rw_stream_break_off(st, RW_EUNSUP);
}
