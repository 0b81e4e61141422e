/* SPDX-License-Identifier: Apache-2.0 */
/*
 * External detectors: the texts of a request are shown to services that the configuration names,
 * over the ordinary upstream pools, a few at a time. What is blocked already is shown to nobody; a
 * judge sees texts as they would leave, masked. The worker never waits: the request does.
 */
#include "gate/request.h"

#include <stdlib.h>

#include "base/log.h"
#include "gate/fields.h"
#include "gate/recall.h"
#include "llm/detector.h"

enum {
	AT_ONCE = 4,
	ANSWER_BYTES = 1024 * 1024,
	SLICE_BYTES = 128 * 1024, /* of texts in one turn, as of prompts */
	ASK_FIELDS = 5,
};

/* One text, shown to one detector. */
struct ask {
	struct rw_request *r;
	struct rw_fetch *fetch; /* NULL: free */
	struct rw_timer deadline;
	unsigned text, detector;
	struct rw_text_key key;
	struct rw_buf question, answer;
};

/* What one detector found in a text. */
struct note {
	struct note *next;
	unsigned n;
	struct rw_finding at[];
};

/* What is looked at of a text before anybody is asked. */
struct seen {
	unsigned categories;   /* that findings count of, a bit each */
	struct rw_slice shown; /* to a judge: masked */
	struct note *notes;
};

/* In the request's arena. */
struct rw_consult {
	struct ask asks[AT_ONCE];
	unsigned running;
	unsigned looked; /* texts */
	unsigned next;	 /* text and detector to be asked next, as one number */
	bool blocked;	 /* by what is found here: nobody is asked */
	int refused_by;	 /* the detector that failed and must not; -1 */
	uint64_t begun_ns;
	struct seen *seen; /* by text */
};

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

static int begin(struct rw_request *r)
{
	struct rw_consult *c = rw_arena_alloc(&r->arena, sizeof(*c));
	size_t bytes = (r->chat.n_texts + 1) * sizeof(struct seen);

	if (!c)
		return RW_ENOMEM;
	*c = (struct rw_consult){.refused_by = -1, .begun_ns = rw_loop_now(r->w->loop)};
	c->seen = rw_arena_alloc(&r->arena, bytes);
	if (!c->seen)
		return RW_ENOMEM;
	memset(c->seen, 0, bytes);
	for (unsigned i = 0; i < AT_ONCE; i++)
		c->asks[i] = (struct ask){.r = r, .answer = {.max = ANSWER_BYTES}};
	if (!r->w->recall)
		r->w->recall = rw_recall_new();
	if (!r->w->recall)
		return RW_ENOMEM;
	r->consult = c;
	return RW_OK;
}

/* --- what is found here ------------------------------------------------------------------------
 */

static bool has_judge(const struct rw_config *c)
{
	for (unsigned i = 0; i < c->n_detectors; i++)
		if (c->detectors[i].protocol == RW_DETECTOR_JUDGE)
			return true;
	return false;
}

static int mask(struct rw_request *r, const struct rw_guard *g, const struct rw_findings *f,
		struct rw_slice text, struct rw_slice *out)
{
	struct rw_buf masked = {0};
	int rc = rw_mask_text(g, r->snap->rules, f, text, &masked);
	char *copy = rc ? NULL : rw_arena_copy(&r->arena, rw_buf_slice(&masked));

	*out = rw_slice_of(copy, copy ? masked.len : 0);
	rw_buf_wipe(&masked);
	return copy && rw_request_charge(r, out->n) ? RW_OK : RW_ENOMEM;
}

static int look_at(struct rw_request *r, const struct rw_text *t, struct seen *seen)
{
	const struct rw_guard g = rw_request_guard(r, t->role);
	struct rw_findings f;
	int rc;

	seen->shown = t->text;
	seen->categories = rw_guard_categories(&g);
	if (t->json || !t->text.n) /* places in it would not be those of its escapes */
		seen->categories = 0;
	if (!seen->categories)
		return RW_OK;
	rc = rw_request_scan(r, t->text, seen->categories, &f);
	if (rc)
		return rc;
	r->consult->blocked = rw_guard_verdict(&g, r->snap->rules, &f) == RW_ACT_BLOCK;
	if (!f.n || r->consult->blocked || !has_judge(config_of(r)))
		return RW_OK;
	return mask(r, &g, &f, t->text, &seen->shown);
}

static void resume(void *arg)
{
	rw_request_run(arg);
}

