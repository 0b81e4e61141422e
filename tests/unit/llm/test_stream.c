/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed answers: the same text however it is cut, and nothing changed without need. */
#include "guarded.h"

#define TOOL	 "\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":"
#define TOOL_END "}}]"

static const char secrets[] =
	"Write to jane.doe@example.com or call +1 415 555 0132; card 4111 1111 1111 1111, "
	"IBAN DE89 3704 0044 0532 0130 00, key AKIAIOSFODNN7EXAMPLQ \xf0\x9f\x98\x80 \"q\" end.";

static void assert_collected(struct rw_slice stream, uint64_t choice, const char *path,
			     struct rw_slice want)
{
	struct rw_buf got = {0};

	collect(stream, choice, path, &got);
	if (!rw_slice_eq(rw_buf_slice(&got), want))
		fail_msg("%.*s\ninstead of\n%.*s", (int)got.len, got.p, RW_SLICE_FMT(want));
	rw_buf_free(&got);
}

/* --- cuts -------------------------------------------------------------------------------- */

/* A stream of text in pieces: one of first bytes, then of step bytes. */
static void build(struct rw_buf *b, struct rw_slice text, size_t first, size_t step)
{
	rw_buf_reset(b);
	for (size_t at = 0, n; at < text.n; at += n) {
		n = at == 0 && first ? first : step;
		n = n < text.n - at ? n : text.n - at;
		while (at + n < text.n && (text.p[at + n] & 0xc0) == 0x80)
			n++; /* JSON holds whole characters only */
		add_piece(b, 0, CONTENT, rw_slice_of(text.p + at, n), "");
	}
	add_finish(b, 0);
	add_done(b);
}

/* The bar of the whole room: every cut into deltas gives the text that masking it whole gives. */
static void every_cut_into_events_gives_the_same_text(void **state)
{
	struct rw_slice text = rw_slice_of(secrets, sizeof(secrets) - 1);
	struct rw_buf in = {0}, out = {0}, want = {0};

	(void)state;
	mask_whole(text, &want);
	assert_null(memmem(want.p, want.len, "4111", 4));
	for (size_t cut = 0; cut < text.n; cut++) {
		build(&in, text, cut, text.n);
		rw_buf_reset(&out);
		assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out),
				 RW_OK);
		assert_collected(rw_buf_slice(&out), 0, "delta.content", rw_buf_slice(&want));
	}
	for (size_t step = 1; step < 30; step++) {
		build(&in, text, 0, step);
		rw_buf_reset(&out);
		assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out),
				 RW_OK);
		assert_collected(rw_buf_slice(&out), 0, "delta.content", rw_buf_slice(&want));
	}
	rw_buf_free(&in);
	rw_buf_free(&out);
	rw_buf_free(&want);
}

/* What comes out does not depend on how the bytes arrived, not in a single byte. */
static void every_cut_of_the_wire_gives_the_same_bytes(void **state)
{
	struct rw_slice text = rw_slice_of(secrets, sizeof(secrets) - 1);
	struct rw_buf in = {0}, out = {0}, want = {0};

	(void)state;
	build(&in, text, 0, 7);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &want), RW_OK);
	for (size_t cut = 1; cut <= in.len; cut++) {
		rw_buf_reset(&out);
		assert_int_equal(run_stream(&masking, rw_buf_slice(&in), cut,
					    cut == in.len ? 1 : in.len, true, &out),
				 RW_OK);
		assert_true(rw_slice_eq(rw_buf_slice(&out), rw_buf_slice(&want)));
	}
	rw_buf_reset(&out);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, 1, true, &out), RW_OK);
	assert_true(rw_slice_eq(rw_buf_slice(&out), rw_buf_slice(&want)));
	rw_buf_free(&in);
	rw_buf_free(&out);
	rw_buf_free(&want);
}

/* n=2 interleaves by index: one choice's held text must not end up in the other. */
static void choices_do_not_mix(void **state)
{
	struct rw_slice a = RW_SLICE("ask jane.doe@example.com today");
	struct rw_slice b = RW_SLICE("or john@example.org, maybe");
	struct rw_buf in = {0}, out = {0};

	(void)state;
	for (size_t i = 0; i < a.n || i < b.n; i++) {
		if (i < a.n)
			add_piece(&in, 0, CONTENT, rw_slice_of(a.p + i, 1), "");
		if (i < b.n)
			add_piece(&in, 1, CONTENT, rw_slice_of(b.p + i, 1), "");
	}
	add_finish(&in, 1);
	add_finish(&in, 0);
	add_done(&in);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out), RW_OK);
	assert_collected(rw_buf_slice(&out), 0, "delta.content",
			 RW_SLICE("ask [EMAIL_ADDRESS] today"));
	assert_collected(rw_buf_slice(&out), 1, "delta.content",
			 RW_SLICE("or [EMAIL_ADDRESS], maybe"));
	rw_buf_free(&in);
	rw_buf_free(&out);
}

