/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about what a text says, by who said it, to which model; and a conversation as a
 * whole. */
#include "gate/clean.h"
#include "gate/request.h"

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

/*
 * System prompts and earlier answers are the application's own: they quote attacks and, unless told
 * otherwise, are not scored for injection. Personal data and secrets count everywhere.
 */
struct rw_guard rw_request_guard(const struct rw_request *r, enum rw_role role)
{
	const struct rw_config *c = config_of(r);
	int model = rw_snapshot_model(r->snap, r->chat.model);
	enum rw_preset preset = c->preset;
	struct rw_guard g = c->request;

	if (model >= 0 && c->models[model].preset != RW_MODEL_PRESET_NONE)
		preset = (enum rw_preset)c->models[model].preset;
	g.threshold[RW_CAT_INJECTION] = (uint8_t)c->request_score;
	g.alone = (uint8_t)c->request_alone;
	if (role == RW_ROLE_TOOL) {
		g.action[RW_CAT_INJECTION] = c->tools_injection;
		g.threshold[RW_CAT_INJECTION] = (uint8_t)c->tools_score;
		g.alone = (uint8_t)c->tools_alone;
	} else if (role == RW_ROLE_SYSTEM) {
		g.action[RW_CAT_INJECTION] = c->system_injection;
	} else if (role == RW_ROLE_ASSISTANT) {
		g.action[RW_CAT_INJECTION] = RW_ACT_ALLOW;
	}
	rw_guard_preset(&g, preset, role == RW_ROLE_TOOL);
	return g;
}

/*
 * What was clean is known by the rules and categories it was scanned with, and by whose it is: from
 * how fast an answer comes nobody learns what somebody else has said.
 */
static struct rw_text_key key_of(const struct rw_request *r, struct rw_slice text,
				 unsigned categories)
{
	const struct rw_slice parts[] = {
		rw_slice_str(r->key ? r->key->id : ""),
		rw_slice_str(rw_rules_digest(r->snap->rules)),
		rw_slice_of((const char *)&categories, sizeof(categories)),
		text,
	};

	return rw_text_key_of(&r->w->text_hash, parts, sizeof(parts) / sizeof(parts[0]));
}

static bool remembers(struct rw_request *r)
{
	if (config_of(r)->remember && !r->w->clean)
		r->w->clean = rw_clean_new();
	return config_of(r)->remember && r->w->clean;
}

int rw_request_scan(struct rw_request *r, struct rw_slice text, unsigned categories,
		    struct rw_findings *f)
{
	bool remember = categories && text.n >= RW_CLEAN_BYTES_MIN && remembers(r);
	struct rw_text_key key;
	int rc;

	if (remember) {
		key = key_of(r, text, categories);
		if (rw_clean_get(r->w->clean, &key, &f->evidence[RW_CAT_INJECTION])) {
			f->n = f->more = f->score = f->n_signals = 0;
			rw_metric_add(&r->w->metrics.texts_known_total, 1);
			return RW_OK;
		}
	}
	rc = rw_scan_text(r->w->scanner, r->snap->rules, text, categories, f);
	if (!rc && remember && !f->n && !f->more)
		rw_clean_put(r->w->clean, &key, f->evidence[RW_CAT_INJECTION]);
	return rc;
}

void rw_request_turn(struct rw_request *r, const struct rw_text *t, const struct rw_findings *f)
{
	if (t->role != RW_ROLE_USER)
		return;
	if (r->n_turns == RW_TURNS_MAX)
		memmove(r->turns, r->turns + 1, --r->n_turns * sizeof(r->turns[0]));
	r->turns[r->n_turns++] = (struct rw_said){t->text, f->evidence[RW_CAT_INJECTION]};
}

_Static_assert(3 + (int)RW_TURNS_MAX <= (int)RW_TEXT_KEY_PARTS, "turns fit into one key");

/* The key of what turns [from, to) say together. */
static struct rw_text_key key_together(struct rw_request *r, unsigned from, unsigned to)
{
	struct rw_slice parts[3 + RW_TURNS_MAX] = {
		RW_SLICE("together"),
		rw_slice_str(r->key ? r->key->id : ""),
		rw_slice_str(rw_rules_digest(r->snap->rules)),
	};
	unsigned n = 3;

	for (unsigned i = from; i < to; i++)
		parts[n++] = rw_turn_end(r->turns[i].text);
	return rw_text_key_of(&r->w->text_hash, parts, n);
}

/* The turns that are read with the next one. */
static struct rw_text_key key_for_next(struct rw_request *r)
{
	return key_together(r, r->n_turns == RW_TURNS_MAX, r->n_turns);
}

/* All turns but the last were the request before, as a rule: whether they are plain together is
 * known then. */
static int scan_together(struct rw_request *r, struct rw_findings *f)
{
	bool remember = remembers(r), known = false, plain;
	struct rw_text_key key;
	uint16_t evidence;
	int rc;

	if (remember) {
		key = key_together(r, 0, r->n_turns - 1);
		known = rw_clean_get(r->w->clean, &key, &evidence);
		rw_metric_add(&r->w->metrics.conversations_known_total, known);
	}
	rc = rw_scan_turns(r->w->scanner, r->snap->rules, r->turns, r->n_turns,
			   known ? r->n_turns - 1 : 0, f, &plain);
	if (!rc && remember && plain) {
		key = key_for_next(r);
		rw_clean_put(r->w->clean, &key, 0);
	}
	return rc;
}

int rw_request_conversation(struct rw_request *r)
{
	struct rw_guard g = rw_request_guard(r, RW_ROLE_USER);
	struct rw_findings f;
	int rc;

	if (!config_of(r)->conversation || r->n_turns < 2 ||
	    g.action[RW_CAT_INJECTION] == RW_ACT_ALLOW)
		return RW_ACT_ALLOW;
	rc = scan_together(r, &f);
	if (rc)
		return rc;
	rw_tally_add(&r->found, &g, r->snap->rules, &f);
	return (int)rw_guard_verdict(&g, r->snap->rules, &f);
}
