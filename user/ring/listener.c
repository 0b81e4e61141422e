/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners: accept while there are slots, pause while there are none. */
#include <stdlib.h>

#include "base/log.h"
#include "ring/internal.h"

static const uint64_t retry_ns = 100000000;

static uint32_t bit(unsigned op)
{
	return (uint32_t)1 << op;
}

static uint64_t begin(struct rw_listener *ls, unsigned op)
{
	RW_BUG_ON(ls->ops & bit(op));
	ls->ops |= bit(op);
	return rw_io_tag(ls->slot, ls->generation, op);
}

int rw_listener_start(struct rw_loop *l, const struct rw_addr *addr, rw_accept_cb cb, void *user,
		      struct rw_listener **out, struct rw_error *e)
{
	struct rw_listener *ls;
	unsigned slot = 0;
	int rc;

	while (slot < l->n_listeners && l->listeners[slot])
		slot++;
	if (slot == RW_MAX_LISTENERS)
		return rw_fail(e, RW_ELIMIT, "more than %d listeners on one loop",
			       RW_MAX_LISTENERS);
	ls = calloc(1, sizeof(*ls));
	if (!ls)
		return rw_fail(e, RW_ENOMEM, "no memory for a listener");
	ls->loop = l;
	ls->slot = slot;
	ls->generation = l->listener_generation++;
	ls->cb = cb;
	ls->user = user;
	ls->addr = *addr;
	rc = l->io->ops->listen(l->io, &ls->addr, &ls->fd, e);
	if (rc) {
		free(ls);
		return rc;
	}
	l->listeners[slot] = ls;
	if (slot == l->n_listeners)
		l->n_listeners++;
	l->listeners_dirty = true;
	*out = ls;
	return RW_OK;
}

const struct rw_addr *rw_listener_addr(const struct rw_listener *ls)
{
	return &ls->addr;
}

int rw_listener_fd(const struct rw_listener *ls)
{
	return ls->fd;
}

void rw_listener_drain(struct rw_listener *ls)
{
	ls->draining = true;
	rw_timer_cancel(&ls->retry);
	ls->loop->listeners_dirty = true;
}

bool rw_listener_closed(const struct rw_listener *ls)
{
	return ls->closed && !ls->n_held;
}

void rw_listener_stop(struct rw_listener *ls)
{
	ls->draining = ls->stopping = true;
	rw_timer_cancel(&ls->retry);
	ls->loop->listeners_dirty = true;
}

static void hand_out(struct rw_listener *ls, int fd)
{
	struct rw_sock *s = rw_sock_accepted(ls->loop, fd);

	if (!s->dying)
		ls->cb(ls->user, s, &s->peer);
}

/* A connection that no slot will serve: the peer learns it at once. */
static void refuse(struct rw_listener *ls, int fd)
{
	struct rw_io *io = ls->loop->io;

	ls->loop->orphans++;
	io->ops->close(io, fd, true, rw_io_tag((uint32_t)fd, 0, RW_IO_NONE));
}

static int unhold(struct rw_listener *ls)
{
	int fd = ls->held[ls->first_held];

	ls->first_held = (ls->first_held + 1) % RW_HELD_ACCEPTS;
	ls->n_held--;
	return fd;
}

static void took(struct rw_listener *ls, int fd)
{
	ls->complained = false;
	if (ls->stopping || ls->n_held == RW_HELD_ACCEPTS) {
		refuse(ls, fd);
	} else if (ls->n_held || ls->loop->free_socks == 0) {
		ls->held[(ls->first_held + ls->n_held++) % RW_HELD_ACCEPTS] = fd;
		ls->loop->listeners_dirty = true;
	} else {
		hand_out(ls, fd);
	}
}

static void on_retry(void *arg)
{
	struct rw_listener *ls = arg;

	ls->loop->listeners_dirty = true;
}

