/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what the user asks for is noted, what has to be started is decided in settle. */
#include "ring/internal.h"

#include <linux/tls.h>
#include <netinet/tcp.h>

/* The type of a record of data; every other one is control and handed over by itself. */
enum { RECORD_DATA = 23 };

enum { HIGH_MARK = 256 << 10, LOW_MARK = 64 << 10, HARD_BOUND = 1 << 20 };

/* After rw_sock_finish: to hand over what is queued, then to see the peer's FIN. */
static const uint64_t flush_ns = 30000000000, linger_ns = 2000000000;

static uint32_t bit(unsigned op)
{
	return (uint32_t)1 << op;
}

static bool busy(const struct rw_sock *s, unsigned op)
{
	return s->ops & bit(op);
}

static unsigned recv_op(const struct rw_sock *s)
{
	return s->records ? RW_IO_RECORDS : RW_IO_RECV;
}

/* Notes that op is started, and names it. */
static uint64_t begin(struct rw_sock *s, unsigned op)
{
	RW_BUG_ON(busy(s, op));
	s->ops |= bit(op);
	return rw_io_tag(s->slot, s->generation, op);
}

static const struct rw_io_ops *ops_of(const struct rw_sock *s)
{
	return s->loop->io->ops;
}

static void touch(struct rw_sock *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	STAILQ_INSERT_TAIL(&s->loop->dirty, s, dirty_link);
}

/* --- birth and death ------------------------------------------------------------------- */

struct rw_sock *rw_sock_alloc(struct rw_loop *l)
{
	struct rw_sock *s = SLIST_FIRST(&l->free);
	uint32_t slot, generation;

	if (l->free_socks == 0)
		return NULL;
	if (s) {
		SLIST_REMOVE_HEAD(&l->free, free_link);
	} else {
		s = &l->socks[l->used_socks];
		s->slot = l->used_socks++;
	}
	if (--l->free_socks == 0)
		l->listeners_dirty = true; /* they pause */
	slot = s->slot;
	generation = s->generation;
	*s = (struct rw_sock){
		.loop = l,
		.slot = slot,
		.generation = generation,
		.fd = -1,
		.live = true,
		.recv_on = true,
	};
	return s;
}

static void drop_queues(struct rw_sock *s)
{
	struct rw_loop *l = s->loop;

	l->stats.queued_bytes -= s->queue.bytes;
	rw_sendq_drop(&s->queue, &l->chunks);
	rw_sendq_drop(&s->held, &l->chunks);
}

/* Nothing is in flight and the descriptor is closed: tells the user, frees the slot. */
static void release(struct rw_sock *s)
{
	struct rw_loop *l = s->loop;

	RW_BUG_ON(s->ops);
	s->dying = true;
	if (s->cb && s->cb->on_close)
		s->cb->on_close(s->user, s->err);
	RW_BUG_ON(s->dirty || s->queue.bytes || s->held.bytes);
	rw_timer_cancel(&s->linger);
	s->live = false;
	s->generation++;
	SLIST_INSERT_HEAD(&l->free, s, free_link);
	l->free_socks++;
	l->listeners_dirty = true; /* they go on */
}

/* The seam's own results mean nothing to those above. */
static int public_error(int res)
{
	switch (res) {
	case RW_IO_CANCELLED:
		return RW_EIO;
	case RW_IO_STARVED:
		return RW_ENOMEM;
	case RW_IO_NOFILES:
		return RW_ELIMIT;
	default:
		return res;
	}
}

/* The first call decides what on_close will say. */
static void die(struct rw_sock *s, int err)
{
	if (s->dying)
		return;
	s->dying = true;
	s->err = public_error(err);
	s->reset = s->queue.bytes != 0 || s->held.bytes != 0;
	rw_timer_cancel(&s->linger);
	touch(s);
}

void rw_sock_bury(struct rw_sock *s)
{
	if (s->dirty)
		STAILQ_REMOVE(&s->loop->dirty, s, rw_sock, dirty_link);
	s->dirty = false;
	drop_queues(s);
	if (s->fd >= 0)
		ops_of(s)->abandon(s->loop->io, s->fd);
	s->ops = 0;
	release(s);
}

struct rw_sock *rw_sock_accepted(struct rw_loop *l, int fd)
{
	struct rw_sock *s = rw_sock_alloc(l);

	RW_BUG_ON(!s);
	s->fd = fd;
	s->connected = true;
	l->stats.accepts++;
	touch(s);
	if (ops_of(s)->peer(l->io, fd, &s->peer))
		die(s, RW_ECLOSED); /* it was gone before we looked */
	return s;
}

