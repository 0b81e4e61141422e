/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from one socket to another through a pipe, one operation at a time: until readable, into
 * the pipe, out of it. Bytes never overtake: while some are in the pipe its receiver sends nothing
 * else.
 */
#include <stdlib.h>

#include "ring/internal.h"

/* A pipe's worth; one record of TLS is what an operation brings. */
static const size_t piece_bytes = 64 << 10;

/*
 * from and to point back at it. Either may leave at any time; once one has, nothing new is started,
 * and what is under way at the other ends. With a leftover in the pipe, the pipe is closed.
 */
struct rw_splice {
	struct rw_splice *next; /* of the loop's */
	struct rw_sock *from, *to;
	int pipe[2]; /* -1: to be made */
	bool in_use;
	bool ready;    /* from has, or had, something to read */
	bool stop;     /* what comes next is nothing for the pipe */
	uint64_t left; /* still to come out of from */
	size_t in_pipe;
};

/* --- memory ---------------------------------------------------------------------------- */

static void close_pipe(struct rw_loop *l, struct rw_splice *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->pipe[i] >= 0)
			l->io->ops->abandon(l->io, p->pipe[i]);
		p->pipe[i] = -1;
	}
}

bool rw_loop_may_splice(const struct rw_loop *l)
{
	return l->n_splices < RW_SPLICES;
}

static struct rw_splice *take(struct rw_loop *l)
{
	struct rw_splice *p = l->splices;

	while (p && p->in_use)
		p = p->next;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->pipe[0] = p->pipe[1] = -1;
		p->next = l->splices;
		l->splices = p;
	}
	return p;
}

void rw_splices_free(struct rw_loop *l)
{
	while (l->splices) {
		struct rw_splice *p = l->splices;

		RW_BUG_ON(p->in_use);
		l->splices = p->next;
		close_pipe(l, p);
		free(p);
	}
}

static bool busy(const struct rw_splice *p)
{
	return (p->from && (rw_sock_busy(p->from, RW_IO_READABLE) ||
			    rw_sock_busy(p->from, RW_IO_SPLICE_IN))) ||
	       (p->to && rw_sock_busy(p->to, RW_IO_SPLICE_OUT));
}

/* Nothing is under way. */
static void end(struct rw_loop *l, struct rw_splice *p)
{
	struct rw_sock *ends[] = {p->from, p->to};

	RW_BUG_ON(busy(p));
	for (int i = 0; i < 2; i++)
		if (ends[i]) {
			ends[i]->splice = NULL;
			rw_sock_touch(ends[i]);
		}
	if (p->in_pipe)
		close_pipe(l, p);
	*p = (struct rw_splice){.next = p->next, .pipe = {p->pipe[0], p->pipe[1]}};
	l->n_splices--;
}

/* --- what it means for its ends -------------------------------------------------------- */

bool rw_splice_receives(const struct rw_sock *s)
{
	return s->splice && s->splice->from == s;
}

bool rw_splice_sends(const struct rw_sock *s)
{
	const struct rw_splice *p = s->splice;

	return p && p->to == s && (p->in_pipe || rw_sock_busy(s, RW_IO_SPLICE_OUT));
}

size_t rw_splice_queued(const struct rw_sock *s)
{
	return s->splice && s->splice->to == s ? s->splice->in_pipe : 0;
}

/* Neither end was given up. */
static bool goes_on(const struct rw_splice *p)
{
	return p->from && p->to && !p->from->dying && !p->to->dying && !p->from->finishing &&
	       !p->to->shut;
}

/* --- the way --------------------------------------------------------------------------- */

static void splice(struct rw_splice *p, struct rw_sock *s, bool in)
{
	struct rw_loop *l = s->loop;

	if (in)
		l->io->ops->splice(l->io, s->fd, p->pipe[1],
				   p->left < piece_bytes ? (size_t)p->left : piece_bytes, false,
				   rw_sock_begin(s, RW_IO_SPLICE_IN));
	else
		l->io->ops->splice(l->io, p->pipe[0], s->fd, p->in_pipe, true,
				   rw_sock_begin(s, RW_IO_SPLICE_OUT));
}

