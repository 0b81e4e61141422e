/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel side, as userspace sees it: attach and detach (needs CAP_BPF,
 * CAP_NET_ADMIN and CAP_PERFMON, then exits), and the pinned maps (file modes are enough).
 *
 * Each map has one writer; bans are written here only, by the engine's control thread and
 * `ringwall deny` alike. The contract with bpf/ is include/ringwall/kern_abi.h.
 */
#ifndef RW_KERN_KERN_H
#define RW_KERN_KERN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "ringwall/kern_abi.h"

#define RW_PIN_ROOT "/sys/fs/bpf/ringwall/v1"

/* What is protected, and how much one source may send. 0 per second: unlimited. 0 burst: a
 * second's. */
struct rw_kern_limits {
	uint16_t ports[RW_KERN_PORTS]; /* TCP */
	unsigned n_ports;
	bool shadow; /* count what would be dropped, drop nothing */
	uint32_t syn_per_second, syn_burst;
	uint32_t pkt_per_second, pkt_burst;
	uint32_t syn_budget; /* of all sources together; above it cookies. 0: never */
};

struct rw_kern_attach {
	const char *interface;
	enum rw_kern_mode mode; /* which one AUTO came to is said in the result */
	struct rw_kern_limits limits;
	const char *group;  /* group that may read and write the pins; NULL: root only */
	const char *cgroup; /* whose sockets tell of their connections; NULL: nobody's */
};
struct rw_kern_attached {
	enum rw_kern_mode mode;
	char note[640]; /* for people: why not natively, who else is there; or "" */
};
/* RW_EBUSY names what holds the interface. After a failure nothing of ours is there. */
int rw_kern_attach(const struct rw_kern_attach *a, struct rw_kern_attached *out,
		   struct rw_error *e);
struct rw_kern_upgraded {
	bool replaced;	 /* some maps are new: who has opened them has to start again */
	char text[2048]; /* for people: what was done, a line each */
};
/*
 * This version's programs behind the pinned links, and its maps where theirs have another layout:
 * no packet is without a verdict. RW_ENOTFOUND: not attached. RW_EUNSUP, unless forced: feeds,
 * counters or limiters would be lost. After a failure all is as it was.
 */
int rw_kern_upgrade(bool force, struct rw_kern_upgraded *out, struct rw_error *e);
/* "native", "generic", "tcx"; NULL beyond the last. */
const char *rw_kern_mode_name(enum rw_kern_mode mode);
/* Everything of ours is gone afterwards; RW_ENOTFOUND: nothing was there. */
int rw_kern_detach(struct rw_error *e);

/* The pinned maps, opened and their ABI checked. */
struct rw_kern;
/* RW_ENOTFOUND: not attached. RW_EPERM. RW_EUNSUP: another ABI; *e says which and what to do. */
int rw_kern_open(struct rw_kern **out, struct rw_error *e);
void rw_kern_close(struct rw_kern *k);
int rw_kern_counters(struct rw_kern *k, struct rw_kern_stats *out, struct rw_error *e);
/* Attached interface, mode as rw_kern_mode_name says it, shadow or not. */
struct rw_kern_where {
	char interface[32];
	char mode[16];
	bool shadow;
	bool link_alive;
};
int rw_kern_where(struct rw_kern *k, struct rw_kern_where *out, struct rw_error *e);
/* The configuration in force. */
int rw_kern_config(struct rw_kern *k, struct rw_kern_cfg *out, struct rw_error *e);

/* "drop_denied", "drop_all", "strikes"; "unknown" for what a bpftool may have put there. */
const char *rw_kern_counter_name(enum rw_kern_counter c);
/* What a would_* of shadow mode is when it is off; every other counter itself. */
enum rw_kern_counter rw_kern_counter_real(enum rw_kern_counter c);
const char *rw_kern_verdict_name(enum rw_kern_verdict v);
/* False: there is no such verdict. */
bool rw_kern_verdict_of(const char *name, enum rw_kern_verdict *out);
const char *rw_kern_reason_name(enum rw_kern_reason r);
/* False: there is no such reason. */
bool rw_kern_reason_of(const char *name, enum rw_kern_reason *out);
/* A change of some of the limits; the others stay as they are. */
enum {
	RW_KERN_SET_PORTS = 1,
	RW_KERN_SET_SHADOW = 2,
	RW_KERN_SET_SYN_RATE = 4, /* without its burst: that of a second */
	RW_KERN_SET_SYN_BURST = 8,
	RW_KERN_SET_PKT_RATE = 16,
	RW_KERN_SET_PKT_BURST = 32,
	RW_KERN_SET_SYN_BUDGET = 64, /* where one was given to `kern attach` */
};
struct rw_kern_change {
	uint32_t what; /* of RW_KERN_SET_* */
	struct rw_kern_limits to;
};
/* Every packet is judged by the old limits or by the new. Needs the capabilities of attach. */
int rw_kern_set(struct rw_kern *k, const struct rw_kern_change *c, struct rw_error *e);