/* "arguments" is JSON in a string, cut at any byte (wire facts 2). */
static void tool_arguments_are_masked_and_stay_json(void **state)
{
	struct rw_slice args = RW_SLICE(
		"{\"to\": \"a\\njane@example.com\", \"card\": 4111111111111111, \"n\": [1,2]}");
	struct rw_slice want = RW_SLICE(
		"{\"to\": \"a\\n[EMAIL_ADDRESS]\", \"card\": \"[CREDIT_CARD]\", \"n\": [1,2]}");
	struct rw_buf in = {0}, out = {0};

	(void)state;
	for (size_t step = 1; step <= args.n; step++) {
		rw_buf_reset(&in);
		rw_buf_reset(&out);
		for (size_t at = 0; at < args.n; at += step)
			add_piece(&in, 0, TOOL,
				  rw_slice_of(args.p + at, step < args.n - at ? step : args.n - at),
				  TOOL_END);
		add_finish(&in, 0);
		assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out),
				 RW_OK);
		assert_collected(rw_buf_slice(&out), 0, "delta.tool_calls.0.function.arguments",
				 want);
	}
	rw_buf_free(&in);
	rw_buf_free(&out);
}

/* Parallel calls: arguments of two tools interleave by index. */
static void tool_calls_do_not_mix(void **state)
{
	struct rw_buf in = {0}, out = {0};

	(void)state;
	for (const char *p = "\"ask jane@example.com\""; *p; p++) {
		add_piece(&in, 0, TOOL, rw_slice_of(p, 1), TOOL_END);
		add_piece(&in, 0, "\"tool_calls\":[{\"id\":\"x\",\"function\":{\"arguments\":",
			  rw_slice_of(p, 1), "},\"index\":2}]");
	}
	add_finish(&in, 0);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out), RW_OK);
	assert_collected(rw_buf_slice(&out), 0, "delta.tool_calls.0.function.arguments",
			 RW_SLICE("\"\"ask ask [EMAIL_ADDRESS]\"[EMAIL_ADDRESS]\""));
	rw_buf_free(&in);
	rw_buf_free(&out);
}

/* Every field of a delta that may hold text is a lane of its own; its tail keeps its place. */
static void every_field_is_a_lane(void **state)
{
	static const struct {
		const char *begin, *end, *path;
	} fields[] = {
		{CONTENT, "", "delta.content"},
		{"\"refusal\":", "", "delta.refusal"},
		{"\"reasoning_content\":", "", "delta.reasoning_content"},
		{"\"reasoning\":", "", "delta.reasoning"},
		{"\"thinking\":", "", "delta.thinking"},
		{"\"content\":[{\"type\":\"text\",\"text\":", "}]", "delta.content.0.text"},
		{"\"reasoning_details\":[{\"text\":", "}]", "delta.reasoning_details.0.text"},
		{"\"reasoning_details\":[{\"summary\":", "}]", "delta.reasoning_details.0.summary"},
		{"\"audio\":{\"transcript\":", "}", "delta.audio.transcript"},
		{TOOL, TOOL_END, "delta.tool_calls.0.function.arguments"},
		{"\"tool_calls\":[{\"custom\":{\"input\":", TOOL_END,
		 "delta.tool_calls.0.custom.input"},
		{"\"function_call\":{\"arguments\":", "}", "delta.function_call.arguments"},
	};
	struct rw_buf in = {0}, out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		rw_buf_reset(&in);
		rw_buf_reset(&out);
		add_piece(&in, 0, fields[i].begin, RW_SLICE("\"ask jane@exam"), fields[i].end);
		add_piece(&in, 0, fields[i].begin, RW_SLICE("ple.com\""), fields[i].end);
		add_finish(&in, 0);
		assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out),
				 RW_OK);
		assert_collected(rw_buf_slice(&out), 0, fields[i].path,
				 RW_SLICE("\"ask [EMAIL_ADDRESS]\""));
	}
	rw_buf_free(&in);
	rw_buf_free(&out);
}

