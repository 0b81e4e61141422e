/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a request, stage by stage. Each stage is one function with one
 * result type; a new stage is one line in the table at the end.
 */
#include "gate/control.h"
#include "gate/ready.h"
#include "gate/request.h"

#include <stdlib.h>

/* A turn belongs to everybody: one request scans this much, then waits for the next turn. */
enum { SCAN_SLICE_BYTES = 128 * 1024 };

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

/* --- route: what is asked for -------------------------------------------------------------- */

static const struct {
	const char *path;
	const char *method, *also; /* also may be NULL */
	const char *allow;
	enum rw_endpoint endpoint;
} paths[] = {
	{"/v1/chat/completions", "POST", NULL, "POST", RW_EP_CHAT},
	{"/scan", "POST", NULL, "POST", RW_EP_SCAN},
	{"/v1/models", "GET", "HEAD", "GET, HEAD", RW_EP_MODELS},
	{"/healthz", "GET", "HEAD", "GET, HEAD", RW_EP_HEALTHZ},
	{"/readyz", "GET", "HEAD", "GET, HEAD", RW_EP_READYZ},
};

/* Paths are compared as they came: another spelling is another path, and is not served. */
static enum rw_step route(struct rw_request *r)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!rw_slice_is(r->path, paths[i].path))
			continue;
		if (rw_slice_is(r->method, paths[i].method) ||
		    (paths[i].also && rw_slice_is(r->method, paths[i].also)))
			r->endpoint = paths[i].endpoint;
		else
			r->allow = paths[i].allow;
	}
	return RW_STEP_NEXT;
}

/* --- admit: may any request be served now? ------------------------------------------------ */

static enum rw_step admit(struct rw_request *r)
{
	struct rw_gateway *gw = r->w->gw;

	if (r->endpoint == RW_EP_HEALTHZ)
		return rw_answer_json(r, 200, RW_SLICE("{\"status\":\"ok\"}\n"));
	if (r->endpoint == RW_EP_READYZ)
		return RW_STEP_NEXT;
	if (config_of(r)->audit_required &&
	    !atomic_load_explicit(&gw->audit_ok, memory_order_relaxed))
		return rw_refuse(r, RW_REFUSE_AUDIT, NULL, 0);
	return RW_STEP_NEXT;
}

/* --- ready: says what is enforced where ------------------------------------------------------ */

static enum rw_step ready(struct rw_request *r)
{
	bool ok;

	if (r->endpoint != RW_EP_READYZ)
		return RW_STEP_NEXT;
	if (rw_ready_json(r->w->gw, r->snap, r->w->draining, &r->out, &ok))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	return rw_answer_json(r, ok ? 200 : 503, rw_buf_slice(&r->out));
}

/* --- limit by address: before the key, so that guessing keys is limited too ------------------ */

static enum rw_step limit_address(struct rw_request *r)
{
	const struct rw_rate *rate = &config_of(r)->address_rate;
	uint64_t retry_ns = 0;

	if (rw_limits_take(r->w->gw->address_cells, rw_source_slice(&r->source), rate->per_minute,
			   rate->burst, rw_loop_now(r->w->loop), &retry_ns))
		return RW_STEP_NEXT;
	rw_request_strike(r, RW_STRIKE_RATE);
	return rw_refuse(r, RW_REFUSE_RATE_ADDRESS, NULL, retry_ns);
}

/* Behind the limit: each refusal leaves an audit record, and a stranger asks as often as he likes.
 */
static enum rw_step known(struct rw_request *r)
{
	if (r->allow)
		return rw_refuse(r, RW_REFUSE_METHOD, r->allow, 0);
	return r->endpoint == RW_EP_NONE ? rw_refuse(r, RW_REFUSE_NO_PATH, NULL, 0) : RW_STEP_NEXT;
}

/* --- identify: whose request is it ----------------------------------------------------------- */

/* Whoever attacks with a valid key is not told apart by address: others may share that. */
static enum rw_step unless_suspended(struct rw_request *r)
{
	uint64_t left_ns = rw_suspended_left(r->w->gw->suspended, rw_key_number(r->key->id),
					     rw_loop_now(r->w->loop));

	return left_ns ? rw_refuse(r, RW_REFUSE_SUSPENDED, NULL, left_ns) : RW_STEP_NEXT;
}

/* A verified certificate stands for a key, where that is wanted; a key that is given goes first. */
static bool has_certificate(struct rw_request *r)
{
	r->by_cert = config_of(r)->certs_accepted && rw_exchange_peer(r->x)->identity[0];
	return r->by_cert;
}

/* A wrong key is refused also where none is needed: whoever has one wants to be known. */
static enum rw_step identify(struct rw_request *r)
{
	bool given = r->credential.n > 0;