static void failed(struct rw_listener *ls, int res)
{
	char text[RW_ADDR_TEXT];

	if (res == RW_IO_CANCELLED || res == RW_ECLOSED || ls->draining)
		return;
	rw_timer_set(ls->loop, &ls->retry, ls->loop->now_ns + retry_ns, on_retry, ls);
	if (ls->complained)
		return;
	ls->complained = true;
	rw_warn("cannot accept on %s: %s; trying again until it works",
		rw_addr_text(&ls->addr, true, text),
		res == RW_IO_NOFILES
			? "the limit of open files is reached (LimitNOFILE=, ulimit -n)"
			: rw_err_name(res));
}

static void release(struct rw_listener *ls)
{
	rw_timer_cancel(&ls->retry);
	ls->loop->listeners[ls->slot] = NULL;
	free(ls);
}

/* No accept is in flight any more. */
static void settle_end(struct rw_listener *ls)
{
	struct rw_io *io = ls->loop->io;

	while (ls->stopping && ls->n_held)
		refuse(ls, unhold(ls));
	if (ls->ops)
		return;
	if (!ls->closed)
		io->ops->close(io, ls->fd, false, begin(ls, RW_IO_CLOSE_LISTENER));
	else if (ls->stopping)
		release(ls);
}

static void settle(struct rw_listener *ls)
{
	struct rw_loop *l = ls->loop;
	struct rw_io *io = l->io;
	bool want;

	while (ls->n_held && l->free_socks && !ls->stopping)
		hand_out(ls, unhold(ls));
	want = !ls->draining && l->free_socks && !rw_timer_armed(&ls->retry);
	if (ls->ops & bit(RW_IO_ACCEPT)) {
		if (want || (ls->asked & bit(RW_IO_ACCEPT)) ||
		    (ls->ops & bit(RW_IO_ACCEPT + RW_IO_CANCEL)))
			return;
		ls->asked |= bit(RW_IO_ACCEPT);
		io->ops->cancel(io, rw_io_tag(ls->slot, ls->generation, RW_IO_ACCEPT),
				begin(ls, RW_IO_ACCEPT + RW_IO_CANCEL));
		return;
	}
	if (ls->draining)
		settle_end(ls);
	else if (want && !(ls->ops & bit(RW_IO_ACCEPT + RW_IO_CANCEL)))
		io->ops->accept(io, ls->fd, begin(ls, RW_IO_ACCEPT));
}

void rw_listeners_settle(struct rw_loop *l)
{
	if (!l->listeners_dirty)
		return;
	l->listeners_dirty = false;
	for (unsigned i = 0; i < l->n_listeners; i++)
		if (l->listeners[i])
			settle(l->listeners[i]);
}

void rw_listener_bury(struct rw_listener *ls)
{
	struct rw_io *io = ls->loop->io;

	while (ls->n_held)
		io->ops->abandon(io, unhold(ls));
	if (!ls->closed)
		io->ops->abandon(io, ls->fd);
	release(ls);
}

void rw_listener_done(struct rw_loop *l, const struct rw_io_done *d)
{
	unsigned op = rw_io_tag_op(d->tag);
	uint32_t slot = rw_io_tag_slot(d->tag);
	struct rw_listener *ls = slot < l->n_listeners ? l->listeners[slot] : NULL;

	if (!ls || ls->generation != rw_io_tag_generation(d->tag) || !(ls->ops & bit(op))) {
		l->stats.stale++;
		return;
	}
	if (!d->more) {
		ls->ops &= ~bit(op);
		ls->asked &= ~bit(op);
		l->listeners_dirty = true;
	}
	switch (op) {
	case RW_IO_CLOSE_LISTENER:
		ls->closed = true;
		break;
	case RW_IO_ACCEPT:
		if (d->res >= 0)
			took(ls, d->res);
		else
			failed(ls, d->res);
		break;
	default:
		if (d->res == RW_EAGAIN)
			ls->asked &= ~bit(RW_IO_ACCEPT);
	}
}
