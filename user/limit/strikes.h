/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strikes: weighted misdeeds per source that decay over time and end in a ban.
 *
 * Owned by the control thread; workers send it messages. Only sources that
 * completed a handshake may be struck (the caller's duty). A ban's length doubles on
 * each repeat up to a bound; the memory of repeats decays too. No I/O: the caller carries
 * out the ban that rw_strikes_add asks for. IPv6 sources are /64s; where several of one /56 earn
 * bans, the /56 is banned.
 */
#ifndef RW_LIMIT_STRIKES_H
#define RW_LIMIT_STRIKES_H

#include <stdint.h>

#include "limit/table.h"

enum rw_strike {
	RW_STRIKE_AUTH,	     /* no or wrong key */
	RW_STRIKE_MALFORMED, /* HTTP that breaks the rules */
	RW_STRIKE_TLS,	     /* failed handshake after TCP was established */
	RW_STRIKE_BLOCKED,   /* blocked prompt without a valid key */
	RW_STRIKE_RATE,	     /* request over a limit */
	RW_STRIKE_SLOW,	     /* slow-loris deadlines */
	RW_STRIKE_KINDS
};
const char *rw_strike_name(enum rw_strike k);

struct rw_strike_config {
	uint32_t threshold;	     /* weight that bans; 0: nothing does */
	uint64_t window_ns;	     /* weight decays to nothing linearly over this time */
	uint64_t ban_ns, ban_max_ns; /* first ban, bound of the doubling (at least ban_ns) */
	uint32_t sources; /* table bound, 56 bytes each; the least struck of 8 is forgotten */
	uint32_t nets;	  /* banned /64s of one /56 that make it a ban of the /56; 0: never */
};

/* What is to be done about a source. */
struct rw_punishment {
	uint64_t for_ns;      /* 0: nothing */
	struct rw_source who; /* the source, or 7 bytes: the /56 around it */
	uint32_t repeats;     /* bans of it before this one that are not forgotten */
	unsigned nets;	      /* with a /56: how many of its /64s offended */
};

struct rw_strikes;
/* NULL: no memory. seed: random per boot, so that nobody picks collisions. */
struct rw_strikes *rw_strikes_new(const struct rw_strike_config *cfg, uint64_t seed);
void rw_strikes_free(struct rw_strikes *s);
/* New thresholds for what comes from now on; what is remembered, and the table's size, stay. */
void rw_strikes_configure(struct rw_strikes *s, const struct rw_strike_config *cfg);
/*
 * A ban of before this process: that it was the repeats + 1st is remembered, as if it had been of
 * this table. left_ns: until it is over; 0: it was over ago_ns before now_ns.
 */
void rw_strikes_recall(struct rw_strikes *s, const struct rw_source *who, uint32_t repeats,
		       uint64_t left_ns, uint64_t ago_ns, uint64_t now_ns);
/*
 * Whether the source is to be banned now, and for how long. What arrives within a second of a ban
 * is taken as a part of what was banned. now_ns is monotonic. A source is any few bytes: keys,
 * which are not addresses, may have entries, too.
 */
struct rw_punishment rw_strikes_add(struct rw_strikes *s, const struct rw_source *who,
				    enum rw_strike kind, uint64_t now_ns);

#endif
