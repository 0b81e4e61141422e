/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction in requests' arguments and in streams of answers: tokens, time, leaks. */
#include "guarded.h"

#include "llm/inner.h"
#include "scan/leak.h"
#include "scan/redact.h"
#include "scan/rules.h"

#define TOOL	 "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":"
#define TOOL_END "}}]"

static const unsigned char key[RW_REDACT_KEY_BYTES];

static struct rw_redactor *redactor;
static struct rw_vault *vault;

static void begin(enum rw_redact kind)
{
	struct rw_redact_plan plan = {0};
	struct rw_error e = {0};

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		plan.category[c] = kind;
	assert_int_equal(rw_redactor_new(&redactor, rules, &plan, key, &e), RW_OK);
	vault = rw_vault_new();
	if (redactor)
		assert_int_equal(rw_vault_begin(vault, redactor, 0x123456789), RW_OK);
}

static void end(void)
{
	rw_vault_free(vault);
	rw_redactor_unref(redactor);
	vault = NULL;
	redactor = NULL;
}

static struct rw_guard guard_for(bool in_answer)
{
	struct rw_guard g = masking;

	g.vault = redactor ? vault : NULL;
	g.in_answer = in_answer;
	return g;
}

/* The prompt as the provider sees it. */
static void redact(struct rw_slice text, struct rw_buf *out)
{
	static struct rw_findings f;
	struct rw_guard g = guard_for(false);

	rw_buf_reset(out);
	assert_int_equal(
		rw_scan_text(scanner, rules, text, 1u << RW_CAT_PII | 1u << RW_CAT_SECRET, &f), 0);
	assert_int_equal(rw_mask_text(&g, rules, &f, text, out), RW_OK);
}

static void assert_text(const struct rw_buf *got, const char *want)
{
	if (!rw_slice_is(rw_buf_slice(got), want))
		fail_msg("got  %.*s\nwant %s", RW_SLICE_FMT(rw_buf_slice(got)), want);
}

/* --- arguments ------------------------------------------------------------------------------ */

static void assert_arguments(enum rw_redact kind, const char *text, const char *want)
{
	struct rw_tally tally = {0};
	struct rw_buf out = {0};
	struct rw_guard g;

	begin(kind);
	g = guard_for(false);
	assert_int_equal(rw_arguments_guard(scanner, rules, &g, rw_slice_str(text), &out, &tally),
			 RW_OK);
	assert_text(&out, want);
	end();
	rw_buf_free(&out);
}

