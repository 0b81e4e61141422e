/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/gcra.h"

#define MINUTE_NS	 UINT64_C(60000000000)

/* Bounds the tolerance so that no sum of two times wraps, however large a burst is asked for. */
#define TOLERANCE_MAX_NS (UINT64_MAX / 4)

static uint64_t tolerance_ns(uint32_t burst, uint64_t interval_ns)
{
	uint64_t t;

	if (burst <= 1)
		return 0;
	if (__builtin_mul_overflow((uint64_t)burst - 1, interval_ns, &t) || t > TOLERANCE_MAX_NS)
		return TOLERANCE_MAX_NS;
	return t;
}

/* Workers read their clocks once a turn; further apart than this they never are. */
#define SKEW_NS UINT64_C(1000000000)

bool rw_gcra_take(struct rw_gcra *g, uint32_t per_minute, uint32_t burst, uint64_t now_ns,
		  uint64_t *retry_ns)
{
	uint64_t interval, tolerance, tat, ahead, next;

	if (per_minute == 0)
		return true;
	/* Rounded up: over a long time never more than the rate that was asked for. */
	interval = (MINUTE_NS + per_minute - 1) / per_minute;
	tolerance = tolerance_ns(burst, interval);
	/* The word guards nothing but itself, so relaxed order is enough. */
	tat = atomic_load_explicit(&g->tat_ns, memory_order_relaxed);
	do {
		ahead = tat > now_ns ? tat - now_ns : 0;
		next = now_ns + ahead + interval;
		if (ahead > tolerance + interval + SKEW_NS) {
			/* The debt of a slower rate, before a reload: cut to what this one allows.
			 */
			next = now_ns + tolerance + interval;
			if (retry_ns)
				*retry_ns = interval;
		} else if (ahead > tolerance) {
			if (retry_ns)
				*retry_ns = ahead - tolerance;
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&g->tat_ns, &tat, next, memory_order_relaxed, memory_order_relaxed));
	return ahead <= tolerance;
}
