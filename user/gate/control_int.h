/* SPDX-License-Identifier: Apache-2.0 */
/* The control thread's state, as the files that make up rw_control see it. */
#ifndef RW_GATE_CONTROL_INT_H
#define RW_GATE_CONTROL_INT_H

#include "gate/balancer.h"
#include "gate/control.h"
#include "gate/inbox.h"
#include "gate/keep.h"
#include "gate/rest.h"
#include "kern/events.h"

/* The kernel side's events on their way into log, metrics and audit log (look.c). */
struct rw_kern_watch {
	struct rw_events *reader; /* NULL: none, or somebody else is */
	bool busy_said;
	unsigned wait;	 /* ticks until the next try to become the reader */
	unsigned lines;	 /* of the log in this tick */
	uint64_t unsaid; /* events in this tick without one */
};

/* What is said of a ban once it is carried out, and kept. */
struct rw_pending_ban {
	struct rw_control *c;
	enum rw_strike kind;
	unsigned nets;
	uint32_t repeats;
};
struct rw_done_ban {
	struct rw_ban_order order;
	struct rw_pending_ban about;
};
enum { RW_KEEP_BATCH = 16 * RW_BAN_BATCH };

struct rw_control {
	struct rw_gateway *gw;
	struct rw_loop *loop;
	struct rw_snapshot *snap;
	struct rw_keystore *store;
	struct rw_audit *audit;
	struct rw_inbox inbox; /* of audit records */
	struct {
		uint64_t taken;	  /* out of the inbox: places there */
		uint64_t awaited; /* somebody waits up to here */
		uint64_t settled; /* he was told */
		uint64_t asked;	  /* the sync that is under way will tell of these */
		unsigned idle_ticks;
		bool busy;  /* one is */
		bool moot;  /* it is of a file that was closed since */
		bool dirty; /* written since it began */
	} sync;
	struct rw_kern *kern;
	struct rw_reach reach;
	struct rw_strikes *strikes;
	struct rw_strikes *key_strikes;
	struct rw_balancers balancers;		  /* never struck */
	struct rw_ban_order orders[RW_BAN_BATCH]; /* of this turn */
	struct rw_pending_ban pending[RW_BAN_BATCH];
	unsigned n_orders;
	struct rw_task push;	      /* carries them out */
	struct rw_banstore *banstore; /* NULL: it could not be opened, or there is no kernel side */
	struct rw_done_ban done[RW_KEEP_BATCH]; /* in force, to be kept and then told */
	unsigned n_done;
	unsigned kept; /* since something was forgotten */
	bool unkept_said;
	struct rw_task keep;
	struct rw_kern_watch events;
	struct rw_rest rest;
	struct rw_timer tick;
	struct rw_control_stats stats;
	uint32_t connections; /* at the start: sockets are sized by it */
	bool audit_was_ok;
	bool keys_stale, keys_failing; /* changed and not yet read; said so */
	uint64_t list_seen,
		list_read;	 /* the list of keys' stamp: on the last tick, when it was read */
	uint64_t fronts_seen;	 /* certificate files' stamp on the last tick */
	uint64_t fronts_refused; /* the one that could not be taken */
};

/* Appends a record to the audit log, if there is one. (record.c) */
void rw_control_record(struct rw_control *c, const struct rw_audit_event *ev);

/* Writes what is in the inbox; arg is the rw_control. */
void rw_control_take_records(void *arg);
void rw_control_tick_records(struct rw_control *c);
/* For log rotation. */
void rw_control_reopen_log(struct rw_control *c);
/* The log is closed; no worker is left that waits. Returns the number of records lost. */
unsigned rw_control_end_records(struct rw_control *c);

/* Strikes and what follows from them (punish.c). */
int rw_control_punish_new(struct rw_control *c, const struct rw_config *cfg, struct rw_error *e);
/* Bans of before the last boot, once the kernel side is open. */
void rw_control_restore_bans(struct rw_control *c);
/* Keeps and tells what is in force and was not yet. */
void rw_control_keep_bans(void *arg);
/* The configuration changed. */
void rw_control_punish_as(struct rw_control *c, const struct rw_config *cfg);

/* Reads what the kernel told; on each tick (look.c). */
void rw_control_look(struct rw_control *c);

#endif