/* {"card": 4111111111111111} became {"card": [CREDIT_CARD]}, which json.loads refuses. */
static void arguments_stay_json_whatever_is_redacted(void **state)
{
	static const struct {
		enum rw_redact kind;
		const char *text, *want;
	} cases[] = {
		{RW_REDACT_MASK, "{\"card\": 4111111111111111}", "{\"card\": \"[CREDIT_CARD]\"}"},
		{RW_REDACT_REMOVE, "{\"card\":4111111111111111}", "{\"card\":\"\"}"},
		{RW_REDACT_MASK, "[4111111111111111, 2, true]", "[\"[CREDIT_CARD]\", 2, true]"},
		{RW_REDACT_MASK, "4111111111111111", "\"[CREDIT_CARD]\""},
		{RW_REDACT_REPLACE, "{\"a\":\"x@example.com\",\"b\":[\"x@example.com\"]}",
		 "{\"a\":\"[EMAIL_ADDRESS_1]\",\"b\":[\"[EMAIL_ADDRESS_1]\"]}"},
		/* The n of an escape is no part of the address. */
		{RW_REDACT_MASK, "{\"a\":\"hello\\njane@example.com\"}",
		 "{\"a\":\"hello\\n[EMAIL_ADDRESS]\"}"},
		/* And an escape is the character that it stands for. */
		{RW_REDACT_MASK, "{\"a\":\"jane\\u0040example.com\"}",
		 "{\"a\":\"[EMAIL_ADDRESS]\"}"},
		{RW_REDACT_MASK, "{\"a\":\"\\u006aane@ex\\u0061mple.com\\u00e9\\ud83d\\ude00\"}",
		 "{\"a\":\"[EMAIL_ADDRESS]\\u00e9\\ud83d\\ude00\"}"},
		/* Spellings of what is not masked stay. */
		{RW_REDACT_MASK, "{\"a\":\"\\/\\u0041\\t\\\\ \\\"q\\\" \\ud83d\", \"n\": -1.5e+3}",
		 "{\"a\":\"\\/\\u0041\\t\\\\ \\\"q\\\" \\ud83d\", \"n\": -1.5e+3}"},
		/* What is no JSON is the model's own affair. */
		{RW_REDACT_MASK, "{\"re\": \"\\d[A]\", x: [FOO]}",
		 "{\"re\": \"\\d[A]\", x: [FOO]}"},
		{RW_REDACT_MASK, "{\"a\":\"\\u12", "{\"a\":\"\\u12"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_arguments(cases[i].kind, cases[i].text, cases[i].want);
}

/* A made-up card in place of a number is a number. */
static void a_synthetic_number_stays_a_number(void **state)
{
	struct rw_tally tally = {0};
	struct rw_buf out = {0};
	struct rw_guard g;
	yyjson_doc *doc;

	(void)state;
	begin(RW_REDACT_SYNTHETIC);
	g = guard_for(false);
	assert_int_equal(rw_arguments_guard(scanner, rules, &g,
					    RW_SLICE("{\"card\": 4111111111111111, \"n\": 1}"),
					    &out, &tally),
			 RW_OK);
	doc = yyjson_read(out.p, out.len, 0);
	assert_true(yyjson_is_uint(at_path(yyjson_doc_get_root(doc), "card")));
	yyjson_doc_free(doc);
	end();
	rw_buf_free(&out);
}

/* A report that points beside the value sends the auditor to the wrong word. */
static void places_count_bytes_of_the_text_as_it_came(void **state)
{
	static const char text[] = "{\"\\u00e9\":\"\\ud83d\\ude00 "
				   "\\u006aane@ex\\u0061mple.com\",\"n\":4111111111111111}";
	const char *mail = strstr(text, "\\u006a"), *card = strstr(text, "4111");
	struct rw_guard g = masking;
	struct rw_tally t = {0};
	struct rw_buf out = {0};

	(void)state;
	g.where = "assistant";
	g.index = 3;
	assert_int_equal(rw_arguments_guard(scanner, rules, &g, rw_slice_str(text), &out, &t),
			 RW_OK);
	assert_int_equal(t.n_places, 2);
	assert_int_equal(t.places[0].start, mail - text);
	assert_int_equal(t.places[0].end, strstr(mail, "\",") - text);
	assert_int_equal(t.places[1].start, card - text);
	assert_int_equal(t.places[1].end, card + 16 - text);
	assert_string_equal(t.places[1].where, "assistant");
	assert_int_equal(t.places[1].index, 3);
	assert_int_equal(t.places[1].action, RW_ACT_MASK);
	rw_buf_free(&out);
}

/* --- streams -------------------------------------------------------------------------------- */

/* Text as pieces of so many bytes, in the field of a choice. */
static void add_text(struct rw_buf *b, unsigned choice, const char *begin_with,
		     const char *end_with, struct rw_slice text, size_t step)
{
	for (size_t at = 0; at < text.n; at += step)
		add_piece(b, choice, begin_with,
			  rw_slice_of(text.p + at, step < text.n - at ? step : text.n - at),
			  end_with);
}

static void run_answer(const struct rw_guard *g, const struct rw_buf *in, struct rw_buf *out)
{
	rw_buf_reset(out);
	assert_int_equal(run_stream(g, rw_buf_slice(in), 0, in->len ? in->len : 1, true, out),
			 RW_OK);
}

/* A token came back in the text and not in the tool call, or unescaped there: broken JSON. */
static void tokens_come_back_in_every_lane_and_stay_json(void **state)
{
	static const char prompt[] = "my password is Zl\"oi 'k=%3330PqWD' jane@example.com";
	struct rw_buf sent = {0}, args = {0}, in = {0}, out = {0}, text = {0};
	struct rw_guard g;
	yyjson_doc *doc;

	(void)state;
	begin(RW_REDACT_TOKEN);
	redact(rw_slice_str(prompt), &sent);
	g = guard_for(true);
	rw_buf_add_str(&args, "{\"to\": ");
	rw_buf_add_json(&args, rw_buf_slice(&sent));
	rw_buf_add_str(&args, ", \"n\": 1}");
	for (size_t step = 1; step < 40; step += 3) {
		rw_buf_reset(&in);
		rw_buf_reset(&text);
		add_text(&in, 0, CONTENT, "", rw_buf_slice(&sent), step);
		add_text(&in, 1, "\"reasoning_content\":", "", rw_buf_slice(&sent), step);
		add_text(&in, 0, TOOL, TOOL_END, rw_buf_slice(&args), step);
		add_finish(&in, 0);
		add_finish(&in, 1);
		add_done(&in);
		run_answer(&g, &in, &out);
		collect(rw_buf_slice(&out), 0, "delta.content", &text);
		assert_text(&text, prompt);
		rw_buf_reset(&text);
		collect(rw_buf_slice(&out), 1, "delta.reasoning_content", &text);
		assert_text(&text, prompt);
		rw_buf_reset(&text);
		collect(rw_buf_slice(&out), 0, "delta.tool_calls.0.function.arguments", &text);
		doc = yyjson_read(text.p, text.len, 0);
		assert_non_null(doc);
		assert_string_equal(yyjson_get_str(at_path(yyjson_doc_get_root(doc), "to")),
				    prompt);
		yyjson_doc_free(doc);
	}
	end();
	rw_buf_free(&sent);
	rw_buf_free(&args);
	rw_buf_free(&in);
	rw_buf_free(&out);
	rw_buf_free(&text);
}

/* A value with a quote and a line end in it comes back as the inner JSON wants it, also bare. */
static void a_value_that_comes_back_is_escaped(void **state)
{
	static const char key_text[] =
		"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"
		"-----END PRIVATE KEY-----";
	struct rw_buf sent = {0}, body = {0}, out = {0}, args = {0};
	struct rw_tally tally = {0};
	struct rw_usage usage;
	struct rw_error e;
	struct rw_guard g;
	yyjson_doc *doc, *inner;

	(void)state;
	begin(RW_REDACT_TOKEN);
	redact(rw_slice_str(key_text), &sent);
	g = guard_for(true);
	rw_buf_addf(&args, "{\"k\": \"%.*s\", \"bare\": %.*s}", RW_SLICE_FMT(rw_buf_slice(&sent)),
		    RW_SLICE_FMT(rw_buf_slice(&sent)));
	rw_buf_add_str(&body,
		       "{\"choices\":[{\"index\":0,\"message\":{\"tool_calls\":[{\"function\":"
		       "{\"name\":\"f\",\"arguments\":");
	rw_buf_add_json(&body, rw_buf_slice(&args));
	rw_buf_add_str(&body, "}}]}}]}");
	assert_int_equal(
		rw_answer_guard(scanner, rules, &g, rw_buf_slice(&body), &out, &tally, &usage, &e),
		RW_OK);
	doc = yyjson_read(out.p, out.len, 0);
	inner = yyjson_read(
		yyjson_get_str(at_path(yyjson_doc_get_root(doc),
				       "choices.0.message.tool_calls.0.function.arguments")),
		yyjson_get_len(at_path(yyjson_doc_get_root(doc),
				       "choices.0.message.tool_calls.0.function.arguments")),
		0);
	assert_string_equal(yyjson_get_str(at_path(yyjson_doc_get_root(inner), "k")), key_text);
	assert_string_equal(yyjson_get_str(at_path(yyjson_doc_get_root(inner), "bare")), key_text);
	yyjson_doc_free(inner);
	yyjson_doc_free(doc);
	end();
	rw_buf_free(&sent);
	rw_buf_free(&args);
	rw_buf_free(&body);
	rw_buf_free(&out);
}

/* --- nothing leaks -------------------------------------------------------------------------- */

/* A rule's own case without its marks, and the value between them (or empty). */
static void case_text(const char *text, struct rw_buf *out, struct rw_slice *value)
{
	size_t from = 0, to = 0;

	rw_buf_reset(out);
	for (; *text; text++) {
		if ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] == 0xab)
			from = out->len, text++;
		else if ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] == 0xbb)
			to = out->len, text++;
		else
			rw_buf_add(out, text, 1);
	}
	*value = rw_slice_of(out->p + from, to > from ? to - from : 0);
}