/* False: it goes on in the next turn. */
static bool look(struct rw_request *r, int *rc)
{
	struct rw_consult *c = r->consult;
	size_t left = SLICE_BYTES;

	for (*rc = RW_OK; !*rc && !c->blocked && c->looked < r->chat.n_texts; c->looked++) {
		const struct rw_text *t = &r->chat.texts[c->looked];

		if (left == 0) {
			rw_task_set(r->w->loop, &r->yield, resume, r);
			return false;
		}
		left -= t->text.n < left ? t->text.n : left;
		*rc = look_at(r, t, &c->seen[c->looked]);
	}
	return true;
}

/* --- what they say -----------------------------------------------------------------------------
 */

static int keep(struct rw_request *r, unsigned text, const struct rw_finding *at, unsigned n)
{
	struct seen *seen = &r->consult->seen[text];
	struct note *note;

	if (!n)
		return RW_OK;
	note = rw_arena_alloc(&r->arena, sizeof(*note) + n * sizeof(note->at[0]));
	if (!note)
		return RW_ENOMEM;
	*note = (struct note){.next = seen->notes, .n = n};
	memcpy(note->at, at, n * sizeof(note->at[0]));
	seen->notes = note;
	return RW_OK;
}

void rw_consult_join(const struct rw_request *r, unsigned text, struct rw_findings *f)
{
	const struct note *note = r->consult ? r->consult->seen[text].notes : NULL;

	for (; note; note = note->next)
		for (unsigned i = 0; i < note->n; i++)
			rw_findings_join(f, r->snap->rules, note->at[i]);
}

static bool counts(const struct rw_request *r, const struct ask *a, int rule)
{
	return rule >= 0 && r->consult->seen[a->text].categories &
				    1u << rw_rules_info(r->snap->rules, (unsigned)rule)->category;
}

/* The answer as findings of ours; at has room for RW_DETECTED_MAX. */
static int read_answer(struct rw_request *r, const struct ask *a, struct rw_finding *at,
		       unsigned *n, struct rw_error *e)
{
	const struct rw_detector_config *d = &config_of(r)->detectors[a->detector];
	struct rw_slice text = r->chat.texts[a->text].text, answer = rw_buf_slice(&a->answer);
	struct rw_detections found = {.n = 1};
	int rc;

	*n = 0;
	if (d->protocol == RW_DETECTOR_PRESIDIO) {
		rc = rw_presidio_read(answer, text, d->score, &found, e);
	} else {
		found.at[0] = (struct rw_detected){.end = (uint32_t)text.n,
						   .type = "PROMPT_INJECTION"};
		rc = rw_judge_read(answer, &found.at[0].score, e);
		found.n = found.at[0].score >= d->score;
	}
	for (unsigned i = 0; !rc && i < found.n; i++) {
		int rule = rw_rules_external(r->snap->rules, rw_slice_str(found.at[i].type));

		if (counts(r, a, rule))
			at[(*n)++] = (struct rw_finding){.start = found.at[i].start,
							 .end = found.at[i].end,
							 .rule = (uint16_t)rule,
							 .score = (uint8_t)found.at[i].score};
	}
	return rc;
}

/* --- the end of one question -------------------------------------------------------------------
 */

static void free_ask(struct rw_request *r, struct ask *a)
{
	rw_timer_cancel(&a->deadline);
	if (a->fetch)
		rw_fetch_cancel(a->fetch);
	a->fetch = NULL;
	rw_request_drop(r, &a->question);
	rw_request_drop(r, &a->answer);
	r->consult->running--;
}

static void cancel_all(struct rw_request *r)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (r->consult->asks[i].fetch)
			free_ask(r, &r->consult->asks[i]);
}

/* Said once, until it answers again. */
static void tell(struct rw_request *r, unsigned detector, const char *why)
{
	const struct rw_detector_config *d = &config_of(r)->detectors[detector];
	bool *down = &r->w->detector_down[detector];

	if (why && !*down)
		rw_warn("detector %s: %s; %s", d->name, why,
			d->fail_open ? "requests go on without it" : "requests are refused");
	if (!why && *down)
		rw_info("detector %s: answers again", d->name);
	*down = why != NULL;
}

static void failed(struct rw_request *r, unsigned detector, const char *why)
{
	rw_metric_add(&r->w->metrics.detector_failed_total, 1);
	r->consulted.failed++;
	tell(r, detector, why);
	if (config_of(r)->detectors[detector].fail_open || r->consult->refused_by >= 0)
		return;
	r->consult->refused_by = (int)detector;
	cancel_all(r);
}

