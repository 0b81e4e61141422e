/* SPDX-License-Identifier: Apache-2.0 */
/* How streamed answers end, before their time or not; their bounds, and what they count. */
#include "guarded.h"

#define TAIL(text)                                                                     \
	"data: {" ENVELOPE ",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text \
	"\"},\"finish_reason\":null}]}\n\n"
#define FINISH(delta)                                                     \
	"data: {" ENVELOPE ",\"choices\":[{\"index\":0,\"delta\":{" delta \
	"},\"finish_reason\":\"stop\"}]}\n\n"

static void what_is_held_goes_out_before_the_finish(void **state)
{
	(void)state;
	assert_stream(&masking, TAIL("a word") FINISH("") "data: [DONE]\n\n", RW_OK,
		      TAIL("a ") TAIL("word") FINISH("") "data: [DONE]\n\n");
}

/* Some servers put the last text into the finishing chunk: no event of our own then. */
static void what_is_held_joins_the_finishing_event(void **state)
{
	(void)state;
	assert_stream(&masking, TAIL("a jane@exam") FINISH(CONTENT "\"ple.com\""), RW_OK,
		      TAIL("a ") FINISH(CONTENT "\"[EMAIL_ADDRESS]\""));
	assert_stream(&masking,
		      FINISH(CONTENT
			     "[{\"text\":\"a jane@\"},{\"text\":\"exam\"},{\"text\":\"ple.com\"}]"),
		      RW_OK,
		      FINISH(CONTENT
			     "[{\"text\":\"a \"},{\"text\":\"\"},{\"text\":\"[EMAIL_ADDRESS]\"}]"));
	assert_stream(&masking, TAIL("a wo") FINISH(CONTENT "\"rd\""), RW_OK,
		      TAIL("a ") FINISH(CONTENT "\"word\""));
}

static void what_is_held_goes_out_without_a_finish_too(void **state)
{
	(void)state;
	assert_stream(&masking, TAIL("a word") "data: [DONE]\n\n", RW_OK,
		      TAIL("a ") TAIL("word") "data: [DONE]\n\n");
	assert_stream(&masking, TAIL("a word"), RW_OK, TAIL("a ") TAIL("word"));
	/* The last event is not closed: a clean end closes it. */
	assert_stream(&masking, TAIL("a word") "data: [DONE]", RW_OK,
		      TAIL("a ") TAIL("word") "data: [DONE]\n\n");
}

/* A second finish_reason, or text behind the first, is seen in the wild. */
static void text_after_the_finish_is_guarded_too(void **state)
{
	(void)state;
	assert_stream(&masking, TAIL("a ") FINISH("") TAIL("b@example.com") "data: [DONE]\n\n",
		      RW_OK,
		      TAIL("a ") FINISH("") TAIL("") TAIL("[EMAIL_ADDRESS]") "data: [DONE]\n\n");
}

#define BROKEN                                                                             \
	"data: {\"error\":{\"message\":\"The model provider's stream broke off or cannot " \
	"be "                                                                              \
	"read\",\"type\":\"server_error\",\"param\":null,\"code\":\"upstream_bad_answer\"}}\n\n"

/* What was held may be the beginning of a secret whose end never came. */
static void a_stream_that_breaks_off_ends_in_an_error(void **state)
{
	const char *in = TAIL("a word jane@exam");
	struct rw_buf out = {0};

	(void)state;
	assert_int_equal(run_stream(&masking, rw_slice_str(in), 0, strlen(in), false, &out),
			 RW_EPROTO);
	assert_true(rw_slice_is(rw_buf_slice(&out), TAIL("a word ") BROKEN));
	rw_buf_free(&out);
}

static void a_broken_event_ends_in_an_error(void **state)
{
	(void)state;
	assert_stream(&masking, TAIL("a ") "data: {\"choices\":[{\"ind", RW_EPROTO,
		      TAIL("a ") BROKEN);
	assert_stream(&masking, "data: hello\n\n" TAIL("a "), RW_EPROTO, BROKEN);
	assert_stream(&masking, "data: \"hello\"\n\n", RW_EPROTO, BROKEN);
	assert_stream(&masking, "data: [DONE] jane@example.com\n\n", RW_EPROTO, BROKEN);
	assert_stream(&masking,
		      "data: {\"choices\":[{\"delta\":{\"content\":\"a\",\"content\":\"b\"}}]}\n\n",
		      RW_EPROTO, BROKEN);
}

/* Broken off behind [DONE] is whole: a peer that resets instead of closing. */
static void an_unclean_end_after_done_is_clean(void **state)
{
	const char *in = TAIL("a ") "data: [DONE]\n\n";
	struct rw_buf out = {0};

	(void)state;
	assert_int_equal(run_stream(&masking, rw_slice_str(in), 0, strlen(in), false, &out), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&out), in));
	rw_buf_free(&out);
}

