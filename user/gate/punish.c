/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strikes, and what follows from them: bans in the kernel, gathered over a turn of the loop and
 * carried out before it waits again, and suspensions of keys.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gate/control_int.h"

enum {
	STRIKE_SOURCES = 65536,
	KEY_SOURCES = 4096,
	FORGET_EVERY = 4096, /* bans kept */
};

#define NS_PER_S UINT64_C(1000000000)

struct strike_note {
	struct rw_control *c;
	struct rw_source who; /* of an address, or of a key */
	enum rw_strike kind;
	bool key;
	uint64_t at_ns;
};

static const struct rw_config *config_of(const struct rw_control *c)
{
	return c->snap->routes->config;
}

/* --- addresses ----------------------------------------------------------------------------------
 */

/* An address, its /64, or the /56 around that. */
static struct rw_prefix prefix_of(const struct rw_source *who)
{
	struct rw_prefix p = {.family = who->n == 4 ? AF_INET : AF_INET6,
			      .plen = (uint8_t)(8 * who->n)};

	memcpy(p.addr, who->bytes, who->n);
	return p;
}

static enum rw_kern_verdict verdict_of(const struct rw_config *cfg, uint32_t repeats)
{
	switch (cfg->ban_severity) {
	case RW_BAN_DROP_SYN:
		return RW_KERN_VERDICT_DROP_SYN;
	case RW_BAN_LIMIT:
		return RW_KERN_VERDICT_LIMIT;
	case RW_BAN_GRADUATED:
		return repeats ? RW_KERN_VERDICT_DROP_ALL : RW_KERN_VERDICT_DROP_SYN;
	case RW_BAN_DROP_ALL:
		break;
	}
	return RW_KERN_VERDICT_DROP_ALL;
}

static void tell_ban(struct rw_control *c, const struct rw_done_ban *d)
{
	const char *kind = rw_strike_name(d->about.kind);
	uint64_t seconds = d->order.ttl_ns / NS_PER_S;
	char text[64];

	rw_prefix_text(&d->order.prefix, text);
	rw_control_record(
		c, &(struct rw_audit_event){.event = "ban",
					    .source = text,
					    .verdict = rw_kern_verdict_name(d->order.verdict),
					    .reason = kind,
					    .seconds = seconds});
	if (d->about.nets)
		rw_info("banned %s for %" PRIu64
			" s in the kernel (%s, %u of its /64s offended, last "
			"strike: %s)",
			text, seconds, rw_kern_verdict_name(d->order.verdict), d->about.nets, kind);
	else
		rw_info("banned %s for %" PRIu64 " s in the kernel (%s, last strike: %s)", text,
			seconds, rw_kern_verdict_name(d->order.verdict), kind);
}

/* Once in a while: what is over for longer than anybody's repeats are remembered. */
static void forget(struct rw_control *c, unsigned n)
{
	uint64_t now_ms = rw_loop_wall_ms(c->loop), bound_ms = config_of(c)->ban_max_ms;
	struct rw_error e;

	c->kept += n;
	if (c->kept < FORGET_EVERY || now_ms < bound_ms)
		return;
	c->kept = 0;
	if (rw_banstore_forget(c->banstore, now_ms - bound_ms, STRIKE_SOURCES, &e))
		rw_warn("bans that are over could not be forgotten: %s", e.text);
}

/* With one commit for all, durable before it is told. What cannot be kept is in force all the same.
 */
static void keep(struct rw_control *c)
{
	struct rw_keep of[RW_KEEP_BATCH];
	struct rw_error e = {.text = "there is no store"};
	int rc = RW_EIO;

	for (unsigned i = 0; i < c->n_done; i++)
		of[i] = (struct rw_keep){c->done[i].order.prefix, c->done[i].about.repeats};
	if (c->banstore)
		rc = rw_keep_bans(c->banstore, c->kern, of, c->n_done, &e);
	if (!rc)
		forget(c, c->n_done);
	else
		c->stats.bans_unkept += c->n_done;
	if (rc && !c->unkept_said)
		rw_err("bans are in force, but not beyond the next boot: %s", e.text);
	c->unkept_said = rc != RW_OK;
}