static void legacy_completions_are_masked(void **state)
{
	(void)state;
	assert_stream(
		&masking,
		"data: {\"id\":\"x\",\"choices\":[{\"text\":\"ask jane@exa\",\"index\":0}]}\n\n"
		"data: {\"id\":\"x\",\"choices\":[{\"text\":\"mple.com\",\"index\":0,"
		"\"finish_reason\":\"\"}]}\n\n"
		"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n",
		RW_OK,
		"data: {\"id\":\"x\",\"choices\":[{\"text\":\"ask \",\"index\":0}]}\n\n"
		"data: {\"id\":\"x\",\"choices\":[{\"text\":\"\",\"index\":0,"
		"\"finish_reason\":\"\"}]}\n\n"
		"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"text\":\"[EMAIL_ADDRESS]\","
		"\"finish_reason\":null}]}\n\n"
		"data: {\"id\":\"x\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n");
}

/* --- characters -------------------------------------------------------------------------- */

#define CHUNK(text) "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"

/* Some servers cut UTF-16: one delta ends in \ud83d, the next begins with \ude00. */
static void a_surrogate_pair_in_two_deltas_is_joined(void **state)
{
	(void)state;
	assert_stream(&masking,
		      CHUNK("a \\ud83d") CHUNK("\\ude00 ") CHUNK("\\ud83d") CHUNK("")
			      CHUNK("x \\ude00 ") "data: [DONE]\n\n",
		      RW_OK,
		      CHUNK("a ") CHUNK("\xf0\x9f\x98\x80 ") CHUNK("") CHUNK("")
			      CHUNK("\\ud83dx \\ude00 ") "data: [DONE]\n\n");
	/* At the end the half that never came is told by its absence. */
	assert_stream(
		&masking, CHUNK("a \\ud83d"), RW_OK,
		CHUNK("a ") "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83d\"},"
			    "\"finish_reason\":null}]}\n\n");
}

/* What is held counts bytes; a bound that falls into a character would make U+FFFD of it. */
static void no_part_of_a_character_is_released(void **state)
{
	struct rw_buf in = {0}, out = {0}, want = {0};

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct rw_slice piece = i % 3 ? RW_SLICE("\xe6\xbc\xa2")
					      : RW_SLICE("a\xf0\x9f\x98\x80");

		add_piece(&in, 0, CONTENT, piece, "");
		rw_buf_add_slice(&want, piece);
	}
	add_finish(&in, 0);
	assert_int_equal(run_stream(&masking, rw_buf_slice(&in), 0, in.len, true, &out), RW_OK);
	assert_collected(rw_buf_slice(&out), 0, "delta.content", rw_buf_slice(&want));
	rw_buf_free(&in);
	rw_buf_free(&out);
	rw_buf_free(&want);
}

/* --- bytes that are not ours ------------------------------------------------------------- */

static void a_stream_that_is_not_touched_keeps_its_bytes(void **state)
{
	static const char stream[] =
		"\xef\xbb\xbf: hello\r\n\r\n"
		"event: message\r\nid: 7\r\ndata:{ \"id\":\"c\", \"choices\":[ "
		"{\"index\":0,\"delta\":"
		"{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],"
		"\"obfuscation\":\"Xy\"}"
		"\r\n\r\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"caf\\u00e9 \\/ "
		"\\\"ok\\\" \"}}],\r\n"
		"data: \"usage\":null,\"n\":1.0E+2}\r\n\r\n"
		"retry: 3\n\n: ping\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n"
		"data: [DONE]\n\n";
	struct rw_buf out = {0};

	(void)state;
	for (size_t cut = 0; cut < sizeof(stream); cut++) {
		rw_buf_reset(&out);
		assert_int_equal(
			run_stream(&masking, rw_slice_str(stream), cut, sizeof(stream), true, &out),
			RW_OK);
		assert_true(rw_slice_is(rw_buf_slice(&out), stream));
	}
	rw_buf_free(&out);
}

/* An event that changes keeps its other lines, members, spacing and line ends. */
static void a_changed_event_keeps_the_rest(void **state)
{
	(void)state;
	assert_stream(
		&masking,
		"id: 1\r\ndata:{\"x\" : 1.0, \"choices\":[{\"index\":0,\"delta\":{\"content\":"
		"\"a@example.com! \"},\r\ndata: \"finish_reason\":null }]}\r\n:c\r\n\r\n",
		RW_OK,
		"id: 1\r\ndata:{\"x\" : 1.0, \"choices\":[{\"index\":0,\"delta\":{\"content\":"
		"\"[EMAIL_ADDRESS]! \"},\r\ndata: \"finish_reason\":null }]}\r\n:c\r\n\r\n");
}

