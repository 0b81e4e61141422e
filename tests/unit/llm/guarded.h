/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of answers share: the built-in rules, and a client that reads streams another way. */
#ifndef RW_TESTS_LLM_GUARDED_H
#define RW_TESTS_LLM_GUARDED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <yyjson.h>

#include "llm/openai.h"

static struct rw_rules *rules;
static struct rw_scanner *scanner;
static const struct rw_guard masking = {
	.action = {[RW_CAT_PII] = RW_ACT_MASK, [RW_CAT_SECRET] = RW_ACT_MASK}};
static const struct rw_guard blocking = {
	.action = {[RW_CAT_PII] = RW_ACT_MASK, [RW_CAT_SECRET] = RW_ACT_BLOCK}};

static inline int load_rules(void **state)
{
	struct rw_error e = {0};

	(void)state;
	if (rw_rules_load(&rules, NULL, &e) || rw_scanner_new(&scanner, rules, &e)) {
		print_error("%s\n", e.text);
		return -1;
	}
	return 0;
}

static inline int unload_rules(void **state)
{
	(void)state;
	rw_scanner_free(scanner);
	rw_rules_unref(rules);
	return 0;
}

/* The text, masked whole: what every stream of it must say. */
static inline void mask_whole(struct rw_slice text, struct rw_buf *out)
{
	struct rw_findings f;

	assert_int_equal(
		rw_scan_text(scanner, rules, text, 1u << RW_CAT_PII | 1u << RW_CAT_SECRET, &f),
		RW_OK);
	assert_int_equal(rw_mask_text(&masking, rules, &f, text, out), RW_OK);
}

/* Runs a stream through the guard, the first piece of first bytes, then by step. */
static inline int run_stream(const struct rw_guard *g, struct rw_slice in, size_t first,
			     size_t step, bool clean, struct rw_buf *out)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, g);
	int rc = RW_OK;

	assert_non_null(st);
	for (size_t at = 0, n; at < in.n && !rc; at += n) {
		n = at == 0 && first ? first : step;
		n = n < in.n - at ? n : in.n - at;
		rc = rw_answer_stream_feed(st, rw_slice_of(in.p + at, n), out);
	}
	if (!rc)
		rc = rw_answer_stream_end(st, clean, out);
	rw_answer_stream_free(st);
	return rc;
}

/* The whole of in, fed at once, becomes want. */
static inline void assert_stream(const struct rw_guard *g, const char *in, int rc, const char *want)
{
	struct rw_buf out = {0};

	assert_int_equal(run_stream(g, rw_slice_str(in), 0, strlen(in), true, &out), rc);
	if (!rw_slice_is(rw_buf_slice(&out), want))
		fail_msg("%.*s\ninstead of\n%s", (int)out.len, out.p, want);
	rw_buf_free(&out);
}

/* The string at path ("delta.tool_calls.0.function.arguments"; a digit: an array's element). */
static inline yyjson_val *at_path(yyjson_val *v, const char *path)
{
	while (v && *path) {
		size_t n = strcspn(path, ".");

		if (yyjson_is_arr(v))
			v = yyjson_arr_get(v, (size_t)(*path - '0'));
		else
			v = yyjson_obj_getn(v, path, n);
		path += n + (path[n] == '.');
	}
	return v;
}

static inline void collect_event(yyjson_val *root, uint64_t choice, const char *path,
				 struct rw_buf *text)
{
	yyjson_val *choices = yyjson_obj_get(root, "choices"), *c, *v;
	size_t i, n;

	yyjson_arr_foreach(choices, i, n, c)
	{
		v = at_path(c, path);
		if (yyjson_get_uint(yyjson_obj_get(c, "index")) == choice && yyjson_is_str(v))
			rw_buf_add(text, yyjson_get_str(v), yyjson_get_len(v));
	}
}

/* What a client adds up from a stream whose events have one data line each. Returns events. */
static inline unsigned collect(struct rw_slice stream, uint64_t choice, const char *path,
			       struct rw_buf *text)
{
	unsigned events = 0;

	while (stream.n) {
		const char *lf = memchr(stream.p, '\n', stream.n);
		size_t n = lf ? (size_t)(lf - stream.p) : stream.n, line = n;
		yyjson_doc *doc;

		if (line && stream.p[line - 1] == '\r')
			line--;
		if (line > 6 && memcmp(stream.p, "data: ", 6) == 0 && stream.p[6] == '{') {
			doc = yyjson_read(stream.p + 6, line - 6, 0);
			if (!doc)
				fail_msg("no JSON: %.*s", (int)line, stream.p);
			collect_event(yyjson_doc_get_root(doc), choice, path, text);
			yyjson_doc_free(doc);
			events++;
		}
		stream.p += n + (lf != NULL);
		stream.n -= n + (lf != NULL);
	}
	return events;
}

#define CONTENT "\"content\":"
#define ENVELOPE                                                             \
	"\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":17" \
	",\"model\":\"m\",\"system_fingerprint\":\"fp\""

/* Adds an event with text, in one field of one choice: begin and end stand around its string. */
static inline void add_piece(struct rw_buf *b, unsigned choice, const char *begin,
			     struct rw_slice text, const char *end)
{
	rw_buf_addf(b, "data: {" ENVELOPE ",\"choices\":[{\"index\":%u,\"delta\":{%s", choice,
		    begin);
	rw_buf_add_json(b, text);
	rw_buf_addf(b, "%s},\"logprobs\":null,\"finish_reason\":null}]}\n\n", end);
}

static inline void add_finish(struct rw_buf *b, unsigned choice)
{
	rw_buf_addf(b,
		    "data: {" ENVELOPE ",\"choices\":[{\"index\":%u,\"delta\":{},\"logprobs\":null,"
		    "\"finish_reason\":\"stop\"}]}\n\n",
		    choice);
}

static inline void add_done(struct rw_buf *b)
{
	rw_buf_add_str(b, "data: [DONE]\n\n");
}

#endif
