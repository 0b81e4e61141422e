/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/turns.h"

#include <stdlib.h>

#include "base/err.h"

/* Rounds in a row in which other events go first, while there are more than a turn takes. */
enum { YIELDS = 8 };

struct rw_turns {
	struct rw_loop *loop;
	unsigned yielded;
	unsigned steps, left; /* a round's; of this round */
	TAILQ_HEAD(rw_turn_line, rw_turn) begun, line;
	struct rw_task task;
};

static struct rw_turn *first(const struct rw_turns *t)
{
	return TAILQ_EMPTY(&t->begun) ? TAILQ_FIRST(&t->line) : TAILQ_FIRST(&t->begun);
}

static struct rw_turn_line *line_of(const struct rw_turn *me)
{
	return me->ahead ? &me->in->begun : &me->in->line;
}

struct rw_turns *rw_turns_new(struct rw_loop *l, unsigned steps)
{
	struct rw_turns *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = l;
	t->steps = t->left = steps;
	TAILQ_INIT(&t->begun);
	TAILQ_INIT(&t->line);
	return t;
}

void rw_turns_free(struct rw_turns *t)
{
	struct rw_turn *me;

	if (!t)
		return;
	while ((me = first(t)))
		rw_turn_cancel(me);
	rw_task_cancel(&t->task);
	free(t);
}

static bool yields(struct rw_turns *t)
{
	if (rw_loop_busy(t->loop) && t->yielded < YIELDS) {
		t->yielded++;
		return true;
	}
	t->yielded = 0;
	return false;
}

/* What the events have left goes to those who wait; then the next round has its own. */
static void run(void *arg)
{
	struct rw_turns *t = arg;
	bool busy = yields(t);
	struct rw_turn *me;

	for (; t->left && (me = first(t)) && !busy; t->left--) {
		rw_turn_cancel(me);
		me->taken++;
		me->fn(me->arg);
	}
	t->left = t->steps;
	if (first(t))
		rw_task_set(t->loop, &t->task, run, t);
}

bool rw_turns_take(struct rw_turns *t, struct rw_turn *me, void (*fn)(void *arg), void *arg)
{
	RW_BUG_ON(me->in);
	rw_task_set(t->loop, &t->task, run, t);
	if (t->left && !first(t) && !rw_loop_busy(t->loop)) {
		t->left--;
		me->taken++;
		return true;
	}
	me->in = t;
	me->fn = fn;
	me->arg = arg;
	me->ahead = me->taken == 1;
	TAILQ_INSERT_TAIL(line_of(me), me, link);
	return false;
}

void rw_turn_cancel(struct rw_turn *me)
{
	if (!me->in)
		return;
	TAILQ_REMOVE(line_of(me), me, link);
	me->in = NULL;
}
