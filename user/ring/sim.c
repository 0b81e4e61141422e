/* SPDX-License-Identifier: Apache-2.0 */
/* The world: its clock, its chance, what is going to happen, and when. */
#include "ring/sim_int.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t begin_ns = 1000000000000; /* no test may count on zero */
static const uint64_t wall_begin_ms = 1750000000000;
static const uint64_t default_latency_ns = 50000, late_ns = 5000000, jump_ns = 2000000000;

const struct rw_sim_knobs rw_sim_all_faults = {
	.latency_ns = 2000000,
	.window_bytes = 20000,
	.late = 3000,
	.short_send = 3000,
	.split = 3000,
	.starve = 500,
	.recv_ends = 500,
	.cancel_missed = 2000,
	.ghost = 3000,
	.reset = 20,
	.cut = 20,
	.refuse = 300,
	.slow_connect = 500,
	.connect_fails = 200,
	.sync_fails = 200,
	.clock_jump = 20,
};

void *sim_alloc(void *old, size_t n)
{
	void *p = realloc(old, n);

	RW_BUG_ON(!p);
	if (!old)
		memset(p, 0, n);
	return p;
}

static uint64_t splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t sim_random(struct rw_sim *s)
{
	return splitmix(&s->random);
}

uint64_t sim_below(struct rw_sim *s, uint64_t n)
{
	return n ? sim_random(s) % n : 0;
}

bool sim_chance(struct rw_sim *s, uint16_t per_10000)
{
	return per_10000 && sim_below(s, 10000) < per_10000;
}

void sim_trace(struct rw_sim *s, uint64_t word)
{
	s->hash = (s->hash ^ word) * 0x9fb21c651e98df25;
	s->hash ^= s->hash >> 29;
}

uint64_t sim_latency(struct rw_sim *s)
{
	return s->knobs.latency_ns ? 1 + sim_below(s, s->knobs.latency_ns) : default_latency_ns;
}

uint64_t sim_lateness(struct rw_sim *s)
{
	return sim_chance(s, s->knobs.late) ? sim_below(s, late_ns) : 0;
}

/* --- events: a binary heap by time, then by order of making ----------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

void sim_push(struct rw_sim *s, const struct sim_event *ev)
{
	unsigned i = s->n_events++;

	if (i == s->event_room) {
		s->event_room = s->event_room ? 2 * s->event_room : 64;
		s->heap = sim_alloc(s->heap, s->event_room * sizeof(*s->heap));
	}
	s->heap[i] = *ev;
	s->heap[i].seq = s->seq++;
	if (ev->op)
		ev->op->refs++;
	for (; i && before(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static struct sim_event pop(struct rw_sim *s)
{
	struct sim_event first = s->heap[0];
	unsigned i = 0, child;

	s->heap[0] = s->heap[--s->n_events];
	while ((child = 2 * i + 1) < s->n_events) {
		if (child + 1 < s->n_events && before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!before(&s->heap[child], &s->heap[i]))
			break;
		swap(&s->heap[i], &s->heap[child]);
		i = child;
	}
	return first;
}

static void happen(struct rw_sim *s, const struct sim_event *ev)
{
	switch (ev->what) {
	case SIM_COMPLETE:
		sim_deliver(ev->op->end, &ev->done, ev->op);
		break;
	case SIM_GHOST:
		sim_deliver(ev->end, &ev->done, NULL);
		break;
	case SIM_EXEC:
		sim_exec(ev->op);
		break;
	default:
		sim_happen(s, ev);
	}
	if (ev->op)
		sim_op_unref(ev->op);
}

void sim_run_due(struct rw_sim *s)
{
	while (s->n_events && s->heap[0].at <= s->now) {
		struct sim_event ev = pop(s);

		happen(s, &ev);
	}
}

uint64_t sim_next_event(const struct rw_sim *s)
{
	return s->n_events ? s->heap[0].at : UINT64_MAX;
}

void sim_op_unref(struct sim_op *op)
{
	if (--op->refs == 0)
		free(op);
}

void sim_complete(struct sim_op *op, int res, bool more, const struct rw_io_done *buffer)
{
	struct rw_sim *s = op->end->sim;
	struct sim_event ev = {.what = SIM_COMPLETE, .op = op, .at = s->now};

	if (!op->lazy)
		ev.at += sim_lateness(s);
	RW_BUG_ON(op->over);
	if (ev.at < op->last_at)
		ev.at = op->last_at;
	op->last_at = ev.at;
	op->over = !more;
	if (buffer)
		ev.done = *buffer;
	else
		ev.done.buffer = RW_IO_NO_BUFFER;
	ev.done.tag = op->tag;
	ev.done.res = res;
	ev.done.more = more;
	sim_push(s, &ev);
}

/* --- time ------------------------------------------------------------------------------ */