	if (given)
		r->key = rw_keytable_find(r->snap->keys, r->credential);
	rw_request_wipe(r);
	if (r->key)
		return unless_suspended(r);
	if (!given && (has_certificate(r) || !config_of(r)->keys_required))
		return RW_STEP_NEXT;
	rw_request_strike(r, RW_STRIKE_AUTH);
	return rw_refuse(r, given ? RW_REFUSE_BAD_KEY : RW_REFUSE_NO_KEY, NULL, 0);
}

static enum rw_step limit_key(struct rw_request *r)
{
	struct rw_rate rate = config_of(r)->key_rate;
	uint64_t retry_ns = 0;

	if (!r->key && !r->by_cert)
		return RW_STEP_NEXT;
	if (r->key && r->key->rate_per_minute) {
		rate.per_minute = r->key->rate_per_minute;
		if (rate.burst > rate.per_minute)
			rate.burst = rate.per_minute;
	}
	/* An identity begins with its kind and a colon: it is no key's id. */
	if (rw_limits_take(r->w->gw->key_cells,
			   rw_slice_str(r->key ? r->key->id : rw_exchange_peer(r->x)->identity),
			   rate.per_minute, rate.burst, rw_loop_now(r->w->loop), &retry_ns))
		return RW_STEP_NEXT;
	return rw_refuse(r, RW_REFUSE_RATE_KEY, NULL, retry_ns);
}

/* --- models: the allowlist, as a list -------------------------------------------------------- */

static enum rw_step models(struct rw_request *r)
{
	const struct rw_config *c = config_of(r);
	const char *names[RW_MAX_MODELS];
	unsigned n = 0;

	if (r->endpoint != RW_EP_MODELS)
		return RW_STEP_NEXT;
	for (unsigned i = 0; i < c->n_models; i++)
		if (strcmp(c->models[i].name, "*") != 0)
			names[n++] = c->models[i].name;
	if (rw_openai_models(&r->out, names, n, 0))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	return rw_answer_json(r, 200, rw_buf_slice(&r->out));
}

/* --- body: whole, under its bound ------------------------------------------------------------ */

static enum rw_step acceptable(struct rw_request *r)
{
	if (r->encoded)
		return rw_refuse(r, RW_REFUSE_ENCODING, NULL, 0);
	if (r->not_json)
		return rw_refuse(r, RW_REFUSE_MEDIA_TYPE, NULL, 0);
	if (r->announced_bytes > config_of(r)->max_body_bytes)
		return rw_refuse(r, RW_REFUSE_TOO_LARGE, NULL, 0);
	return RW_STEP_NEXT;
}

static enum rw_step body(struct rw_request *r)
{
	if (!r->body_whole) {
		rw_exchange_continue(r->x);
		return RW_STEP_WAIT;
	}
	rw_metric_add(&r->w->metrics.request_bytes_total, r->body.len);
	return RW_STEP_NEXT;
}

/* --- normalise: which texts does the body hold, by whom -------------------------------------- */

static enum rw_step normalise(struct rw_request *r)
{
	struct rw_chat_limits limits = {.messages = config_of(r)->max_messages};
	struct rw_error e = {0};

	int rc = r->endpoint == RW_EP_SCAN
			 ? rw_scan_parse(&r->chat, &r->arena, rw_buf_slice(&r->body), &limits, &e)
			 : rw_chat_parse(&r->chat, &r->arena, rw_buf_slice(&r->body), &limits, &e);

	if (rc)
		return rc == RW_ENOMEM ? rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0)
				       : rw_refuse(r, RW_REFUSE_BODY, e.text, 0);
	r->edits = rw_arena_alloc(&r->arena, (r->chat.n_texts + 1) * sizeof(*r->edits));
	/* The arena holds the texts once more. */
	if (!r->edits || !rw_request_charge(r, r->arena.used_bytes))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	return RW_STEP_NEXT;
}

static enum rw_step judge(struct rw_request *r)
{
	return r->endpoint == RW_EP_SCAN ? rw_request_judge(r) : RW_STEP_NEXT;
}

static enum rw_step choose_model(struct rw_request *r)
{
	if (r->endpoint == RW_EP_SCAN) /* nothing goes to an upstream */
		return RW_STEP_NEXT;
	r->upstream = rw_snapshot_route(r->snap, r->chat.model);
	if (r->upstream < 0)
		return rw_refuse(r, RW_REFUSE_MODEL, NULL, 0);
	return RW_STEP_NEXT;
}

/* --- scan: what do the texts say -------------------------------------------------------------- */

