/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between bpf/ and user/: what lies in the pinned maps.
 *
 * Both compilers read this file, so it holds fixed-width types and enums only, and asserts
 * sizes, offsets and values at its end. Addresses are bytes in wire order, so that `bpftool
 * map dump` prints them as people write them. A change here is a new RW_KERN_ABI and a new
 * directory under /sys/fs/bpf/ringwall.
 *
 * Every map has one writer. The kernel writes: rw_stats, rw_sketch, rw_source, rw_promo, rw_told,
 * rw_episodes, rw_events, rw_recent, and of a ban drops and told_ns. `ringwall kern attach`, `set`
 * and `upgrade` write: rw_meta, rw_cfg, rw_ports. Whoever bans (the engine, `ringwall deny`)
 * writes: rw_deny4, rw_deny6, rw_cidr4, rw_cidr6, rw_allow, rw_allow_net, rw_bits, under a lock on
 * the directory of the pins. `ringwall feed` writes: rw_feed_view, rw_feed4, rw_feed6,
 * rw_feed_net4, rw_feed_net6, rw_feeds, under a lock on the directory above; the kernel counts in
 * rw_feed_drops. The maps of kern_steer.h, kern_sock.h, kern_egress.h and kern_syn.h say theirs
 * there.
 */
#ifndef RINGWALL_KERN_ABI_H
#define RINGWALL_KERN_ABI_H

#ifndef __bpf__ /* there, vmlinux.h has defined them */
#include <stdint.h>
#endif

#include "ringwall/kern_assert.h"
#include "ringwall/kern_sock.h"
#include "ringwall/kern_steer.h"
#include "ringwall/kern_syn.h"

#define RW_KERN_MAGIC "ringwall"
#define RW_KERN_ABI   1

enum {
	RW_KERN_BANS = 131072,	    /* per family */
	RW_KERN_ALLOW_HOSTS = 4096, /* /32 and /128 */
	RW_KERN_ALLOW_NETS = 1024,  /* every other prefix length */
	RW_KERN_SOURCES_MIN =
		65536, /* exact limiters: the larger of this and the next times CPUs */
	RW_KERN_SOURCES_PER_CPU = 512,
	RW_KERN_CIDRS = 16384,	  /* bans of other prefix lengths than RW_KERN_PLENS, per family */
	RW_KERN_PLENS = 8,	  /* prefix lengths that have their place in a hash, per family */
	RW_KERN_FEEDS = 8,	  /* side by side */
	RW_KERN_LISTED = 4194304, /* prefixes of all feeds, per family */
	RW_KERN_PORTS = 16,
	RW_KERN_NEAR4_BITS = 24, /* log2 of the presence bits by /24 */
	RW_KERN_NEAR6_BITS = 20, /* and by hashed /48 */
	RW_KERN_CFGS = 2,
	RW_KERN_SYN_BITS = 18, /* log2 of the columns of each sketch */
	RW_KERN_PKT_BITS = 16,
	RW_KERN_SKETCH_ROWS = 2,
	RW_KERN_PROMOTE_PER_TICK = 64, /* new exact limiters per CPU and tick */
	RW_KERN_EVENTS_BYTES = 512 * 1024,
	RW_KERN_EVENTS_PER_SPAN = 32, /* of one kind, per CPU and 2^28 ns (268 ms) */
	RW_KERN_EVENT_SPAN_BITS = 28,
	RW_KERN_EVENT_EVERY = 64,  /* drops after which is looked whether to tell again */
	RW_KERN_RECENT_BITS = 15,  /* log2 of the places of rw_recent, per CPU */
	RW_KERN_RECENT_FROM = 64,  /* drops of a ban or limiter before its sources are met there */
	RW_KERN_RECENT_DROPS = 32, /* met there after which the ban or limiter counts them */
	RW_KERN_RECENT_RATE = 127, /* in the place of a length: over the packet rate */
	RW_KERN_RECENT_FEED = 128, /* beside the number of the feed that dropped the source */
};

