/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The verdict on a packet, the same in every program that gives one:
 *
 * sanity of headers -> scope -> fragments -> allow -> deny -> feeds -> impossible flags -> SYN rate
 * -> packet rate -> SYN budget -> pass.
 *
 * The includer defines what parse.h asks for and rw_frame_bytes(ctx), the length of the whole
 * frame.
 */
#ifndef RW_BPF_VERDICT_H
#define RW_BPF_VERDICT_H

#include "cfg.h"
#include "meta.h"
#include "parse.h"
#include "stats.h"
#include "events.h"
#include "scope.h"
#include "recent.h"
#include "deny.h"
#include "feed.h"
#include "rate.h"
#include "syn.h"

/* The SYN rate, then the packet rate. */
static __always_inline __u32 rate_outcome(const struct rw_packet *p, const struct rw_kern_cfg *cfg,
					  struct rw_kern_stats *stats)
{
	__u64 now_ns = rw_rate_now_ns(cfg);

	if (rw_is_syn(p->flags) && !rw_conforms(p, cfg, stats, true, now_ns))
		return RW_KERN_N_drop_syn_rate;
	return rw_conforms(p, cfg, stats, false, now_ns) ? RW_KERN_N_pass : RW_KERN_N_drop_pkt_rate;
}

/* Under a ban with verdict LIMIT: one budget for everything under the prefix. */
static __always_inline __u32 shared_outcome(const struct rw_packet *p,
					    const struct rw_kern_cfg *cfg, __u32 plen)
{
	__u32 budget = RW_BUDGET_SHARED | (rw_is_syn(p->flags) ? RW_BUDGET_SYN : 0) |
		       cfg->index << RW_BUDGET_CFG_SHIFT;

	return rw_exact_find(p->src_hi, p->src_lo, p->family, plen, budget)
		       ? RW_KERN_N_pass
		       : RW_KERN_N_drop_limited;
}

/* Whether what rw_denied or rw_listed found drops this packet. */
static __always_inline bool drops(__u32 found, const struct rw_packet *p)
{
	__u32 verdict = found & 0xff;

	return verdict == RW_KERN_VERDICT_DROP_ALL ||
	       (verdict == RW_KERN_VERDICT_DROP_SYN && rw_is_syn(p->flags));
}

/* For rw_recent: not of a source with a ban, which may be what drops its next packet. */
static __always_inline void remember_feed(const struct rw_packet *p, __u32 listed)
{
	if ((listed & 0xff) == RW_KERN_VERDICT_DROP_ALL && (listed >> 8 & 0xff) <= 64)
		rw_recent_put(p->src_hi, p->family, (listed >> 16 & 0xff) | RW_KERN_RECENT_FEED);
}

/* Of TCP to a protected port. */
static __always_inline __u32 source_outcome(const struct rw_packet *p,
					    const struct rw_kern_cfg *cfg,
					    struct rw_kern_stats *stats)
{
	__u32 zero = 0, denied, listed, recently;
	struct rw_kern_bits *bits = bpf_map_lookup_elem(&rw_bits, &zero);

	if (!bits)
		return RW_KERN_N_pass;
	if (rw_allowed(p, bits))
		return RW_KERN_N_pass_allowed;
	recently = rw_recently(p, cfg);
	if (recently)
		return recently;
	denied = rw_denied(p, bits);
	if (drops(denied, p))
		return (denied & 0xff) == RW_KERN_VERDICT_DROP_ALL ? RW_KERN_N_drop_denied
								   : RW_KERN_N_drop_denied_syn;
	listed = rw_listed(p);
	if (drops(listed, p)) {
		if (!denied)
			remember_feed(p, listed);
		return RW_KERN_N_drop_feed;
	}
	if (!rw_flags_possible(p->flags))
		return RW_KERN_N_drop_flags;
	if ((denied & 0xff) == RW_KERN_VERDICT_LIMIT)
		return shared_outcome(p, cfg, denied >> 8);
	if ((listed & 0xff) == RW_KERN_VERDICT_LIMIT)
		return shared_outcome(p, cfg, listed >> 8 & 0xff);
	return rate_outcome(p, cfg, stats);
}

/* The linear part may be shorter than a frame of several buffers: only then is the length asked. */
static __always_inline bool in_frame(RW_CTX *ctx, void *data, void *end, __u32 ip_end)
{
	return ip_end <= (__u64)(end - data) || ip_end <= rw_frame_bytes(ctx);
}

/* Which counter the packet belongs to; `drop_*` is the verdict. */
static __always_inline __u32 rw_outcome(RW_CTX *ctx, const struct rw_kern_cfg *cfg,
					struct rw_kern_stats *stats)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct rw_packet p;

	switch (rw_parse(ctx, &p)) {
	case RW_PARSED_OTHER:
		return RW_KERN_N_pass_other;
	case RW_PARSED_MALFORMED:
		return RW_KERN_N_drop_malformed;
	case RW_PARSED_TCP:
		break;
	}
	if (!rw_in_scope(cfg, p.port))
		return RW_KERN_N_pass_other;
	if (!in_frame(ctx, data, end, p.ip_end))
		return RW_KERN_N_drop_malformed;
	if (p.fragment)
		return RW_KERN_N_drop_fragment;
	if (!rw_parse_tcp(data, end, &p))
		return RW_KERN_N_drop_malformed;
	return rw_syn_outcome(ctx, &p, cfg, source_outcome(&p, cfg, stats));
}

/* Judges and counts the packet, and may turn it into its answer. */
static __always_inline enum rw_fate rw_judge(RW_CTX *ctx)
{
	const struct rw_kern_cfg *cfg = rw_cfg_now();
	struct rw_kern_stats *stats = rw_stats_here();

	if (!cfg || !stats)
		return RW_FATE_PASS;
	return rw_stats_settle(stats, rw_outcome(ctx, cfg, stats), cfg->shadow);
}

#endif
