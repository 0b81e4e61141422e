/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Rates per source: GCRA, in two layers.
 *
 * The sketch is a fixed array of arrival times, two cells to a source. It costs no allocation, so a
 * flood of spoofed sources finds nothing to fill. It errs on one side only: sources that share
 * cells look faster than they are. So it never drops by itself; above its threshold a source is
 * promoted to an exact limiter in an LRU table, which decides. Promotions are capped per CPU and
 * tick; over the cap, and only there, the sketch's suspicion is the verdict.
 *
 * A source is promoted when the sketch has let all but one packet of its burst through, so it
 * starts in the exact table with the burst spent and the rate intact. The same holds for a source
 * that comes back to an idle entry.
 *
 * Time is passed in: jiffies in nanoseconds. A tick may be 10 ms, so userspace makes bursts at
 * least two ticks' worth.
 */
#ifndef RW_BPF_RATE_H
#define RW_BPF_RATE_H

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_sketch);
} rw_sketch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, RW_KERN_SOURCES_MIN);
	__type(key, struct rw_kern_key);
	__type(value, struct rw_kern_source);
} rw_source SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rw_kern_promo);
} rw_promo SEC(".maps");

/* Which budget: of new connections or of packets; a source's own, or one that a prefix shares. */
enum {
	RW_BUDGET_SYN = 1,
	RW_BUDGET_SHARED = 2,
	RW_BUDGET_CFG_SHIFT = 8, /* above it, the index of the configuration */
};

/*
 * Counts packets and says whether the source looked too fast before. Both cells are raised to the
 * smaller backlog plus the packets only (conservative update). The stores race with other CPUs and
 * may lose a packet: a flood reaches the threshold all the same.
 */
static __always_inline bool rw_sketch_over(__u64 *a, __u64 *b, __u64 now_ns,
					   const struct rw_kern_rate *rate, __u32 packets)
{
	__u64 least = *a < *b ? *a : *b;
	__u64 backlog = least > now_ns ? least - now_ns : 0;
	__u64 next = backlog + packets * rate->interval_ns;

	if (next > rate->sketch_cap_ns)
		next = rate->sketch_cap_ns;
	next += now_ns;
	if (*a < next)
		*a = next;
	if (*b < next)
		*b = next;
	return backlog > rate->sketch_threshold_ns;
}

/*
 * The column of a source, by multiply-shift with secret odd factors: two sources collide in a row
 * with chance 2 / columns.
 */
static __always_inline __u64 rw_column(const struct rw_packet *p, const struct rw_kern_cfg *cfg,
				       unsigned row, unsigned bits)
{
	/* the IPv4 address, or the /64 of IPv6 */
	return p->src_hi * cfg->hash[row] >> (64 - bits);
}

static __always_inline __u64 *rw_pkt_cell(struct rw_kern_sketch *sk, unsigned row,
					  const struct rw_packet *p, const struct rw_kern_cfg *cfg)
{
	return &sk->pkt[row][rw_column(p, cfg, row, RW_KERN_PKT_BITS)];
}

static __always_inline __u64 *rw_syn_cell(struct rw_kern_sketch *sk, unsigned row,
					  const struct rw_packet *p, const struct rw_kern_cfg *cfg)
{
	return &sk->syn[row][rw_column(p, cfg, row, RW_KERN_SYN_BITS)];
}

static __always_inline bool rw_suspect(const struct rw_packet *p, const struct rw_kern_cfg *cfg,
				       const struct rw_kern_rate *rate, bool syn, __u64 now_ns)
{
	__u32 zero = 0;
	struct rw_kern_sketch *sk = bpf_map_lookup_elem(&rw_sketch, &zero);

	if (!sk)
		return false;
	if (syn)
		return rw_sketch_over(rw_syn_cell(sk, 0, p, cfg), rw_syn_cell(sk, 1, p, cfg),
				      now_ns, rate, 1);
	return rw_sketch_over(rw_pkt_cell(sk, 0, p, cfg), rw_pkt_cell(sk, 1, p, cfg), now_ns, rate,
			      1);
}

enum { RW_SWAPS = 2 }; /* tries: with one, two CPUs on one source let 5 % too many through */

/*
 * GCRA on one word. True: conforming. A packet whose last swap is lost, too, is admitted and
 * counted: at most one per other CPU and collision.
 */