/* The same about the same source is told once in this time; an episode ends after this quiet. */
#define RW_KERN_EVENT_WINDOW_NS	 60000000000ULL
#define RW_KERN_EPISODE_QUIET_NS 2000000000ULL

/*
 * What a ban does. The order is strictness: where several prefixes match, the highest counts.
 * LIMIT: everything under the prefix shares the budget of one source. DROP_SYN: no new
 * connections, what is open may finish. DROP_ALL: nothing.
 */
enum rw_kern_verdict {
	RW_KERN_VERDICT_LIMIT = 1,
	RW_KERN_VERDICT_DROP_SYN = 2,
	RW_KERN_VERDICT_DROP_ALL = 3,
};

/* Why an entry is there. */
enum rw_kern_reason {
	RW_KERN_REASON_OPERATOR = 1, /* by hand */
	RW_KERN_REASON_STRIKES = 2,  /* the engine, for repeated misdeeds */
	RW_KERN_REASON_NET = 3,	     /* the engine, a /56 of which several /64s offended */
};

enum rw_kern_mode {
	RW_KERN_MODE_AUTO = 0, /* asked for, never attached: native, or else TCX */
	RW_KERN_MODE_NATIVE = 1,
	RW_KERN_MODE_GENERIC = 2,
	RW_KERN_MODE_TCX = 3,
};

/*
 * The counters, in the order of struct rw_kern_stats: X(name, what it counts).
 *
 * A packet counts in rx and in exactly one of pass_*, drop_*, would_drop_* and *tx_cookie. The
 * would_* are shadow mode's; the would_drop_* stand in the order of the drop_*. The cookie_* are
 * rw_syn's, which sees packets that have passed.
 */
#define RW_KERN_COUNTERS(X)                                                                 \
	X(rx, "packets seen")                                                               \
	X(pass_other, "passed untouched: not TCP to a protected port")                      \
	X(pass_allowed, "passed: the source is allowlisted")                                \
	X(pass, "passed every check")                                                       \
	X(drop_malformed, "dropped: headers that cannot be right")                          \
	X(drop_fragment, "dropped: IP fragments to a protected port")                       \
	X(drop_denied, "dropped: the source is banned")                                     \
	X(drop_denied_syn, "dropped: the source may open no new connection")                \
	X(drop_feed, "dropped: the source is on a feed")                                    \
	X(drop_flags, "dropped: impossible TCP flags")                                      \
	X(drop_limited, "dropped: the source is banned to a shared budget, and over it")    \
	X(drop_syn_rate, "dropped: the source opens connections too fast")                  \
	X(drop_pkt_rate, "dropped: the source sends packets too fast")                      \
	X(would_drop_malformed, "shadow mode: would have been dropped as malformed")        \
	X(would_drop_fragment, "shadow mode: would have been dropped as a fragment")        \
	X(would_drop_denied, "shadow mode: would have been dropped as banned")              \
	X(would_drop_denied_syn, "shadow mode: would have been dropped as a banned SYN")    \
	X(would_drop_feed, "shadow mode: would have been dropped as on a feed")             \
	X(would_drop_flags, "shadow mode: would have been dropped for its flags")           \
	X(would_drop_limited, "shadow mode: would have been dropped over a shared budget")  \
	X(would_drop_syn_rate, "shadow mode: would have been dropped over the SYN rate")    \
	X(would_drop_pkt_rate, "shadow mode: would have been dropped over the packet rate") \
	X(tx_cookie, "SYNs over the budget: answered with a cookie")                        \
	X(would_tx_cookie, "shadow mode: would have been answered with a cookie")           \
	X(cookie_accepted, "cookies that came back: the connection was made")               \
	X(cookie_refused, "ACKs without connection and with a wrong cookie: dropped")       \
	X(cookie_expired, "ACKs whose cookie was too old: dropped")                         \
	X(cookie_failed, "right cookies, but the kernel made no connection: dropped")       \
	X(ban_expired, "met a ban whose time was over")                                     \
	X(promoted, "sources given an exact limiter")                                       \
	X(promote_capped, "not promoted: too many in one tick; the sketch decided")         \
	X(promote_failed, "not promoted: the table refused; the sketch decided")            \
	X(cas_lost, "admitted because another CPU updated the limiter first")               \
	X(events_capped, "events not told: too many of their kind at once")                 \
	X(events_lost, "events not told: the ring was full, nobody reads it")

