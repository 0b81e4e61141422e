/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot: everything a request is decided by, compiled from one configuration.
 *
 * Made by the control thread, immutable, shared by all workers and
 * reference-counted: a request keeps the snapshot it began with until it is
 * settled, so a reload never changes the rules under it. Parts that a reload
 * does not touch (rules, keys) are shared between snapshots.
 */
#ifndef RW_GATE_SNAPSHOT_H
#define RW_GATE_SNAPSHOT_H

#include <stdatomic.h>

#include "gate/fronts.h"
#include "gate/resolve.h"
#include "ident/keys.h"
#include "policy/config.h"
#include "ring/sock.h"
#include "scan/scan.h"
#include "tls/ctx.h"

struct rw_upstream {
	struct rw_tls_ctx *tls; /* NULL: plain */
	char *authorization; /* "Bearer ..." or NULL; in the config's arena, wiped before it goes */
	char host[280];	     /* Host header: name, with the port where it is not the default */
};

/* The part that pools hang on; kept when only keys, addresses or certificate files change. */
struct rw_routes {
	atomic_uint refs;
	struct rw_config *config;
	struct rw_upstream upstreams[RW_MAX_UPSTREAMS];
};

/* Where the upstreams are now, by their index; the part that changes as names resolve anew. */
struct rw_targets {
	atomic_uint refs;
	struct rw_addrs at[RW_MAX_UPSTREAMS];
};

struct rw_snapshot {
	atomic_uint refs;
	uint64_t generation;
	struct rw_routes *routes;
	struct rw_fronts *fronts;
	struct rw_targets *targets;
	struct rw_rules *rules;
	struct rw_redactor *redactor; /* NULL: every value is masked */
	struct rw_canaries *canaries; /* NULL: none */
	struct rw_keytable *keys;
};

/* What a snapshot is made with beside its configuration. */
struct rw_snapshot_parts {
	struct rw_keytable *keys; /* a reference is taken */
	struct rw_rules
		*rules; /* compiled ones, a reference is taken; NULL: loads them, a second */
	struct rw_tls_shared *tls; /* ticket keys and counters; NULL: none of ours */
	bool again;		   /* another one is in use: see rw_fronts_new */
};

/*
 * Takes config over (also on failure: then it is freed). Resolves upstream names,
 * loads certificates (makes the self-signed one where none is configured). May block: control
 * thread only.
 */
int rw_snapshot_new(struct rw_snapshot **out, struct rw_config *config,
		    const struct rw_snapshot_parts *with, struct rw_error *e);
/* The same snapshot with other keys. Takes a reference of keys. */
int rw_snapshot_with_keys(struct rw_snapshot **out, const struct rw_snapshot *old,
			  struct rw_keytable *keys, struct rw_error *e);
/* The same snapshot with upstreams elsewhere. Takes a reference of targets. */
int rw_snapshot_with_targets(struct rw_snapshot **out, const struct rw_snapshot *old,
			     struct rw_targets *targets, struct rw_error *e);
/* The same snapshot with certificates read anew. Takes a reference of fronts. */
int rw_snapshot_with_fronts(struct rw_snapshot **out, const struct rw_snapshot *old,
			    struct rw_fronts *fronts, struct rw_error *e);
/* A copy of like, or an empty one; NULL: out of memory. Not to be changed once published. */
struct rw_targets *rw_targets_new(const struct rw_targets *like);
void rw_targets_unref(struct rw_targets *t);
struct rw_snapshot *rw_snapshot_ref(struct rw_snapshot *s);
void rw_snapshot_unref(struct rw_snapshot *s);

/* Index of the entry of models that admits a model: exact name, else "*", else -1. */
int rw_snapshot_model(const struct rw_snapshot *s, struct rw_slice model);
/* Which upstream serves a model: exact name, else "*", else -1. */
int rw_snapshot_route(const struct rw_snapshot *s, struct rw_slice model);

#endif