/* The longest part of value that out holds, looked for from least on. */
static size_t longest_part(struct rw_slice out, struct rw_slice value, size_t least)
{
	size_t best = least;

	for (size_t from = 0; from < value.n; from++)
		while (out.n && from + best < value.n &&
		       memmem(out.p, out.n, value.p + from, best + 1))
			best++;
	return best;
}

/* Feeds the text byte by byte; after each event the client has no more of the value than at the
 * end. */
static void check_leak(const char *id, struct rw_slice text, struct rw_slice value)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_buf in = {0}, out = {0}, got = {0}, whole = {0};
	size_t at_end;

	mask_whole(text, &whole);
	at_end = longest_part(rw_buf_slice(&whole), value, 4);
	for (size_t i = 0; i < text.n; i++) {
		rw_buf_reset(&in);
		rw_buf_reset(&out);
		add_piece(&in, 0, CONTENT, rw_slice_of(text.p + i, 1), "");
		assert_int_equal(rw_answer_stream_feed(st, rw_buf_slice(&in), &out), RW_OK);
		collect(rw_buf_slice(&out), 0, "delta.content", &got);
		if (longest_part(rw_buf_slice(&got), value, at_end) > at_end)
			fail_msg("%s: the client has %.*s", id, RW_SLICE_FMT(rw_buf_slice(&got)));
	}
	rw_buf_reset(&out);
	assert_int_equal(rw_answer_stream_end(st, true, &out), RW_OK);
	collect(rw_buf_slice(&out), 0, "delta.content", &got);
	assert_text(&got, (rw_buf_add(&whole, "", 1), whole.p));
	rw_answer_stream_free(st);
	rw_buf_free(&in);
	rw_buf_free(&out);
	rw_buf_free(&got);
	rw_buf_free(&whole);
}