/* rw_stats, per CPU: index 0. */
#define RW_KERN_FIELD(name, help) uint64_t name;
struct rw_kern_stats {
	RW_KERN_COUNTERS(RW_KERN_FIELD)
};
#undef RW_KERN_FIELD

/* Indices of the counters. */
#define RW_KERN_INDEX(name, help) RW_KERN_N_##name,
enum rw_kern_counter { RW_KERN_COUNTERS(RW_KERN_INDEX) RW_KERN_N };
#undef RW_KERN_INDEX

/* From a drop_* to its would_drop_*. */
#define RW_KERN_SHADOW (RW_KERN_N_would_drop_malformed - RW_KERN_N_drop_malformed)

/* Keys. LPM tries want plen first. */
struct rw_kern_key4 {
	uint32_t plen;
	uint8_t addr[4];
};

/* IPv4 stands here as ::ffff:a.b.c.d with plen + 96; except in rw_deny6, which has none. */
struct rw_kern_key {
	uint32_t plen;
	uint8_t addr[16];
};

/*
 * rw_deny4, rw_deny6. Times are CLOCK_MONOTONIC. The kernel writes drops and told_ns: when an event
 * last told of it, the first drop at first.
 */
struct rw_kern_ban {
	uint64_t expires_ns; /* 0: never */
	uint64_t drops;
	uint64_t since_ns; /* when the verdict fell */
	uint64_t told_ns;
	enum rw_kern_verdict verdict;
	enum rw_kern_reason reason;
};

/*
 * rw_recent: index n is CPU n. Sources that a ban of theirs, a feed or the packet rate has dropped
 * in the last moment, with the drops that the ban or the limiter has not counted yet: less than
 * RW_KERN_RECENT_DROPS.
 */
struct rw_kern_recent {
	uint64_t net;  /* the IPv4 address in the upper half, or the /64, as a number */
	uint32_t span; /* of time, the entry's; of RATE the limiter's time, its lower half */
	uint16_t drops;
	uint8_t family; /* 4 or 6 */
	uint8_t plen;	/* of the ban, RW_KERN_RECENT_RATE, or the feed and _FEED */
};

struct rw_kern_recents {
	struct rw_kern_recent at[1 << RW_KERN_RECENT_BITS];
};

/*
 * rw_cidr4, rw_cidr6: bans of the prefix lengths that deny4_plens and deny6_plens have no place
 * for. plen is the entry's own: a look-up in a trie does not tell it.
 */
struct rw_kern_cidr {
	struct rw_kern_ban ban;
	uint64_t plen;
};

/* rw_allow, rw_allow_net. */
struct rw_kern_allow {
	enum rw_kern_reason reason;
};

/*
 * A rate as GCRA: interval_ns between packets, tolerance_ns ahead of it for bursts; 0 interval:
 * unlimited. Above the threshold the sketch hands a source to its exact limiter. Its backlog counts
 * on to the cap, so that a source stays handed over while it keeps sending too fast, whatever the
 * tick of the clock.
 */
struct rw_kern_rate {
	uint64_t interval_ns;
	uint64_t tolerance_ns;
	uint64_t sketch_threshold_ns;
	uint64_t sketch_cap_ns;
	uint32_t per_second; /* as configured, for people */
	uint32_t burst;
};

/*
 * rw_cfg: two entries, of which rw_cfg[0].active says which one is in force. A change fills the
 * other, where no packet looks, and turns active over: a packet is judged by the old or by the
 * new, never by some of each. rw_ports has an entry for each.
 */
