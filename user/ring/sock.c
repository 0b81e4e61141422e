/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets: what the user asks for is noted, what has to be started is decided in settle. */
#include <sys/time.h>

#include "ring/internal.h"

enum { HIGH_MARK = 256 << 10, HARD_BOUND = 1 << 20 };

/* After rw_sock_finish: to hand over what is queued. */
static const uint64_t flush_ns = 30000000000;

uint64_t rw_sock_begin(struct rw_sock *s, unsigned op)
{
	RW_BUG_ON(rw_sock_busy(s, op));
	s->ops |= rw_op_bit(op);
	return rw_io_tag(s->slot, s->generation, op);
}

static const struct rw_io_ops *ops_of(const struct rw_sock *s)
{
	return s->loop->io->ops;
}

void rw_sock_touch(struct rw_sock *s)
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
		return RW_EBUSY;
	default:
		return res;
	}
}

/* The first call decides what on_close will say. */
void rw_sock_die(struct rw_sock *s, int err)
{
	if (s->dying)
		return;
	s->dying = true;
	s->err = public_error(err);
	s->reset = rw_sock_queued(s) != 0 || s->held.bytes != 0;
	rw_timer_cancel(&s->linger);
	rw_sock_touch(s);
}

/*
 * A splice into kernel TLS waits for the peer, and what it leaves behind when it is cancelled in
 * the middle of a record, close sends: for as long as the peer lets it, with our whole thread.
 */
static void hurry_close(struct rw_sock *s)
{
	static const struct timeval at_once = {.tv_usec = 1};

	if (s->piped)
		(void)ops_of(s)->set_option(s->loop->io, s->fd, SOL_SOCKET, SO_SNDTIMEO, &at_once,
					    sizeof(at_once));
}

void rw_sock_bury(struct rw_sock *s)
{
	if (s->dirty)
		STAILQ_REMOVE(&s->loop->dirty, s, rw_sock, dirty_link);
	s->dirty = false;
	drop_queues(s);
	if (s->fd >= 0) {
		hurry_close(s);
		ops_of(s)->abandon(s->loop->io, s->fd);
	}
	s->ops = 0;
	rw_splice_leave(s);
	release(s);
}

struct rw_sock *rw_sock_accepted(struct rw_loop *l, int fd)
{
	struct rw_sock *s = rw_sock_alloc(l);

	RW_BUG_ON(!s);
	s->fd = fd;
	s->connected = true;
	l->stats.accepts++;
	rw_sock_touch(s);
	if (ops_of(s)->peer(l->io, fd, &s->peer))
		rw_sock_die(s, RW_ECLOSED); /* it was gone before we looked */
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
	rw_sock_touch(s);
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
	if (s->queue.bytes >= HIGH_MARK)
		s->above_high = true;
	rw_sock_touch(s);
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
	return s->queue.bytes + rw_splice_queued(s);
}

size_t rw_sock_high_mark(void)
{
	return HIGH_MARK;
}

void rw_sock_lazy(struct rw_sock *s, bool on)
{
	s->lazy = on;
}

void rw_sock_recv(struct rw_sock *s, bool on)
{
	if (s->dying || s->finishing || s->recv_on == on)
		return;
	s->recv_on = on;
	rw_sock_touch(s);
}

void rw_sock_shutdown(struct rw_sock *s)
{
	if (s->dying || s->shut)
		return;
	s->shut = true;
	rw_sock_touch(s);
}

static void on_flush_late(void *arg)
{
	rw_sock_die(arg, RW_ETIMEOUT);
}

void rw_sock_finish(struct rw_sock *s)
{
	if (s->dying || s->finishing)
		return;
	if (s->send_dead) {
		rw_sock_die(s, RW_ECLOSED);
		return;
	}
	s->finishing = true;
	s->shut = true;
	s->recv_on = true;
	s->still = false;
	s->some = 0;
	rw_timer_set(s->loop, &s->linger, s->loop->now_ns + flush_ns, on_flush_late, s);
	rw_sock_touch(s);
}

void rw_sock_abort(struct rw_sock *s)
{
	rw_sock_die(s, RW_OK);
}

/* --- what has to be started ------------------------------------------------------------ */

/* Nobody waits for the send that was peeked at: it is all there is, and nobody was held up. */
static bool may_be_lazy(const struct rw_sock *s)
{
	return s->lazy && !s->no_room && !s->shut && !s->above_high &&
	       s->in_flight == s->queue.bytes && s->in_flight <= RW_LOW_MARK;
}

