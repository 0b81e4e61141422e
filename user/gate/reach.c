/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/reach.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"

enum { REFUSALS_TOLD = 8 /* at once */ };

#define SECOND_NS 1000000000ULL
#define WATCH_NS  SECOND_NS

/* --- the kernel's list -------------------------------------------------------------------------
 */

static void list(struct rw_reach *r, const struct rw_upstream_config *uc,
		 const struct rw_addrs *addrs, uint64_t for_ns)
{
	struct rw_error e = {0};
	int rc = RW_OK;

	for (unsigned i = 0; r->egress && !rc && i < addrs->n; i++)
		rc = rw_egress_put(r->egress, &addrs->at[i].sa, uc->name, for_ns, &e);
	if (rc && !r->told_unlisted)
		rw_err("upstream %s: %s; the kernel will refuse connections to it", uc->name,
		       e.text);
	r->told_unlisted = rc != RW_OK;
}

/* Leaves out what the kernel would refuse, and what nobody should want: says so once. */
static void leave_out(struct rw_reach *r, unsigned i, const struct rw_upstream_config *uc,
		      struct rw_addrs *addrs)
{
	enum rw_kern_out_reason reason;
	char text[RW_ADDR_TEXT];
	unsigned kept = 0;

	for (unsigned a = 0; a < addrs->n; a++) {
		if (rw_egress_may(r->egress, &addrs->at[a].sa, &reason)) {
			addrs->at[kept++] = addrs->at[a];
		} else if (!r->at[i].told_left_out) {
			rw_warn("upstream %s: %s is at %s, which is left out: %s", uc->name,
				uc->host, rw_addr_text(&addrs->at[a], true, text),
				rw_egress_reason(reason));
		}
	}
	r->at[i].told_left_out = kept < addrs->n;
	addrs->n = kept;
}

/* Until the next question and a while beyond. */
static void renew(struct rw_reach *r, unsigned i, const struct rw_upstream_config *uc,
		  const struct rw_addrs *addrs, uint32_t ttl_s, uint64_t now_ns)
{
	uint64_t s = ttl_s < RW_REACH_TTL_MIN ? RW_REACH_TTL_MIN : ttl_s;

	s = s > RW_REACH_TTL_MAX ? RW_REACH_TTL_MAX : s;
	r->at[i].due_ns = now_ns + s * SECOND_NS;
	list(r, uc, addrs, (s + RW_REACH_GRACE) * SECOND_NS);
}

int rw_reach_admit(struct rw_reach *r, struct rw_snapshot *snap, uint64_t now_ns,
		   struct rw_error *e)
{
	const struct rw_config *c = snap->routes->config;

	for (unsigned i = 0; i < c->n_upstreams; i++) {
		const struct rw_upstream_config *uc = &c->upstreams[i];
		struct rw_addrs *addrs = &snap->targets->at[i];

		r->at[i].told_left_out = false;
		leave_out(r, i, uc, addrs);
		if (!addrs->n)
			return rw_fail(e, RW_EPERM,
				       "upstream %s: %s has no address that may be connected to; "
				       "'ringwall kern egress allow add ADDR:%u' lists one that is "
				       "not public, metadata services never",
				       uc->name, uc->host, uc->port);
	}
	for (unsigned i = 0; i < c->n_upstreams; i++) {
		r->at[i].asking = r->at[i].failing = false;
		/* Which time the DNS gives is asked later, where nobody waits for it. */
		renew(r, i, &c->upstreams[i], &snap->targets->at[i], RW_REACH_TTL_MIN, now_ns);
	}
	return RW_OK;
}

/* --- names -------------------------------------------------------------------------------------
 */

static void tell_change(const struct rw_upstream_config *uc, const struct rw_addrs *addrs)
{
	char text[RW_ADDR_TEXT];

	for (unsigned i = 0; i < addrs->n; i++)
		rw_debug("upstream %s: %s is at %s", uc->name, uc->host,
			 rw_addr_text(&addrs->at[i], true, text));
}

/* What worked goes on working until there is something better: the old addresses stay. */
static void fail(struct rw_reach *r, unsigned i, const struct rw_upstream_config *uc,
		 const struct rw_addrs *old, const char *why, uint64_t now_ns)
{
	if (!r->at[i].failing)
		rw_warn("upstream %s: %s; its old addresses stay until there are others", uc->name,
			why);
	r->at[i].failing = true;
	renew(r, i, uc, old, RW_REACH_TTL_MIN, now_ns);
}

static int take_answer(struct rw_reach *r, const struct rw_snapshot *snap, struct rw_resolved *got,
		       uint64_t now_ns, struct rw_targets **out, struct rw_error *e)
{
	const struct rw_upstream_config *uc = &snap->routes->config->upstreams[got->slot];
	const struct rw_addrs *old = &snap->targets->at[got->slot];

	r->at[got->slot].asking = false;
	if (!got->rc)
		leave_out(r, got->slot, uc, &got->addrs);
	if (got->rc || !got->addrs.n) {
		fail(r, got->slot, uc, old, got->rc ? got->why.text : "no address is left of it",
		     now_ns);
		return RW_OK;
	}
	if (r->at[got->slot].failing)
		rw_info("upstream %s: %s resolves again", uc->name, uc->host);
	r->at[got->slot].failing = false;
	renew(r, got->slot, uc, &got->addrs, got->ttl_s, now_ns);
	if (rw_addrs_equal(&got->addrs, old))
		return RW_OK;
	*out = rw_targets_new(snap->targets);
	if (!*out)
		return rw_fail(e, RW_ENOMEM, "out of memory for an upstream's addresses");
	(*out)->at[got->slot] = got->addrs;
	tell_change(uc, &got->addrs);
	return RW_OK;
}

