/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The balancers of the configuration: whose connections speak for others, and what is believed of
 * what they say. Everything here is about addresses; nothing is asked of anybody.
 */
#ifndef RW_GATE_BALANCER_H
#define RW_GATE_BALANCER_H

#include "http/h1.h"
#include "kern/kern.h"
#include "limit/table.h"
#include "policy/config.h"
#include "ring/sock.h"

struct rw_balancers {
	struct rw_prefix prefix[RW_MAX_BALANCERS];
	bool forwarded_for[RW_MAX_BALANCERS]; /* writes X-Forwarded-For itself */
	unsigned n;
};

void rw_balancers_take(struct rw_balancers *b, const struct rw_config *cfg);
/* Whether the source, an address, a /64 or a /56, is one of theirs or has one in it. */
bool rw_balancers_overlap(const struct rw_balancers *b, const struct rw_source *who);
/* Whether the address is one of theirs. */
bool rw_balancers_has(const struct rw_balancers *b, const struct rw_addr *a);
/*
 * Who made the request, where it came from peer: the last in X-Forwarded-For who is not himself
 * believed to write it. Peer, where that is nobody's to say or cannot be read.
 */
struct rw_addr rw_balancers_client(const struct rw_balancers *b, const struct rw_addr *peer,
				   const struct rw_h1_head *head);

#endif
