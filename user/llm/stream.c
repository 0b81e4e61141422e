/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed answers: events are re-assembled, each piece of text goes through its lane, and
 * what the lane releases is put back in the piece's place. What a lane still holds when
 * its choice finishes goes out in an event of our own (stream_own.c), in front of the one that
 * says so.
 */
#include <stdlib.h>

#include "llm/stream_int.h"

enum { EVENT_BYTES_MAX = 1 << 20, LANES_MAX = 256 };

struct rw_answer_stream *rw_answer_stream_new(struct rw_scanner *s, struct rw_rules *r,
					      const struct rw_guard *g)
{
	struct rw_answer_stream *st = calloc(1, sizeof(*st));

	if (!st)
		return NULL;
	st->g = *g;
	st->w.guard = (struct rw_llm_guard){.s = s, .r = rw_rules_ref(r), .g = &st->g};
	st->sse.max_bytes = EVENT_BYTES_MAX;
	return st;
}

void rw_answer_stream_free(struct rw_answer_stream *st)
{
	if (!st)
		return;
	for (unsigned i = 0; i < st->n_lanes; i++)
		rw_llm_lane_drop(&st->w.guard, &st->lanes[i]);
	free(st->lanes);
	rw_rules_unref(st->w.guard.r);
	rw_rewrite_free(&st->w);
	rw_buf_free(&st->envelope);
	rw_buf_wipe(&st->spliced);
	rw_buf_wipe(&st->tail);
	rw_sse_free(&st->sse);
	free(st);
}

/* --- lanes ------------------------------------------------------------------------------- */

static int grow_lanes(struct rw_answer_stream *st)
{
	unsigned cap = st->lanes_cap ? st->lanes_cap * 2 : 2;
	struct rw_llm_lane *more;

	if (st->n_lanes == LANES_MAX)
		return RW_ELIMIT;
	more = realloc(st->lanes, cap * sizeof(*more));
	if (!more)
		return RW_ENOMEM;
	st->lanes = more;
	st->lanes_cap = cap;
	return RW_OK;
}

/* Finds or makes the lane that the spot belongs to. */
static int find_lane(struct rw_answer_stream *st, struct rw_spot *s)
{
	int rc;

	for (s->lane = 0; s->lane < st->n_lanes; s->lane++) {
		const struct rw_llm_lane *l = &st->lanes[s->lane];

		if (l->choice == s->choice && l->field == s->field && l->index == s->index)
			return RW_OK;
	}
	rc = st->n_lanes == st->lanes_cap ? grow_lanes(st) : RW_OK;
	if (!rc)
		st->lanes[st->n_lanes++] = (struct rw_llm_lane){
			.field = s->field, .choice = s->choice, .index = s->index};
	return rc;
}

static bool choice_holds(const struct rw_answer_stream *st, uint64_t choice)
{
	for (unsigned i = 0; i < st->n_lanes; i++)
		if (st->lanes[i].choice == choice && rw_llm_lane_held(&st->lanes[i]))
			return true;
	return false;
}

/* --- chunks ------------------------------------------------------------------------------ */

/* Which lanes the chunk feeds, where for the last time, and which it finishes. */
static int plan(struct rw_answer_stream *st)
{
	struct rw_chunk *c = &st->w.chunk;
	int rc = RW_OK;

	for (unsigned i = 0; i < c->n && !rc; i++) {
		if (c->spots[i].kind != RW_SPOT_LANE)
			continue;
		rc = find_lane(st, &c->spots[i]);
		if (!rc)
			st->lanes[c->spots[i].lane].last_spot = i;
	}
	for (unsigned i = 0; i < c->n && !rc; i++)
		for (unsigned k = 0; c->spots[i].kind == RW_SPOT_FINISH && k < st->n_lanes; k++)
			if (st->lanes[k].choice == c->spots[i].choice)
				st->lanes[k].finish_event = st->events;
	return rc;
}

static int feed_piece(struct rw_answer_stream *st, unsigned i)
{
	struct rw_spot *s = &st->w.chunk.spots[i];
	struct rw_llm_lane *l = &st->lanes[s->lane];
	size_t start = st->w.fresh.len;
	bool ends = l->finish_event == st->events && l->last_spot == i;
	struct rw_slice text;
	int rc = rw_rewrite_plain(&st->w, s, &text);

	l->fed_event = st->events;
	if (!rc && !l->scan)
		rc = rw_llm_lane_begin(&st->w.guard, l);
	if (!rc)
		rc = rw_llm_lane_feed(l, text, &st->w.fresh);
	if (!rc && ends)
		rc = rw_llm_lane_end(&st->w.guard, l, &st->w.fresh);
	if (rc)
		return rc;
	rw_rewrite_set(&st->w, s, text, start);
	return RW_OK;
}

static int guard_spots(struct rw_answer_stream *st)
{
	struct rw_chunk *c = &st->w.chunk;
	int rc = RW_OK;

	for (unsigned i = 0; i < c->n && !rc; i++) {
		struct rw_spot *s = &c->spots[i];

		if (s->kind == RW_SPOT_LANE)
			rc = feed_piece(st, i);
		else if (s->kind == RW_SPOT_TEXT)
			rc = rw_rewrite_text(&st->w, s);
		else if (s->kind == RW_SPOT_LOGPROBS)
			s->touched = choice_holds(st, s->choice);
		if (rc == RW_EPERM)
			st->blocked = s->choice;
	}
	return rc;
}