/* Masking came after the first events of a key were sent: a prefix of it was readable. ASCII cases:
   an event's bytes are characters. */
static void no_event_holds_a_part_of_a_value_that_is_masked(void **state)
{
	struct rw_buf text = {0};
	struct rw_slice value;
	unsigned checked = 0;

	(void)state;
	for (unsigned i = 0; i < rw_rules_count(rules); i++) {
		const struct rw_rule *rule = rw_rule_of(rules, i);

		if (rule->info.category != RW_CAT_PII && rule->info.category != RW_CAT_SECRET)
			continue;
		for (unsigned k = 0; k < rule->match.n; k++) {
			bool ascii = true;

			case_text(rule->match.at[k].text, &text, &value);
			for (size_t b = 0; b < text.len; b++)
				ascii &= (unsigned char)text.p[b] < 0x80;
			if (!ascii || !value.n)
				continue;
			check_leak(rule->info.id, rw_buf_slice(&text), value);
			checked++;
		}
	}
	assert_true(checked > 300);
	rw_buf_free(&text);
}

/* --- time ----------------------------------------------------------------------------------- */

static void feed(struct rw_answer_stream *st, unsigned choice, const char *text, struct rw_buf *out)
{
	struct rw_buf in = {0};

	add_piece(&in, choice, CONTENT, rw_slice_str(text), "");
	assert_int_equal(rw_answer_stream_feed(st, rw_buf_slice(&in), out), RW_OK);
	rw_buf_free(&in);
}

static void assert_said(const struct rw_buf *out, unsigned choice, const char *want)
{
	struct rw_buf text = {0};

	collect(rw_buf_slice(out), choice, "delta.content", &text);
	assert_text(&text, want);
	rw_buf_free(&text);
}

/* A model that thinks behind a value held it back for as long; one that thinks within a word must
 * not make it leak. */
static void time_decides_whole_values_and_releases_nothing_else(void **state)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_tally found;
	struct rw_buf out = {0};

	(void)state;
	feed(st, 0, "see jane.doe@example.com", &out);
	feed(st, 1, "pass jane.d", &out);
	assert_true(rw_answer_stream_holds(st));
	assert_said(&out, 0, "see ");
	/* The first call only notes who got what when. */
	assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
	assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
	assert_said(&out, 0, "see [EMAIL_ADDRESS]");
	assert_said(&out, 1, "pass ");
	rw_answer_stream_tally(st, &found);
	assert_int_equal(found.n, 1);
	/* What goes on the value is its rest, to the next character that ends it. */
	feed(st, 0, ".uk and", &out);
	feed(st, 1, "oe@example.com ", &out);
	assert_int_equal(rw_answer_stream_end(st, true, &out), RW_OK);
	assert_said(&out, 0, "see [EMAIL_ADDRESS] and");
	assert_said(&out, 1, "pass [EMAIL_ADDRESS] ");
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

