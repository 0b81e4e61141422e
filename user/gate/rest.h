/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a burst took of the allocator and gave back to it, handshakes above all, the system gets
 * when nothing new has been asked for a second: until then it is likely to be wanted again, and
 * giving it back holds up whoever allocates.
 */
#ifndef RW_GATE_REST_H
#define RW_GATE_REST_H

#include <stdint.h>

#include "gate/gateway.h"

/* The control thread's, zeroed. */
struct rw_rest {
	unsigned quiet;	     /* ticks in a row */
	uint64_t asked;	     /* requests, as of the last tick */
	uint64_t kept_bytes; /* resident when it was given back last */
};

/* On each tick. True: memory was given back. */
bool rw_rest_tick(struct rw_rest *r, const struct rw_gateway *gw);

#endif