struct rw_kern_cfg {
	uint64_t tick_ns;		    /* length of a jiffy */
	uint64_t hash[RW_KERN_SKETCH_ROWS]; /* odd and secret: nobody can choose collisions */
	struct rw_kern_rate syn;
	struct rw_kern_rate pkt;
	uint32_t shadow; /* 1: count drops, drop nothing */
	uint32_t n_ports;
	uint16_t ports[RW_KERN_PORTS]; /* for people; rw_ports decides */
	struct rw_kern_rate budget;    /* of SYNs, all sources together; above it cookies */
	struct rw_kern_cookie cookie;
	uint32_t active; /* entry 0 only */
	uint32_t index;	 /* of this entry */
};

/* rw_ports: as rw_cfg. Bit n of word n / 64 is TCP port n. */
struct rw_kern_ports {
	uint64_t word[1024];
};

/*
 * rw_bits: index 0. What lets honest packets skip the look-ups: a source whose bit is clear has no
 * entry. IPv4 by /16, IPv6 by hash of its /32; these few fit into the nearest cache. Where such a
 * bit is set, of bans the near ones are asked, too: IPv4 by /24, IPv6 by hash of its /48. Bits are
 * set before the entry is made. plens hold prefix length + 1 of all bans in the hashes, longest
 * first, 0 ends; eight bytes written as one word. cidr4 and cidr6 are not 0 where the tries hold
 * bans, too.
 */
struct rw_kern_bits {
	uint8_t deny4_plens[RW_KERN_PLENS] __attribute__((aligned(8)));
	uint8_t deny6_plens[RW_KERN_PLENS] __attribute__((aligned(8)));
	uint64_t cidr4;
	uint64_t cidr6;
	uint64_t deny4[1024];
	uint64_t deny6[1024];
	uint64_t allow4[1024];
	uint64_t allow6[1024];
	uint64_t near4[1 << (RW_KERN_NEAR4_BITS - 6)];
	uint64_t near6[1 << (RW_KERN_NEAR6_BITS - 6)];
};

/* The bit of an IPv6 address in deny6 and allow6; first4 is its first four bytes as a number. */
static inline __attribute__((always_inline)) uint32_t rw_kern_bit6(uint32_t first4)
{
	return (first4 * 2654435769u) >> 16;
}

/* The bit in near6; first6 is the first six bytes as a number. */
static inline __attribute__((always_inline)) uint32_t rw_kern_near6(uint64_t first6)
{
	return (uint32_t)(first6 * 0x9e3779b97f4a7c15 >> (64 - RW_KERN_NEAR6_BITS));
}

/*
 * Inner maps of rw_feed4, rw_feed6 (hashes) and rw_feed_net4, rw_feed_net6 (tries): a prefix that
 * feeds list. The verdict is the strictest of the feeds that list it or a prefix that covers it; so
 * the longest match decides.
 */
struct rw_kern_listed {
	enum rw_kern_verdict verdict;
	uint16_t feeds; /* bit n: feed n lists exactly this prefix */
	uint8_t feed;	/* whose verdict that is, and who counts the drop */
	uint8_t plen;	/* of the prefix that has that verdict, whose budget LIMIT shares */
};

/* rw_feeds: index n is feed n, for people. */
struct rw_kern_feed {
	char name[16];	       /* empty: none */
	uint64_t loaded_s;     /* since 1970 */
	uint64_t drops_before; /* what rw_feed_drops had counted for earlier feeds in this place */
	uint32_t entries4;
	uint32_t entries6;
	enum rw_kern_verdict verdict;
	uint32_t reserved;
};

/* rw_feed_drops, per CPU: index n is feed n. */
struct rw_kern_feed_drops {
	uint64_t drops;
};

/*
 * Inner map of rw_feed_view: index 0. All feeds as of one load; slot says where in the other outer
 * maps their prefixes are. Exchanging it in rw_feed_view[0] changes all of it at once.
 * bits: as in rw_kern_bits, but IPv4 by /24, because large feeds have something in every /16.
 */
