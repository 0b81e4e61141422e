/* SPDX-License-Identifier: Apache-2.0 */
/* Streamed answers: the same text however it is cut, and nothing changed without need. */
#include "guarded.h"

#define CONTENT	 "\"content\":"
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

static void assert_stream(const struct rw_guard *g, const char *in, int rc, const char *want)
{
	struct rw_buf out = {0};

	assert_int_equal(run_stream(g, rw_slice_str(in), 0, strlen(in), true, &out), rc);
	if (!rw_slice_is(rw_buf_slice(&out), want))
		fail_msg("%.*s\ninstead of\n%s", (int)out.len, out.p, want);
	rw_buf_free(&out);
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

/* --- endings ----------------------------------------------------------------------------- */

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
