/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/suspend.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SETS = 128, WAYS = 8 };

/* Asked while it is written: id is cleared first and set last, so until_ns is never another's. */
struct cell {
	_Atomic uint64_t id, until_ns;
};

struct rw_suspended {
	struct cell cells[SETS][WAYS];
};

struct rw_suspended *rw_suspended_new(void)
{
	return calloc(1, sizeof(struct rw_suspended));
}

void rw_suspended_free(struct rw_suspended *s)
{
	free(s);
}

static unsigned set_of(uint64_t id)
{
	return (unsigned)(id * 0x9e3779b97f4a7c15 >> 57); /* the upper 7 bits: SETS */
}

void rw_suspend(struct rw_suspended *s, uint64_t id, uint64_t until_ns, uint64_t now_ns)
{
	struct cell *set = s->cells[set_of(id)], *to = NULL;
	uint64_t least = UINT64_MAX;

	for (struct cell *c = set; c < set + WAYS; c++) {
		uint64_t until = atomic_load(&c->until_ns);

		if (atomic_load(&c->id) == id) {
			to = c;
			break;
		}
		until = until > now_ns ? until : 0;
		if (until < least) {
			least = until;
			to = c;
		}
	}
	atomic_store(&to->id, 0);
	atomic_store(&to->until_ns, until_ns);
	atomic_store(&to->id, id);
}

uint64_t rw_suspended_left(const struct rw_suspended *s, uint64_t id, uint64_t now_ns)
{
	const struct cell *set = s->cells[set_of(id)];

	for (const struct cell *c = set; c < set + WAYS; c++) {
		uint64_t until;

		if (atomic_load_explicit(&c->id, memory_order_acquire) != id)
			continue;
		until = atomic_load_explicit(&c->until_ns, memory_order_acquire);
		return until > now_ns ? until - now_ns : 0;
	}
	return 0;
}