void sim_advance(struct rw_sim *s, uint64_t to)
{
	struct sim_end *end;

	if (sim_chance(s, s->knobs.clock_jump)) {
		to += sim_below(s, jump_ns);
		s->wall_offset_ms = sim_below(s, 7200000);
	}
	if (to > s->now)
		s->now = to;
	SLIST_FOREACH(end, &s->ends, link)
	{
		end->idle = 0;
	}
	sim_run_due(s);
}

bool rw_sim_step(struct rw_sim *s)
{
	uint64_t next;
	struct sim_end *end;

	sim_run_due(s);
	next = sim_next_event(s);
	SLIST_FOREACH(end, &s->ends, link)
	{
		/*
		 * Twice: what a timer's callback asked for is known to the second wait.
		 */
		if (sim_has_news(end) || end->idle < 2)
			return true;
		if (end->wake_at < next)
			next = end->wake_at;
	}
	if (next == UINT64_MAX)
		return false;
	sim_advance(s, next);
	return true;
}

/* --- a world's life -------------------------------------------------------------------- */

int rw_sim_new(struct rw_sim **out, uint64_t seed, const struct rw_sim_knobs *knobs)
{
	struct rw_sim *s = sim_alloc(NULL, sizeof(*s));

	s->now = begin_ns;
	s->random = seed;
	s->test_random = seed ^ 0x7465737473656564;
	s->hash = seed;
	s->next_port = 32768;
	SLIST_INIT(&s->ends);
	SLIST_INIT(&s->gone);
	SLIST_INIT(&s->socks);
	rw_sim_set_knobs(s, knobs);
	*out = s;
	return RW_OK;
}

void rw_sim_set_knobs(struct rw_sim *s, const struct rw_sim_knobs *knobs)
{
	s->knobs = *knobs;
	if (s->knobs.window_bytes == 0)
		s->knobs.window_bytes = 65536;
}

void rw_sim_free(struct rw_sim *s)
{
	struct sim_sock *k;
	struct sim_end *end;

	if (!s)
		return;
	RW_BUG_ON(!SLIST_EMPTY(&s->ends)); /* a loop that was not freed */
	while (s->n_events) {
		struct sim_event ev = pop(s);

		if (ev.op)
			sim_op_unref(ev.op);
	}
	while ((k = SLIST_FIRST(&s->socks))) {
		SLIST_REMOVE_HEAD(&s->socks, all_link);
		sim_sock_free(k);
	}
	while ((end = SLIST_FIRST(&s->gone))) {
		SLIST_REMOVE_HEAD(&s->gone, link);
		free(end);
	}
	free(s->heap);
	free(s->fds);
	free(s);
}

uint64_t rw_sim_now(const struct rw_sim *s)
{
	return s->now;
}

uint64_t rw_sim_synced_bytes(const struct rw_sim *s)
{
	return s->synced_bytes;
}

uint64_t rw_sim_random(struct rw_sim *s)
{
	return splitmix(&s->test_random);
}

uint64_t rw_sim_trace_hash(const struct rw_sim *s)
{
	return s->hash;
}

uint64_t sim_wall_ms(const struct rw_sim *s)
{
	return wall_begin_ms + s->now / 1000000 + s->wall_offset_ms;
}
