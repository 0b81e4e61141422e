/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of each source, as rw_sock counts them in the gateway's cgroup. It is there only
 * where `ringwall kern attach` was given one: RW_ENOTFOUND elsewhere.
 */
#ifndef RW_KERN_CONNS_H
#define RW_KERN_CONNS_H

#include "kern/kern.h"

struct rw_source_conns {
	struct rw_prefix source;
	uint32_t open;
	uint64_t opened, closed;	    /* since the source is known */
	uint32_t srtt_us_min, srtt_us_last; /* smoothed round-trip time; 0: not known */
};

/* The sources with the most open connections, most first, as far as there is room. */
int rw_kern_conns(struct rw_kern *k, struct rw_source_conns *top, unsigned room, unsigned *n,
		  struct rw_error *e);
int rw_kern_conns_counters(struct rw_kern *k, struct rw_kern_sock_stats *out, struct rw_error *e);

#endif