/* Azure opens with prompt_filter_results and empty choices; proxies crash on choices[0]. */
static void events_without_choices_pass(void **state)
{
	const char *stream =
		"data: {\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n"
		"data: "
		"{\"choices\":[{\"index\":0,\"delta\":{},\"content_filter_results\":{\"hate\":"
		"{\"filtered\":false}}}],\"usage\":null}\n\n"
		"data: {\"type\":\"ping\"}\n\n"
		"data: \n\n";

	(void)state;
	assert_stream(&masking, stream, RW_OK, stream);
}

static void errors_pass_masked(void **state)
{
	(void)state;
	assert_stream(&masking,
		      "data: {\"error\":{\"message\":\"no jane@example.com\",\"code\":500}}\n\n",
		      RW_OK,
		      "data: {\"error\":{\"message\":\"no [EMAIL_ADDRESS]\",\"code\":500}}\n\n");
}

static void nothing_follows_done(void **state)
{
	(void)state;
	assert_stream(&masking, "data: [DONE]\n\ndata: {\"choices\":[]}\n\n: c\n\n", RW_OK,
		      "data: [DONE]\n\n");
}

/* Found by fuzzing: the LF of [DONE]'s own line end came in the next read, and was dropped. */
static void the_line_end_of_done_is_whole(void **state)
{
	struct rw_slice in = RW_SLICE("data: [DONE]\r\n\r\n: dropped\r\n\r\n");
	struct rw_buf out = {0};

	(void)state;
	for (size_t cut = 1; cut <= in.n; cut++) {
		rw_buf_reset(&out);
		assert_int_equal(run_stream(&masking, in, cut, in.n, true, &out), RW_OK);
		assert_true(rw_slice_is(rw_buf_slice(&out), "data: [DONE]\r\n\r\n"));
	}
	rw_buf_reset(&out);
	assert_int_equal(run_stream(&masking, in, 0, 1, true, &out), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&out), "data: [DONE]\r\n\r\n"));
	rw_buf_free(&out);
}

/* The tokens spell the text that is held back or masked. */
static void logprobs_do_not_tell_what_is_held(void **state)
{
	(void)state;
	assert_stream(
		&masking,
		"data: "
		"{\"choices\":[{\"index\":0,\"logprobs\":{\"content\":[{\"token\":\"jane\"}]},"
		"\"delta\":{\"content\":\"jane\"}}]}\n\n"
		"data: "
		"{\"choices\":[{\"index\":0,\"logprobs\":{\"content\":[{\"token\":\"?\"}]}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" .\\n\"}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ok \"},"
		"\"logprobs\":{\"content\":[{\"token\":\"ok \"}]}}]}\n\n",
		RW_OK,
		"data: {\"choices\":[{\"index\":0,\"logprobs\":null,"
		"\"delta\":{\"content\":\"\"}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"logprobs\":null}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"jane .\\n\"}}]}\n\n"
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ok \"},"
		"\"logprobs\":{\"content\":[{\"token\":\"ok \"}]}}]}\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_into_events_gives_the_same_text),
		cmocka_unit_test(every_cut_of_the_wire_gives_the_same_bytes),
		cmocka_unit_test(choices_do_not_mix),
		cmocka_unit_test(tool_arguments_are_masked_and_stay_json),
		cmocka_unit_test(tool_calls_do_not_mix),
		cmocka_unit_test(every_field_is_a_lane),
		cmocka_unit_test(legacy_completions_are_masked),
		cmocka_unit_test(a_surrogate_pair_in_two_deltas_is_joined),
		cmocka_unit_test(no_part_of_a_character_is_released),
		cmocka_unit_test(a_stream_that_is_not_touched_keeps_its_bytes),
		cmocka_unit_test(a_changed_event_keeps_the_rest),
		cmocka_unit_test(events_without_choices_pass),
		cmocka_unit_test(errors_pass_masked),
		cmocka_unit_test(nothing_follows_done),
		cmocka_unit_test(the_line_end_of_done_is_whole),
		cmocka_unit_test(logprobs_do_not_tell_what_is_held),
	};

	return cmocka_run_group_tests(tests, load_rules, unload_rules);
}
