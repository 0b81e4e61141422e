/* SPDX-License-Identifier: Apache-2.0 */
#include "limit/strikes.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/err.h"
#include "limit/nets.h"

enum { WAYS = 8, NET_BYTES = 7 };

/*
 * Bytes of a banned source are still on their way through the workers when its ban begins;
 * what arrives within this time belongs to the misdeeds that were just punished.
 */
#define GRACE_NS UINT64_C(1000000000)

/* How bad each misdeed is, against rw_strike_config.threshold. */
static const struct {
	const char *name;
	uint32_t weight;
} kinds[RW_STRIKE_KINDS] = {
	[RW_STRIKE_AUTH] = {"auth", 2}, [RW_STRIKE_MALFORMED] = {"malformed", 3},
	[RW_STRIKE_TLS] = {"tls", 2},	[RW_STRIKE_BLOCKED] = {"blocked", 5},
	[RW_STRIKE_RATE] = {"rate", 1}, [RW_STRIKE_SLOW] = {"slow", 3},
};

/* One source. weight is as of at_ns; both it and repeats are aged when looked at. */
struct entry {
	struct rw_source who; /* n 0: free */
	uint32_t repeats;
	double weight;
	uint64_t at_ns;
	uint64_t banned_at_ns, banned_until_ns; /* the last ban; repeats 0: none remembered */
};

struct rw_strikes {
	struct rw_strike_config cfg;
	uint64_t seed;
	uint64_t mask;	       /* number of sets - 1 */
	struct entry *entries; /* sets of WAYS */
	struct rw_nets *nets;
};

const char *rw_strike_name(enum rw_strike k)
{
	RW_BUG_ON((unsigned)k >= RW_STRIKE_KINDS);
	return kinds[k].name;
}

struct rw_strikes *rw_strikes_new(const struct rw_strike_config *cfg, uint64_t seed)
{
	struct rw_strikes *s = calloc(1, sizeof(*s));
	size_t n = 1;

	if (!s)
		return NULL;
	while (n * WAYS < cfg->sources)
		n *= 2;
	s->entries = calloc(n * WAYS, sizeof(*s->entries));
	s->nets = rw_nets_new(seed);
	if (!s->entries || !s->nets) {
		rw_strikes_free(s);
		return NULL;
	}
	s->cfg = *cfg;
	s->seed = seed;
	s->mask = n - 1;
	return s;
}

void rw_strikes_free(struct rw_strikes *s)
{
	if (!s)
		return;
	rw_nets_free(s->nets);
	free(s->entries);
	free(s);
}

void rw_strikes_configure(struct rw_strikes *s, const struct rw_strike_config *cfg)
{
	s->cfg = *cfg;
}

static uint64_t ban_bound_ns(const struct rw_strike_config *cfg)
{
	return cfg->ban_max_ns > cfg->ban_ns ? cfg->ban_max_ns : cfg->ban_ns;
}

static double weight_now(const struct rw_strikes *s, const struct entry *e, uint64_t now_ns)
{
	uint64_t age = now_ns > e->at_ns ? now_ns - e->at_ns : 0;

	if (age >= s->cfg.window_ns)
		return 0;
	return e->weight * (1 - (double)age / (double)s->cfg.window_ns);
}

/* One repeat is forgotten for each ban_max of quiet after the last ban's end. */
static uint32_t repeats_now(const struct rw_strikes *s, const struct entry *e, uint64_t now_ns)
{
	uint64_t step = ban_bound_ns(&s->cfg), forgotten;

	if (e->repeats == 0 || now_ns <= e->banned_until_ns || step == 0)
		return e->repeats;
	forgotten = (now_ns - e->banned_until_ns) / step;
	return forgotten >= e->repeats ? 0 : e->repeats - (uint32_t)forgotten;
}

/* How much would be lost by forgetting e. */
static double worth(const struct rw_strikes *s, const struct entry *e, uint64_t now_ns)
{
	return weight_now(s, e, now_ns) + (double)repeats_now(s, e, now_ns) * s->cfg.threshold;
}