/* A busy choice kept a silent one waiting. */
static void one_choice_does_not_delay_another(void **state)
{
	struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
	struct rw_buf out = {0};

	(void)state;
	feed(st, 0, "to a@example.com", &out);
	assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
	feed(st, 1, "flows on ", &out);
	assert_said(&out, 1, "flows on ");
	assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
	assert_said(&out, 0, "to [EMAIL_ADDRESS]");
	feed(st, 1, "and on ", &out);
	assert_said(&out, 1, "flows on and on ");
	rw_answer_stream_free(st);
	rw_buf_free(&out);
}

/* Groups of numbers: what follows behind a space would be the rest of a value. */
static void time_leaks_nothing_of_numbers_in_groups(void **state)
{
	static const char text[] = "call +44 7700 900995 now";
	struct rw_buf out = {0};

	(void)state;
	for (size_t cut = 1; cut < sizeof(text) - 1; cut++) {
		struct rw_answer_stream *st = rw_answer_stream_new(scanner, rules, &masking);
		char front[sizeof(text)];

		rw_buf_reset(&out);
		snprintf(front, sizeof(front), "%.*s", (int)cut, text);
		feed(st, 0, front, &out);
		assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
		assert_int_equal(rw_answer_stream_late(st, &out), RW_OK);
		feed(st, 0, text + cut, &out);
		assert_int_equal(rw_answer_stream_end(st, true, &out), RW_OK);
		assert_said(&out, 0, "call [PHONE_NUMBER] now");
		rw_answer_stream_free(st);
	}
	rw_buf_free(&out);
}

/* --- leaks ---------------------------------------------------------------------------------- */

/* A canary that is blocked ends the stream as the dialect wants it, and nothing of it is out. */
static void a_canary_ends_the_stream(void **state)
{
	static const struct rw_slice texts[] = {RW_SLICE("cnry-7f3a91bc")};
	struct rw_guard g = masking;
	struct rw_canaries *canaries;
	struct rw_buf in = {0}, out = {0}, said = {0};
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_canaries_new(&canaries, texts, 1, &e), RW_OK);
	g.canaries = canaries;
	g.canary_action = RW_ACT_BLOCK;
	for (size_t step = 1; step < 30; step++) {
		rw_buf_reset(&in);
		rw_buf_reset(&out);
		add_text(&in, 0, CONTENT, "", RW_SLICE("it is C-N-R-Y 7F3A 91BC, you know"), step);
		add_finish(&in, 0);
		add_done(&in);
		assert_int_equal(run_stream(&g, rw_buf_slice(&in), 0, in.len, true, &out),
				 RW_EPERM);
		/* What the last event itself released goes with it. */
		collect(rw_buf_slice(&out), 0, "delta.content", (rw_buf_reset(&said), &said));
		assert_true(
			rw_slice_starts(RW_SLICE("it is "), (rw_buf_add(&said, "", 1), said.p)));
		assert_non_null(memmem(out.p, out.len, "\"content_filter\"", 16));
		assert_memory_equal(out.p + out.len - 14, "data: [DONE]\n\n", 14);
	}
	rw_canaries_unref(canaries);
	rw_buf_free(&said);
	rw_buf_free(&in);
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_stay_json_whatever_is_redacted),
		cmocka_unit_test(a_synthetic_number_stays_a_number),
		cmocka_unit_test(places_count_bytes_of_the_text_as_it_came),
		cmocka_unit_test(tokens_come_back_in_every_lane_and_stay_json),
		cmocka_unit_test(a_value_that_comes_back_is_escaped),
		cmocka_unit_test(no_event_holds_a_part_of_a_value_that_is_masked),
		cmocka_unit_test(time_decides_whole_values_and_releases_nothing_else),
		cmocka_unit_test(one_choice_does_not_delay_another),
		cmocka_unit_test(time_leaks_nothing_of_numbers_in_groups),
		cmocka_unit_test(a_canary_ends_the_stream),
	};

	return cmocka_run_group_tests(tests, load_rules, unload_rules);
}