static void ask_what_is_due(struct rw_reach *r, const struct rw_snapshot *snap, uint64_t now_ns)
{
	const struct rw_config *c = snap->routes->config;

	for (unsigned i = 0; i < c->n_upstreams; i++) {
		const struct rw_upstream_config *uc = &c->upstreams[i];

		if (r->at[i].asking || now_ns < r->at[i].due_ns)
			continue;
		if (rw_resolve_is_address(uc->host))
			renew(r, i, uc, &snap->targets->at[i], RW_REACH_TTL_MAX, now_ns);
		else
			r->at[i].asking = rw_resolver_ask(r->resolver, i, uc->host, uc->port);
	}
}

/* --- the kernel --------------------------------------------------------------------------------
 */

static const char *to_text(const struct rw_egress_refused *to, char out[RW_ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(to->addr.family, to->addr.addr, host, sizeof(host));
	snprintf(out, RW_ADDR_TEXT, to->addr.family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
		 to->port);
	return out;
}

static void tell_refusals(struct rw_reach *r, bool say)
{
	struct rw_egress_refused *all = NULL;
	uint64_t newest = r->newest_ns;
	struct rw_error e = {0};
	char text[RW_ADDR_TEXT];
	unsigned n, told = 0;

	if (rw_egress_refused(r->egress, &all, &n, &e))
		return;
	for (unsigned i = 0; i < n; i++) {
		const struct rw_kern_out_refused *seen = &all[i].seen;

		if (seen->first_ns <= r->newest_ns)
			continue;
		newest = seen->first_ns > newest ? seen->first_ns : newest;
		if (say && told++ < REFUSALS_TOLD)
			rw_warn("egress: the kernel %s %s to %s: %s",
				seen->packets ? "dropped a packet" : "refused a connection",
				all[i].proto == IPPROTO_UDP   ? "by UDP"
				: all[i].proto == IPPROTO_TCP ? "by TCP"
							      : "of another protocol",
				to_text(&all[i], text), rw_egress_reason(seen->reason));
	}
	if (told > REFUSALS_TOLD)
		rw_warn("egress: and to %u other destinations ('ringwall kern egress status')",
			told - REFUSALS_TOLD);
	r->newest_ns = newest;
	free(all);
}

static uint64_t refusals(struct rw_reach *r)
{
	struct rw_kern_out_stats s;
	struct rw_error e = {0};

	if (rw_egress_counters(r->egress, &s, &e))
		return r->refusals;
	return rw_egress_refusals(&s) + rw_egress_drops(&s);
}

/* Attached while we run, or anew: its list is empty. */
static void open_egress(struct rw_reach *r, const struct rw_snapshot *snap, uint64_t now_ns)
{
	struct rw_error e = {0};
	int rc;

	if (r->egress && !rw_egress_stale(r->egress))
		return;
	rw_egress_close(r->egress);
	rc = rw_egress_open(&r->egress, &e);
	if (rc && r->contained && !r->told_closed)
		rw_err("egress is contained, but upstreams cannot be listed: %s", e.text);
	r->told_closed = rc && r->contained;
	if (rc)
		return;
	r->refusals = refusals(r);
	tell_refusals(r, false);
	for (unsigned i = 0; snap && i < snap->routes->config->n_upstreams; i++)
		renew(r, i, &snap->routes->config->upstreams[i], &snap->targets->at[i],
		      RW_REACH_TTL_MIN, now_ns);
}

static void sweep(struct rw_reach *r)
{
	struct rw_egress_upstream *live = NULL;
	struct rw_error e = {0};
	unsigned n;

	if (!rw_egress_upstreams(r->egress, &live, &n, &e))
		free(live);
}

static void watch(struct rw_reach *r, const struct rw_snapshot *snap, uint64_t now_ns)
{
	bool was = r->contained;
	uint64_t n;

	if (now_ns < r->watch_ns)
		return;
	r->watch_ns = now_ns + WATCH_NS;
	r->contained = rw_egress_contained();
	if (was != r->contained && snap)
		rw_info("egress is %s", r->contained ? "contained" : "open now");
	open_egress(r, snap, now_ns);
	if (!r->egress)
		return;
	n = refusals(r);
	if (n != r->refusals)
		tell_refusals(r, true);
	r->refusals = n;
}

/* --- life --------------------------------------------------------------------------------------
 */

int rw_reach_init(struct rw_reach *r, struct rw_error *e)
{
	*r = (struct rw_reach){0};
	r->resolver = rw_resolver_new();
	if (!r->resolver)
		return rw_fail(e, RW_ENOMEM, "out of memory for the resolver");
	watch(r, NULL, 0);
	return RW_OK;
}

void rw_reach_free(struct rw_reach *r)
{
	rw_resolver_free(r->resolver);
	rw_egress_close(r->egress);
	*r = (struct rw_reach){0};
}

int rw_reach_tick(struct rw_reach *r, const struct rw_snapshot *snap, uint64_t now_ns,
		  struct rw_targets **out, struct rw_error *e)
{
	struct rw_resolved got;
	int rc = RW_OK;

	*out = NULL;
	watch(r, snap, now_ns);
	/* A reload meanwhile may have put another upstream there: then nobody waits for it. */
	if (rw_resolver_take(r->resolver, &got) && r->at[got.slot].asking) {
		rc = take_answer(r, snap, &got, now_ns, out, e);
		if (r->egress)
			sweep(r);
	}
	ask_what_is_due(r, snap, now_ns);
	return rc;
}