static struct entry *find_or_evict(struct rw_strikes *s, const struct rw_source *who,
				   uint64_t now_ns)
{
	uint64_t h = XXH3_64bits_withSeed(who->bytes, who->n, s->seed);
	struct entry *set = &s->entries[(h & s->mask) * WAYS], *least = set;
	double w, lowest = DBL_MAX;

	for (struct entry *e = set; e < set + WAYS; e++) {
		if (rw_slice_eq(rw_source_slice(&e->who), rw_source_slice(who)))
			return e;
		w = e->who.n ? worth(s, e, now_ns) : -1;
		if (w < lowest) {
			least = e;
			lowest = w;
		}
	}
	*least = (struct entry){.who = *who, .at_ns = now_ns};
	return least;
}

static uint64_t ban_ns(const struct rw_strike_config *cfg, uint32_t repeats)
{
	uint64_t bound = ban_bound_ns(cfg), ns = cfg->ban_ns;

	for (; repeats && ns < bound; repeats--)
		ns = ns > bound / 2 ? bound : ns * 2;
	return ns;
}

/* Strikes of what a ban has just met are still on their way. */
static bool in_grace(const struct entry *e, uint64_t now_ns)
{
	return e->repeats && now_ns < e->banned_until_ns && now_ns < e->banned_at_ns + GRACE_NS;
}

static struct rw_punishment punish(struct rw_strikes *s, struct entry *e, uint64_t now_ns)
{
	uint32_t repeats = repeats_now(s, e, now_ns);
	struct rw_punishment p = {
		.for_ns = ban_ns(&s->cfg, repeats), .who = e->who, .repeats = repeats};

	e->weight = 0;
	e->at_ns = now_ns;
	e->repeats = repeats < UINT32_MAX ? repeats + 1 : repeats;
	e->banned_at_ns = now_ns;
	e->banned_until_ns = now_ns + p.for_ns;
	return p;
}

void rw_strikes_recall(struct rw_strikes *s, const struct rw_source *who, uint32_t repeats,
		       uint64_t left_ns, uint64_t ago_ns, uint64_t now_ns)
{
	uint64_t step = ban_bound_ns(&s->cfg), forgotten = step ? ago_ns / step : 0;
	struct entry *e;

	if (who->n == 0 || forgotten > repeats)
		return;
	e = find_or_evict(s, who, now_ns);
	e->repeats = repeats - (uint32_t)forgotten;
	e->repeats += e->repeats < UINT32_MAX;
	/* The clock is that of this boot, and may be younger than what is left to forget. */
	ago_ns -= forgotten * step;
	e->banned_until_ns = left_ns ? now_ns + left_ns : now_ns > ago_ns ? now_ns - ago_ns : 0;
	e->banned_at_ns = 0;
}

/* A /64 has earned its ban: it is the /56's where several of that have. */
static struct rw_punishment widen(struct rw_strikes *s, struct rw_punishment own, uint64_t now_ns)
{
	unsigned n = rw_nets_note(s->nets, &own.who, now_ns, ban_bound_ns(&s->cfg));
	struct rw_punishment wide;
	struct rw_source net = own.who;
	struct entry *e;

	if (!s->cfg.nets || n < s->cfg.nets)
		return own;
	memset(net.bytes + NET_BYTES, 0, sizeof(net.bytes) - NET_BYTES);
	net.n = NET_BYTES;
	e = find_or_evict(s, &net, now_ns);
	if (in_grace(e, now_ns))
		return (struct rw_punishment){0};
	wide = punish(s, e, now_ns);
	if (wide.for_ns < own.for_ns)
		wide.for_ns = own.for_ns;
	e->banned_until_ns = now_ns + wide.for_ns;
	wide.nets = n;
	return wide;
}

struct rw_punishment rw_strikes_add(struct rw_strikes *s, const struct rw_source *who,
				    enum rw_strike kind, uint64_t now_ns)
{
	const struct rw_punishment none = {0};
	struct entry *e;

	RW_BUG_ON((unsigned)kind >= RW_STRIKE_KINDS);
	if (who->n == 0 || s->cfg.threshold == 0)
		return none;
	e = find_or_evict(s, who, now_ns);
	if (in_grace(e, now_ns))
		return none;
	e->weight = weight_now(s, e, now_ns) + kinds[kind].weight;
	e->at_ns = now_ns;
	if (e->weight < s->cfg.threshold)
		return none;
	return widen(s, punish(s, e, now_ns), now_ns);
}
