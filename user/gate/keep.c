/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/keep.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NS_PER_MS = 1000000 };

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / NS_PER_MS;
}

/* --- keeping ------------------------------------------------------------------------------------
 */

struct keeping {
	struct rw_banstore *store;
	const struct rw_keep *of;
};

static struct rw_kept_ban as_kept(const struct rw_ban *b, uint32_t repeats)
{
	uint64_t wall = clock_ms(CLOCK_REALTIME), now = clock_ms(CLOCK_MONOTONIC);
	uint64_t since = b->since_ns / NS_PER_MS, age = now > since ? now - since : 0;
	struct rw_kept_ban kept = {.since_ms = wall > age ? wall - age : 0, .repeats = repeats};

	if (b->left_ns != UINT64_MAX)
		kept.until_ms = wall + b->left_ns / NS_PER_MS + 1;
	rw_prefix_text(&b->prefix, kept.prefix);
	snprintf(kept.verdict, sizeof(kept.verdict), "%s", rw_kern_verdict_name(b->verdict));
	snprintf(kept.reason, sizeof(kept.reason), "%s", rw_kern_reason_name(b->reason));
	return kept;
}

static int write_down(void *arg, const struct rw_ban *bans, unsigned n, struct rw_error *e)
{
	const struct keeping *of = arg;
	int rc = rw_banstore_begin(of->store, e);

	if (rc)
		return rc;
	for (unsigned i = 0; i < n && !rc; i++) {
		struct rw_kept_ban kept = as_kept(&bans[i], of->of[i].repeats);

		rc = bans[i].left_ns ? rw_banstore_put(of->store, &kept, e)
				     : rw_banstore_drop(of->store, kept.prefix, e);
	}
	return rw_banstore_end(of->store, rc, e);
}

int rw_keep_bans(struct rw_banstore *s, struct rw_kern *k, const struct rw_keep *of, unsigned n,
		 struct rw_error *e)
{
	struct rw_prefix *prefixes = n ? malloc(n * sizeof(*prefixes)) : NULL;
	struct keeping keeping = {s, of};
	int rc;

	if (!n)
		return RW_OK;
	if (!prefixes)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	for (unsigned i = 0; i < n; i++)
		prefixes[i] = of[i].prefix;
	rc = rw_kern_bans_of(k, prefixes, n, write_down, &keeping, e);
	free(prefixes);
	return rc;
}

/* --- restoring ----------------------------------------------------------------------------------
 */

struct restoring {
	struct rw_kern *kern;
	struct rw_strikes *strikes;
	uint64_t now_ns, wall_ms;
	struct rw_restored *out;
	struct rw_ban_order orders[RW_BAN_BATCH];
	unsigned n;
};

/* What is left of it; never more than it was given. 0: it is over. */
static uint64_t left_ms(const struct rw_kept_ban *b, uint64_t wall_ms)
{
	uint64_t given = b->until_ms > b->since_ms ? b->until_ms - b->since_ms : 0;
	uint64_t left = b->until_ms > wall_ms ? b->until_ms - wall_ms : 0;

	left = left < given ? left : given;
	return left < UINT64_MAX / NS_PER_MS ? left : UINT64_MAX / NS_PER_MS;
}

static void recall(const struct restoring *r, const struct rw_kept_ban *b,
		   const struct rw_prefix *p, uint64_t left)
{
	struct rw_source who = {.n = p->plen / 8};
	const uint64_t ago = r->wall_ms > b->until_ms ? r->wall_ms - b->until_ms : 0;

	if (who.n > sizeof(who.bytes)) /* no source is longer than a /64 */
		return;
	memcpy(who.bytes, p->addr, who.n);
	rw_strikes_recall(r->strikes, &who, b->repeats, left * NS_PER_MS, ago * NS_PER_MS,
			  r->now_ns);
}

static void done(const struct rw_ban_order *o, int rc, const struct rw_error *e)
{
	struct rw_restored *out = o->user;

	(void)e;
	out->bans += rc == RW_OK;
	out->refused += rc != RW_OK;
}

static void enter(struct restoring *r)
{
	rw_kern_deny_all(r->kern, r->orders, r->n, done);
	r->n = 0;
}

/* Whether the prefix is banned already: the engine was restarted, and not the machine. */
static int count_live(void *arg, const struct rw_ban *bans, unsigned n, struct rw_error *e)
{
	(void)e;
	for (unsigned i = 0; i < n; i++)
		*(unsigned *)arg += bans[i].left_ns != 0;
	return RW_OK;
}

static int restore(struct restoring *r, const struct rw_kept_ban *b, struct rw_error *e)
{
	uint64_t left = b->until_ms ? left_ms(b, r->wall_ms) : 0;
	struct rw_ban_order o = {.ttl_ns = left * NS_PER_MS, .user = r->out};
	unsigned live = 0;
	int rc;

	/* A word of another version is passed over, and stays. */
	if (rw_prefix_parse(b->prefix, &o.prefix, NULL) ||
	    !rw_kern_verdict_of(b->verdict, &o.verdict) || !rw_kern_reason_of(b->reason, &o.reason))
		return RW_OK;
	if (r->strikes && o.reason != RW_KERN_REASON_OPERATOR)
		recall(r, b, &o.prefix, left);
	if (b->until_ms && !left)
		return RW_OK;
	rc = rw_kern_bans_of(r->kern, &o.prefix, 1, count_live, &live, e);
	if (rc || live)
		return rc;
	r->orders[r->n++] = o;
	if (r->n == RW_BAN_BATCH)
		enter(r);
	return RW_OK;
}

int rw_restore_bans(struct rw_banstore *s, struct rw_kern *k, struct rw_strikes *strikes,
		    uint64_t now_ns, struct rw_restored *out, struct rw_error *e)
{
	struct restoring r = {.kern = k,
			      .strikes = strikes,
			      .now_ns = now_ns,
			      .wall_ms = clock_ms(CLOCK_REALTIME),
			      .out = out};
	struct rw_kept_ban *bans;
	unsigned n;
	int rc = rw_banstore_list(s, &bans, &n, e);

	*out = (struct rw_restored){0};
	for (unsigned i = 0; i < n && !rc; i++)
		rc = restore(&r, &bans[i], e);
	enter(&r);
	free(bans);
	return rc;
}