static void finish(struct ask *a, const char *why)
{
	struct rw_request *r = a->r;
	unsigned detector = a->detector;

	free_ask(r, a);
	if (why)
		failed(r, detector, why);
	rw_task_set(r->w->loop, &r->yield, resume, r);
}

static void on_deadline(void *arg)
{
	finish(arg, "no answer within its deadline");
}

static void on_head(void *user, const struct rw_h1_head *h)
{
	struct ask *a = user;

	if (h->status != 200 || rw_fields_encoded(h))
		finish(a, h->status != 200 ? "its status is not 200" : "its answer is compressed");
}

static void on_body(void *user, const char *data, size_t n)
{
	struct ask *a = user;

	if (a->answer.len + n > ANSWER_BYTES)
		finish(a, "its answer is too large");
	else if (!rw_request_charge(a->r, n))
		finish(a, "there is no memory for its answer");
	else if (rw_buf_add(&a->answer, data, n))
		finish(a, "there is no memory for its answer");
}

static void on_done(void *user, const struct rw_error *why)
{
	struct rw_finding at[RW_DETECTED_MAX];
	struct ask *a = user;
	struct rw_request *r = a->r;
	uint64_t cache_ns = (uint64_t)config_of(r)->detectors[a->detector].cache_ms * 1000000;
	struct rw_error e = *why;
	unsigned n = 0;

	a->fetch = NULL;
	if (!e.code && (read_answer(r, a, at, &n, &e) || keep(r, a->text, at, n)) && !e.code)
		rw_fail(&e, RW_ENOMEM, "there is no memory for its answer");
	if (!e.code) {
		tell(r, a->detector, NULL);
		if (cache_ns)
			rw_recall_put(r->w->recall, &a->key, rw_loop_now(r->w->loop) + cache_ns, at,
				      n);
	}
	finish(a, e.code ? e.text : NULL);
}

/* --- the beginning -----------------------------------------------------------------------------
 */

static struct ask *free_slot(struct rw_consult *c)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		if (!c->asks[i].fetch)
			return &c->asks[i];
	return NULL;
}

/* What is remembered is of this detector as it is configured, under these rules, of this text. */
static struct rw_text_key key_of(struct rw_request *r, const struct rw_detector_config *d,
				 struct rw_slice text, unsigned categories)
{
	const struct rw_slice parts[] = {
		rw_slice_str(d->name), /* its host may have others, at other ports */
		rw_slice_str(r->snap->routes->upstreams[d->upstream].host),
		rw_slice_str(config_of(r)->upstreams[d->upstream].path),
		rw_slice_str(d->model ? d->model : ""),
		rw_slice_str(d->language),
		rw_slice_str(rw_rules_digest(r->snap->rules)),
		rw_slice_of((const char *)&d->protocol, sizeof(d->protocol)),
		rw_slice_of((const char *)&d->score, sizeof(d->score)),
		rw_slice_of((const char *)&categories, sizeof(categories)),
		text,
	};

	return rw_text_key_of(&r->w->text_hash, parts, sizeof(parts) / sizeof(parts[0]));
}

static int send_question(struct rw_request *r, struct ask *a, struct rw_error *e)
{
	static const struct rw_fetch_cb cb = {
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
	};
	const struct rw_detector_config *d = &config_of(r)->detectors[a->detector];
	const struct rw_upstream *up = &r->snap->routes->upstreams[d->upstream];
	bool judge = d->protocol == RW_DETECTOR_JUDGE;
	struct rw_http_field fields[ASK_FIELDS] = {
		{RW_SLICE("content-type"), RW_SLICE("application/json")},
		{RW_SLICE("accept"), RW_SLICE("application/json")},
		{RW_SLICE("accept-encoding"), RW_SLICE("identity")},
	};
	struct rw_fetch_request rq = {.method = RW_SLICE("POST"), .fields = fields, .n_fields = 3};
	const char *target = rw_arena_printf(&r->arena, "%s/%s",
					     config_of(r)->upstreams[d->upstream].path,
					     judge ? "chat/completions" : "analyze");

	if (!target)
		return rw_fail(e, RW_ENOMEM, "there is no memory to ask it");
	rq.target = rw_slice_str(target);
	if (up->authorization)
		fields[rq.n_fields++] = (struct rw_http_field){RW_SLICE("authorization"),
							       rw_slice_str(up->authorization)};
	rq.body = rw_buf_slice(&a->question);
	a->fetch = rw_fetch_start(r->pools->at[d->upstream], &rq, &cb, a, e);
	return a->fetch ? RW_OK : RW_EIO;
}