static __always_inline bool rw_gcra(__u64 *word, const struct rw_kern_rate *rate, __u64 idle_tat,
				    __u64 now_ns, struct rw_kern_stats *stats)
{
	__u64 old = *(volatile __u64 *)word;

	for (int i = 0; i < RW_SWAPS; i++) {
		__u64 tat = old < now_ns ? idle_tat : old, seen;

		if (tat > now_ns + rate->tolerance_ns + rate->interval_ns)
			tat = now_ns +
			      rate->tolerance_ns; /* left by a slower rate: the burst is spent */
		if (tat > now_ns + rate->tolerance_ns)
			return false;
		seen = __sync_val_compare_and_swap(word, old, tat + rate->interval_ns);
		if (seen == old)
			return true;
		old = seen;
	}
	stats->cas_lost++;
	return true;
}

static __always_inline void rw_promote_capped(void)
{
	__u32 zero = 0;
	struct rw_kern_episodes *all = bpf_map_lookup_elem(&rw_episodes, &zero);

	if (all)
		rw_episode(&all->promote_capped, RW_ABOUT(promote_capped, 0, 6, 0));
}

/* One more source into the exact table, if this CPU has not made too many in this tick. */
static __always_inline struct rw_kern_source *rw_promote(const struct rw_kern_key *key,
							 __u64 now_ns, struct rw_kern_stats *stats)
{
	struct rw_kern_source fresh = {.first_ns = now_ns};
	__u32 zero = 0;
	struct rw_kern_promo *promo = bpf_map_lookup_elem(&rw_promo, &zero);

	if (!promo)
		return NULL;
	if (promo->tick_ns != now_ns) {
		promo->tick_ns = now_ns;
		promo->used = 0;
	}
	if (promo->used >= RW_KERN_PROMOTE_PER_TICK) {
		if (promo->used++ == RW_KERN_PROMOTE_PER_TICK)
			rw_promote_capped();
		stats->promote_capped++;
		return NULL;
	}
	promo->used++;
	/* Never an update of what is there: in a full LRU that evicts others. */
	if (bpf_map_update_elem(&rw_source, key, &fresh, BPF_NOEXIST)) {
		stats->promote_failed++;
		return NULL;
	}
	stats->promoted++;
	return bpf_map_lookup_elem(&rw_source, key);
}

/* A source is an IPv4 address, or a /64. */
static __always_inline __u32 rw_source_plen(const struct rw_packet *p)
{
	return p->family == 4 ? 32 : 64;
}

/* Tells of a source's drops, now n, if that is due. */
static __always_inline void rw_source_tell(const struct rw_packet *p, __u32 plen, __u64 *told_ns,
					   enum rw_kern_counter outcome, __u64 n)
{
	__u64 due_ns = rw_drop_due(told_ns);

	if (due_ns)
		rw_tell(p->src_hi, p->src_lo, RW_ABOUT(rate_drops, outcome, p->family, plen), n,
			due_ns);
}

/* The sketch has not seen what rw_recent met, and is to send the source to its limiter again. */
static __always_inline void rw_sketch_spend(const struct rw_packet *p,
					    const struct rw_kern_recent *recent)
{
	const struct rw_kern_cfg *cfg = rw_cfg_now();
	__u32 zero = 0;
	struct rw_kern_sketch *sk = bpf_map_lookup_elem(&rw_sketch, &zero);
	__u64 now_ns, met_ns;

	if (!cfg || !sk)
		return;
	now_ns = rw_rate_now_ns(cfg);
	/* When they came, of which span is the lower half: of a tick long over they are backlog no
	 * more. */
	met_ns = now_ns - (__u32)(now_ns - recent->span);
	rw_sketch_over(rw_pkt_cell(sk, 0, p, cfg), rw_pkt_cell(sk, 1, p, cfg), met_ns, &cfg->pkt,
		       recent->drops);
}

/* What rw_recent has met of a source since the last time. */
static __always_inline void rw_source_spend(struct rw_kern_recent *recent)
{
	struct rw_packet p = {.src_hi = recent->net, .family = recent->family};
	__u32 plen = rw_source_plen(&p), drops = recent->drops;
	struct rw_kern_source *source;
	struct rw_kern_key key RW_WHOLE;
	__u64 n;

	rw_sketch_spend(&p, recent);
	rw_key_of(&p, plen, &key);
	source = bpf_map_lookup_elem(&rw_source, &key);
	if (!source)
		return;
	n = __sync_fetch_and_add(&source->drops, drops) + drops;
	if (rw_drops_told(n, drops))
		rw_source_tell(&p, plen, &source->told_pkt_ns, RW_KERN_N_drop_pkt_rate, n);
}

