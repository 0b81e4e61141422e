/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict once more, in plain C over the host's bpf/parse.h: what rw_xdp and rw_tcx are held
 * against. The bans, the feeds and the allowlist are those below; there are no rates.
 */
#ifndef RW_TESTS_KERNEL_MODEL_H
#define RW_TESTS_KERNEL_MODEL_H

#include "kernel/feeds.h"
#include "kernel/host_parse.h"

struct model_ban {
	const char *prefix;
	enum rw_kern_verdict verdict;
};

static const struct model_ban model_bans[] = {
	{"203.0.113.1", RW_KERN_VERDICT_DROP_ALL},
	{"203.0.113.2", RW_KERN_VERDICT_DROP_SYN},
	{"203.0.113.3", RW_KERN_VERDICT_LIMIT},
	{"203.0.113.128/25", RW_KERN_VERDICT_DROP_ALL},
	{"198.18.0.0/15", RW_KERN_VERDICT_DROP_SYN},
	{"198.18.5.0/24", RW_KERN_VERDICT_DROP_ALL}, /* stricter, and longer */
	{"198.19.7.7", RW_KERN_VERDICT_LIMIT},	     /* milder, and longer */
	{"100.64.0.0/10", RW_KERN_VERDICT_LIMIT},
	{"2001:db8:b::/64", RW_KERN_VERDICT_DROP_ALL},
	{"2001:db8:c::/48", RW_KERN_VERDICT_DROP_SYN},
	{"2001:db8:c:5::/64", RW_KERN_VERDICT_DROP_ALL},
	{"2001:db8:d:d::d", RW_KERN_VERDICT_DROP_ALL},
	{"2001:db8:e::/56", RW_KERN_VERDICT_LIMIT},
};

static const struct model_ban model_listed[] = {
	{"233.252.0.7", RW_KERN_VERDICT_DROP_ALL},
	{"233.252.0.64/26", RW_KERN_VERDICT_DROP_SYN},
	{"233.252.0.80/28", RW_KERN_VERDICT_DROP_ALL},
	{"198.19.9.0/24", RW_KERN_VERDICT_DROP_ALL}, /* stricter than the ban */
	{"2001:db8:9::/48", RW_KERN_VERDICT_DROP_SYN},
	{"2001:db8:9:1::/64", RW_KERN_VERDICT_DROP_ALL},
};

static const char *const model_allows[] = {
	"203.0.113.200", /* in a banned /25 */
	"198.51.100.128/25",
	"2001:db8:b:0::a", /* in a banned /64 */
	"2001:db8:a::/48",
};

enum {
	N_MODEL_BANS = sizeof(model_bans) / sizeof(model_bans[0]),
	N_MODEL_LISTED = sizeof(model_listed) / sizeof(model_listed[0]),
	N_MODEL_ALLOWS = sizeof(model_allows) / sizeof(model_allows[0]),
};

/* One feed per verdict. */
static inline void model_enter_feed(struct rig *r, const char *name, enum rw_kern_verdict verdict)
{
	struct rw_feed_set set = {0};

	for (unsigned i = 0; i < N_MODEL_LISTED; i++)
		if (model_listed[i].verdict == verdict)
			feeds_add(&set, model_listed[i].prefix);
	assert_int_equal(feeds_try_set(r, name, verdict, &set, NULL), RW_OK);
}

static inline void model_enter(struct rig *r)
{
	for (unsigned i = 0; i < N_MODEL_BANS; i++)
		rig_ban(r, model_bans[i].prefix, model_bans[i].verdict);
	for (unsigned i = 0; i < N_MODEL_ALLOWS; i++)
		rig_allow(r, model_allows[i]);
	model_enter_feed(r, "hard", RW_KERN_VERDICT_DROP_ALL);
	model_enter_feed(r, "mild", RW_KERN_VERDICT_DROP_SYN);
}

/* Bit by bit, as one would by hand. */
static inline bool model_covers(const char *prefix, const struct rw_packet *p)
{
	struct rw_prefix q = rig_prefix(prefix);

	if (q.family != (p->family == 4 ? AF_INET : AF_INET6))
		return false;
	for (unsigned i = 0; i < q.plen; i++) {
		uint64_t word = i < 64 ? p->src_hi : p->src_lo;

		if ((word >> (63 - i % 64) & 1) != (q.addr[i / 8] >> (7 - i % 8) & 1))
			return false;
	}
	return true;
}

static inline unsigned model_strictest(const struct model_ban *of, unsigned n,
				       const struct rw_packet *p)
{
	unsigned strictest = 0;

	for (unsigned i = 0; i < n; i++)
		if (of[i].verdict > strictest && model_covers(of[i].prefix, p))
			strictest = of[i].verdict;
	return strictest;
}

static inline enum rw_kern_counter model_source(const struct rw_packet *p)
{
	unsigned banned = model_strictest(model_bans, N_MODEL_BANS, p);
	unsigned listed = model_strictest(model_listed, N_MODEL_LISTED, p);

	for (unsigned i = 0; i < N_MODEL_ALLOWS; i++)
		if (model_covers(model_allows[i], p))
			return RW_KERN_N_pass_allowed;
	if (banned == RW_KERN_VERDICT_DROP_ALL)
		return RW_KERN_N_drop_denied;
	if (banned == RW_KERN_VERDICT_DROP_SYN && rw_is_syn(p->flags))
		return RW_KERN_N_drop_denied_syn;
	if (listed == RW_KERN_VERDICT_DROP_ALL ||
	    (listed == RW_KERN_VERDICT_DROP_SYN && rw_is_syn(p->flags)))
		return RW_KERN_N_drop_feed;
	return rw_flags_possible(p->flags) ? RW_KERN_N_pass : RW_KERN_N_drop_flags;
}

/* The counter that this frame must end in. */
static inline enum rw_kern_counter model_outcome(const uint8_t *frame, size_t n)
{
	/* The IP header stands aligned to 4, as in the kernel. */
	uint8_t room[PACKET_MAX + 2] __attribute__((aligned(8)));
	void *data = room + 2, *end = room + 2 + n;
	struct frame ctx = {.data = (long)data, .data_end = (long)end};
	struct rw_packet p = {0};
	enum rw_parsed parsed;

	RW_BUG_ON(n > PACKET_MAX);
	memcpy(data, frame, n);
	parsed = rw_parse(&ctx, &p);
	if (parsed == RW_PARSED_OTHER)
		return RW_KERN_N_pass_other;
	if (parsed == RW_PARSED_MALFORMED)
		return RW_KERN_N_drop_malformed;
	if (p.port != RIG_PORT)
		return RW_KERN_N_pass_other;
	if (p.ip_end > n)
		return RW_KERN_N_drop_malformed;
	if (p.fragment)
		return RW_KERN_N_drop_fragment;
	if (!rw_parse_tcp(data, end, &p))
		return RW_KERN_N_drop_malformed;
	return model_source(&p);
}

#endif
