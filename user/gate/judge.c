/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /scan: what would the guards say of these texts? The answer is a verdict, where each
 * finding stands, and the texts as they would leave; nothing goes to an upstream, and what is found
 * is no strike: to ask is no attack.
 */
#include "gate/request.h"

enum {
	SLICE_BYTES = 128 * 1024, /* of texts in one turn, as of prompts */
	FINDINGS_TOLD = 1024,	  /* of a request; the rest is counted */
};

static int put_finding(struct rw_request *r, const struct rw_guard *g, const struct rw_finding *f)
{
	const struct rw_rule_info *info = rw_rules_info(r->snap->rules, f->rule);
	struct rw_buf *b = &r->out;
	int rc = rw_buf_addf(b, "%s{\"text\":%u,\"rule\":", r->judged.told ? "," : "",
			     r->next_text);

	if (!rc)
		rc = rw_buf_add_json(b, rw_slice_str(info->id));
	if (!rc)
		rc = rw_buf_addf(
			b, ",\"category\":\"%s\",\"type\":", rw_category_name(info->category));
	if (!rc)
		rc = rw_buf_add_json(b, rw_slice_str(info->type));
	if (!rc)
		rc = rw_buf_addf(b, ",\"action\":\"%s\",\"start\":%u,\"end\":%u,\"score\":%u}",
				 rw_action_name(rw_guard_action(g, r->snap->rules, f)), f->start,
				 f->end, f->score ? f->score : info->severity);
	r->judged.told++;
	return rc;
}

/* The finding that the answer is explained by: of the strongest action, the surest. */
static void note_worst(struct rw_request *r, const struct rw_guard *g, const struct rw_finding *f)
{
	const struct rw_rule_info *info = rw_rules_info(r->snap->rules, f->rule);
	enum rw_action action = rw_guard_action(g, r->snap->rules, f);
	unsigned score = f->score ? f->score : info->severity;

	if (r->judged.rule >= 0 &&
	    (action < r->judged.action || (action == r->judged.action && score <= r->judged.score)))
		return;
	r->judged.rule = f->rule;
	r->judged.action = action;
	r->judged.score = score;
}

static int tell(struct rw_request *r, const struct rw_guard *g, const struct rw_finding *f)
{
	note_worst(r, g, f);
	if (r->judged.told < FINDINGS_TOLD)
		return put_finding(r, g, f);
	r->judged.more++;
	return 0;
}

/* The text as it would leave, as JSON, into r->answer; NULL: nothing of it would. */
static int put_redacted(struct rw_request *r, const struct rw_slice *text)
{
	int rc = r->next_text ? rw_buf_add_str(&r->answer, ",") : 0;

	if (rc)
		return rc;
	return text ? rw_buf_add_json(&r->answer, *text) : rw_buf_add_str(&r->answer, "null");
}

static int put_masked(struct rw_request *r, const struct rw_guard *g, const struct rw_findings *f,
		      struct rw_slice text)
{
	struct rw_buf masked = {0};
	int rc = f->n && !f->more ? rw_mask_text(g, r->snap->rules, f, text, &masked) : 0;

	if (f->n)
		text = rw_buf_slice(&masked);
	if (!rc)
		rc = put_redacted(r, f->more ? NULL : &text);
	rw_buf_free(&masked);
	return rc;
}

/*
 * A text that is JSON itself is read through its escapes, and stays JSON; the first findings have
 * places, in its bytes.
 */
static int judge_arguments(struct rw_request *r, const struct rw_text *t, const struct rw_guard *g)
{
	unsigned places = r->found.n_places;
	struct rw_buf masked = {0};
	struct rw_slice text;
	int rc = rw_arguments_guard(r->w->scanner, r->snap->rules, g, t->text, &masked, &r->found);
	bool blocked = rc == RW_EPERM;

	if (blocked)
		rc = 0;
	for (; !rc && places < r->found.n_places; places++) {
		const struct rw_place *p = &r->found.places[places];
		const struct rw_finding f = {.start = p->start, .end = p->end, .rule = p->rule};
		unsigned severity = rw_rules_info(r->snap->rules, p->rule)->severity;

		rc = tell(r, g, &f);
		if (severity > r->judged.risk)
			r->judged.risk = severity;
	}
	text = rw_buf_slice(&masked);
	if (!rc)
		rc = put_redacted(r, blocked ? NULL : &text);
	rw_buf_wipe(&masked);
	return rc;
}

