/* SPDX-License-Identifier: Apache-2.0 */
/* A streamed answer: event by event, with hold-back, as they come. */
#include "gate/answer_int.h"

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

bool rw_answer_events_begin(struct rw_request *r)
{
	struct rw_guard guard;

	if (rw_redact_guard(r, &config_of(r)->answer, true, &guard))
		return false;
	r->stream = rw_answer_stream_new(r->w->scanner, r->snap->rules, &guard);
	if (!r->stream)
		return false;
	r->mode = RW_ANSWER_STREAM;
	rw_metric_add(&r->w->metrics.streams_total, 1);
	return true;
}

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
	rw_answer_raise(r);
	rw_timer_cancel(&r->hold);
	rw_answer_stream_free(r->stream);
	r->stream = NULL;
}

/* Hands what may go to the client; false: the client's side is closed. */
static bool flush_stream(struct rw_request *r)
{
	struct rw_buf *out = &r->w->events;
	int rc;

	if (out->len == 0)
		return true;
	r->answer_bytes += out->len;
	rc = rw_exchange_body(r->x, out->p, out->len);
	rw_buf_reset(out);
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
		rw_answer_cancel(r);
		r->reason = reason_of(rc);
		end_stream(r);
		return false;
	}
	if (rw_answer_stream_done(r->stream))
		rw_request_last(r);
	if (!flush_stream(r)) {
		rw_answer_cancel(r);
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
		pass_on(r, rw_answer_stream_late(r->stream, &r->w->events));
}

void rw_answer_events_body(struct rw_request *r, struct rw_slice data)
{
	if (!pass_on(r, rw_answer_stream_feed(r->stream, data, &r->w->events)))
		return;
	if (rw_exchange_queued(r->x) > rw_sock_high_mark())
		rw_fetch_recv(r->fetch, false);
}

void rw_answer_events_end(struct rw_request *r, bool clean)
{
	int rc = rw_answer_stream_end(r->stream, clean, &r->w->events);

	if (!clean)
		rw_metric_add(&r->w->metrics.upstream_errors_total, 1);
	if (rc || !clean)
		r->reason = clean ? reason_of(rc) : "upstream_broke_off";
	end_stream(r);
}