void rw_control_keep_bans(void *arg)
{
	struct rw_control *c = arg;

	if (!c->n_done)
		return;
	keep(c);
	for (unsigned i = 0; i < c->n_done; i++)
		tell_ban(c, &c->done[i]);
	c->n_done = 0;
}

static void carried_out(const struct rw_ban_order *o, int rc, const struct rw_error *e)
{
	const struct rw_pending_ban *b = o->user;
	struct rw_control *c = b->c;
	char text[64];

	rw_prefix_text(&o->prefix, text);
	if (rc == RW_EEXIST) {
		rw_info("%s earned a ban and gets none: %s", text, e->text);
		return;
	}
	if (rc) {
		c->stats.bans_failed++;
		rw_warn("%s was not banned: %s", text, e->text);
		return;
	}
	c->stats.bans++;
	if (c->n_done == RW_KEEP_BATCH)
		rw_control_keep_bans(c);
	c->done[c->n_done++] = (struct rw_done_ban){*o, *b};
	rw_task_set(c->loop, &c->keep, rw_control_keep_bans, c);
}

static void push_bans(void *arg)
{
	struct rw_control *c = arg;

	rw_kern_deny_all(c->kern, c->orders, c->n_orders, carried_out);
	c->n_orders = 0;
}

static void ban(struct rw_control *c, const struct strike_note *s, const struct rw_punishment *p)
{
	struct rw_prefix prefix = prefix_of(&p->who);
	struct rw_pending_ban *b = &c->pending[c->n_orders];
	char text[64];

	if (!c->kern) {
		rw_warn("%s earned a ban of %" PRIu64 " s (last: %s), but no kernel side is there "
			"to carry it out",
			rw_prefix_text(&prefix, text), p->for_ns / 1000000000,
			rw_strike_name(s->kind));
		return;
	}
	*b = (struct rw_pending_ban){
		.c = c, .kind = s->kind, .nets = p->nets, .repeats = p->repeats};
	c->orders[c->n_orders++] = (struct rw_ban_order){
		.prefix = prefix,
		.ttl_ns = p->for_ns,
		.since_ns = s->at_ns,
		.verdict = verdict_of(config_of(c), p->repeats),
		.reason = p->nets ? RW_KERN_REASON_NET : RW_KERN_REASON_STRIKES,
		.user = b,
	};
	if (c->n_orders == RW_BAN_BATCH)
		push_bans(c);
	else
		rw_task_set(c->loop, &c->push, push_bans, c);
}

void rw_control_restore_bans(struct rw_control *c)
{
	struct rw_restored got;
	struct rw_error e;
	int rc;

	if (!c->kern)
		return;
	rc = rw_banstore_open(&c->banstore, config_of(c)->state_dir, &e);
	if (!rc)
		rc = rw_restore_bans(c->banstore, c->kern, c->strikes, rw_loop_now(c->loop), &got,
				     &e);
	if (rc) {
		rw_err("bans of before the last boot are not in force: %s", e.text);
		return;
	}
	c->stats.bans_restored = got.bans;
	if (got.bans)
		rw_info("%u bans of before are in force again", got.bans);
	if (got.refused)
		rw_warn("%u bans of before are not in force: allowlisted meanwhile, or no room",
			got.refused);
}

/* --- keys ----------------------------------------------------------------------------------------
 */

uint64_t rw_key_number(const char *id)
{
	return strtoull(id + 2, NULL, 16) + 1; /* behind "k_"; never 0 */
}

static struct rw_source source_of_key(const char *id)
{
	uint64_t number = rw_key_number(id);
	struct rw_source who = {.n = 8};

	memcpy(who.bytes, &number, 8);
	return who;
}