static int judge_one(struct rw_request *r, const struct rw_text *t)
{
	const struct rw_guard of = rw_request_guard(r, t->role);
	struct rw_findings f;
	struct rw_guard g;
	int rc = rw_redact_guard(r, &of, false, &g);

	g.vault = NULL; /* reversible tokens mean nothing here */
	if (!rc && t->json)
		return judge_arguments(r, t, &g);
	if (!rc)
		rc = rw_scan_text(r->w->scanner, r->snap->rules, t->text, rw_guard_categories(&g),
				  &f);
	if (rc)
		return rc;
	rw_consult_join(r, r->next_text, &f);
	rw_tally_add(&r->found, &g, r->snap->rules, &f);
	for (unsigned i = 0; !rc && i < f.n; i++) /* what the guard lets pass is no finding here */
		if (rw_guard_action(&g, r->snap->rules, &f.at[i]) != RW_ACT_ALLOW)
			rc = tell(r, &g, &f.at[i]);
	r->judged.more += f.more;
	if (f.score > r->judged.risk)
		r->judged.risk = f.score;
	return rc ? rc : put_masked(r, &g, &f, t->text);
}

/* "pii.email found EMAIL_ADDRESS: mask" */
static int put_reason(struct rw_request *r, struct rw_buf *b)
{
	const struct rw_rule_info *info;
	char text[256];
	int rc;

	if (r->judged.rule < 0)
		return rw_buf_add_str(b, "\"violated_rule\":null,\"reason\":\"nothing found\"");
	info = rw_rules_info(r->snap->rules, (unsigned)r->judged.rule);
	snprintf(text, sizeof(text), "%s found %s: %s", info->id, info->type,
		 rw_action_name(r->judged.action));
	rc = rw_buf_add_str(b, "\"violated_rule\":");
	if (!rc && r->judged.action >= RW_ACT_MASK)
		rc = rw_buf_add_json(b, rw_slice_str(info->id));
	else if (!rc)
		rc = rw_buf_add_str(b, "null");
	if (!rc)
		rc = rw_buf_add_str(b, ",\"reason\":");
	return rc ? rc : rw_buf_add_json(b, rw_slice_str(text));
}

static int put_answer(struct rw_request *r, struct rw_buf *b)
{
	int rc = rw_buf_addf(b, "{\"id\":\"%s\",\"is_safe\":%s,\"action\":\"%s\",", r->id,
			     r->found.strongest < RW_ACT_MASK ? "true" : "false",
			     rw_action_name(r->found.strongest));

	if (!rc)
		rc = put_reason(r, b);
	if (!rc)
		rc = rw_buf_addf(b, ",\"risk_score\":%u,\"findings\":[", r->judged.risk);
	if (!rc)
		rc = rw_buf_add_slice(b, rw_buf_slice(&r->out));
	if (!rc)
		rc = rw_buf_addf(b, "],\"more\":%u,\"redacted\":[", r->judged.more);
	if (!rc)
		rc = rw_buf_add_slice(b, rw_buf_slice(&r->answer));
	return rc ? rc : rw_buf_add_str(b, "]}\n");
}

static enum rw_step answer(struct rw_request *r)
{
	struct rw_buf *b = &r->rewritten;

	r->verdict = rw_action_name(r->found.strongest);
	rw_metric_add(&r->w->metrics.scans_total, 1);
	if (put_answer(r, b) || !rw_request_charge(r, b->len + r->out.len + r->answer.len))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	return rw_answer_json(r, 200, rw_buf_slice(b));
}

static void resume(void *arg)
{
	rw_request_run(arg);
}

enum rw_step rw_request_judge(struct rw_request *r)
{
	size_t left = SLICE_BYTES;

	if (!r->next_text && !r->judged.begun) {
		r->judged = (struct rw_judged){.begun = true, .rule = -1};
		rw_buf_reset(&r->out);
		rw_buf_reset(&r->answer);
	}
	while (r->next_text < r->chat.n_texts) {
		const struct rw_text *t = &r->chat.texts[r->next_text];
		int rc;

		if (left == 0) {
			rw_task_set(r->w->loop, &r->yield, resume, r);
			return RW_STEP_WAIT;
		}
		left -= t->text.n < left ? t->text.n : left;
		rc = judge_one(r, t);
		if (rc)
			return rw_refuse(r, rc == RW_ENOMEM ? RW_REFUSE_MEMORY : RW_REFUSE_SCANNER,
					 NULL, 0);
		r->next_text++;
	}
	return answer(r);
}
