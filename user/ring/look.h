/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether to look for what comes next before sleeping, and for how long. A pure function of what
 * was: no clock, no I/O.
 *
 * Waking up is dear, most of all in a virtual machine, where the kick that does it leaves the
 * guest; looking takes idle time, which others may want. So a thread looks
 *   - while few sockets have something to say: where many do, one's wait is filled with work for
 *     the others, and latency is not what counts;
 *   - as long as waits in its place have lately been short. Waits take turns (for the upstream,
 *     for the client): what follows a short one and what follows a long one are learnt apart, as a
 *     branch predictor does, so a slow client behind a fast upstream is slept for at once;
 *   - while looks that found nothing have taken less than an eighth of what work took. That is the
 *     bound of what is wasted; at rest it is nothing;
 *   - and where nobody else wants the processor. A look that took far longer than it may was
 *     preempted: the time slice was looked away that work needed. Then there is none for a while,
 *     twice as long each time, until many in a row were left alone.
 *
 * Owned by a ring, touched by its thread only. Zeroed, it never looks.
 */
#ifndef RW_RING_LOOK_H
#define RW_RING_LOOK_H

#include <stdbool.h>
#include <stdint.h>

enum { RW_LOOK_RECENT = 4 };

struct rw_look {
	uint64_t max_ns;     /* the longest look; 0: none */
	uint64_t span_ns[2]; /* of the next one, after a long wait and after a short one */
	bool after_short;    /* the last wait was no longer than max_ns */
	uint64_t credit_ns;  /* left for looks that find nothing */
	uint64_t learned_ns; /* when the last wait ended */
	uint64_t paused_ns;  /* after a preempted look, for how long */
	uint64_t paused_until_ns;
	unsigned undisturbed; /* looks in a row */
	uint32_t
		recent[RW_LOOK_RECENT]; /* the sockets that had something to say, the latest ones */
	unsigned next;			/* of recent, to be replaced */
	unsigned strangers;		/* of what came, how much was of others: 256 is all of it */
};

/* max_ns 0: never look. Forgets what was learnt. */
void rw_look_init(struct rw_look *k, uint64_t max_ns);

/* Something came for this socket (its slot). */
void rw_look_saw(struct rw_look *k, uint32_t slot);

/* How long to look, at now_ns, before a wait of at most timeout_ns; 0: sleep at once. */
uint64_t rw_look_span(const struct rw_look *k, uint64_t now_ns, uint64_t timeout_ns);

/*
 * A wait is over at now_ns, which took waited_ns; looked_ns of that were spent looking, and found
 * says whether that was what ended it.
 */
void rw_look_learn(struct rw_look *k, uint64_t now_ns, uint64_t waited_ns, uint64_t looked_ns,
		   bool found);

#endif