struct rw_kern_feed_view {
	uint8_t plens4[RW_KERN_PLENS] __attribute__((aligned(8)));
	uint8_t plens6[RW_KERN_PLENS] __attribute__((aligned(8)));
	uint64_t nets4; /* entries in the tries */
	uint64_t nets6;
	uint64_t slot; /* 0 or 1 */
	struct rw_kern_feed feeds[RW_KERN_FEEDS];
	uint64_t bits6[1024];
	uint64_t bits4[1 << 18];
};

/* rw_source (LRU): the exact limiter of a promoted source; theoretical arrival times, ns. */
struct rw_kern_source {
	uint64_t tat_syn_ns;
	uint64_t tat_pkt_ns;
	uint64_t drops;
	uint64_t first_ns;
	uint64_t told_syn_ns; /* when an event last told of its drops; CLOCK_MONOTONIC */
	uint64_t told_pkt_ns;
};

/* rw_promo, per CPU: index 0. */
struct rw_kern_promo {
	uint64_t tick_ns;
	uint64_t used;
};

/*
 * What events tell: X(name, in words). Transitions, never packets; and only of sources that are
 * banned or have an exact limiter, or of nobody: a spoofed flood has nothing to say here.
 */
#define RW_KERN_EVENT_KINDS(X)                                          \
	X(ban_drops, "packets of a banned source are dropped")          \
	X(ban_expired, "a source came back after its ban was over")     \
	X(rate_drops, "packets of a source over its rates are dropped") \
	X(promote_capped, "more heavy sources than get exact limiters") \
	X(syn_budget, "more new connections than the budget of all sources")

#define RW_KERN_KIND(name, help) RW_KERN_EVENT_##name,
enum rw_kern_event_kind { RW_KERN_EVENT_KINDS(RW_KERN_KIND) RW_KERN_EVENTS };
#undef RW_KERN_KIND

/* rw_events: a ring. */
struct rw_kern_event {
	uint64_t at_ns;	  /* CLOCK_MONOTONIC */
	uint64_t count;	  /* drops of this ban or source so far, this one included */
	uint8_t addr[16]; /* the source, IPv4 as ::ffff:a.b.c.d; zeroes: of nobody */
	uint32_t plen;	  /* of the ban or limiter, as in struct rw_kern_key */
	enum rw_kern_event_kind kind;
	enum rw_kern_counter outcome; /* drop_*; 0 where nothing was dropped */
	uint32_t shadow;	      /* 1: would have been dropped */
};

/* rw_told, per CPU: index 0. How many events of each kind were told in this span. */
struct rw_kern_told {
	uint64_t span;
	uint32_t used[8];
};

/*
 * A state of the whole. Its beginning is an event. Its end is when nothing happens any more, so no
 * program runs that could tell: whoever reads the events sees it by last_ns.
 */
struct rw_kern_episode {
	uint64_t since_ns; /* CLOCK_MONOTONIC; 0: never yet */
	uint64_t last_ns;
};

/* rw_episodes: index 0. */
struct rw_kern_episodes {
	struct rw_kern_episode promote_capped;
	struct rw_kern_episode syn_budget;
};

/* rw_sketch: index 0. Theoretical arrival times, ns. */
struct rw_kern_sketch {
	uint64_t syn[RW_KERN_SKETCH_ROWS][1 << RW_KERN_SYN_BITS];
	uint64_t pkt[RW_KERN_SKETCH_ROWS][1 << RW_KERN_PKT_BITS];
};

/* rw_meta: index 0. Read before anything else, also by other versions: its layout stays. */
struct rw_kern_meta {
	char magic[8];
	uint32_t abi;
	enum rw_kern_mode mode;
	uint64_t layout; /* rw_kern_layout() of who attached */
	uint32_t ifindex;
	uint32_t prog_id;
	char interface[16];
	char version[16];	 /* of ringwall */
	uint32_t prog_id_before; /* while one takes the place of the other, either is right */
	uint32_t generation;	 /* counts upgrades that have replaced maps */
};

