/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bans between the kernel, which enforces them and forgets them with a reboot, and the state
 * directory, which keeps them. The kernel's word counts: what is kept of a prefix is what is in
 * force of it, written while nobody else can change that. So it does not matter who banned or
 * lifted first, the engine or the command line.
 *
 * Kept are times of day. A clock that stood still or fell back while the machine was off makes a
 * ban last longer, at most as long again as it was given; nothing that is kept is thrown away by
 * restoring it.
 */
#ifndef RW_GATE_KEEP_H
#define RW_GATE_KEEP_H

#include "ident/bans.h"
#include "kern/kern.h"
#include "limit/strikes.h"

/* A prefix whose ban has changed. repeats: of struct rw_punishment; 0 for an operator's. */
struct rw_keep {
	struct rw_prefix prefix;
	uint32_t repeats;
};

/* Keeps what is in force of them now, or forgets it where nothing is; durable when it returns. */
int rw_keep_bans(struct rw_banstore *s, struct rw_kern *k, const struct rw_keep *of, unsigned n,
		 struct rw_error *e);

struct rw_restored {
	unsigned bans;	  /* that are in force again */
	unsigned refused; /* that the kernel side did not take: allowlisted meanwhile, or no room */
};
/*
 * Enters the bans that are not over and not in force. What strikes led to is remembered in strikes,
 * if there are any; now_ns: their clock.
 */
int rw_restore_bans(struct rw_banstore *s, struct rw_kern *k, struct rw_strikes *strikes,
		    uint64_t now_ns, struct rw_restored *out, struct rw_error *e);

#endif
