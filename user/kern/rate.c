/* SPDX-License-Identifier: Apache-2.0 */
/* Rates as people say them, as the program wants them (bpf/rate.h). */
#include <time.h>

#include "kern/internal.h"

enum {
	RATE_MAX = 1000000,	/* packets per second of one source */
	BURST_SECONDS = 3600,	/* longest worth of a burst */
	SKETCH_HOLD_TICKS = 16, /* how long a source that was too fast stays handed over */
};

#define NS_PER_S 1000000000ULL

uint64_t rw_kern_tick_ns(void)
{
	struct timespec t;

	clock_getres(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

/* The sketch hands over one packet early: an exact limiter starts with a burst spent, admitting
 * one. */
void rw_kern_rate_fill(struct rw_kern_rate *out, uint64_t interval_ns, uint32_t burst,
		       uint64_t tick_ns)
{
	RW_BUG_ON(burst < 2);
	out->burst = burst;
	out->interval_ns = interval_ns;
	out->tolerance_ns = (burst - 1) * interval_ns;
	out->sketch_threshold_ns = (burst - 2) * interval_ns;
	out->sketch_cap_ns = (burst + 1) * interval_ns + SKETCH_HOLD_TICKS * tick_ns;
}

/* A burst is at least two ticks' worth, because the program's clock steps by ticks. */
int rw_kern_rate(const char *what, uint32_t per_second, uint32_t burst, uint64_t tick_ns,
		 struct rw_kern_rate *out, struct rw_error *e)
{
	uint64_t least = divide_up(2 * tick_ns * per_second, NS_PER_S);

	*out = (struct rw_kern_rate){0};
	if (!per_second)
		return RW_OK;
	if (per_second > RATE_MAX)
		return rw_fail(e, RW_EINVAL, "the %s rate is at most %d per second", what,
			       RATE_MAX);
	if (!burst)
		burst = per_second;
	if (burst < least)
		burst = (uint32_t)least;
	if (burst < 2)
		burst = 2;
	if (burst / per_second > BURST_SECONDS)
		return rw_fail(e, RW_EINVAL,
			       "the %s burst of %u at %u per second is worth more than an hour",
			       what, burst, per_second);
	rw_kern_rate_fill(out, divide_up(NS_PER_S, per_second), burst, tick_ns);
	out->per_second = per_second;
	return RW_OK;
}
