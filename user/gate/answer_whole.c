/* SPDX-License-Identifier: Apache-2.0 */
/* An answer that is no stream: kept until it is whole, guarded, then sent as its client takes it.
 */
#include "gate/answer_int.h"

enum { LAST_BYTES = 1024 }; /* of a large answer, at most, wait for its record */

static const struct rw_config *config_of(const struct rw_request *r)
{
	return r->snap->routes->config;
}

void rw_answer_whole_body(struct rw_request *r, struct rw_slice data)
{
	if (r->answer.len + data.n > config_of(r)->max_answer_bytes) {
		rw_answer_refuse(r, RW_REFUSE_UPSTREAM_ANSWER, "it is larger than limits.answer");
		return;
	}
	if (!rw_request_charge(r, data.n) || rw_buf_add_slice(&r->answer, data))
		rw_answer_refuse(r, RW_REFUSE_MEMORY, NULL);
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
	rw_lane_whole(l);
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

void rw_answer_whole_push(struct rw_request *r)
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

void rw_answer_whole_end(struct rw_request *r)
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
	rw_answer_raise(r);
	if (rw_answer_head(r, (int64_t)r->out.len))
		rw_answer_whole_push(r);
}