/* FNV-1a over the sizes of everything above: catches a forgotten RW_KERN_ABI. */
static inline uint64_t rw_kern_layout(void)
{
	const uint64_t sizes[] = {
		sizeof(struct rw_kern_stats),	sizeof(struct rw_kern_ban),
		sizeof(struct rw_kern_cfg),	sizeof(struct rw_kern_bits),
		sizeof(struct rw_kern_key4),	sizeof(struct rw_kern_key),
		sizeof(struct rw_kern_allow),	sizeof(struct rw_kern_source),
		sizeof(struct rw_kern_ports),	sizeof(struct rw_kern_sketch),
		sizeof(struct rw_kern_event),	sizeof(struct rw_kern_episodes),
		sizeof(struct rw_kern_cookie),	sizeof(struct rw_kern_syn_meter),
		sizeof(struct rw_kern_turn),	sizeof(struct rw_kern_steer_stats),
		sizeof(struct rw_kern_cidr),	sizeof(struct rw_kern_listed),
		sizeof(struct rw_kern_feed),	sizeof(struct rw_kern_feed_view),
		sizeof(struct rw_kern_conn),	sizeof(struct rw_kern_conn_sk),
		sizeof(struct rw_kern_recents),
	};
	uint64_t h = 0xcbf29ce484222325ULL;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		h = (h ^ sizes[i]) * 0x100000001b3ULL;
	return h;
}

RW_KERN_VALUE(RW_KERN_VERDICT_LIMIT, 1);
RW_KERN_VALUE(RW_KERN_VERDICT_DROP_SYN, 2);
RW_KERN_VALUE(RW_KERN_VERDICT_DROP_ALL, 3);
RW_KERN_VALUE(RW_KERN_REASON_OPERATOR, 1);
RW_KERN_VALUE(RW_KERN_REASON_STRIKES, 2);
RW_KERN_VALUE(RW_KERN_REASON_NET, 3);
RW_KERN_VALUE(RW_KERN_MODE_AUTO, 0);
RW_KERN_VALUE(RW_KERN_MODE_NATIVE, 1);
RW_KERN_VALUE(RW_KERN_MODE_GENERIC, 2);
RW_KERN_VALUE(RW_KERN_MODE_TCX, 3);
RW_KERN_VALUE(sizeof(enum rw_kern_verdict), 4);
RW_KERN_VALUE(sizeof(enum rw_kern_reason), 4);
RW_KERN_VALUE(sizeof(enum rw_kern_mode), 4);
RW_KERN_VALUE(sizeof(enum rw_kern_event_kind), 4);
RW_KERN_VALUE(sizeof(enum rw_kern_counter), 4);

RW_KERN_VALUE(RW_KERN_N, 35);
RW_KERN_VALUE(RW_KERN_N_rx, 0);
RW_KERN_VALUE(RW_KERN_N_drop_malformed, 4);
RW_KERN_VALUE(RW_KERN_N_drop_feed, 8);
RW_KERN_VALUE(RW_KERN_N_drop_pkt_rate, 12);
RW_KERN_VALUE(RW_KERN_N_would_drop_malformed, 13);
RW_KERN_VALUE(RW_KERN_N_would_drop_pkt_rate, RW_KERN_N_drop_pkt_rate + RW_KERN_SHADOW);
RW_KERN_VALUE(RW_KERN_N_tx_cookie, RW_KERN_N_would_drop_pkt_rate + 1);
RW_KERN_VALUE(RW_KERN_N_would_tx_cookie, RW_KERN_N_tx_cookie + 1);
RW_KERN_SIZE(rw_kern_stats, 8 * RW_KERN_N);
RW_KERN_AT(rw_kern_stats, pass, 8 * RW_KERN_N_pass);
RW_KERN_AT(rw_kern_stats, cas_lost, 8 * RW_KERN_N_cas_lost);

