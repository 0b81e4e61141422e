/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which /64s of an IPv6 /56 have been banned: one customer has 256 of them, and can offend from
 * each in turn. A bit for each; a /56 is forgotten after some time in which none of them was.
 */
#ifndef RW_LIMIT_NETS_H
#define RW_LIMIT_NETS_H

#include "limit/table.h"

struct rw_nets;
/* A fixed number of /56s; of 8, the one that has been quiet longest makes way. NULL: no memory. */
struct rw_nets *rw_nets_new(uint64_t seed);
void rw_nets_free(struct rw_nets *n);
/*
 * Notes that a /64 (8 bytes) was banned; how many different ones of its /56 have been, none of
 * them longer than memory_ns before the next. 0: not an IPv6 source.
 */
unsigned rw_nets_note(struct rw_nets *n, const struct rw_source *who, uint64_t now_ns,
		      uint64_t memory_ns);

#endif
