/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarding, and the answer's way back: guarded whole, or event by event with hold-back.
 *
 * The upstream's status, headers and bytes go through as they are unless a
 * guard changed them; an answer that cannot be read is never passed on.
 */
#include "gate/request.h"

#include "base/log.h"
#include "gate/fields.h"

enum { LAST_BYTES = 1024 }; /* of a large answer, at most, wait for its record */

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

static void cancel_fetch(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_cancel(r->fetch);
	r->fetch = NULL;
}

/* The audit record and the headers tell the stronger of what was found on both ways. */
static void raise_verdict(struct rw_request *r)
{
	if (r->answer_found.strongest > r->found.strongest)
		r->verdict = rw_action_name(r->answer_found.strongest);
}

/* --- the head ---------------------------------------------------------------------------- */

static int keep_fields(struct rw_request *r, const struct rw_h1_head *h)
{
	r->answer_fields = rw_arena_alloc(&r->arena, (h->n_headers + RW_OWN_FIELDS) *
							     sizeof(*r->answer_fields));
	if (!r->answer_fields)
		return RW_ENOMEM;
	for (unsigned i = 0; i < h->n_headers; i++) {
		struct rw_http_field *f = &r->answer_fields[r->n_answer_fields];
		char *name, *value;

		if (!rw_field_goes_down(h, h->headers[i].name))
			continue;
		name = rw_arena_copy(&r->arena, h->headers[i].name);
		value = rw_arena_copy(&r->arena, h->headers[i].value);
		if (!name || !value)
			return RW_ENOMEM;
		f->name = rw_slice_of(name, h->headers[i].name.n);
		f->value = rw_slice_of(value, h->headers[i].value.n);
		r->n_answer_fields++;
	}
	return RW_OK;
}

static bool is_event_stream(const struct rw_h1_head *h)
{
	const struct rw_slice *v = rw_h1_find(h, "content-type");

	return v && v->n >= 17 && strncasecmp(v->p, "text/event-stream", 17) == 0;
}

/* False: it could not be written, the connection is ending, and on_done of the exchange follows. */
static bool send_head(struct rw_request *r, int64_t length)
{
	size_t n = rw_own_fields(r, r->answer_fields, r->n_answer_fields);

	r->answered = true;
	r->status = r->answer_status;
	rw_metrics_status(&r->w->metrics, r->status);
	return rw_exchange_head(r->x, r->answer_status, r->answer_fields, n, length) == RW_OK;
}

static void refuse_answer(struct rw_request *r, enum rw_refusal kind, const char *detail)
{
	cancel_fetch(r);
	rw_refuse(r, kind, detail, 0);
}

/* The operator's word: this model's answers are not read. Its errors, too, go as they are. */
static bool is_passed(const struct rw_request *r)
{
	int model = rw_snapshot_model(r->snap, r->chat.model);

	return model >= 0 && config_of(r)->models[model].pass_answers;
}

static void begin_passing(struct rw_request *r, const struct rw_h1_head *h)
{
	r->mode = RW_ANSWER_PASSED;
	r->passed_left = h->has_length ? h->length : UINT64_MAX;
	rw_metric_add(&r->w->metrics.passed_answers_total, 1);
	if (!r->passed_left)
		rw_request_last(r);
	if (!send_head(r, h->has_length ? (int64_t)h->length : -1))
		cancel_fetch(r);
	else if (!rw_request_syncs(r)) /* from kernel to kernel nobody sees the last byte come */
		rw_fetch_pass(r->fetch, r->x);
}

