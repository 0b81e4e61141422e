/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: turns, and what a turn consists of. */
#include <stdlib.h>
#include <string.h>

#include "ring/internal.h"

enum { DEFAULT_SOCKS = 4096 };
static const size_t default_queued_bytes = 64u << 20;

/* How long rw_loop_free waits for the last completions. */
static const uint64_t farewell_ns = 5000000000;

int rw_loop_new(struct rw_loop **out, struct rw_io *io, const struct rw_loop_config *cfg,
		struct rw_error *e)
{
	static const struct rw_loop_config defaults;
	struct rw_loop *l;

	cfg = cfg ? cfg : &defaults;
	l = calloc(1, sizeof(*l));
	if (!l)
		goto nomem;
	l->max_socks = cfg->max_socks ? cfg->max_socks : DEFAULT_SOCKS;
	if (l->max_socks > RW_IO_MAX_SLOTS) {
		rw_fail(e, RW_EINVAL, "max_socks is %u, more than %d", l->max_socks,
			RW_IO_MAX_SLOTS);
		goto fail;
	}
	l->socks = calloc(l->max_socks, sizeof(*l->socks));
	if (!l->socks)
		goto nomem;
	STAILQ_INIT(&l->dirty);
	SLIST_INIT(&l->free);
	l->free_socks = l->max_socks;
	rw_chunk_pool_init(&l->chunks,
			   cfg->max_queued_bytes ? cfg->max_queued_bytes : default_queued_bytes);
	rw_mailbox_init(&l->mailbox);
	l->tasks.last = &l->tasks.first;
	l->after.last = &l->after.first;
	l->io = io;
	l->now_ns = io->ops->now_ns(io);
	rw_wheel_init(&l->wheel, l->now_ns);
	*out = l;
	return RW_OK;
nomem:
	rw_fail(e, RW_ENOMEM, "no memory for a loop of %u sockets",
		cfg->max_socks ? cfg->max_socks : DEFAULT_SOCKS);
fail:
	io->ops->destroy(io);
	if (l) {
		free(l->socks);
		free(l);
	}
	return e ? (int)e->code : RW_ENOMEM;
}

static void dispatch(struct rw_loop *l, const struct rw_io_done *d)
{
	switch (rw_io_tag_op(d->tag)) {
	case RW_IO_NONE:
		l->orphans--;
		break;
	case RW_IO_ACCEPT:
	case RW_IO_ACCEPT + RW_IO_CANCEL:
	case RW_IO_CLOSE_LISTENER:
		rw_listener_done(l, d);
		break;
	case RW_IO_SYNC:
		rw_sync_done(l, d);
		break;
	default:
		rw_sock_done(l, d);
	}
}

/* Nothing is waited for where something can be done at once. */
static uint64_t timeout(struct rw_loop *l, uint64_t max_wait_ns)
{
	uint64_t next, now;

	if (atomic_load_explicit(&l->mailbox.waiting, memory_order_relaxed) || l->tasks.first ||
	    l->after.first || l->urgent || max_wait_ns == 0)
		return 0;
	next = rw_wheel_next_ns(&l->wheel);
	if (next == UINT64_MAX)
		return max_wait_ns;
	now = l->io->ops->now_ns(l->io); /* the callbacks of this turn took their time */
	if (next <= now)
		return 0;
	return next - now < max_wait_ns ? next - now : max_wait_ns;
}

static void set_task(struct rw_tasks *in, struct rw_task *t, const struct rw_task *what)
{
	if (t->in)
		return;
	*t = *what;
	t->in = in;
	t->pprev = in->last;
	*in->last = t;
	in->last = &t->next;
}

void rw_task_set(struct rw_loop *l, struct rw_task *t, void (*fn)(void *arg), void *arg)
{
	set_task(&l->tasks, t, &(struct rw_task){.round = l->round, .fn = fn, .arg = arg});
}

void rw_task_after(struct rw_loop *l, struct rw_task *t, void (*fn)(void *arg), void *arg)
{
	set_task(&l->after, t, &(struct rw_task){.round = l->round, .fn = fn, .arg = arg});
}

void rw_task_cancel(struct rw_task *t)
{
	if (!t->in)
		return;
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	else
		t->in->last = t->pprev;
	t->in = NULL;
}

static void run_tasks(struct rw_loop *l, struct rw_tasks *in)
{
	struct rw_task *t;

	l->round++;
	while ((t = in->first) && t->round != l->round) {
		rw_task_cancel(t);
		t->fn(t->arg);
	}
}

static void settle(struct rw_loop *l)
{
	run_tasks(l, &l->tasks);
	rw_listeners_settle(l);
	rw_socks_settle(l);
}

