/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what an operation that has ended means. */
#include "ring/internal.h"

/* To see the peer's FIN after ours, or what it had still sent after a send that failed. */
static const uint64_t linger_ns = 2000000000;

static void on_dead_late(void *arg)
{
	rw_sock_die(arg, RW_ECLOSED);
}

static void on_linger_late(void *arg)
{
	rw_sock_die(arg, RW_OK);
}

static void done_connect(struct rw_sock *s, const struct rw_io_done *d)
{
	if (s->dying)
		return;
	if (d->res < 0) {
		rw_sock_die(s, d->res);
	} else {
		s->connected = true;
		s->loop->stats.connects++;
		rw_sock_touch(s);
	}
	if (s->cb->on_connect)
		s->cb->on_connect(s->user, s->err);
}

/* Receiving is off but bytes came before the cancel landed: they are kept, in order. */
static void hold(struct rw_sock *s, const struct rw_io_done *d)
{
	size_t n = (size_t)d->res;

	if (d->record && d->record != RW_RECORD_DATA
		    ? rw_sendq_add_record(&s->held, &s->loop->chunks, d->record, d->data, n)
		    : rw_sendq_add(&s->held, &s->loop->chunks, d->data, n))
		rw_sock_die(s, RW_ENOMEM);
}

static void took_data(struct rw_sock *s, const struct rw_io_done *d)
{
	s->loop->stats.recvs++;
	if (s->dying) {
		s->reset = true; /* the peer must not believe that these were read */
		return;
	}
	if (s->finishing)
		return;
	if ((!s->recv_on || s->held.bytes) && d->res)
		hold(s, d);
	else
		rw_sock_hand_over(s, d->record, d->data, (size_t)d->res);
}

static void took_eof(struct rw_sock *s)
{
	s->eof = true;
	rw_sock_tell_eof(s);
	if (s->finishing || s->send_dead)
		rw_sock_touch(s);
	if (s->send_dead)
		rw_sock_die(s, RW_ECLOSED);
}

/*
 * What this receive has brought before held the peer's KeyUpdate; with the new key set, the next
 * one gets on. Twice in a row: nobody sets it.
 */
static void took_no_key(struct rw_sock *s)
{
	if (s->no_key)
		rw_sock_die(s, RW_EPROTO);
	s->no_key = true;
}

static void done_recv(struct rw_sock *s, const struct rw_io_done *d)
{
	/*
	 * Settle arms it again where it is wanted. So a starved receiver waits for
	 * buffers, not for a timer: all that this turn took are back by then.
	 */
	if (!d->more) {
		s->once = false;
		rw_sock_touch(s);
	}
	if (d->res > 0 || (d->res == 0 && d->record))
		took_data(s, d);
	else if (d->res == RW_IO_NO_KEY)
		took_no_key(s);
	else if (d->res == RW_IO_STARVED)
		s->loop->stats.enobufs++;
	else if (s->dying || d->res == RW_IO_CANCELLED)
		return;
	else if (d->res == 0)
		took_eof(s);
	else if (s->finishing && s->shut_done)
		rw_sock_die(
			s,
			RW_OK); /* all was handed over; that the peer did not wait is its affair */
	else
		rw_sock_die(s, s->records && d->res == RW_EINVAL ? RW_EPROTO : d->res);
}

/*
 * The peer is gone, but what it had sent before (an early answer) may still be
 * on its way through the receive operation, which ends by itself now.
 */
static void send_failed(struct rw_sock *s, int err)
{
	struct rw_loop *l = s->loop;

	unsigned op = rw_sock_recv_op(s);

	if (err != RW_ECLOSED || !rw_sock_busy(s, op) || (s->asked & rw_op_bit(op)) ||
	    s->finishing) {
		rw_sock_die(s, err);
		return;
	}
	s->send_dead = true;
	l->stats.queued_bytes -= s->queue.bytes;
	rw_sendq_drop(&s->queue, &l->chunks);
	rw_timer_set(l, &s->linger, l->now_ns + linger_ns, on_dead_late, s);
}