struct rw_sock *rw_sock_connect(struct rw_loop *l, const struct rw_addr *addr,
				const struct rw_sock_cb *cb, void *user)
{
	struct rw_sock *s = rw_sock_alloc(l);
	int fd;

	if (!s)
		return NULL;
	s->cb = cb;
	s->user = user;
	s->peer = *addr;
	fd = ops_of(s)->socket(l->io, addr);
	if (fd < 0)
		s->err = fd; /* told by settle, not from here */
	else
		s->fd = fd;
	touch(s);
	return s;
}

void rw_sock_bind(struct rw_sock *s, const struct rw_sock_cb *cb, void *user)
{
	s->cb = cb;
	s->user = user;
}

const struct rw_addr *rw_sock_peer(const struct rw_sock *s)
{
	return &s->peer;
}

/* --- what the user asks for ------------------------------------------------------------ */

/* type 0: bytes, as many as there are; else a record. */
static int enqueue(struct rw_sock *s, uint8_t type, const void *data, size_t n)
{
	struct rw_loop *l = s->loop;
	int rc;

	if (s->dying || s->shut || s->send_dead)
		return RW_ECLOSED;
	if (n > HARD_BOUND - s->queue.bytes)
		return RW_ELIMIT;
	if (n == 0)
		return RW_OK;
	rc = type ? rw_sendq_add_record(&s->queue, &l->chunks, type, data, n)
		  : rw_sendq_add(&s->queue, &l->chunks, data, n);
	if (rc)
		return rc;
	l->stats.queued_bytes += n;
	if (s->queue.bytes > HIGH_MARK)
		s->above_high = true;
	touch(s);
	return RW_OK;
}

int rw_sock_send(struct rw_sock *s, const void *data, size_t n)
{
	return enqueue(s, 0, data, n);
}

int rw_sock_send_record(struct rw_sock *s, uint8_t type, const void *data, size_t n)
{
	return enqueue(s, type, data, n);
}

size_t rw_sock_queued(const struct rw_sock *s)
{
	return s->queue.bytes;
}

size_t rw_sock_high_mark(void)
{
	return HIGH_MARK;
}

void rw_sock_recv(struct rw_sock *s, bool on)
{
	if (s->dying || s->finishing || s->recv_on == on)
		return;
	s->recv_on = on;
	touch(s);
}

void rw_sock_still(struct rw_sock *s)
{
	if (s->dying || s->finishing)
		return;
	s->still = true;
	touch(s);
}

void rw_sock_receive(struct rw_sock *s)
{
	s->still = false;
	s->some = 0;
	touch(s);
}

void rw_sock_recv_some(struct rw_sock *s, size_t n)
{
	s->some = n;
	rw_sock_still(s);
}

static int set_key(struct rw_sock *s, int name, const void *key, size_t n)
{
	static const char ulp[] = "tls";
	const struct rw_io_ops *ops = ops_of(s);
	int rc;

	if (s->dying || s->fd < 0)
		return RW_ECLOSED;
	if (!s->ulp) {
		rc = ops->set_option(s->loop->io, s->fd, SOL_TCP, TCP_ULP, ulp, sizeof(ulp) - 1);
		if (rc)
			return rc;
		s->ulp = true;
	}
	return ops->set_option(s->loop->io, s->fd, SOL_TLS, name, key, n);
}

int rw_sock_ktls_tx(struct rw_sock *s, const void *key, size_t n)
{
	RW_BUG_ON(busy(s, RW_IO_SEND)); /* it would be sealed by who knows which key */
	return set_key(s, TLS_TX, key, n);
}

int rw_sock_ktls_rx(struct rw_sock *s, const void *key, size_t n)
{
	int rc;

	RW_BUG_ON(!s->records && (busy(s, RW_IO_RECV) || s->held.bytes));
	rc = set_key(s, TLS_RX, key, n);
	if (rc)
		return rc;
	s->records = true;
	s->no_key = false;
	rw_sock_receive(s);
	return RW_OK;
}

void rw_sock_shutdown(struct rw_sock *s)
{
	if (s->dying || s->shut)
		return;
	s->shut = true;
	touch(s);
}

static void on_dead_late(void *arg)
{
	die(arg, RW_ECLOSED);
}

static void on_flush_late(void *arg)
{
	die(arg, RW_ETIMEOUT);
}

static void on_linger_late(void *arg)
{
	die(arg, RW_OK);
}

void rw_sock_finish(struct rw_sock *s)
{
	if (s->dying || s->finishing)
		return;
	if (s->send_dead) {
		die(s, RW_ECLOSED);
		return;
	}
	s->finishing = true;
	s->shut = true;
	s->recv_on = true;
	s->still = false;
	s->some = 0;
	rw_timer_set(s->loop, &s->linger, s->loop->now_ns + flush_ns, on_flush_late, s);
	touch(s);
}

void rw_sock_abort(struct rw_sock *s)
{
	die(s, RW_OK);
}

/* --- what has to be started ------------------------------------------------------------ */

