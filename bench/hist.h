/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A histogram of durations with a bounded relative error (as HdrHistogram's): each power of two has
 * RW_HIST_SUB linear buckets, so a percentile is right within 1.6 %. Nanoseconds. Zeroed is empty.
 */
#ifndef RW_BENCH_HIST_H
#define RW_BENCH_HIST_H

#include <stdint.h>
#include <stdio.h>

enum { RW_HIST_BITS = 6, RW_HIST_SUB = 1 << RW_HIST_BITS, RW_HIST_POWERS = 42 };

struct rw_hist {
	uint64_t n, max;
	uint64_t at[RW_HIST_POWERS * RW_HIST_SUB];
};

static inline unsigned rw_hist_bucket(uint64_t ns)
{
	unsigned power;

	if (ns < RW_HIST_SUB)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - RW_HIST_BITS + 1;
	if (power >= RW_HIST_POWERS - 1)
		return RW_HIST_POWERS * RW_HIST_SUB - 1;
	/* The highest bit is implied, so a power above the first uses the upper half. */
	return power * RW_HIST_SUB + (unsigned)(ns >> power);
}

static inline void rw_hist_add(struct rw_hist *h, uint64_t ns)
{
	h->at[rw_hist_bucket(ns)]++;
	h->n++;
	if (ns > h->max)
		h->max = ns;
}

/* The duration that so many of 10,000 do not exceed. 0 where nothing was added. */
static inline uint64_t rw_hist_at(const struct rw_hist *h, unsigned of_10000)
{
	uint64_t want = (h->n * of_10000 + 9999) / 10000, seen = 0;

	for (unsigned i = 0; i < RW_HIST_POWERS * RW_HIST_SUB; i++) {
		seen += h->at[i];
		if (h->n && seen >= want)
			return (uint64_t)(i % RW_HIST_SUB) << (i / RW_HIST_SUB);
	}
	return h->max;
}

/* As a JSON object, in microseconds. */
static inline void rw_hist_print(const struct rw_hist *h, FILE *out)
{
	static const unsigned points[] = {5000, 9000, 9900, 9990};
	static const char *const names[] = {"p50", "p90", "p99", "p999"};

	fprintf(out, "{\"n\":%lu", (unsigned long)h->n);
	for (unsigned i = 0; i < 4; i++)
		fprintf(out, ",\"%s_us\":%.1f", names[i], (double)rw_hist_at(h, points[i]) / 1000);
	fprintf(out, ",\"max_us\":%.1f}", (double)h->max / 1000);
}

#endif
