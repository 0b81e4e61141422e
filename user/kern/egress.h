/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Egress containment as userspace sees it: attaching it to a cgroup (root), and its maps (file
 * modes are enough). The contract with bpf/ is include/ringwall/kern_egress.h.
 *
 * The engine writes where its upstreams are, with an end; root writes rules for all else. A handle
 * belongs to one thread.
 */
#ifndef RW_KERN_EGRESS_H
#define RW_KERN_EGRESS_H

#include <stdbool.h>

#include "kern/kern.h"
#include "ringwall/kern_egress.h"

/* What root lets the gateway reach, by TCP and UDP. */
struct rw_egress_rule {
	struct rw_prefix prefix;
	uint16_t port; /* 0: every port */
	enum rw_kern_out_why why;
};
/* "192.0.2.7", "10.0.0.0/8:5432", "[fd00::7]:53"; port where the text has none. */
int rw_egress_rule_parse(const char *text, uint16_t port, enum rw_kern_out_why why,
			 struct rw_egress_rule *out, struct rw_error *e);
const char *rw_egress_rule_text(const struct rw_egress_rule *r, char out[80]);

/* The cgroup v2 that this process is in, as a path. RW_EUNSUP: in none. */
int rw_cgroup_own(char *out, size_t n, struct rw_error *e);

struct rw_egress_attach {
	const char *cgroup; /* its directory under the cgroup2 mount */
	const char *group;  /* who may write upstreams' addresses; NULL: root only */
	const struct rw_egress_rule *rules;
	unsigned n_rules;
};
/*
 * Attaches and pins; what contained this cgroup before, or one that is gone, is replaced without a
 * gap. RW_EBUSY: another cgroup is contained.
 */
int rw_egress_attach(const struct rw_egress_attach *a, struct rw_error *e);
/* RW_ENOTFOUND: nothing was there. */
int rw_egress_detach(struct rw_error *e);

struct rw_egress;
/* RW_ENOTFOUND: not attached. RW_EPERM. RW_EUNSUP: another layout; *e says what to do. */
int rw_egress_open(struct rw_egress **out, struct rw_error *e);
void rw_egress_close(struct rw_egress *g);
/* The pins are no longer those that were opened: attached anew, or detached. */
bool rw_egress_stale(const struct rw_egress *g);
/* Whether this process is contained: asked the way a connection would be. */
bool rw_egress_contained(void);

struct rw_egress_where {
	char cgroup[208];
	bool alive; /* the cgroup is there */
};
void rw_egress_where(const struct rw_egress *g, struct rw_egress_where *out);
int rw_egress_counters(struct rw_egress *g, struct rw_kern_out_stats *out, struct rw_error *e);
/* The sum of all refusals of calls, and of packets. */
uint64_t rw_egress_refusals(const struct rw_kern_out_stats *s);
uint64_t rw_egress_drops(const struct rw_kern_out_stats *s);
const char *rw_egress_reason(enum rw_kern_out_reason reason);

enum rw_kern_net rw_egress_net(const struct sockaddr *sa);
/*
 * Would a TCP connection there be allowed, were it in the list of upstreams? g NULL: nothing is
 * contained, only metadata services are refused. *reason where not.
 */
bool rw_egress_may(const struct rw_egress *g, const struct sockaddr *sa,
		   enum rw_kern_out_reason *reason);
/* Lists an upstream's address and port for so long. */
int rw_egress_put(struct rw_egress *g, const struct sockaddr *sa, const char *upstream,
		  uint64_t for_ns, struct rw_error *e);

/* Lists, malloc'd: the caller frees. */
struct rw_egress_upstream {
	struct rw_prefix addr;
	uint16_t port;
	char upstream[RW_KERN_OUT_NAME];
	uint64_t left_ns;
};
/* Removes those whose time is over on the way, if g may write. */
int rw_egress_upstreams(struct rw_egress *g, struct rw_egress_upstream **out, unsigned *n,
			struct rw_error *e);
int rw_egress_rules(struct rw_egress *g, struct rw_egress_rule **out, unsigned *n,
		    struct rw_error *e);
/* Root's: adds a rule (on) or takes it away; RW_ENOTFOUND when off. */
int rw_egress_rule(struct rw_egress *g, const struct rw_egress_rule *r, bool on,
		   struct rw_error *e);
struct rw_egress_refused {
	struct rw_prefix addr;
	uint16_t port, proto;
	struct rw_kern_out_refused seen;
};
/* Latest first. */
int rw_egress_refused(struct rw_egress *g, struct rw_egress_refused **out, unsigned *n,
		      struct rw_error *e);

#endif