static void suspend(struct rw_control *c, const struct strike_note *s, uint64_t for_ns)
{
	uint64_t now_ns = rw_loop_now(c->loop), number;
	char id[RW_KEY_ID];

	memcpy(&number, s->who.bytes, 8);
	snprintf(id, sizeof(id), "k_%012" PRIx64, number - 1);
	rw_suspend(c->gw->suspended, number, now_ns + for_ns, now_ns);
	c->stats.key_suspensions++;
	rw_control_record(c, &(struct rw_audit_event){.event = "key_suspended",
						      .key_id = id,
						      .reason = rw_strike_name(s->kind),
						      .seconds = for_ns / 1000000000});
	rw_warn("key %s is suspended for %" PRIu64 " s: too many of its prompts were blocked", id,
		for_ns / 1000000000);
}

/* --- strikes -------------------------------------------------------------------------------------
 */

static void take_strike(void *arg)
{
	struct strike_note *s = arg;
	struct rw_control *c = s->c;
	struct rw_punishment p;

	if (s->key || !rw_balancers_overlap(&c->balancers, &s->who)) {
		p = rw_strikes_add(s->key ? c->key_strikes : c->strikes, &s->who, s->kind,
				   s->at_ns);
		if (p.nets && rw_balancers_overlap(&c->balancers,
						   &p.who)) { /* one lives beside the offenders */
			p.who = s->who;
			p.nets = 0;
		}
		if (p.for_ns && s->key)
			suspend(c, s, p.for_ns);
		else if (p.for_ns)
			ban(c, s, &p);
	}
	free(s);
}

static void post(struct rw_control *c, const struct strike_note *what)
{
	struct strike_note *s = malloc(sizeof(*s));

	if (!s)
		return; /* under such pressure, one strike less */
	*s = *what;
	if (rw_loop_post(c->loop, take_strike, s))
		free(s);
}

void rw_control_strike(struct rw_control *c, const struct rw_source *who, enum rw_strike kind,
		       uint64_t now_ns)
{
	post(c, &(struct strike_note){.c = c, .who = *who, .kind = kind, .at_ns = now_ns});
}

void rw_control_strike_key(struct rw_control *c, const char *key_id, enum rw_strike kind,
			   uint64_t now_ns)
{
	post(c, &(struct strike_note){.c = c,
				      .who = source_of_key(key_id),
				      .kind = kind,
				      .key = true,
				      .at_ns = now_ns});
}

/* --- configuration
 * --------------------------------------------------------------------------------- */

static struct rw_strike_config strike_config(const struct rw_config *cfg)
{
	return (struct rw_strike_config){
		.threshold = cfg->strike_threshold,
		.window_ns = (uint64_t)cfg->strike_window_ms * 1000000,
		.ban_ns = (uint64_t)cfg->ban_ms * 1000000,
		.ban_max_ns = (uint64_t)cfg->ban_max_ms * 1000000,
		.sources = STRIKE_SOURCES,
		.nets = cfg->strike_nets,
	};
}

static struct rw_strike_config key_config(const struct rw_config *cfg)
{
	struct rw_strike_config c = strike_config(cfg);

	c.threshold = cfg->strike_key_threshold;
	c.sources = KEY_SOURCES;
	c.nets = 0;
	return c;
}

int rw_control_punish_new(struct rw_control *c, const struct rw_config *cfg, struct rw_error *e)
{
	const struct rw_strike_config sc = strike_config(cfg), kc = key_config(cfg);

	c->strikes = rw_strikes_new(&sc, rw_loop_random(c->loop));
	c->key_strikes = rw_strikes_new(&kc, rw_loop_random(c->loop));
	rw_balancers_take(&c->balancers, cfg);
	return c->strikes && c->key_strikes ? RW_OK : rw_fail(e, RW_ENOMEM, "out of memory");
}

void rw_control_punish_as(struct rw_control *c, const struct rw_config *cfg)
{
	const struct rw_strike_config sc = strike_config(cfg), kc = key_config(cfg);

	rw_strikes_configure(c->strikes, &sc);
	rw_strikes_configure(c->key_strikes, &kc);
	rw_balancers_take(&c->balancers, cfg);
}
