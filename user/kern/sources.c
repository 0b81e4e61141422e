/* SPDX-License-Identifier: Apache-2.0 */
/* Who is limited, and how full the sketch in front of the limiters is. */
#include <bpf/bpf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"

#define NS_PER_S 1000000000ULL

/*
 * The program's clock in the limiters is jiffies; they begin five minutes before they wrap in 32
 * bits (INITIAL_JIFFIES), when CLOCK_MONOTONIC begins at 0. A second off at most.
 */
uint64_t rw_kern_jiffies_ns(uint64_t tick_ns)
{
	uint64_t hz = NS_PER_S / tick_ns;

	return ((1ULL << 32) - 300 * hz) * tick_ns + rw_kern_now_ns();
}

/* --- exact limiters -----------------------------------------------------------------------------
 */

struct ranking {
	struct rw_limited *top; /* most drops first */
	unsigned room, n, total;
	uint64_t now_ns;
};

static void on_source(void *arg, const void *key, const void *value)
{
	struct ranking *r = arg;
	struct rw_kern_source s;
	unsigned i;

	memcpy(&s, value, sizeof(s));
	r->total++;
	if (!s.drops || (r->n == r->room && s.drops <= r->top[r->n - 1].drops))
		return;
	if (r->n < r->room)
		r->n++;
	for (i = r->n - 1; i > 0 && r->top[i - 1].drops < s.drops; i--)
		r->top[i] = r->top[i - 1];
	r->top[i] = (struct rw_limited){
		.prefix = rw_prefix_from_key(key),
		.drops = s.drops,
		.fast = s.tat_syn_ns > r->now_ns || s.tat_pkt_ns > r->now_ns,
	};
}

int rw_kern_limited(struct rw_kern *k, struct rw_limited *top, unsigned room, unsigned *n,
		    unsigned *total, struct rw_error *e)
{
	struct ranking r = {
		.top = top, .room = room, .now_ns = rw_kern_jiffies_ns(rw_kern_tick_ns())};
	int rc;

	RW_BUG_ON(!room);
	rc = rw_kern_scan_hash(k->fd[RW_MAP_SOURCE], sizeof(struct rw_kern_key),
			       sizeof(struct rw_kern_source), on_source, &r, e);
	*n = r.n;
	*total = r.total;
	return rc;
}

/* --- the sketch ---------------------------------------------------------------------------------
 */

/*
 * Linear counting: of m cells the share that n sources leave idle is about e^(-n/m). Of two rows
 * the emptier one is nearer the truth.
 */
static void weigh(const uint64_t *cells, unsigned columns, const struct rw_kern_rate *rate,
		  uint64_t now_ns, struct rw_kern_pressure *out)
{
	unsigned busy[RW_KERN_SKETCH_ROWS] = {0}, hot[RW_KERN_SKETCH_ROWS] = {0};
	unsigned row = 0;

	for (unsigned i = 0; i < RW_KERN_SKETCH_ROWS * columns; i++) {
		busy[i / columns] += cells[i] > now_ns;
		hot[i / columns] += cells[i] > now_ns + rate->sketch_threshold_ns;
	}
	for (unsigned i = 1; i < RW_KERN_SKETCH_ROWS; i++)
		if (busy[i] < busy[row])
			row = i;
	out->busy = (double)busy[row] / columns;
	out->hot = (double)hot[row] / columns;
	out->sources = busy[row] < columns ? (uint64_t)(-log1p(-out->busy) * columns + 0.5)
					   : UINT64_MAX;
}

int rw_kern_pressures(struct rw_kern *k, struct rw_kern_pressure *syn, struct rw_kern_pressure *pkt,
		      struct rw_error *e)
{
	struct rw_kern_sketch *sketch;
	struct rw_kern_cfg cfg;
	uint32_t zero = 0;
	uint64_t now_ns;
	int err, rc = rw_kern_config(k, &cfg, e);

	*syn = *pkt = (struct rw_kern_pressure){0};
	if (rc || (!cfg.syn.interval_ns && !cfg.pkt.interval_ns))
		return rc;
	sketch = malloc(sizeof(*sketch));
	if (!sketch)
		return rw_fail(e, RW_ENOMEM, "out of memory for the sketch");
	err = bpf_map_lookup_elem(k->fd[RW_MAP_SKETCH], &zero, sketch);
	now_ns = rw_kern_jiffies_ns(cfg.tick_ns);
	if (!err && cfg.syn.interval_ns)
		weigh(sketch->syn[0], 1 << RW_KERN_SYN_BITS, &cfg.syn, now_ns, syn);
	if (!err && cfg.pkt.interval_ns)
		weigh(sketch->pkt[0], 1 << RW_KERN_PKT_BITS, &cfg.pkt, now_ns, pkt);
	free(sketch);
	return err ? rw_kern_fail(e, err, "read rw_sketch") : RW_OK;
}

/* --- states of the whole ------------------------------------------------------------------------
 */

int rw_kern_states(struct rw_kern *k, struct rw_kern_states *out, struct rw_error *e)
{
	uint64_t now_ns = rw_kern_now_ns();
	struct rw_kern_episodes all;
	uint32_t zero = 0;
	int err = bpf_map_lookup_elem(k->fd[RW_MAP_EPISODES], &zero, &all);

	*out = (struct rw_kern_states){0};
	if (err)
		return rw_kern_fail(e, err, "read rw_episodes");
	if (rw_kern_going_on(&all.promote_capped, now_ns))
		out->promote_capped_ns = now_ns - all.promote_capped.since_ns;
	if (rw_kern_going_on(&all.syn_budget, now_ns))
		out->syn_budget_ns = now_ns - all.syn_budget.since_ns;
	return RW_OK;
}
