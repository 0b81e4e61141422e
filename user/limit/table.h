/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate cells by identity (a key's id, an address), shared by all workers.
 *
 * A fixed number of 8-way sets; a newcomer takes the cell that has been
 * conforming longest. Lock-free; an eviction forgets a source's debt, so size it above
 * the number of sources active at once. IPv6 addresses count as their /64.
 */
#ifndef RW_LIMIT_TABLE_H
#define RW_LIMIT_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

struct rw_limits;

/*
 * cells: rounded up to a power of two, at least 8, 16 bytes each; seed: random per boot, so that
 * nobody picks collisions. NULL: no memory. Freed by rw_limits_free once no thread uses it.
 */
struct rw_limits *rw_limits_new(uint32_t cells, uint64_t seed);
void rw_limits_free(struct rw_limits *t);
/* See rw_gcra_take. Safe from any thread; who is read during the call only. */
bool rw_limits_take(struct rw_limits *t, struct rw_slice who, uint32_t per_minute, uint32_t burst,
		    uint64_t now_ns, uint64_t *retry_ns);

/*
 * The bytes that stand for an address: 4 for IPv4 (also when v4-mapped), 8 (/64) for IPv6,
 * none for any other family.
 */
struct rw_source {
	uint8_t bytes[8];
	uint8_t n;
};
struct rw_source rw_source_of(const struct sockaddr *sa);
static inline struct rw_slice rw_source_slice(const struct rw_source *s)
{
	return (struct rw_slice){(const char *)s->bytes, s->n};
}

#endif