/* What the next completions are about comes into the cache while this one is handled. */
static void dispatch_all(struct rw_loop *l, int n)
{
	for (int i = 0; i < n; i++) {
		if (i + 2 < n)
			rw_sock_prefetch(l, &l->done[i + 2]);
		if (i + 1 < n)
			rw_sock_prefetch_user(l, &l->done[i + 1]);
		dispatch(l, &l->done[i]);
	}
}

int rw_loop_turn(struct rw_loop *l, uint64_t max_wait_ns)
{
	int n;

	settle(l); /* what was asked for between turns */
	n = l->io->ops->wait(l->io, timeout(l, max_wait_ns), l->done, RW_BATCH);
	l->urgent = false;
	if (n < 0)
		return n;
	l->busy = n == RW_BATCH;
	l->now_ns = l->io->ops->now_ns(l->io);
	dispatch_all(l, n);
	if (atomic_load_explicit(&l->mailbox.waiting, memory_order_relaxed))
		rw_mailbox_run(&l->mailbox);
	rw_wheel_fire(&l->wheel, l->now_ns);
	settle(l);
	if (l->after.first) {
		l->io->ops->hurry(l->io);
		run_tasks(l, &l->after);
		settle(l);
	}
	return RW_OK;
}

bool rw_loop_busy(const struct rw_loop *l)
{
	return l->busy;
}

int rw_loop_run(struct rw_loop *l)
{
	int rc = RW_OK;

	while (!l->stop && !rc)
		rc = rw_loop_turn(l, UINT64_MAX);
	l->stop = false;
	return rc;
}

void rw_loop_stop(struct rw_loop *l)
{
	l->stop = true;
}

static void part_from_all(struct rw_loop *l)
{
	for (unsigned i = 0; i < l->n_listeners; i++)
		if (l->listeners[i])
			rw_listener_stop(l->listeners[i]);
	for (unsigned i = 0; i < l->used_socks; i++)
		if (l->socks[i].live)
			rw_sock_abort(&l->socks[i]);
}

static bool anything_left(const struct rw_loop *l)
{
	for (unsigned i = 0; i < l->n_listeners; i++)
		if (l->listeners[i])
			return true;
	return l->free_socks != l->max_socks || l->orphans || l->sync.busy;
}

void rw_loop_free(struct rw_loop *l)
{
	uint64_t end;

	if (!l)
		return;
	end = l->io->ops->now_ns(l->io) + farewell_ns;
	l->io->closing = true;
	do {
		part_from_all(l); /* again: an on_close may have connected anew */
		if (rw_loop_turn(l, farewell_ns / 100) < 0)
			break;
	} while (anything_left(l) && l->now_ns < end);
	for (unsigned i = 0; i < l->used_socks; i++)
		if (l->socks[i].live)
			rw_sock_bury(&l->socks[i]);
	for (unsigned i = 0; i < l->n_listeners; i++)
		if (l->listeners[i])
			rw_listener_bury(l->listeners[i]);
	rw_splices_free(l);
	l->io->ops->destroy(l->io);
	rw_mailbox_free(&l->mailbox);
	rw_chunk_pool_free(&l->chunks);
	free(l->socks);
	free(l);
}

uint64_t rw_loop_now(const struct rw_loop *l)
{
	return l->now_ns;
}

uint64_t rw_loop_clock(struct rw_loop *l)
{
	return l->io->ops->now_ns(l->io);
}

uint64_t rw_loop_wall_ms(const struct rw_loop *l)
{
	return l->io->ops->wall_ms(l->io);
}

uint64_t rw_loop_random(struct rw_loop *l)
{
	return l->io->ops->random(l->io);
}

const struct rw_loop_stats *rw_loop_stats(struct rw_loop *l)
{
	l->stats.cq_overflow = l->io->overflow;
	l->stats.socks_live = l->max_socks - l->free_socks;
	return &l->stats;
}

void rw_loop_waits(struct rw_loop *l, struct rw_loop_waits *sum)
{
	const struct rw_io_waits *w = &l->io->waits;

	sum->sleeps += atomic_load_explicit(&w->sleeps, memory_order_relaxed);
	sum->looks += atomic_load_explicit(&w->looks, memory_order_relaxed);
	sum->looks_vain += atomic_load_explicit(&w->looks_vain, memory_order_relaxed);
	sum->looked_ns += atomic_load_explicit(&w->looked_ns, memory_order_relaxed);
}

int rw_loop_post(struct rw_loop *l, void (*fn)(void *arg), void *arg)
{
	bool was_empty;
	int rc = rw_mailbox_put(&l->mailbox, (struct rw_mail){fn, arg}, &was_empty);

	if (!rc && was_empty)
		l->io->ops->wake(l->io);
	return rc;
}

void rw_timer_set(struct rw_loop *l, struct rw_timer *t, uint64_t when_ns, void (*fn)(void *arg),
		  void *arg)
{
	t->fn = fn;
	t->arg = arg;
	rw_wheel_set(&l->wheel, t, when_ns);
}