static void start_send(struct rw_sock *s)
{
	struct iovec iov[RW_IO_MAX_IOV];
	unsigned n = rw_sendq_peek(&s->queue, iov, &s->in_flight);
	uint64_t tag = rw_sock_begin(s, RW_IO_SEND);

	s->loop->stats.sends++;
	s->lazily = may_be_lazy(s);
	if (s->queue.head->record)
		ops_of(s)->send_record(s->loop->io, s->fd, s->queue.head->record, iov, n, tag);
	else
		ops_of(s)->send(s->loop->io, s->fd, iov, n, s->lazily, tag);
}

static void ask_cancel(struct rw_sock *s, unsigned op)
{
	if (!rw_sock_busy(s, op) || (s->asked & rw_op_bit(op)) ||
	    rw_sock_busy(s, op + RW_IO_CANCEL))
		return;
	s->asked |= rw_op_bit(op);
	ops_of(s)->cancel(s->loop->io, rw_io_tag(s->slot, s->generation, op),
			  rw_sock_begin(s, op + RW_IO_CANCEL));
}

static void settle_death(struct rw_sock *s)
{
	if (rw_sock_busy(s, RW_IO_CLOSE))
		return;
	ask_cancel(s, RW_IO_CONNECT);
	ask_cancel(s, RW_IO_RECV);
	ask_cancel(s, RW_IO_RECORDS);
	ask_cancel(s, RW_IO_SEND);
	ask_cancel(s, RW_IO_READABLE);
	ask_cancel(s, RW_IO_SPLICE_IN);
	ask_cancel(s, RW_IO_SPLICE_OUT);
	if (s->ops)
		return;
	rw_splice_leave(s);
	drop_queues(s);
	if (s->fd < 0) {
		release(s);
		return;
	}
	hurry_close(s);
	ops_of(s)->close(s->loop->io, s->fd, s->reset, rw_sock_begin(s, RW_IO_CLOSE));
}

void rw_sock_hand_over(struct rw_sock *s, uint8_t record, const uint8_t *data, size_t n)
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
		type = c->record ? c->record : s->records ? RW_RECORD_DATA : 0;
		rw_sock_hand_over(s, type, c->data + c->begin, one.bytes);
		rw_sendq_drop(&one, &s->loop->chunks);
	}
}

void rw_sock_tell_eof(struct rw_sock *s)
{
	if (!s->eof || s->eof_told || s->dying || s->finishing || !s->recv_on || s->held.bytes)
		return;
	s->eof_told = true;
	if (s->cb->on_eof)
		s->cb->on_eof(s->user);
}

static void arm_recv(struct rw_sock *s)
{
	uint64_t tag = rw_sock_begin(s, rw_sock_recv_op(s));

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
	unsigned op = rw_sock_recv_op(s);

	if (s->finishing)
		rw_sendq_drop(&s->held, &s->loop->chunks);
	else if (s->recv_on && (s->held.bytes || s->eof)) {
		deliver_held(s);
		rw_sock_tell_eof(s);
	}
	if (s->dying || s->eof || rw_splice_receives(s))
		return;
	if (!s->recv_on || (s->still && !s->some && !s->once && rw_sock_busy(s, op))) {
		ask_cancel(s, op);
		return;
	}
	/* A cancel that is still under way would hit the new one: they share their tag. */
	if (rw_sock_busy(s, op) || rw_sock_busy(s, op + RW_IO_CANCEL) || s->held.bytes)
		return;
	if (s->still && !s->some)
		s->cb->on_still(s->user);
	if (!s->dying && !rw_splice_receives(s) && (!s->still || s->some))
		arm_recv(s);
}

static void settle_send(struct rw_sock *s)
{
	if (s->dying || rw_splice_sends(s))
		return;
	if (rw_sock_busy(s, RW_IO_SEND)) {
		/* Somebody waits for it now. */
		s->loop->urgent |= s->lazily && (s->shut || s->queue.bytes > s->in_flight);
		return;
	}
	if (s->queue.bytes) {
		start_send(s);
		return;
	}
	if (!s->shut || s->send_dead || rw_sock_busy(s, RW_IO_SHUTDOWN))
		return;
	if (s->finishing && s->eof) {
		rw_sock_die(s, RW_OK); /* close sends the FIN */
		return;
	}
	if (!s->shut_done)
		ops_of(s)->shutdown(s->loop->io, s->fd, rw_sock_begin(s, RW_IO_SHUTDOWN));
}

static void settle_connect(struct rw_sock *s)
{
	if (s->fd >= 0) {
		if (!rw_sock_busy(s, RW_IO_CONNECT))
			ops_of(s)->connect(s->loop->io, s->fd, &s->peer,
					   rw_sock_begin(s, RW_IO_CONNECT));
		return;
	}
	rw_sock_die(s, s->err);
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
		rw_sock_die(s, RW_OK); /* accepted, and nobody wanted it */
	} else {
		settle_recv(s);
		settle_send(s);
		rw_splice_settle(s);
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