/* Lanes whose choice finishes in this chunk, which has no piece of theirs. */
static int flush_finished(struct rw_answer_stream *st, struct rw_buf *out)
{
	int rc = RW_OK;

	for (unsigned i = 0; i < st->n_lanes && !rc; i++)
		if (st->lanes[i].scan && st->lanes[i].finish_event == st->events)
			rc = rw_answer_stream_tail(st, &st->lanes[i], out);
	return rc;
}

/* What stands around the one line of data stays. */
static int write_line(struct rw_answer_stream *st, const struct rw_sse_block *b, struct rw_buf *out)
{
	const char *end = b->data.p + b->data.n;
	int rc = rw_buf_add(out, b->raw.p, (size_t)(b->data.p - b->raw.p));

	if (!rc)
		rc = rw_rewrite_write(&st->w, out);
	return rc ? rc : rw_buf_add(out, end, (size_t)(b->raw.p + b->raw.n - end));
}

static int write_event(struct rw_answer_stream *st, const struct rw_sse_block *b,
		       struct rw_buf *out)
{
	int rc;

	if (!rw_rewrite_settle(&st->w))
		return rw_buf_add_slice(out, b->raw);
	if (b->one_line)
		return write_line(st, b, out);
	rw_buf_reset(&st->spliced);
	rc = rw_rewrite_write(&st->w, &st->spliced);
	return rc ? rc : rw_sse_rewrite(out, b, rw_buf_slice(&st->spliced));
}

static int take_chunk(struct rw_answer_stream *st, const struct rw_sse_block *b, struct rw_buf *out)
{
	int rc = rw_rewrite_read(&st->w, b->data, true, NULL);

	if (rc)
		return rc == RW_EINVAL ? RW_EPROTO : rc;
	if (st->w.chunk.usage.known)
		st->usage = st->w.chunk.usage;
	if (st->w.chunk.has_choices && !st->w.repeated)
		rc = rw_answer_stream_keep_envelope(st);
	if (!rc)
		rc = plan(st);
	if (!rc)
		rc = guard_spots(st);
	if (!rc)
		rc = flush_finished(st, out);
	return rc ? rc : write_event(st, b, out);
}

static bool is_done(struct rw_slice data)
{
	while (data.n && (data.p[data.n - 1] == ' ' || data.p[data.n - 1] == '\t'))
		data.n--;
	return rw_slice_is(data, "[DONE]");
}

/* Behind [DONE] nothing is passed but the other half of its line end. */
static int take_rest(struct rw_answer_stream *st, const struct rw_sse_block *b, struct rw_buf *out)
{
	bool pass = b->late_lf && !st->closed;

	st->closed = true;
	return pass ? rw_buf_add_slice(out, b->raw) : RW_OK;
}

static int take_block(struct rw_answer_stream *st, const struct rw_sse_block *b, struct rw_buf *out)
{
	int rc;

	if (st->done)
		return take_rest(st, b, out);
	if (!b->has_data || b->data.n == 0)
		return rw_buf_add_slice(out, b->raw);
	st->events++;
	if (!is_done(b->data))
		return take_chunk(st, b, out);
	rc = rw_answer_stream_tails(st, out);
	st->done = true;
	return rc ? rc : rw_buf_add_slice(out, b->raw);
}

/* --- the stream -------------------------------------------------------------------------- */

int rw_answer_stream_feed(struct rw_answer_stream *st, struct rw_slice data, struct rw_buf *out)
{
	struct rw_sse_block b;
	int rc;

	if (st->failed)
		return st->failed;
	while ((rc = rw_sse_next(&st->sse, &data, &b)) > 0) {
		rc = take_block(st, &b, out);
		if (rc)
			break;
	}
	if (rc)
		rc = rw_answer_stream_break(st, rc, out);
	return rc;
}

bool rw_answer_stream_done(const struct rw_answer_stream *st)
{
	return st->done;
}

bool rw_answer_stream_holds(const struct rw_answer_stream *st)
{
	for (unsigned i = 0; i < st->n_lanes && !st->failed; i++)
		if (rw_llm_lane_held(&st->lanes[i]))
			return true;
	return false;
}

int rw_answer_stream_late(struct rw_answer_stream *st, struct rw_buf *out)
{
	int rc = RW_OK;

	if (st->failed)
		return st->failed;
	for (unsigned i = 0; i < st->n_lanes && !rc; i++)
		if (st->lanes[i].scan && st->lanes[i].fed_event <= st->late_event)
			rc = rw_answer_stream_late_tail(st, &st->lanes[i], out);
	st->late_event = st->events;
	if (rc)
		rc = rw_answer_stream_break(st, rc, out);
	return rc;
}

int rw_answer_stream_end(struct rw_answer_stream *st, bool clean, struct rw_buf *out)
{
	struct rw_sse_block b;
	int rc = RW_OK;

	if (st->failed || st->done)
		return st->failed;
	if (!clean) {
		rc = RW_EPROTO;
	} else {
		rc = rw_sse_end(&st->sse, &b);
		if (rc > 0)
			rc = take_block(st, &b, out);
		if (!rc)
			rc = rw_answer_stream_tails(st, out);
	}
	if (rc)
		rc = rw_answer_stream_break(st, rc, out);
	return rc;
}

void rw_answer_stream_tally(const struct rw_answer_stream *st, struct rw_tally *out)
{
	*out = st->w.guard.ended;
	for (unsigned i = 0; i < st->n_lanes; i++)
		if (st->lanes[i].scan)
			rw_llm_tally_merge(out, rw_lane_tally(st->lanes[i].scan));
}

const struct rw_usage *rw_answer_stream_usage(const struct rw_answer_stream *st)
{
	return &st->usage;
}

uint64_t rw_answer_stream_events(const struct rw_answer_stream *st)
{
	return st->events;
}
