/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/table.h"

#include <stdlib.h>

#include <xxhash.h>

#include "base/err.h"
#include "limit/gcra.h"

enum { WAYS = 8, LINE_BYTES = 64 };

/*
 * A set is two cache lines: who (a seeded 64-bit hash, 0: free) and their rates.
 *
 * Two threads can race in two ways, and both are accepted: a thread that found its cell
 * just before the cell was given away charges one request to the newcomer; two threads that
 * bring the same new source while the order of the set changes under them may claim
 * a cell each, of which later lookups use the first: one burst too many, once.
 */
struct set {
	_Atomic uint64_t who[WAYS];
	struct rw_gcra rate[WAYS];
};
_Static_assert(sizeof(struct set) == (size_t)2 * LINE_BYTES, "a set is two cache lines");

struct rw_limits {
	void *memory; /* what calloc gave; sets is the first line boundary in it */
	struct set *sets;
	uint64_t mask; /* number of sets - 1 */
	uint64_t seed;
};

struct rw_limits *rw_limits_new(uint32_t cells, uint64_t seed)
{
	struct rw_limits *t = calloc(1, sizeof(*t));
	size_t n = 1;

	if (!t)
		return NULL;
	while (n * WAYS < cells)
		n *= 2;
	/* calloc, not aligned_alloc: pages that no source has touched cost nothing. */
	t->memory = calloc(n * sizeof(struct set) + LINE_BYTES, 1);
	if (!t->memory) {
		free(t);
		return NULL;
	}
	t->sets = (struct set *)(((uintptr_t)t->memory + LINE_BYTES - 1) &
				 ~(uintptr_t)(LINE_BYTES - 1));
	t->mask = n - 1;
	t->seed = seed;
	return t;
}

void rw_limits_free(struct rw_limits *t)
{
	if (!t)
		return;
	free(t->memory);
	free(t);
}

static struct rw_gcra *find(struct set *s, uint64_t who)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (atomic_load_explicit(&s->who[i], memory_order_relaxed) == who)
			return &s->rate[i];
	return NULL;
}

/* The smallest arrival time has been conforming longest; a free cell's is 0. */
static unsigned victim(struct set *s, uint64_t *tat)
{
	unsigned at = 0;
	uint64_t t;

	*tat = UINT64_MAX;
	for (unsigned i = 0; i < WAYS; i++) {
		t = atomic_load_explicit(&s->rate[i].tat_ns, memory_order_relaxed);
		if (t < *tat) {
			*tat = t;
			at = i;
		}
	}
	return at;
}

/* Gives who a cell. Lock-free: another round means that another thread has claimed one. */
static struct rw_gcra *claim(struct set *s, uint64_t who)
{
	struct rw_gcra *g;
	uint64_t tat, old;
	unsigned i;

	for (;;) {
		i = victim(s, &tat);
		old = atomic_load_explicit(&s->who[i], memory_order_relaxed);
		/* who may have come in since the first look: a second claim would double it. */
		g = find(s, who);
		if (g)
			return g;
		if (!atomic_compare_exchange_strong_explicit(
			    &s->who[i], &old, who, memory_order_relaxed, memory_order_relaxed))
			continue;
		/* Only what was seen is forgotten: a take by another thread since then stays. */
		atomic_compare_exchange_strong_explicit(&s->rate[i].tat_ns, &tat, 0,
							memory_order_relaxed, memory_order_relaxed);
		return &s->rate[i];
	}
}

bool rw_limits_take(struct rw_limits *t, struct rw_slice who, uint32_t per_minute, uint32_t burst,
		    uint64_t now_ns, uint64_t *retry_ns)
{
	struct rw_gcra *g;
	struct set *s;
	uint64_t h;

	if (per_minute == 0)
		return true;
	h = XXH3_64bits_withSeed(who.p, who.n, t->seed);
	s = &t->sets[h & t->mask];
	h = h ? h : 1; /* 0 marks a free cell */
	g = find(s, h);
	if (!g)
		g = claim(s, h);
	return rw_gcra_take(g, per_minute, burst, now_ns, retry_ns);
}

struct rw_source rw_source_of(const struct sockaddr *sa)
{
	const struct sockaddr_in6 *in6;
	struct rw_source s = {.n = 0};

	switch (sa->sa_family) {
	case AF_INET:
		s.n = 4;
		memcpy(s.bytes, &((const struct sockaddr_in *)sa)->sin_addr, 4);
		break;
	case AF_INET6:
		in6 = (const struct sockaddr_in6 *)sa;
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			s.n = 4;
			memcpy(s.bytes, &in6->sin6_addr.s6_addr[12], 4);
		} else {
			s.n = 8;
			memcpy(s.bytes, &in6->sin6_addr, 8);
		}
		break;
	default: /* no address: nothing that could be told apart or banned */
		break;
	}
	return s;
}
