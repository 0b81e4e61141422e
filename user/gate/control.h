/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread's state: everything that may wait, and every decision that is one for the
 * whole gateway. Audit file, key store, strikes and bans, kernel link, reloads.
 */
#ifndef RW_GATE_CONTROL_H
#define RW_GATE_CONTROL_H

#include "audit/audit.h"
#include "gate/gateway.h"
#include "gate/inbox.h"
#include "gate/reach.h"
#include "gate/snapshot.h"
#include "kern/kern.h"
#include "limit/strikes.h"
#include "ring/loop.h"

struct rw_control_stats {
	uint64_t bans, bans_failed, bans_unkept, bans_restored;
	uint64_t key_suspensions, reloads, reloads_failed;
	uint64_t cert_reloads, cert_reloads_failed; /* of certificate files that changed */
	uint64_t events[RW_KERN_EVENTS];	    /* of the kernel side, by kind */
	uint64_t audit_sync_failed;
	_Atomic uint64_t audit_lost; /* records */
};

struct rw_control;

/*
 * Opens the key store and the audit log, builds the first snapshot from config
 * (taken over), connects to the pinned maps as the configuration's kernel mode says.
 * loop is the control thread's; rules as in rw_snapshot_new.
 */
int rw_control_new(struct rw_control **out, struct rw_gateway *gw, struct rw_loop *loop,
		   struct rw_config *config, struct rw_rules *rules, struct rw_error *e);
/* Flushes the audit log. Returns the number of audit records lost. */
unsigned rw_control_free(struct rw_control *c);

struct rw_snapshot *rw_control_snapshot(struct rw_control *c);
struct rw_kern *rw_control_kern(struct rw_control *c);	   /* NULL: none */
struct rw_egress *rw_control_egress(struct rw_control *c); /* NULL: none */
const struct rw_control_stats *rw_control_stats(const struct rw_control *c);
const char *rw_control_audit_error(const struct rw_control *c);

/*
 * Reads the configuration again and publishes it; on error the old one stays, said in the log.
 * The audit log is opened anew in any case, for log rotation.
 */
int rw_control_reload(struct rw_control *c, struct rw_error *e);

/*
 * From any thread. Lines: whole records; the bytes are copied. What is lost is counted and said.
 * w, where somebody waits for the disk to have them: see rw_inbox_put, whose errors are returned.
 */
int rw_control_audit(struct rw_control *c, struct rw_slice lines, struct rw_inbox_waiter *w);
struct rw_inbox *rw_control_inbox(struct rw_control *c);
/* From any thread: n records could not even be made. */
void rw_control_audit_lost(struct rw_control *c, uint64_t n);
/* From any thread. who completed a handshake; now_ns: when it was found out, monotonic. */
void rw_control_strike(struct rw_control *c, const struct rw_source *who, enum rw_strike kind,
		       uint64_t now_ns);
/* The same of a valid key: addresses may be shared, a key is its owner's. */
void rw_control_strike_key(struct rw_control *c, const char *key_id, enum rw_strike kind,
			   uint64_t now_ns);
/* A key's number in rw_gateway.suspended. */
uint64_t rw_key_number(const char *id);

#endif