/* Counts a packet over its budget, and tells of it where that is due. */
static __always_inline void rw_exact_drop(const struct rw_packet *p, __u32 plen, __u32 budget,
					  struct rw_kern_source *source, __u64 now_ns)
{
	bool syn = budget & RW_BUDGET_SYN;
	__u64 *told_ns = syn ? &source->told_syn_ns : &source->told_pkt_ns;
	__u64 n = __sync_fetch_and_add(&source->drops, 1) + 1;

	if (budget & RW_BUDGET_SHARED) {
		struct rw_kern_ban *ban = rw_ban_at(p, plen);

		if (ban)
			rw_ban_drop(p, plen, ban);
		return;
	}
	if (!syn && n >= RW_KERN_RECENT_FROM)
		rw_recent_put_rate(p->src_hi, p->family, now_ns);
	if (!*told_ns || rw_drop_told(n))
		rw_source_tell(p, plen, told_ns,
			       syn ? RW_KERN_N_drop_syn_rate : RW_KERN_N_drop_pkt_rate, n);
}

/* Whether the packet is within the budget of this source. */
static __always_inline bool rw_exact(struct rw_kern_source *source, const struct rw_kern_rate *rate,
				     __u32 budget, __u64 now_ns, struct rw_kern_stats *stats)
{
	__u64 idle_tat = budget & RW_BUDGET_SHARED ? now_ns : now_ns + rate->tolerance_ns;
	__u64 *word = budget & RW_BUDGET_SYN ? &source->tat_syn_ns : &source->tat_pkt_ns;

	return rw_gcra(word, rate, idle_tat, now_ns, stats);
}

/*
 * The exact limiter of the first plen bits of the source, made where there is none: whether the
 * packet conforms. budget: of RW_BUDGET_*, and the configuration's index. A shared budget starts
 * whole, because no sketch has let a burst of it through. Apart for the verifier's sake, as in
 * deny.h.
 */
__noinline bool rw_exact_find(__u64 src_hi, __u64 src_lo, __u32 family, __u32 plen, __u32 budget)
{
	struct rw_packet p = {.src_hi = src_hi, .src_lo = src_lo, .family = family};
	const struct rw_kern_cfg *cfg = rw_cfg_at(budget >> RW_BUDGET_CFG_SHIFT);
	struct rw_kern_stats *stats = rw_stats_here();
	struct rw_kern_source *source;
	const struct rw_kern_rate *rate;
	struct rw_kern_key key RW_WHOLE;
	__u64 now_ns;

	if (!cfg || !stats)
		return true;
	rate = budget & RW_BUDGET_SYN ? &cfg->syn : &cfg->pkt;
	if (!rate->interval_ns)
		return true;
	now_ns = rw_rate_now_ns(cfg);
	rw_key_of(&p, plen, &key);
	source = bpf_map_lookup_elem(&rw_source, &key);
	if (!source)
		source = rw_promote(&key, now_ns, stats);
	if (!source)
		return false;
	if (rw_exact(source, rate, budget, now_ns, stats))
		return true;
	rw_exact_drop(&p, plen, budget, source, now_ns);
	return false;
}

/*
 * Whether the source may send this packet, or with syn: open this connection. Packets of a source
 * that has its limiter are judged here, without the cost of a call: in a flood that is nearly
 * every one. SYNs are not, for the verifier's sake.
 */
static __always_inline bool rw_conforms(const struct rw_packet *p, const struct rw_kern_cfg *cfg,
					struct rw_kern_stats *stats, bool syn, __u64 now_ns)
{
	const struct rw_kern_rate *rate = syn ? &cfg->syn : &cfg->pkt;
	__u32 plen = rw_source_plen(p), budget = syn ? RW_BUDGET_SYN : 0;
	struct rw_kern_source *source;
	struct rw_kern_key key RW_WHOLE;

	if (!rate->interval_ns || !rw_suspect(p, cfg, rate, syn, now_ns))
		return true;
	rw_key_of(p, plen, &key);
	source = syn ? NULL : bpf_map_lookup_elem(&rw_source, &key);
	if (!source)
		return rw_exact_find(p->src_hi, p->src_lo, p->family, plen,
				     budget | cfg->index << RW_BUDGET_CFG_SHIFT);
	if (rw_exact(source, rate, budget, now_ns, stats))
		return true;
	rw_exact_drop(p, plen, budget, source, now_ns);
	return false;
}

#endif
