/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel side tells: transitions, through one ring (bpf/events.h).
 *
 * The ring has one reader: the engine while it runs, else `ringwall kern events`. Nobody is
 * woken by an event; the reader looks when it likes, and what the ring could not hold is counted.
 * Owned by one thread, and by one handle of the maps, which must live longer.
 */
#ifndef RW_KERN_EVENTS_H
#define RW_KERN_EVENTS_H

#include "kern/kern.h"

struct rw_event {
	enum rw_kern_event_kind kind;
	bool ended;		 /* of a state of the whole: it is over, having lasted lasted_ns */
	bool shadow;		 /* what it tells of would have happened */
	struct rw_prefix source; /* the address; family 0: nobody's */
	struct rw_prefix under;	 /* the ban's or limiter's prefix */
	enum rw_kern_counter outcome; /* drop_*; 0 (rx): none */
	uint64_t count;		      /* packets of this ban or source so far */
	uint64_t at_ns;		      /* CLOCK_MONOTONIC */
	uint64_t lasted_ns;
};
typedef void (*rw_event_fn)(void *arg, const struct rw_event *ev);

struct rw_events;
/* RW_EBUSY: somebody else reads. RW_EPERM: the file modes. */
int rw_events_open(struct rw_events **out, struct rw_kern *k, struct rw_error *e);
void rw_events_close(struct rw_events *r);
/* Whether anybody reads the pinned ring now. */
bool rw_events_taken(void);
/* Calls fn for what has come since, at most max of it; the number. now_ns: CLOCK_MONOTONIC. */
unsigned rw_events_read(struct rw_events *r, unsigned max, uint64_t now_ns, rw_event_fn fn,
			void *arg);

/* "ban_drops", "promote_capped_ended", ... */
const char *rw_event_name(const struct rw_event *ev);
/* The same as a sentence, without the time; returns out. */
const char *rw_event_text(const struct rw_event *ev, char out[240]);

#endif
