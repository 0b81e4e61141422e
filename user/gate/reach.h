/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway reaches: upstreams' names resolved anew before their answers run out, their
 * addresses listed in the kernel where egress is contained, refusals of the kernel told.
 *
 * The control thread's. An address is listed before any worker hears of it.
 */
#ifndef RW_GATE_REACH_H
#define RW_GATE_REACH_H

#include "gate/snapshot.h"
#include "kern/egress.h"

enum {
	RW_REACH_TTL_MIN = 5, /* seconds between two questions, whatever the DNS says */
	RW_REACH_TTL_MAX = 300,
	/* After an answer ran out: workers may still be taking up the next, and try its addresses.
	 */
	RW_REACH_GRACE = 60,
};

struct rw_reach {
	struct rw_egress *egress; /* NULL: not attached, or not ours to open */
	struct rw_resolver *resolver;
	bool contained;
	bool told_closed, told_unlisted; /* said so: the maps do not open, or take nothing */
	uint64_t watch_ns;		 /* when to look at the kernel again */
	uint64_t refusals, newest_ns;	 /* counted and told so far */
	struct {
		uint64_t due_ns;
		bool asking, failing, told_left_out;
	} at[RW_MAX_UPSTREAMS];
};

int rw_reach_init(struct rw_reach *r, struct rw_error *e);
void rw_reach_free(struct rw_reach *r);
/*
 * A snapshot that nobody has seen yet: leaves out addresses that are never connected to, lists the
 * others. An upstream without any is an error.
 */
int rw_reach_admit(struct rw_reach *r, struct rw_snapshot *snap, uint64_t now_ns,
		   struct rw_error *e);
/* *out: where upstreams are now, if that changed, to be published; else NULL. */
int rw_reach_tick(struct rw_reach *r, const struct rw_snapshot *snap, uint64_t now_ns,
		  struct rw_targets **out, struct rw_error *e);

#endif