RW_KERN_SIZE(rw_kern_key4, 8);
RW_KERN_AT(rw_kern_key4, addr, 4);
RW_KERN_SIZE(rw_kern_key, 20);
RW_KERN_AT(rw_kern_key, addr, 4);
RW_KERN_SIZE(rw_kern_ban, 40);
RW_KERN_AT(rw_kern_ban, drops, 8);
RW_KERN_AT(rw_kern_ban, since_ns, 16);
RW_KERN_AT(rw_kern_ban, told_ns, 24);
RW_KERN_AT(rw_kern_ban, verdict, 32);
RW_KERN_AT(rw_kern_ban, reason, 36);
RW_KERN_SIZE(rw_kern_allow, 4);
RW_KERN_SIZE(rw_kern_rate, 40);
RW_KERN_AT(rw_kern_rate, sketch_threshold_ns, 16);
RW_KERN_SIZE(rw_kern_cfg, 200);
RW_KERN_AT(rw_kern_cfg, hash, 8);
RW_KERN_AT(rw_kern_cfg, syn, 24);
RW_KERN_AT(rw_kern_cfg, pkt, 64);
RW_KERN_AT(rw_kern_cfg, shadow, 104);
RW_KERN_AT(rw_kern_cfg, ports, 112);
RW_KERN_AT(rw_kern_cfg, budget, 144);
RW_KERN_AT(rw_kern_cfg, cookie, 184);
RW_KERN_AT(rw_kern_cfg, active, 192);
RW_KERN_AT(rw_kern_cfg, index, 196);
RW_KERN_SIZE(rw_kern_ports, 8192);
RW_KERN_SIZE(rw_kern_bits, 32 + 4 * 8192 + (2 << 20) + (128 << 10));
RW_KERN_AT(rw_kern_bits, deny6_plens, 8);
RW_KERN_AT(rw_kern_bits, cidr4, 16);
RW_KERN_AT(rw_kern_bits, deny4, 32);
RW_KERN_AT(rw_kern_bits, allow4, 32 + 2 * 8192);
RW_KERN_SIZE(rw_kern_recent, 16);
RW_KERN_AT(rw_kern_recent, span, 8);
RW_KERN_AT(rw_kern_recent, drops, 12);
RW_KERN_AT(rw_kern_recent, plen, 15);
RW_KERN_SIZE(rw_kern_recents, 16 << RW_KERN_RECENT_BITS);
RW_KERN_SIZE(rw_kern_cidr, 48);
RW_KERN_AT(rw_kern_cidr, plen, 40);
RW_KERN_SIZE(rw_kern_listed, 8);
RW_KERN_AT(rw_kern_listed, feeds, 4);
RW_KERN_AT(rw_kern_listed, plen, 7);
RW_KERN_SIZE(rw_kern_feed, 48);
RW_KERN_AT(rw_kern_feed, entries4, 32);
RW_KERN_SIZE(rw_kern_feed_drops, 8);
RW_KERN_SIZE(rw_kern_feed_view, 40 + 8 * 48 + 8192 + (1 << 21));
RW_KERN_AT(rw_kern_feed_view, slot, 32);
RW_KERN_AT(rw_kern_feed_view, feeds, 40);
RW_KERN_AT(rw_kern_feed_view, bits6, 40 + 8 * 48);
RW_KERN_SIZE(rw_kern_source, 48);
RW_KERN_SIZE(rw_kern_promo, 16);
RW_KERN_VALUE(RW_KERN_EVENTS, 5);
RW_KERN_VALUE(RW_KERN_EVENT_ban_drops, 0);
RW_KERN_VALUE(RW_KERN_EVENT_syn_budget, 4);
RW_KERN_SIZE(rw_kern_event, 48);
RW_KERN_AT(rw_kern_event, addr, 16);
RW_KERN_AT(rw_kern_event, kind, 36);
RW_KERN_AT(rw_kern_event, shadow, 44);
RW_KERN_SIZE(rw_kern_told, 40);
_Static_assert(sizeof(((struct rw_kern_told *)0)->used) / 4 >= RW_KERN_EVENTS, "a cap per kind");
RW_KERN_SIZE(rw_kern_episodes, 32);
RW_KERN_SIZE(rw_kern_sketch, 2 * 8 * ((1 << 18) + (1 << 16)));
RW_KERN_SIZE(rw_kern_meta, 72);
RW_KERN_AT(rw_kern_meta, layout, 16);
RW_KERN_AT(rw_kern_meta, interface, 32);

#endif