/* Of an operation that is being cancelled neither tag nor socket is free. */
static bool cancelling(const struct rw_splice *p)
{
	return rw_sock_busy(p->from, RW_IO_CANCEL + RW_IO_READABLE) ||
	       rw_sock_busy(p->from, RW_IO_CANCEL + RW_IO_SPLICE_IN) ||
	       rw_sock_busy(p->to, RW_IO_CANCEL + RW_IO_SPLICE_OUT);
}

static void tell(struct rw_splice *p, size_t n, bool over)
{
	struct rw_sock *from = p->from;

	if (!goes_on(p))
		return;
	if (over) {
		end(from->loop, p);
		rw_sock_receive(from);
	}
	if (from->cb->on_spliced)
		from->cb->on_spliced(from->user, n, over);
}

void rw_splice_settle(struct rw_sock *s)
{
	struct rw_splice *p = s->splice;

	if (!p || busy(p))
		return;
	if (!goes_on(p)) {
		end(s->loop, p);
		return;
	}
	if (cancelling(p))
		return;
	if (p->in_pipe)
		splice(p, p->to, false);
	else if (!p->left || p->stop)
		tell(p, 0, true);
	else if (p->to->queue.bytes || rw_sock_busy(p->to, RW_IO_SEND))
		return; /* its end is a settle of to */
	else if (p->ready)
		splice(p, p->from, true);
	else
		p->from->loop->io->ops->readable(p->from->loop->io, p->from->fd,
						 rw_sock_begin(p->from, RW_IO_READABLE));
}

static void done_in(struct rw_splice *p, int res)
{
	if (res > 0) {
		RW_BUG_ON((uint64_t)res > p->left);
		p->left -= (uint64_t)res;
		p->in_pipe = (size_t)res;
		tell(p, 0, false);
	} else if (res == RW_EAGAIN || res == RW_IO_CANCELLED) {
		p->ready = false;
	} else {
		p->stop = true; /* a record of control, FIN, an error: a receive will tell */
	}
}

static void done_out(struct rw_splice *p, int res)
{
	struct rw_sock *to = p->to;

	if (res <= 0) {
		if (res != RW_IO_CANCELLED)
			rw_sock_die(to, res ? res : RW_EIO);
		return;
	}
	RW_BUG_ON((size_t)res > p->in_pipe);
	p->in_pipe -= (size_t)res;
	to->loop->stats.spliced_bytes += (uint64_t)res;
	tell(p, (size_t)res, false);
}

/* Once the other end has left, what ends here only has to end. */
void rw_splice_done(struct rw_sock *s, unsigned op, int res)
{
	struct rw_splice *p = s->splice;

	rw_sock_touch(s);
	if (!p || s->dying)
		return;
	if (op == RW_IO_READABLE)
		p->ready = res != RW_IO_CANCELLED; /* an error, too, is told by what comes next */
	else if (op == RW_IO_SPLICE_IN)
		done_in(p, res);
	else
		done_out(p, res);
}

void rw_splice_leave(struct rw_sock *s)
{
	struct rw_splice *p = s->splice;
	struct rw_sock *other;

	if (!p)
		return;
	s->splice = NULL;
	other = p->from == s ? p->to : p->from;
	if (p->from == s)
		p->from = NULL;
	else
		p->to = NULL;
	if (!busy(p))
		end(s->loop, p);
	else
		rw_sock_touch(other);
}

int rw_sock_splice(struct rw_sock *s, struct rw_sock *to, uint64_t n)
{
	struct rw_loop *l = s->loop;
	struct rw_splice *p;
	int rc = RW_OK;

	RW_BUG_ON(!s->still || s->held.bytes || to->splice || s->splice || s == to);
	if (!rw_loop_may_splice(l))
		return RW_ELIMIT;
	if (s->dying || s->finishing || to->dying || to->shut)
		return RW_ECLOSED;
	p = take(l);
	if (!p)
		return RW_ENOMEM;
	if (p->pipe[0] < 0)
		rc = l->io->ops->pipe(l->io, p->pipe);
	if (rc)
		return rc == RW_IO_NOFILES ? RW_ELIMIT : rc;
	p->from = s;
	p->to = to;
	p->left = n;
	p->in_use = true;
	s->splice = to->splice = p;
	to->piped = true;
	s->still = false;
	l->n_splices++;
	rw_sock_touch(s);
	return RW_OK;
}