static void on_head(void *user, const struct rw_h1_head *h)
{
	struct rw_request *r = user;
	struct rw_guard guard;

	r->first_byte_ns = rw_loop_now(r->w->loop);
	r->answer_status = h->status;
	/* 401 and 403 speak about the gateway's key, not the caller's, and may quote it. */
	if (h->status == 401 || h->status == 403) {
		rw_warn("upstream %s answered %u: check its key in the configuration",
			config_of(r)->upstreams[r->upstream].name, h->status);
		refuse_answer(r, RW_REFUSE_UPSTREAM_AUTH, NULL);
		return;
	}
	/* A client that followed would carry the prompt, as it was, around the guards. */
	if (h->status >= 300 && h->status < 400) {
		rw_warn("upstream %s answered %u, a redirection: check its url in the "
			"configuration",
			config_of(r)->upstreams[r->upstream].name, h->status);
		refuse_answer(r, RW_REFUSE_UPSTREAM_ANSWER, "it redirects elsewhere");
		return;
	}
	if (rw_fields_encoded(h)) {
		refuse_answer(r, RW_REFUSE_UPSTREAM_ANSWER,
			      "it is compressed, though identity was asked for");
		return;
	}
	if (keep_fields(r, h)) {
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
		return;
	}
	if (is_passed(r)) {
		begin_passing(r, h);
		return;
	}
	if (h->status != 200 || !is_event_stream(h)) {
		r->mode = RW_ANSWER_WHOLE;
		return;
	}
	if (rw_redact_guard(r, &config_of(r)->answer, true, &guard))
		r->stream = NULL;
	else
		r->stream = rw_answer_stream_new(r->w->scanner, r->snap->rules, &guard);
	if (!r->stream) {
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
		return;
	}
	r->mode = RW_ANSWER_STREAM;
	rw_metric_add(&r->w->metrics.streams_total, 1);
	if (!send_head(r, -1))
		cancel_fetch(r);
}

/* --- streams ------------------------------------------------------------------------------ */

void rw_answer_settle(struct rw_request *r)
{
	struct rw_metrics *m = &r->w->metrics;

	if (!r->stream)
		return;
	rw_answer_stream_tally(r->stream, &r->answer_found);
	r->usage = *rw_answer_stream_usage(r->stream);
	rw_metric_add(&m->stream_events_total, rw_answer_stream_events(r->stream));
	if (r->answer_found.strongest == RW_ACT_MASK)
		rw_metric_add(&m->masked_answers_total, 1);
	if (r->answer_found.strongest == RW_ACT_BLOCK)
		rw_metric_add(&m->blocked_answers_total, 1);
	raise_verdict(r);
	rw_timer_cancel(&r->hold);
	rw_answer_stream_free(r->stream);
	r->stream = NULL;
}

/* Hands what may go to the client; false: the client's side is closed. */
static bool flush_stream(struct rw_request *r)
{
	int rc;

	if (r->out.len == 0)
		return true;
	r->answer_bytes += r->out.len;
	rc = rw_exchange_body(r->x, r->out.p, r->out.len);
	rw_buf_reset(&r->out);
	return rc == RW_OK;
}

static void end_stream(struct rw_request *r)
{
	rw_answer_settle(r);
	rw_request_last(r);
	if (flush_stream(r))
		rw_request_end(r);
	else
		rw_exchange_abort(r->x);
}

static const char *reason_of(int rc)
{
	return rc == RW_EPERM	 ? "answer_blocked"
	       : rc == RW_EIO	 ? "scanner_failed"
	       : rc == RW_ENOMEM ? "overloaded"
				 : "upstream_bad_answer";
}

static void on_hold(void *arg);

/* Twice in the time that the configuration grants: who got nothing between two calls is late. */
static void hold_on(struct rw_request *r)
{
	uint64_t half_ns = (uint64_t)config_of(r)->hold_ms * 1000000 / 2;

	if (half_ns && !rw_timer_armed(&r->hold) && rw_answer_stream_holds(r->stream))
		rw_timer_set(r->w->loop, &r->hold, rw_loop_now(r->w->loop) + half_ns, on_hold, r);
}

/* Hands on what the stream put into out; false: the exchange is over. */
static bool pass_on(struct rw_request *r, int rc)
{
	if (rc) { /* the stream's own ending is in out already */
		cancel_fetch(r);
		r->reason = reason_of(rc);
		end_stream(r);
		return false;
	}
	if (rw_answer_stream_done(r->stream))
		rw_request_last(r);
	if (!flush_stream(r)) {
		cancel_fetch(r);
		rw_exchange_abort(r->x);
		return false;
	}
	hold_on(r);
	return true;
}

static void on_hold(void *arg)
{
	struct rw_request *r = arg;

	if (r->stream)
		pass_on(r, rw_answer_stream_late(r->stream, &r->out));
}

static void stream_body(struct rw_request *r, struct rw_slice data)
{
	if (!pass_on(r, rw_answer_stream_feed(r->stream, data, &r->out)))
		return;
	if (rw_exchange_queued(r->x) > rw_sock_high_mark())
		rw_fetch_recv(r->fetch, false);
}

/* --- whole answers ------------------------------------------------------------------------ */

