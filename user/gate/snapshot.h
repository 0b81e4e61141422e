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

#include "ident/keys.h"
#include "policy/config.h"
#include "ring/sock.h"
#include "scan/scan.h"
#include "tls/ctx.h"

enum { RW_UPSTREAM_ADDRS = 8 };

struct rw_upstream {
	struct rw_addr addrs[RW_UPSTREAM_ADDRS];
	unsigned n_addrs;
	struct rw_tls_ctx *tls; /* NULL: plain */
	char *authorization; /* "Bearer ..." or NULL; in the config's arena, wiped before it goes */
	char host[280];	     /* Host header: name, with the port where it is not the default */
};

/* The part that pools and listeners hang on; kept when only keys change. */
struct rw_routes {
	atomic_uint refs;
	struct rw_config *config;
	struct rw_upstream upstreams[RW_MAX_UPSTREAMS];
	struct rw_tls_ctx *listener_tls[RW_MAX_LISTENERS];
};

struct rw_snapshot {
	atomic_uint refs;
	uint64_t generation;
	struct rw_routes *routes;
	struct rw_rules *rules;
	struct rw_keytable *keys;
};

/*
 * Takes config over (also on failure: then it is freed). Resolves upstream names,
 * loads certificates (makes the self-signed one where none is configured). rules: a
 * reference of compiled ones is taken; NULL: they are loaded, which takes a second.
 * May block: control thread only.
 */
int rw_snapshot_new(struct rw_snapshot **out, struct rw_config *config, struct rw_keytable *keys,
		    struct rw_rules *rules, struct rw_error *e);
/* The same snapshot with other keys. Takes a reference of keys. */
int rw_snapshot_with_keys(struct rw_snapshot **out, const struct rw_snapshot *old,
			  struct rw_keytable *keys, struct rw_error *e);
struct rw_snapshot *rw_snapshot_ref(struct rw_snapshot *s);
void rw_snapshot_unref(struct rw_snapshot *s);

/* Which upstream serves a model: exact name, else "*", else -1. */
int rw_snapshot_route(const struct rw_snapshot *s, struct rw_slice model);

#endif
