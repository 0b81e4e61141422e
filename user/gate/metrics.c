/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/metrics.h"

static const uint64_t bounds_us[] = {RW_LATENCY_BOUNDS_US};

_Static_assert(sizeof(bounds_us) / sizeof(bounds_us[0]) + 1 == RW_LATENCY_BUCKETS,
	       "one bucket per bound and one for +Inf");

void rw_metrics_status(struct rw_metrics *m, unsigned status)
{
	if (status < 300)
		rw_metric_add(&m->answers_2xx_total, 1);
	else if (status < 500)
		rw_metric_add(&m->answers_4xx_total, 1);
	else
		rw_metric_add(&m->answers_5xx_total, 1);
}

void rw_metrics_latency(struct rw_metrics *m, uint64_t us)
{
	unsigned i = 0;

	while (i < RW_LATENCY_BUCKETS - 1 && us > bounds_us[i])
		i++;
	rw_metric_add(&m->latency[i], 1);
	rw_metric_add(&m->latency_us_total, us);
}

void rw_metrics_sum(struct rw_metrics *into, const struct rw_metrics *from)
{
#define SUM(name, kind, help) \
	rw_metric_add(&into->name, atomic_load_explicit(&from->name, memory_order_relaxed));
	RW_METRICS(SUM)
#undef SUM
	for (unsigned i = 0; i < RW_LATENCY_BUCKETS; i++)
		rw_metric_add(&into->latency[i],
			      atomic_load_explicit(&from->latency[i], memory_order_relaxed));
	rw_metric_add(&into->latency_us_total,
		      atomic_load_explicit(&from->latency_us_total, memory_order_relaxed));
}
