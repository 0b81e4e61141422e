/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streamed answers. As a stream: the same bytes come out however it is cut. As a text: cut
 * into deltas by the input's own bytes, it says what masking it whole says.
 */
#include "llm_guarded.h"

#include <yyjson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(struct rw_slice in, size_t step, struct rw_buf *out)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &guard);
	int rc = RW_OK;

	RW_BUG_ON(!st);
	for (size_t at = 0; at < in.n && !rc; at += step)
		rc = rw_answer_stream_feed(
			st, rw_slice_of(in.p + at, step < in.n - at ? step : in.n - at), out);
	if (!rc)
		rc = rw_answer_stream_end(st, true, out);
	rw_answer_stream_free(st);
	return rc;
}

static void as_stream(struct rw_slice in)
{
	struct rw_buf whole = {0}, cut = {0};
	int rc = run(in, in.n ? in.n : 1, &whole);

	for (size_t step = 1; step < 9; step += 7) {
		rw_buf_reset(&cut);
		RW_BUG_ON(run(in, step, &cut) != rc);
		RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&whole), rw_buf_slice(&cut)));
	}
	rw_buf_free(&whole);
	rw_buf_free(&cut);
}

/* --- as text ----------------------------------------------------------------------------- */

static void add_up(struct rw_slice out, struct rw_buf *text)
{
	while (out.n) {
		const char *lf = memchr(out.p, '\n', out.n);
		size_t n = lf ? (size_t)(lf - out.p) : out.n;
		yyjson_doc *doc = n > 6 ? yyjson_read(out.p + 6, n - 6, 0) : NULL;
		yyjson_val *v = yyjson_doc_ptr_get(doc, "/choices/0/delta/content");

		RW_BUG_ON(n > 6 && !doc);
		if (v)
			RW_BUG_ON(rw_buf_add(text, yyjson_get_str(v), yyjson_get_len(v)));
		yyjson_doc_free(doc);
		out.p += n + (lf != NULL);
		out.n -= n + (lf != NULL);
	}
}

/* Bytes with the high bit end a piece; the others are the text. */
static void build(struct rw_slice in, struct rw_buf *stream, struct rw_buf *text)
{
	size_t start = 0;

	for (size_t i = 0; i <= in.n; i++) {
		if (i < in.n && (unsigned char)in.p[i] < 0x80) {
			RW_BUG_ON(rw_buf_add(text, in.p + i, 1));
			continue;
		}
		RW_BUG_ON(rw_buf_add_str(stream, "data: {\"choices\":[{\"index\":0,\"delta\":"
						 "{\"content\":"));
		RW_BUG_ON(rw_buf_add_json(stream, rw_slice_of(text->p + start, text->len - start)));
		RW_BUG_ON(rw_buf_add_str(stream, "}}]}\n\n"));
		start = text->len;
	}
}

static void as_text(struct rw_slice in)
{
	struct rw_buf stream = {0}, text = {0}, out = {0}, want = {0}, got = {0};
	struct rw_findings f;

	RW_BUG_ON(rw_buf_reserve(&text, in.n + 1));
	build(in, &stream, &text);
	RW_BUG_ON(rw_scan_text(scanner, rules, rw_buf_slice(&text),
			       1u << RW_CAT_PII | 1u << RW_CAT_SECRET, &f));
	if (!f.more) {
		RW_BUG_ON(rw_mask_text(&guard, rules, &f, rw_buf_slice(&text), &want));
		RW_BUG_ON(run(rw_buf_slice(&stream), stream.len, &out));
		add_up(rw_buf_slice(&out), &got);
		RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&got), rw_buf_slice(&want)));
	}
	rw_buf_free(&stream);
	rw_buf_free(&text);
	rw_buf_free(&out);
	rw_buf_free(&want);
	rw_buf_free(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice in = rw_slice_of((const char *)data, size);

	load_rules();
	if (size && data[0] == '#')
		as_text(rw_slice_of(in.p + 1, in.n - 1));
	else
		as_stream(in);
	return 0;
}