static void done_send(struct rw_sock *s, const struct rw_io_done *d)
{
	struct rw_loop *l = s->loop;
	bool was_above = s->above_high;
	uint8_t record;
	size_t n;

	rw_sock_touch(s);
	s->no_room = d->res == RW_EAGAIN;
	if (s->no_room) /* settle starts it again, and it waits */
		return;
	if (d->res < 0) {
		if (!s->dying)
			send_failed(s, d->res);
		return;
	}
	n = (size_t)d->res;
	RW_BUG_ON(n > s->in_flight);
	l->stats.short_sends += n < s->in_flight;
	l->stats.queued_bytes -= n;
	record = n == s->in_flight ? s->queue.head->record : 0;
	rw_sendq_consume(&s->queue, &l->chunks, n);
	if (s->dying)
		return;
	if (record && s->cb->on_record_sent)
		s->cb->on_record_sent(s->user, record);
	if (s->queue.bytes <= RW_LOW_MARK)
		s->above_high = false;
	if ((was_above && !s->above_high) || s->queue.bytes == 0)
		if (!s->finishing && s->cb->on_drain)
			s->cb->on_drain(s->user);
}

static void done_shutdown(struct rw_sock *s, const struct rw_io_done *d)
{
	if (s->dying)
		return;
	if (d->res < 0) {
		rw_sock_die(s, d->res);
		return;
	}
	s->shut_done = true;
	rw_sock_touch(s);
	if (s->finishing)
		rw_timer_set(s->loop, &s->linger, s->loop->now_ns + linger_ns, on_linger_late, s);
}

static void done_cancel(struct rw_sock *s, unsigned target, const struct rw_io_done *d)
{
	if (d->res == RW_EAGAIN)
		s->asked &= ~rw_op_bit(target); /* could not be reached: settle asks again */
	rw_sock_touch(s);
}

static const struct rw_sock *sock_of(const struct rw_loop *l, const struct rw_io_done *d)
{
	uint32_t slot = rw_io_tag_slot(d->tag);

	return slot < l->used_socks ? &l->socks[slot] : NULL;
}

void rw_sock_prefetch(struct rw_loop *l, const struct rw_io_done *d)
{
	const char *s = (const char *)sock_of(l, d);

	for (size_t at = 0; s && at < sizeof(struct rw_sock); at += 64)
		__builtin_prefetch(s + at);
}

void rw_sock_prefetch_user(struct rw_loop *l, const struct rw_io_done *d)
{
	const struct rw_sock *s = sock_of(l, d);

	if (s && s->user)
		__builtin_prefetch(s->user);
	if (d->data)
		__builtin_prefetch(d->data);
}

void rw_sock_done(struct rw_loop *l, const struct rw_io_done *d)
{
	unsigned op = rw_io_tag_op(d->tag);
	uint32_t slot = rw_io_tag_slot(d->tag);
	struct rw_sock *s = slot < l->max_socks ? &l->socks[slot] : NULL;

	if (!s || !s->live || s->generation != rw_io_tag_generation(d->tag) ||
	    !rw_sock_busy(s, op)) {
		l->stats.stale++;
		rw_loop_give_back(l, d);
		return;
	}
	if (!d->more) {
		s->ops &= ~rw_op_bit(op);
		s->asked &= ~rw_op_bit(op);
	}
	if (s->dying)
		rw_sock_touch(s);
	switch (op) {
	case RW_IO_CONNECT:
		done_connect(s, d);
		break;
	case RW_IO_RECV:
	case RW_IO_RECORDS:
		done_recv(s, d);
		rw_loop_give_back(l, d);
		break;
	case RW_IO_SEND:
		done_send(s, d);
		break;
	case RW_IO_READABLE:
	case RW_IO_SPLICE_IN:
	case RW_IO_SPLICE_OUT:
		rw_splice_done(s, op, d->res);
		break;
	case RW_IO_SHUTDOWN:
		done_shutdown(s, d);
		break;
	case RW_IO_CLOSE:
		s->fd = -1; /* settle releases the slot */
		break;
	default:
		done_cancel(s, op - RW_IO_CANCEL, d);
	}
}