static void whole_body(struct rw_request *r, struct rw_slice data)
{
	if (r->answer.len + data.n > config_of(r)->max_answer_bytes) {
		refuse_answer(r, RW_REFUSE_UPSTREAM_ANSWER, "it is larger than limits.answer");
		return;
	}
	if (!rw_request_charge(r, data.n) || rw_buf_add_slice(&r->answer, data))
		refuse_answer(r, RW_REFUSE_MEMORY, NULL);
}

static void passed_body(struct rw_request *r, const char *data, size_t n)
{
	r->answer_bytes += n;
	r->passed_left -= n;
	if (!r->passed_left)
		rw_request_last(r);
	if (rw_exchange_body(r->x, data, n))
		cancel_fetch(r);
	else if (rw_exchange_queued(r->x) > rw_sock_high_mark())
		rw_fetch_recv(r->fetch, false);
}

static void on_passed(void *user, size_t n)
{
	struct rw_request *r = user;

	r->answer_bytes += n;
	rw_metric_add(&r->w->metrics.spliced_bytes_total, n);
}

static void on_body(void *user, const char *data, size_t n)
{
	struct rw_request *r = user;

	if (r->mode == RW_ANSWER_PASSED)
		passed_body(r, data, n);
	else if (r->mode == RW_ANSWER_STREAM)
		stream_body(r, rw_slice_of(data, n));
	else
		whole_body(r, rw_slice_of(data, n));
}

/* Guards an answer that is text and not JSON we know: an upstream's error page, say. */
static int guard_plain(struct rw_request *r, struct rw_guard *g)
{
	struct rw_lane *l;
	int rc;

	g->where = "body";
	l = rw_lane_new(r->w->scanner, r->snap->rules, g);
	if (!l)
		return RW_ENOMEM;
	rc = rw_lane_feed(l, rw_buf_slice(&r->answer), &r->out);
	if (!rc)
		rc = rw_lane_end(l, &r->out);
	r->answer_found = *rw_lane_tally(l);
	rw_lane_free(l);
	if (rc)
		rw_buf_reset(&r->out);
	return rc;
}

/* An error's body may be anything; a success must be what we can read, or there is none. */
static int guard_whole(struct rw_request *r, struct rw_error *e)
{
	struct rw_guard g;
	int rc;

	if (r->answer.len == 0 && (r->answer_status == 204 || r->answer_status == 205))
		return RW_OK;
	rc = rw_redact_guard(r, &config_of(r)->answer, true, &g);
	if (!rc)
		rc = rw_answer_guard(r->w->scanner, r->snap->rules, &g, rw_buf_slice(&r->answer),
				     &r->out, &r->answer_found, &r->usage, e);
	if (rc != RW_EINVAL || r->answer_status < 300)
		return rc;
	rw_buf_reset(&r->out);
	return guard_plain(r, &g);
}

/* The last one is small where it has to wait for the record. */
static size_t next_piece(struct rw_request *r, size_t room)
{
	size_t left = r->out.len - r->sent;

	if (rw_request_syncs(r)) {
		if (left <= LAST_BYTES) {
			rw_request_last(r);
			return left;
		}
		left -= LAST_BYTES;
	}
	return left < room ? left : room;
}

/* As much as the client takes; the rest stays in out until it does, not in one more copy. */
static void push_whole(struct rw_request *r)
{
	size_t queued, room, n;

	while (r->sent < r->out.len) {
		queued = rw_exchange_queued(r->x);
		room = rw_sock_high_mark();
		if (queued >= room)
			return; /* rw_answer_drained goes on */
		n = next_piece(r, room - queued);
		if (rw_exchange_body(r->x, r->out.p + r->sent, n))
			return;
		r->sent += n;
		r->answer_bytes += n;
	}
	rw_request_end(r);
}

static void end_whole(struct rw_request *r)
{
	struct rw_metrics *m = &r->w->metrics;
	struct rw_error e = {0};
	int rc = guard_whole(r, &e);

	if (rc == RW_EPERM) {
		rw_metric_add(&m->blocked_answers_total, 1);
		rw_refuse(r, RW_REFUSE_ANSWER_BLOCKED, NULL, 0);
		return;
	}
	if (rc == RW_OK && !rw_request_charge(r, r->out.len))
		rc = RW_ENOMEM;
	if (rc) {
		rw_refuse(r,
			  rc == RW_ENOMEM ? RW_REFUSE_MEMORY
			  : rc == RW_EIO  ? RW_REFUSE_ANSWER_SCANNER
					  : RW_REFUSE_UPSTREAM_ANSWER,
			  rc == RW_EINVAL ? e.text : NULL, 0);
		return;
	}
	rw_request_drop(r, &r->answer);
	if (r->answer_found.strongest == RW_ACT_MASK)
		rw_metric_add(&m->masked_answers_total, 1);
	raise_verdict(r);
	if (send_head(r, (int64_t)r->out.len))
		push_whole(r);
}