/* A text that is JSON itself is read through its escapes, and stays JSON. */
static int scan_arguments(struct rw_request *r, const struct rw_text *t)
{
	struct rw_guard g = rw_request_guard(r, t->role);
	int rc = rw_redact_arguments(r, t, &g);

	return rc == RW_EPERM ? RW_ACT_BLOCK : rc;
}

/* Returns the action over one text, or a negative rw_err: the scanner failed, or no memory. */
static int scan_one(struct rw_request *r, const struct rw_text *t)
{
	const struct rw_guard g = rw_request_guard(r, t->role);
	struct rw_guard placed;
	struct rw_findings f;
	enum rw_action act;
	int rc;

	if (t->json)
		return scan_arguments(r, t);
	rc = rw_request_scan(r, t->text, rw_guard_categories(&g), &f);
	if (rc)
		return rc;
	rw_request_turn(r, t, &f);
	rw_consult_join(r, r->next_text, &f);
	if (f.n == 0)
		return RW_ACT_ALLOW;
	rc = rw_redact_guard(r, &g, false, &placed);
	if (rc)
		return rc;
	rw_tally_add(&r->found, &placed, r->snap->rules, &f);
	act = rw_guard_verdict(&g, r->snap->rules, &f);
	if (act != RW_ACT_MASK)
		return (int)act;
	if (f.more) /* more than can be located: what cannot be masked is not passed on */
		return RW_ACT_BLOCK;
	rc = rw_redact_text(r, t, &f);
	return rc ? rc : RW_ACT_MASK;
}

static void resume(void *arg)
{
	rw_request_run(arg);
}

static enum rw_step scan(struct rw_request *r)
{
	size_t left = SCAN_SLICE_BYTES;
	int act;

	while (r->next_text < r->chat.n_texts) {
		const struct rw_text *t = &r->chat.texts[r->next_text];

		if (left == 0) {
			rw_task_set(r->w->loop, &r->yield, resume, r);
			return RW_STEP_WAIT;
		}
		left -= t->text.n < left ? t->text.n : left;
		act = scan_one(r, t);
		if (act < 0)
			return rw_refuse(r, RW_REFUSE_SCANNER, NULL, 0);
		r->next_text++;
		r->blocked = act == RW_ACT_BLOCK;
		if (r->blocked)
			return RW_STEP_NEXT;
	}
	act = rw_request_conversation(r);
	if (act < 0)
		return rw_refuse(r, RW_REFUSE_SCANNER, NULL, 0);
	r->blocked = act == RW_ACT_BLOCK;
	return RW_STEP_NEXT;
}

/* --- decide: allow, flag, mask or block ------------------------------------------------------- */

static enum rw_step decide(struct rw_request *r)
{
	struct rw_metrics *m = &r->w->metrics;

	if (r->blocked) {
		rw_metric_add(&m->blocked_requests_total, 1);
		rw_request_strike(r, RW_STRIKE_BLOCKED);
		return rw_refuse(r, RW_REFUSE_BLOCKED, NULL, 0);
	}
	r->verdict = rw_action_name(r->found.strongest);
	if (r->found.strongest == RW_ACT_MASK)
		rw_metric_add(&m->masked_requests_total, 1);
	if (r->found.strongest == RW_ACT_FLAG)
		rw_metric_add(&m->flagged_requests_total, 1);
	return RW_STEP_NEXT;
}

/* --- rewrite: masked spans; every other byte as it came --------------------------------------- */

static enum rw_step rewrite(struct rw_request *r)
{
	if (r->n_edits == 0)
		return RW_STEP_NEXT;
	if (rw_edit_apply(rw_buf_slice(&r->body), r->edits, r->n_edits, &r->rewritten) ||
	    !rw_request_charge(r, r->rewritten.len))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	return RW_STEP_NEXT;
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum rw_step (*run)(struct rw_request *r);
} stages[] = {
	{"route", route},
	{"admit", admit},
	{"ready", ready},
	{"limit by address", limit_address},
	{"known", known},
	{"identify", identify},
	{"limit by key", limit_key},
	{"models", models},
	{"acceptable", acceptable},
	{"body", body},
	{"normalise", normalise},
	{"choose model", choose_model},
	{"consult", rw_request_consult},
	{"judge", judge},
	{"scan", scan},
	{"decide", decide},
	{"rewrite", rewrite},
	{"forward", rw_request_forward},
};

void rw_request_run(struct rw_request *r)
{
	const unsigned n = sizeof(stages) / sizeof(stages[0]);

	while (r->stage < n) {
		enum rw_step step = stages[r->stage].run(r);

		if (step == RW_STEP_WAIT)
			return;
		r->stage = step == RW_STEP_DONE ? n : r->stage + 1;
	}
}
