/* SPDX-License-Identifier: Apache-2.0 */
/* Events of our own in a streamed answer: what lanes still held, and endings before its time. */
#include "llm/stream_int.h"
#include "llm/text.h"

int rw_answer_stream_keep_envelope(struct rw_answer_stream *st)
{
	const struct rw_chunk *c = &st->w.chunk;
	int rc = RW_OK;

	rw_buf_reset(&st->envelope);
	for (unsigned i = 0; i < RW_ENVELOPE && !rc; i++) {
		struct rw_span v = c->envelope[i];

		if (!v.end)
			continue;
		rc = rw_buf_add_slice(&st->envelope, rw_envelope_names[i]);
		if (!rc)
			rc = rw_buf_add(&st->envelope, st->w.json.p + v.start, v.end - v.start);
		if (!rc)
			rc = rw_buf_add(&st->envelope, ",", 1);
	}
	return rc;
}

static int open_chunk(struct rw_answer_stream *st, struct rw_buf *out)
{
	int rc = rw_buf_add_str(out, "data: {");

	if (!rc)
		rc = rw_buf_add_slice(out, rw_buf_slice(&st->envelope));
	return rc ? rc : rw_buf_add_str(out, "\"choices\":[");
}

/* {"index":N, */
static int open_choice(struct rw_buf *out, uint64_t choice)
{
	int rc = rw_buf_add_str(out, "{\"index\":");

	if (!rc)
		rc = rw_buf_add_u64(out, choice);
	return rc ? rc : rw_buf_add(out, ",", 1);
}

static int add_field(struct rw_buf *out, const struct rw_llm_lane *l, struct rw_slice text)
{
	const struct rw_field_form *f = &rw_field_forms[l->field];
	int rc = rw_buf_add_str(out, f->begin);

	if (!rc && f->then)
		rc = rw_buf_add_u64(out, l->index);
	if (!rc && f->then)
		rc = rw_buf_add_str(out, f->then);
	if (!rc)
		rc = rw_text_write(out, text);
	return rc ? rc : rw_buf_add_str(out, f->end);
}

/* What the lane gave out, in a chunk. */
static int write_tail(struct rw_answer_stream *st, const struct rw_llm_lane *l, struct rw_buf *out)
{
	int rc;

	if (st->tail.len == 0)
		return RW_OK;
	rc = open_chunk(st, out);
	if (!rc)
		rc = open_choice(out, l->choice);
	if (!rc)
		rc = add_field(out, l, rw_buf_slice(&st->tail));
	return rc ? rc : rw_buf_add_str(out, ",\"finish_reason\":null}]}\n\n");
}

int rw_answer_stream_tail(struct rw_answer_stream *st, struct rw_llm_lane *l, struct rw_buf *out)
{
	int rc;

	rw_buf_reset(&st->tail);
	rc = rw_llm_lane_end(&st->w.guard, l, &st->tail);
	if (rc == RW_EPERM)
		st->blocked = l->choice;
	return rc ? rc : write_tail(st, l, out);
}

int rw_answer_stream_late_tail(struct rw_answer_stream *st, struct rw_llm_lane *l,
			       struct rw_buf *out)
{
	int rc;

	rw_buf_reset(&st->tail);
	rc = rw_llm_lane_late(l, &st->tail);
	if (rc == RW_EPERM)
		st->blocked = l->choice;
	return rc ? rc : write_tail(st, l, out);
}

int rw_answer_stream_tails(struct rw_answer_stream *st, struct rw_buf *out)
{
	int rc = RW_OK;

	for (unsigned i = 0; i < st->n_lanes && !rc; i++)
		if (st->lanes[i].scan)
			rc = rw_answer_stream_tail(st, &st->lanes[i], out);
	return rc;
}

/* --- endings ----------------------------------------------------------------------------- */

static int add_filtered(struct rw_buf *out, uint64_t choice, bool legacy)
{
	int rc = open_choice(out, choice);

	if (!rc)
		rc = rw_buf_add_str(out, legacy ? "\"text\":\"\"" : "\"delta\":{}");
	return rc ? rc : rw_buf_add_str(out, ",\"finish_reason\":\"content_filter\"}");
}

/* A choice that is still open, other than the one to blame, at its first lane. */
static bool first_of_open_choice(const struct rw_answer_stream *st, unsigned i)
{
	uint64_t choice = st->lanes[i].choice;

	if (!st->lanes[i].scan || choice == st->blocked)
		return false;
	for (unsigned k = 0; k < i; k++)
		if (st->lanes[k].scan && st->lanes[k].choice == choice)
			return false;
	return true;
}

static int end_blocked(struct rw_answer_stream *st, struct rw_buf *out)
{
	bool legacy = st->n_lanes && st->lanes[0].field == RW_FIELD_TEXT;
	int rc = open_chunk(st, out);

	if (!rc)
		rc = add_filtered(out, st->blocked, legacy);
	for (unsigned i = 0; i < st->n_lanes && !rc; i++) {
		if (!first_of_open_choice(st, i))
			continue;
		rc = rw_buf_add(out, ",", 1);
		if (!rc)
			rc = add_filtered(out, st->lanes[i].choice, legacy);
	}
	return rc ? rc : rw_buf_add_str(out, "]}\n\ndata: [DONE]\n\n");
}

/* Why a stream ends before its time; the last stands for every other reason. */
static const struct ending {
	int rc;
	const char *code, *message;
} endings[] = {
	{RW_EPROTO, "upstream_bad_answer",
	 "The model provider's stream broke off or cannot be read"},
	{RW_ELIMIT, "upstream_bad_answer",
	 "The model provider's stream is larger than this gateway takes"},
	{RW_ENOMEM, "overloaded", "This gateway is at its memory bound"},
	{RW_EIO, "scanner_failed", "The answer could not be scanned and was cut off"},
};

static const struct ending *find_ending(int rc)
{
	const struct ending *x = endings;

	while (x->rc != rc && x < endings + sizeof(endings) / sizeof(endings[0]) - 1)
		x++;
	return x;
}

static int end_broken(struct rw_buf *out, const struct ending *why)
{
	int rc = rw_buf_add_str(out, "data: ");

	if (!rc)
		rc = rw_openai_error(out, "server_error", why->code, why->message);
	return rc ? rc : rw_buf_add_str(out, "\n\n");
}

int rw_answer_stream_break(struct rw_answer_stream *st, int rc, struct rw_buf *out)
{
	int wrote;

	st->failed = rc;
	wrote = rc == RW_EPERM ? end_blocked(st, out) : end_broken(out, find_ending(rc));
	for (unsigned i = 0; i < st->n_lanes; i++)
		rw_llm_lane_drop(&st->w.guard, &st->lanes[i]);
	return wrote ? wrote : rc;
}