void rw_answer_drained(struct rw_request *r)
{
	if (r->fetch)
		rw_fetch_recv(r->fetch, true);
	else if (r->mode == RW_ANSWER_WHOLE)
		push_whole(r);
}

/* --- the end ------------------------------------------------------------------------------ */

static void end_passed(struct rw_request *r, bool clean)
{
	if (clean) {
		rw_request_end(r);
		return;
	}
	rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
	r->reason = "upstream_broke_off";
	rw_exchange_abort(r->x);
}

static void end_ended_stream(struct rw_request *r, bool clean)
{
	int rc = rw_answer_stream_end(r->stream, clean, &r->out);

	if (!clean)
		rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
	if (rc || !clean)
		r->reason = clean ? reason_of(rc) : "upstream_broke_off";
	end_stream(r);
}

/* What the provider did wrong is for the log; the caller learns the kind. */
static enum rw_refusal kind_of(int code)
{
	switch (code) {
	case RW_ETIMEOUT:
		return RW_REFUSE_UPSTREAM_TIMEOUT;
	case RW_EPROTO:
	case RW_ELIMIT:
		return RW_REFUSE_UPSTREAM_ANSWER;
	case RW_ENOMEM:
	case RW_EBUSY: /* no connection to it, or no descriptor for one, is free */
		return RW_REFUSE_MEMORY;
	default:
		return RW_REFUSE_UPSTREAM_DOWN;
	}
}

static void note_failure(struct rw_request *r, const struct rw_error *why)
{
	const char *text = rw_arena_copy(&r->arena, rw_slice_str(why->text));

	rw_warn("request %s: %s", r->id, why->text);
	r->upstream_error = text ? text : rw_err_name((int)why->code);
}

static void on_done(void *user, const struct rw_error *why)
{
	struct rw_request *r = user;

	r->fetch = NULL;
	if (why->code)
		note_failure(r, why);
	if (r->mode == RW_ANSWER_PASSED)
		end_passed(r, why->code == 0);
	else if (r->mode == RW_ANSWER_STREAM)
		end_ended_stream(r, why->code == 0);
	else if (why->code)
		rw_refuse(r, kind_of((int)why->code), NULL, 0);
	else
		end_whole(r);
}

/* --- the way out --------------------------------------------------------------------------- */

/* "/v1/chat/completions?x=y" becomes the upstream's prefix, the same rest, the same query. */
static char *upstream_target(struct rw_request *r)
{
	const char *prefix = config_of(r)->upstreams[r->upstream].path;
	struct rw_slice rest = r->path;

	if (rw_slice_starts(rest, "/v1"))
		rest = rw_slice_of(rest.p + 3, rest.n - 3);
	return rw_arena_join(&r->arena, rw_slice_str(prefix), rest, r->query);
}

enum rw_step rw_request_forward(struct rw_request *r)
{
	static const struct rw_fetch_cb cb = {
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
		.on_passed = on_passed,
	};
	const struct rw_upstream *up = &r->snap->routes->upstreams[r->upstream];
	struct rw_fetch_request rq = {.method = r->method};
	struct rw_error e = {0};
	char *target = upstream_target(r);

	if (!target)
		return rw_refuse(r, RW_REFUSE_MEMORY, NULL, 0);
	rq.target = rw_slice_str(target);
	if (up->authorization)
		r->fields[r->n_fields++] = (struct rw_http_field){RW_SLICE("authorization"),
								  rw_slice_str(up->authorization)};
	r->fields[r->n_fields++] = (struct rw_http_field){RW_SLICE("accept-encoding"),
							  RW_SLICE("identity")};
	rq.fields = r->fields;
	rq.n_fields = r->n_fields;
	rq.body = rw_buf_slice(r->n_edits ? &r->rewritten : &r->body);
	r->fetch_ns = rw_loop_now(r->w->loop);
	r->fetch = rw_fetch_start(r->pools->at[r->upstream], &rq, &cb, r, &e);
	if (r->fetch)
		return RW_STEP_WAIT;
	note_failure(r, &e);
	return rw_refuse(r, kind_of((int)e.code), NULL, 0);
}
