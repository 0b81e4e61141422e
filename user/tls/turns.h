/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handshakes take turns. A client's first message costs a signature and a key exchange, a third of
 * a millisecond: a hundred of them in one turn of a loop would stand between every running stream
 * and its next event. So there are so many steps a turn, and the rest waits in line.
 *
 * A handshake's second step, which mostly is its last, goes before the first ones of others: what
 * has begun holds sixty kilobytes, what waits to begin a few. Later steps wait with the rest, so
 * that nobody is held up by who sends his message byte by byte.
 *
 * One loop's, one thread. Steps are counted, not timed: the same on the simulator.
 */
#ifndef RW_TLS_TURNS_H
#define RW_TLS_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "ring/loop.h"

struct rw_turns;

/* In whatever waits; zeroed once. Its owner cancels it before it goes. */
struct rw_turn {
	TAILQ_ENTRY(rw_turn) link;
	struct rw_turns *in; /* NULL: does not wait */
	bool ahead;	     /* of those who begin */
	unsigned taken;	     /* turns that it had */
	void (*fn)(void *arg);
	void *arg;
};

/* steps: of a round, at least 1. NULL: no memory. */
struct rw_turns *rw_turns_new(struct rw_loop *l, unsigned steps);
/* Who waits is forgotten. */
void rw_turns_free(struct rw_turns *t);
/* True: go on. False: fn(arg) is called when it is me, from the loop. me must not wait already. */
bool rw_turns_take(struct rw_turns *t, struct rw_turn *me, void (*fn)(void *arg), void *arg);
void rw_turn_cancel(struct rw_turn *me);
static inline bool rw_turn_waits(const struct rw_turn *me)
{
	return me->in != NULL;
}

#endif