static void a_block_ends_the_stream_for_the_sdk(void **state)
{
	(void)state;
	assert_stream(
		&blocking,
		TAIL("key ") "data: {" ENVELOPE ",\"choices\":[{\"index\":2,\"delta\":{\"content\":"
			     "\"x \"}}]}\n\n" TAIL("AKIAIOSFODNN7EXAMPLQ")
				     TAIL(" more ") "data: [DONE]\n\n",
		RW_EPERM,
		TAIL("key ") "data: {" ENVELOPE ",\"choices\":[{\"index\":2,\"delta\":{\"content\":"
			     "\"x \"}}]}\n\n" TAIL("") "data: {" ENVELOPE
						       ",\"choices\":[{\"index\":0,\"delta\":{},"
						       "\"finish_reason\":\"content_filter\"},{"
						       "\"index\":2,\"delta\":{},"
						       "\"finish_reason\":\"content_filter\"}]}"
						       "\n\ndata: [DONE]\n\n");
}

/* Once ended, a stream says nothing more, whatever it is given. */
static void a_failed_stream_stays_silent(void **state)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_buf out = {0};

	(void)state;
	assert_int_equal(rw_answer_stream_feed(st, RW_SLICE("data: x\n\n"), &out), RW_EPROTO);
	rw_buf_reset(&out);
	assert_int_equal(rw_answer_stream_feed(st, RW_SLICE(TAIL("a ")), &out), RW_EPROTO);
	assert_int_equal(rw_answer_stream_end(st, true, &out), RW_EPROTO);
	assert_int_equal(out.len, 0);
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

/* --- bounds and figures ------------------------------------------------------------------ */

static void lanes_and_events_are_bounded(void **state)
{
	struct rw_buf in = {0}, out = {0};

	(void)state;
	for (unsigned i = 0; i < 257; i++)
		add_piece(&in, i, CONTENT, RW_SLICE("a"), "");
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out), RW_ELIMIT);
	assert_non_null(memmem(out.p, out.len, "larger than this gateway takes", 30));
	rw_buf_reset(&in);
	rw_buf_add_str(&in, "data: ");
	while (in.len <= 1 << 20)
		rw_buf_add_str(&in, "0123456789");
	rw_buf_reset(&out);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out), RW_ELIMIT);
	rw_buf_free(&in);
	rw_buf_free(&out);
}

/* Usage comes in a chunk of its own, on the finish, or in every chunk, growing. */
static void usage_is_the_last_that_was_told(void **state)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_buf out = {0};

	(void)state;
	rw_answer_stream_feed(st, RW_SLICE("data: {\"choices\":[],\"usage\":null}\n\n"), &out);
	assert_false(rw_answer_stream_usage(st)->known);
	rw_answer_stream_feed(
		st,
		RW_SLICE("data: "
			 "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1,"
			 "\"prompt_tokens_details\":{\"prompt_tokens\":5}}}\n\n"
			 "data: "
			 "{\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7}}"
			 "\n\n"
			 "data: {\"choices\":[],\"usage\":null}\n\n: c\n\ndata: [DONE]\n\n"),
		&out);
	assert_true(rw_answer_stream_usage(st)->known);
	assert_int_equal(rw_answer_stream_usage(st)->prompt_tokens, 9);
	assert_int_equal(rw_answer_stream_usage(st)->completion_tokens, 7);
	assert_int_equal(rw_answer_stream_events(st), 5);
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

static void findings_of_all_lanes_are_counted(void **state)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_tally t;
	struct rw_buf out = {0};

	(void)state;
	rw_answer_stream_feed(
		st,
		RW_SLICE(TAIL("a@example.com ") FINISH("") TAIL(
			"b@example.com ") "data: {\"choices\":[{\"index\":1,\"delta\":{\"refusal\":"
					  "\"c@example.com \"}}]}\n\n"),
		&out);
	rw_answer_stream_tally(st, &t);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.at[0].count, 3);
	assert_int_equal(t.strongest, RW_ACT_MASK);
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_goes_out_before_the_finish),
		cmocka_unit_test(what_is_held_joins_the_finishing_event),
		cmocka_unit_test(what_is_held_goes_out_without_a_finish_too),
		cmocka_unit_test(text_after_the_finish_is_guarded_too),
		cmocka_unit_test(a_stream_that_breaks_off_ends_in_an_error),
		cmocka_unit_test(a_broken_event_ends_in_an_error),
		cmocka_unit_test(an_unclean_end_after_done_is_clean),
		cmocka_unit_test(a_block_ends_the_stream_for_the_sdk),
		cmocka_unit_test(a_failed_stream_stays_silent),
		cmocka_unit_test(lanes_and_events_are_bounded),
		cmocka_unit_test(usage_is_the_last_that_was_told),
		cmocka_unit_test(findings_of_all_lanes_are_counted),
	};

	return cmocka_run_group_tests(tests, load_rules, unload_rules);
}
