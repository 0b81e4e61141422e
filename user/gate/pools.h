/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream pools of one worker for one set of routes.
 *
 * Counted references of one thread: the worker holds the set that new requests get, a
 * request the one it began with, so that a reload takes no request, with its provider's key,
 * to another upstream. Released pools close their connections as their fetches end.
 */
#ifndef RW_GATE_POOLS_H
#define RW_GATE_POOLS_H

#include "gate/snapshot.h"
#include "http/client.h"

struct rw_pools {
	unsigned refs;
	const struct rw_routes *routes; /* for comparing; who holds the set holds a snapshot too */
	struct rw_pool *at[RW_MAX_UPSTREAMS];
};

int rw_pools_new(struct rw_pools **out, struct rw_loop *l, const struct rw_snapshot *snap,
		 struct rw_error *e);
/* New connections go where snap, of the same routes, says; those that are open stay. */
void rw_pools_retarget(struct rw_pools *p, const struct rw_snapshot *snap);
struct rw_pools *rw_pools_ref(struct rw_pools *p);
void rw_pools_unref(struct rw_pools *p);

#endif