static void ask(struct rw_request *r, struct ask *a, struct rw_slice text)
{
	const struct rw_detector_config *d = &config_of(r)->detectors[a->detector];
	uint64_t end = r->consult->begun_ns + (uint64_t)d->deadline_ms * 1000000;
	struct rw_error e = {0};
	int rc = d->protocol == RW_DETECTOR_JUDGE
			 ? rw_judge_ask(&a->question, d->model, text)
			 : rw_presidio_ask(&a->question, text, d->language, d->score);

	if (rc || !rw_request_charge(r, a->question.len)) {
		rw_buf_reset(&a->question);
		failed(r, a->detector, "there is no memory to ask it");
		return;
	}
	rc = send_question(r, a, &e);
	if (rc) {
		rw_request_drop(r, &a->question);
		failed(r, a->detector, e.text);
		return;
	}
	r->consult->running++;
	r->consulted.asked++;
	rw_metric_add(&r->w->metrics.detector_asked_total, 1);
	rw_timer_set(r->w->loop, &a->deadline, end, on_deadline, a);
}

/* Whether what the detector looks for counts in the text. */
static bool concerns(const struct rw_detector_config *d, const struct seen *seen)
{
	unsigned category = d->protocol == RW_DETECTOR_JUDGE ? RW_CAT_INJECTION : RW_CAT_PII;

	return seen->categories & 1u << category;
}

/* Asks the detector about the text, where that is not known already. */
static void show(struct rw_request *r, unsigned text, unsigned detector, struct ask *a)
{
	const struct rw_detector_config *d = &config_of(r)->detectors[detector];
	const struct seen *seen = &r->consult->seen[text];
	struct rw_slice shown = d->protocol == RW_DETECTOR_JUDGE ? seen->shown
								 : r->chat.texts[text].text;
	struct rw_finding at[RW_RECALL_FINDINGS];
	uint64_t now = rw_loop_now(r->w->loop);
	unsigned n;

	if (!concerns(d, seen))
		return;
	a->text = text;
	a->detector = detector;
	if (shown.n > d->max_text_bytes) {
		failed(r, detector, "a text is longer than it may be asked about");
		return;
	}
	a->key = key_of(r, d, shown, seen->categories);
	if (rw_recall_get(r->w->recall, &a->key, now, at, &n)) {
		rw_metric_add(&r->w->metrics.detector_cached_total, 1);
		if (keep(r, text, at, n))
			failed(r, detector, "there is no memory for its answer");
	} else if (now >= r->consult->begun_ns + (uint64_t)d->deadline_ms * 1000000) {
		failed(r, detector, "no answer within its deadline");
	} else {
		ask(r, a, shown);
	}
}

static void show_more(struct rw_request *r)
{
	struct rw_consult *c = r->consult;
	unsigned n = config_of(r)->n_detectors;
	struct ask *a;

	while (c->refused_by < 0 && c->next < r->chat.n_texts * n && (a = free_slot(c))) {
		unsigned pair = c->next++;

		show(r, pair / n, pair % n, a);
	}
}

enum rw_step rw_request_consult(struct rw_request *r)
{
	const struct rw_config *config = config_of(r);
	int rc = RW_OK;

	if (!config->n_detectors)
		return RW_STEP_NEXT;
	if (!r->consult && begin(r))
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	if (!look(r, &rc))
		return RW_STEP_WAIT;
	if (rc)
		return rw_refuse(r, rc == RW_ENOMEM ? RW_REFUSE_MEMORY : RW_REFUSE_SCANNER, NULL,
				 0);
	if (r->consult->blocked)
		return RW_STEP_NEXT;
	show_more(r);
	if (r->consult->running)
		return RW_STEP_WAIT;
	r->consulted.ns = rw_loop_now(r->w->loop) - r->consult->begun_ns;
	if (r->consult->refused_by >= 0)
		return rw_refuse(r, RW_REFUSE_DETECTOR,
				 config->detectors[r->consult->refused_by].name, 0);
	return RW_STEP_NEXT;
}

void rw_consult_settle(struct rw_request *r)
{
	if (!r->consult)
		return;
	cancel_all(r);
	for (unsigned i = 0; i < AT_ONCE; i++) {
		rw_buf_free(&r->consult->asks[i].question);
		rw_buf_free(&r->consult->asks[i].answer);
	}
	r->consult = NULL;
}