/* An address or prefix: family AF_INET or AF_INET6, plen bits of it count. */
struct rw_prefix {
	int family;
	uint8_t addr[16];
	uint8_t plen;
};
int rw_prefix_parse(const char *text, struct rw_prefix *out, struct rw_error *e);
const char *rw_prefix_text(const struct rw_prefix *p, char out[64]);
/* The prefix that stands for a source: /32, or the /64 of IPv6. */
struct rw_prefix rw_prefix_of(const struct sockaddr *sa);

struct rw_ban {
	struct rw_prefix prefix;
	uint64_t left_ns; /* UINT64_MAX: for ever */
	enum rw_kern_verdict verdict;
	enum rw_kern_reason reason;
	uint64_t drops;
	uint64_t since_ns; /* when the verdict fell; CLOCK_MONOTONIC */
	uint64_t told_ns;  /* when an event last told of drops: of the first at first; 0: none */
};

/* A ban to be entered. ttl_ns 0: for ever. since_ns: when the verdict fell; 0: now. */
struct rw_ban_order {
	struct rw_prefix prefix;
	uint64_t ttl_ns, since_ns;
	enum rw_kern_verdict verdict;
	enum rw_kern_reason reason;
	void *user; /* of who ordered */
};
typedef void (*rw_ban_done)(const struct rw_ban_order *o, int rc, const struct rw_error *e);
enum { RW_BAN_BATCH = 64 };
/*
 * Enters up to RW_BAN_BATCH bans under one lock and with one call to the kernel per family, and
 * says of each how it went. The operator's word stands: RW_EEXIST where a strike meets a ban of his
 * or his allowlist, RW_EPERM where he would ban what is allowlisted. Any other ban is replaced.
 */
void rw_kern_deny_all(struct rw_kern *k, struct rw_ban_order *orders, unsigned n, rw_ban_done done);
/* One of them. ttl_ns 0: for ever. */
int rw_kern_deny(struct rw_kern *k, const struct rw_prefix *p, uint64_t ttl_ns,
		 enum rw_kern_verdict verdict, enum rw_kern_reason reason, struct rw_error *e);
int rw_kern_undeny(struct rw_kern *k, const struct rw_prefix *p, struct rw_error *e);
/* Live bans; *bans is malloc'd, the caller frees. Removes expired ones on the way. */
int rw_kern_bans(struct rw_kern *k, struct rw_ban **bans, unsigned *n, struct rw_error *e);
/*
 * Tells fn what is in force of n prefixes, while nobody else can change it; left_ns 0: no ban.
 * Returns what fn does.
 */
typedef int (*rw_bans_fn)(void *arg, const struct rw_ban *bans, unsigned n, struct rw_error *e);
int rw_kern_bans_of(struct rw_kern *k, const struct rw_prefix *prefixes, unsigned n, rw_bans_fn fn,
		    void *arg, struct rw_error *e);
/* Allows (on) or forgets. Allowed sources pass before bans and rates; RW_ENOTFOUND when off. */
int rw_kern_allow(struct rw_kern *k, const struct rw_prefix *p, bool on, struct rw_error *e);
/* The allowlist; *prefixes is malloc'd, the caller frees. */
int rw_kern_allows(struct rw_kern *k, struct rw_prefix **prefixes, unsigned *n, struct rw_error *e);

/* A source with an exact limiter. */
struct rw_limited {
	struct rw_prefix prefix;
	uint64_t drops; /* since it was promoted */
	bool fast;	/* faster than its rate just now */
};
/* The room sources with most drops, most first; *n of them, of *total with a limiter. */
int rw_kern_limited(struct rw_kern *k, struct rw_limited *top, unsigned room, unsigned *n,
		    unsigned *total, struct rw_error *e);

/* How full the sketch is, as shares of its cells; all 0 where there is no such rate. */
struct rw_kern_pressure {
	double busy, hot; /* hot: a source that falls there is suspect */
	uint64_t sources; /* an estimate of how many are active; UINT64_MAX: too many to tell */
};
int rw_kern_pressures(struct rw_kern *k, struct rw_kern_pressure *syn, struct rw_kern_pressure *pkt,
		      struct rw_error *e);

/* Since how long each state of the whole goes on; 0: it does not. */
struct rw_kern_states {
	uint64_t promote_capped_ns, syn_budget_ns;
};
int rw_kern_states(struct rw_kern *k, struct rw_kern_states *out, struct rw_error *e);

#endif
