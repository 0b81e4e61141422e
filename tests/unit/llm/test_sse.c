/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, however they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "llm/sse.h"

/* Decodes stream in pieces of step bytes: data of each event as "<data>", all raw bytes. */
static void decode(struct rw_slice stream, size_t first, size_t step, struct rw_buf *events,
		   struct rw_buf *raw)
{
	struct rw_sse s = {.max_bytes = 4096};
	struct rw_sse_block b;
	int rc = 0;

	for (size_t at = 0, n; at < stream.n; at += n) {
		struct rw_slice in;

		n = at == 0 && first ? first : step;
		n = n < stream.n - at ? n : stream.n - at;
		in = rw_slice_of(stream.p + at, n);
		while ((rc = rw_sse_next(&s, &in, &b)) > 0) {
			rw_buf_add_slice(raw, b.raw);
			if (b.has_data)
				rw_buf_addf(events, "<%.*s>", RW_SLICE_FMT(b.data));
		}
		assert_int_equal(rc, 0);
	}
	if (rw_sse_end(&s, &b) > 0) {
		rw_buf_add_slice(raw, b.raw);
		if (b.has_data)
			rw_buf_addf(events, "<%.*s>!", RW_SLICE_FMT(b.data));
	}
	rw_sse_free(&s);
}

static void check(struct rw_slice stream, size_t first, size_t step, const char *want)
{
	struct rw_buf events = {0}, raw = {0};

	decode(stream, first, step, &events, &raw);
	if (!rw_slice_is(rw_buf_slice(&events), want))
		fail_msg("cut %zu/%zu: %.*s instead of %s", first, step, (int)events.len, events.p,
			 want);
	if (!strchr(want, '!'))
		assert_true(rw_slice_eq(rw_buf_slice(&raw), stream));
	rw_buf_free(&events);
	rw_buf_free(&raw);
}

static void check_every_cut(const char *stream, const char *want)
{
	struct rw_slice s = rw_slice_str(stream);

	check(s, 0, s.n, want);
	check(s, 0, 1, want);
	for (size_t cut = 1; cut < s.n; cut++)
		check(s, cut, s.n, want);
}

/* Higress#4616, and every other gateway that reads chunks as if they were events. */
static void any_cut_gives_the_same_events(void **state)
{
	(void)state;
	check_every_cut(
		"data: one\n\ndata:two\n\n: c\n\nevent: x\nid: 1\ndata:  three\nretry: 5\n\n",
		"<one><two>< three>");
}

static void all_line_ends_are_legal(void **state)
{
	(void)state;
	check_every_cut("data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n\r", "<a><b><c><d>");
	check_every_cut("data: a\rdata: b\r\ndata: c\n\r\n", "<a\nb\nc>");
}

static void fields_are_read_as_the_standard_says(void **state)
{
	(void)state;
	check_every_cut("data\n\n", "<>");
	check_every_cut("data:\ndata:\n\n", "<\n>");
	check_every_cut("data : x\nDATA: x\ndatas: x\ndat: x\n\n", "");
	check_every_cut("event: x\nid\n\ndata: y\n\n", "<y>");
	check_every_cut("data: a:b\n:data: c\n\n", "<a:b>");
	check_every_cut("\n\n\ndata: a\n\n\n\n", "<a>");
}

static void one_byte_order_mark_opens_a_stream(void **state)
{
	(void)state;
	check_every_cut("\xef\xbb\xbf"
			"data: a\n\n\xef\xbb\xbf"
			"data: b\n\ndata: c\n\n",
			"<a><c>");
	check_every_cut("\xef\xbb\xbf: comment\ndata: a\n\n", "<a>");
	check_every_cut("\xef\xbb\xbf\ndata: a\n\n", "<a>");
}

/* "data: [DONE]" without the empty line is what some servers end with. */
static void an_event_that_is_not_closed_comes_at_the_end(void **state)
{
	(void)state;
	check_every_cut("data: a\n\ndata: b", "<a><b>!");
	check_every_cut("data: a\n\ndata: b\r\n", "<a><b>!");
	check_every_cut("data: a\n\nevent: b", "<a>");
}

/* A keep-alive that waits for the next event keeps nothing alive. */
static void comments_do_not_wait(void **state)
{
	struct rw_sse s = {.max_bytes = 100};
	struct rw_slice in = RW_SLICE(": ping\n");
	struct rw_sse_block b;

	(void)state;
	assert_int_equal(rw_sse_next(&s, &in, &b), 1);
	assert_true(rw_slice_is(b.raw, ": ping\n"));
	assert_false(b.has_data);
	in = RW_SLICE("data: x\n\r");
	assert_int_equal(rw_sse_next(&s, &in, &b), 1);
	assert_true(b.has_data);
	in = RW_SLICE("\n"); /* the other half of the line end comes alone, and passes alone */
	assert_int_equal(rw_sse_next(&s, &in, &b), 1);
	assert_true(rw_slice_is(b.raw, "\n"));
	assert_false(b.has_data);
	rw_sse_free(&s);
}

static void events_are_bounded(void **state)
{
	struct rw_sse s = {.max_bytes = 16};
	struct rw_slice in = RW_SLICE("data: 12345678\n\ndata: 12345678\n\n");
	struct rw_sse_block b;

	(void)state;
	assert_int_equal(rw_sse_next(&s, &in, &b), 1); /* the bound is one event's */
	assert_int_equal(rw_sse_next(&s, &in, &b), 1);
	in = RW_SLICE("data: 1234567890");
	assert_int_equal(rw_sse_next(&s, &in, &b), 0);
	in = RW_SLICE("1");
	assert_int_equal(rw_sse_next(&s, &in, &b), RW_ELIMIT);
	rw_sse_free(&s);
}

static void check_rewrite(const char *event, const char *data, const char *want)
{
	struct rw_sse s = {.max_bytes = 1000};
	struct rw_slice in = rw_slice_str(event);
	struct rw_buf out = {0};
	struct rw_sse_block b;

	assert_int_equal(rw_sse_next(&s, &in, &b), 1);
	assert_int_equal(rw_sse_rewrite(&out, &b, rw_slice_str(data)), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&out), want));
	rw_buf_free(&out);
	rw_sse_free(&s);
}

static void rewriting_keeps_all_but_the_data(void **state)
{
	(void)state;
	check_rewrite("id: 1\r\ndata:x\r\n:c\r\nevent: e\r\n\r\n", "yy",
		      "id: 1\r\ndata:yy\r\n:c\r\nevent: e\r\n\r\n");
	check_rewrite("data: a\nid: 1\ndata:b\rdata: c\n\n", "1\n2\n3",
		      "data: 1\nid: 1\ndata:2\rdata: 3\n\n");
	check_rewrite("data: a\nid: 1\ndata:b\ndata: c\n\n", "1\n2", "data: 1\nid: 1\ndata:2\n\n");
	check_rewrite("data: a\ndata:\n\n", "1\n", "data: 1\ndata:\n\n");
	check_rewrite("\xef\xbb\xbf"
		      "data: a\n\n",
		      "b",
		      "\xef\xbb\xbf"
		      "data: b\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut_gives_the_same_events),
		cmocka_unit_test(all_line_ends_are_legal),
		cmocka_unit_test(fields_are_read_as_the_standard_says),
		cmocka_unit_test(one_byte_order_mark_opens_a_stream),
		cmocka_unit_test(an_event_that_is_not_closed_comes_at_the_end),
		cmocka_unit_test(comments_do_not_wait),
		cmocka_unit_test(events_are_bounded),
		cmocka_unit_test(rewriting_keeps_all_but_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