static void start_send(struct rw_sock *s)
{
	struct iovec iov[RW_IO_MAX_IOV];
	unsigned n = rw_sendq_peek(&s->queue, iov, &s->in_flight);
	uint64_t tag = begin(s, RW_IO_SEND);

	if (s->queue.head->record)
		ops_of(s)->send_record(s->loop->io, s->fd, s->queue.head->record, iov, n, tag);
	else
		ops_of(s)->send(s->loop->io, s->fd, iov, n, tag);
}

static void ask_cancel(struct rw_sock *s, unsigned op)
{
	if (!busy(s, op) || (s->asked & bit(op)) || busy(s, op + RW_IO_CANCEL))
		return;
	s->asked |= bit(op);
	ops_of(s)->cancel(s->loop->io, rw_io_tag(s->slot, s->generation, op),
			  begin(s, op + RW_IO_CANCEL));
}

static void settle_death(struct rw_sock *s)
{
	if (busy(s, RW_IO_CLOSE))
		return;
	ask_cancel(s, RW_IO_CONNECT);
	ask_cancel(s, RW_IO_RECV);
	ask_cancel(s, RW_IO_RECORDS);
	ask_cancel(s, RW_IO_SEND);
	if (s->ops)
		return;
	drop_queues(s);
	if (s->fd < 0)
		release(s);
	else
		ops_of(s)->close(s->loop->io, s->fd, s->reset, begin(s, RW_IO_CLOSE));
}

static void hand_over(struct rw_sock *s, uint8_t record, const uint8_t *data, size_t n)
{
	if (record && s->cb->on_record)
		s->cb->on_record(s->user, record, data, n);
	else if (!record && s->cb->on_data)
		s->cb->on_data(s->user, data, n);
}

/* Receiving is on again: first what came while it was off. */
static void deliver_held(struct rw_sock *s)
{
	while (s->held.head && s->recv_on && !s->dying && !s->finishing) {
		struct rw_chunk *c = s->held.head;
		struct rw_sendq one = {.head = c, .tail = c, .bytes = c->end - c->begin};
		uint8_t type;

		/* Taken out first: the callback may switch receiving off and on. */
		s->held.head = c->next;
		if (!c->next)
			s->held.tail = NULL;
		s->held.bytes -= one.bytes;
		c->next = NULL;
		type = c->record ? c->record : s->records ? RECORD_DATA : 0;
		hand_over(s, type, c->data + c->begin, one.bytes);
		rw_sendq_drop(&one, &s->loop->chunks);
	}
}

static void tell_eof(struct rw_sock *s)
{
	if (!s->eof || s->eof_told || s->dying || s->finishing || !s->recv_on || s->held.bytes)
		return;
	s->eof_told = true;
	if (s->cb->on_eof)
		s->cb->on_eof(s->user);
}

static void arm_recv(struct rw_sock *s)
{
	uint64_t tag = begin(s, recv_op(s));

	if (s->records)
		ops_of(s)->recv_records(s->loop->io, s->fd, tag);
	else if (s->some)
		ops_of(s)->recv_some(s->loop->io, s->fd, s->some, tag);
	else
		ops_of(s)->recv(s->loop->io, s->fd, tag);
	s->once = s->some != 0;
	s->some = 0;
}

static void settle_recv(struct rw_sock *s)
{
	unsigned op = recv_op(s);

	if (s->finishing)
		rw_sendq_drop(&s->held, &s->loop->chunks);
	else if (s->recv_on && (s->held.bytes || s->eof)) {
		deliver_held(s);
		tell_eof(s);
	}
	if (s->dying || s->eof)
		return;
	if (!s->recv_on || (s->still && !s->some && !s->once && busy(s, op))) {
		ask_cancel(s, op);
		return;
	}
	/* A cancel that is still under way would hit the new one: they share their tag. */
	if (busy(s, op) || busy(s, op + RW_IO_CANCEL) || s->held.bytes)
		return;
	if (s->still && !s->some)
		s->cb->on_still(s->user);
	if (!s->dying && (!s->still || s->some))
		arm_recv(s);
}

static void settle_send(struct rw_sock *s)
{
	if (s->dying || busy(s, RW_IO_SEND))
		return;
	if (s->queue.bytes) {
		start_send(s);
		return;
	}
	if (!s->shut || s->send_dead || busy(s, RW_IO_SHUTDOWN))
		return;
	if (s->finishing && s->eof) {
		die(s, RW_OK); /* close sends the FIN */
		return;
	}
	if (!s->shut_done)
		ops_of(s)->shutdown(s->loop->io, s->fd, begin(s, RW_IO_SHUTDOWN));
}

