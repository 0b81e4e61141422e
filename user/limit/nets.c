/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/nets.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum { NET_BYTES = 7, WAYS = 8, SETS = 512 };

struct net {
	uint8_t bytes[NET_BYTES];
	bool used;
	uint64_t at_ns;	  /* the last ban of one of them */
	uint64_t each[4]; /* a bit for each value of the eighth byte */
};

struct rw_nets {
	uint64_t seed;
	struct net nets[SETS][WAYS];
};

struct rw_nets *rw_nets_new(uint64_t seed)
{
	struct rw_nets *n = calloc(1, sizeof(*n));

	if (n)
		n->seed = seed;
	return n;
}

void rw_nets_free(struct rw_nets *n)
{
	free(n);
}

static struct net *find_or_evict(struct rw_nets *n, const uint8_t *bytes)
{
	struct net *set = n->nets[XXH3_64bits_withSeed(bytes, NET_BYTES, n->seed) % SETS];
	struct net *oldest = set;

	for (struct net *e = set; e < set + WAYS; e++) {
		if (e->used && memcmp(e->bytes, bytes, NET_BYTES) == 0)
			return e;
		if (!e->used || (oldest->used && e->at_ns < oldest->at_ns))
			oldest = e;
	}
	*oldest = (struct net){.used = true};
	memcpy(oldest->bytes, bytes, NET_BYTES);
	return oldest;
}

unsigned rw_nets_note(struct rw_nets *n, const struct rw_source *who, uint64_t now_ns,
		      uint64_t memory_ns)
{
	unsigned count = 0, last;
	struct net *e;

	if (who->n != NET_BYTES + 1)
		return 0;
	e = find_or_evict(n, who->bytes);
	if (e->at_ns && now_ns > e->at_ns && now_ns - e->at_ns > memory_ns)
		memset(e->each, 0, sizeof(e->each));
	e->at_ns = now_ns;
	last = who->bytes[NET_BYTES];
	e->each[last / 64] |= UINT64_C(1) << last % 64;
	for (unsigned i = 0; i < 4; i++)
		count += (unsigned)__builtin_popcountll(e->each[i]);
	return count;
}