static void settle_connect(struct rw_sock *s)
{
	if (s->fd >= 0) {
		if (!busy(s, RW_IO_CONNECT))
			ops_of(s)->connect(s->loop->io, s->fd, &s->peer, begin(s, RW_IO_CONNECT));
		return;
	}
	die(s, s->err);
	if (s->cb->on_connect)
		s->cb->on_connect(s->user, s->err);
}

/* What dies in here is on the list again, and comes back as dying. */
static void settle(struct rw_sock *s)
{
	if (s->dying) {
		settle_death(s);
	} else if (!s->connected) {
		settle_connect(s);
	} else if (!s->cb) {
		die(s, RW_OK); /* accepted, and nobody wanted it */
	} else {
		settle_recv(s);
		settle_send(s);
	}
}

void rw_socks_settle(struct rw_loop *l)
{
	struct rw_sock *s;

	while ((s = STAILQ_FIRST(&l->dirty))) {
		STAILQ_REMOVE_HEAD(&l->dirty, dirty_link);
		s->dirty = false;
		settle(s);
	}
}

/* --- what has ended -------------------------------------------------------------------- */

static void done_connect(struct rw_sock *s, const struct rw_io_done *d)
{
	if (s->dying)
		return;
	if (d->res < 0) {
		die(s, d->res);
	} else {
		s->connected = true;
		s->loop->stats.connects++;
		touch(s);
	}
	if (s->cb->on_connect)
		s->cb->on_connect(s->user, s->err);
}

/* Receiving is off but bytes came before the cancel landed: they are kept, in order. */
static void hold(struct rw_sock *s, const struct rw_io_done *d)
{
	size_t n = (size_t)d->res;

	if (d->record && d->record != RECORD_DATA
		    ? rw_sendq_add_record(&s->held, &s->loop->chunks, d->record, d->data, n)
		    : rw_sendq_add(&s->held, &s->loop->chunks, d->data, n))
		die(s, RW_ENOMEM);
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
		hand_over(s, d->record, d->data, (size_t)d->res);
}

static void took_eof(struct rw_sock *s)
{
	s->eof = true;
	tell_eof(s);
	if (s->finishing || s->send_dead)
		touch(s);
	if (s->send_dead)
		die(s, RW_ECLOSED);
}

/*
 * What this receive has brought before held the peer's KeyUpdate; with the new key set, the next
 * one gets on. Twice in a row: nobody sets it.
 */
static void took_no_key(struct rw_sock *s)
{
	if (s->no_key)
		die(s, RW_EPROTO);
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
		touch(s);
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
		die(s, RW_OK); /* all was handed over; that the peer did not wait is its affair */
	else
		die(s, s->records && d->res == RW_EINVAL ? RW_EPROTO : d->res);
}

/*
 * The peer is gone, but what it had sent before (an early answer) may still be
 * on its way through the receive operation, which ends by itself now.
 */
static void send_failed(struct rw_sock *s, int err)
{
	struct rw_loop *l = s->loop;

	unsigned op = recv_op(s);

	if (err != RW_ECLOSED || !busy(s, op) || (s->asked & bit(op)) || s->finishing) {
		die(s, err);
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

	touch(s);
	if (d->res < 0) {
		if (!s->dying)
			send_failed(s, d->res);
		return;
	}
	n = (size_t)d->res;
	RW_BUG_ON(n > s->in_flight);
	l->stats.sends++;
	l->stats.short_sends += n < s->in_flight;
	l->stats.queued_bytes -= n;
	record = n == s->in_flight ? s->queue.head->record : 0;
	rw_sendq_consume(&s->queue, &l->chunks, n);
	if (s->dying)
		return;
	if (record && s->cb->on_record_sent)
		s->cb->on_record_sent(s->user, record);
	if (s->queue.bytes <= LOW_MARK)
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
		die(s, d->res);
		return;
	}
	s->shut_done = true;
	touch(s);
	if (s->finishing)
		rw_timer_set(s->loop, &s->linger, s->loop->now_ns + linger_ns, on_linger_late, s);
}

static void done_cancel(struct rw_sock *s, unsigned target, const struct rw_io_done *d)
{
	if (d->res == RW_EAGAIN)
		s->asked &= ~bit(target); /* could not be reached: settle asks again */
	touch(s);
}

void rw_sock_done(struct rw_loop *l, const struct rw_io_done *d)
{
	unsigned op = rw_io_tag_op(d->tag);
	uint32_t slot = rw_io_tag_slot(d->tag);
	struct rw_sock *s = slot < l->max_socks ? &l->socks[slot] : NULL;

	if (!s || !s->live || s->generation != rw_io_tag_generation(d->tag) || !busy(s, op)) {
		l->stats.stale++;
		rw_loop_give_back(l, d);
		return;
	}
	if (!d->more) {
		s->ops &= ~bit(op);
		s->asked &= ~bit(op);
	}
	if (s->dying)
		touch(s);
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
