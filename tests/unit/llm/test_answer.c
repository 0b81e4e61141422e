/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers. */
#include "guarded.h"

static int guard(const struct rw_guard *g, const char *body, struct rw_buf *out,
		 struct rw_tally *tally, struct rw_usage *usage)
{
	struct rw_error e = {0};
	int rc;

	rw_buf_reset(out);
	*tally = (struct rw_tally){0};
	*usage = (struct rw_usage){0};
	rc = rw_answer_guard(scanner, rules, g, rw_slice_str(body), out, tally, usage, &e);
	assert_null(strstr(e.text, "example.com"));
	return rc;
}

static void assert_guarded(const char *body, const char *want)
{
	struct rw_buf out = {0};
	struct rw_usage usage;
	struct rw_tally tally;

	assert_int_equal(guard(&masking, body, &out, &tally, &usage), RW_OK);
	if (!rw_slice_is(rw_buf_slice(&out), want))
		fail_msg("%.*s instead of %s", (int)out.len, out.p, want);
	assert_int_equal(tally.strongest, strcmp(body, want) == 0 ? RW_ACT_ALLOW : RW_ACT_MASK);
	rw_buf_free(&out);
}

static void an_answer_without_findings_keeps_its_bytes(void **state)
{
	const char *body =
		" {\"id\" : \"c-1\",\"x\":[1.0E2],\"choices\":[{\"index\":0,\"message\":{\"role\":"
		"\"assistant\",\"content\":\"caf\\u00e9 \\ud83d\"},\"logprobs\":{\"content\":[]},"
		"\"finish_reason\":\"stop\"}], \"usage\":{\"prompt_tokens\":12,"
		"\"completion_tokens\":34,\"total_tokens\":46}}\n";
	struct rw_buf out = {0};
	struct rw_usage usage;
	struct rw_tally tally;

	(void)state;
	assert_guarded(body, body);
	assert_int_equal(guard(&masking, body, &out, &tally, &usage), RW_OK);
	assert_true(usage.known);
	assert_int_equal(usage.prompt_tokens, 12);
	assert_int_equal(usage.completion_tokens, 34);
	rw_buf_free(&out);
}

static void every_text_of_every_choice_is_masked(void **state)
{
	(void)state;
	assert_guarded(
		"{\"choices\":[{\"message\":{\"content\":\"to jane@example.com.\",\"refusal\":\"to "
		"jane@example.com\",\"reasoning_content\":\"jane@example.com\",\"reasoning\":"
		"\"jane@example.com\"}},{\"index\":1,\"message\":{\"content\":[{\"type\":\"text\","
		"\"text\":"
		"\"jane\\u0040example.com\"}]}},{\"text\":\"jane@example.com\"}]}",
		"{\"choices\":[{\"message\":{\"content\":\"to [EMAIL_ADDRESS].\",\"refusal\":\"to "
		"[EMAIL_ADDRESS]\",\"reasoning_content\":\"[EMAIL_ADDRESS]\",\"reasoning\":"
		"\"[EMAIL_ADDRESS]\"}},{\"index\":1,\"message\":{\"content\":[{\"type\":\"text\","
		"\"text\":"
		"\"[EMAIL_ADDRESS]\"}]}},{\"text\":\"[EMAIL_ADDRESS]\"}]}");
	assert_guarded(
		"{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":{"
		"\"name\":\"f\","
		"\"arguments\":\"{\\\"to\\\":\\\"jane@example.com\\\"}\"}},{\"custom\":{\"input\":"
		"\"jane@example.com\"}}],\"function_call\":{\"arguments\":"
		"\"{\\\"n\\\":4111111111111111}\"}}}]}",
		"{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":{"
		"\"name\":\"f\","
		"\"arguments\":\"{\\\"to\\\":\\\"[EMAIL_ADDRESS]\\\"}\"}},{\"custom\":{\"input\":"
		"\"[EMAIL_ADDRESS]\"}}],\"function_call\":{\"arguments\":"
		"\"{\\\"n\\\":\\\"[CREDIT_CARD]\\\"}\"}}}]}");
}

/* The tokens of logprobs spell the text again. */
static void logprobs_do_not_tell_what_was_masked(void **state)
{
	(void)state;
	assert_guarded(
		"{\"choices\":[{\"index\":0,\"logprobs\":{\"content\":[{\"token\":\"jane\"}]},"
		"\"message\":{\"content\":\"jane@example.com\"}},{\"index\":1,\"message\":{"
		"\"content\":"
		"\"hi\"},\"logprobs\":{\"content\":[{\"token\":\"hi\"}]}}]}",
		"{\"choices\":[{\"index\":0,\"logprobs\":null,\"message\":{\"content\":"
		"\"[EMAIL_ADDRESS]\"}},{\"index\":1,\"message\":{\"content\":"
		"\"hi\"},\"logprobs\":{\"content\":[{\"token\":\"hi\"}]}}]}");
}

/* An object that is no answer we know may hold text anywhere; so may an error. */
static void unknown_objects_and_errors_are_masked_too(void **state)
{
	(void)state;
	assert_guarded("{\"type\":\"x\",\"a\":[{\"b\":\"jane@example.com\"}]}",
		       "{\"type\":\"x\",\"a\":[{\"b\":\"[EMAIL_ADDRESS]\"}]}");
	assert_guarded("{\"error\":{\"message\":\"no jane@example.com\",\"code\":null}}",
		       "{\"error\":{\"message\":\"no [EMAIL_ADDRESS]\",\"code\":null}}");
}

/* More findings than a list of them holds must be masked all the same. */
static void many_findings_are_all_masked(void **state)
{
	struct rw_buf body = {0}, out = {0};
	struct rw_usage usage;
	struct rw_tally tally;

	(void)state;
	rw_buf_add_str(&body, "{\"choices\":[{\"message\":{\"content\":\"");
	for (int i = 0; i < 1000; i++)
		rw_buf_addf(&body, "u%d@example.com ", i);
	rw_buf_add(&body, "\"}}]}", 6);
	assert_int_equal(guard(&masking, body.p, &out, &tally, &usage), RW_OK);
	assert_null(memmem(out.p, out.len, "example", 7));
	assert_int_equal(tally.at[0].count, 1000);
	rw_buf_free(&body);
	rw_buf_free(&out);
}

static void what_blocks_and_what_cannot_be_read_is_not_passed(void **state)
{
	struct rw_buf out = {0};
	struct rw_usage usage;
	struct rw_tally tally;

	(void)state;
	assert_int_equal(
		guard(&blocking,
		      "{\"choices\":[{\"message\":{\"content\":\"AKIAIOSFODNN7EXAMPLQ\"}}]}", &out,
		      &tally, &usage),
		RW_EPERM);
	assert_int_equal(tally.strongest, RW_ACT_BLOCK);
	assert_int_equal(out.len, 0);
	assert_int_equal(guard(&masking, "jane@example.com", &out, &tally, &usage), RW_EINVAL);
	assert_int_equal(guard(&masking, "[]", &out, &tally, &usage), RW_EINVAL);
	assert_int_equal(
		guard(&masking,
		      "{\"choices\":[{\"message\":{\"content\":\"a\",\"content\":\"b\"}}]}", &out,
		      &tally, &usage),
		RW_EINVAL);
	assert_int_equal(out.len, 0);
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_without_findings_keeps_its_bytes),
		cmocka_unit_test(every_text_of_every_choice_is_masked),
		cmocka_unit_test(logprobs_do_not_tell_what_was_masked),
		cmocka_unit_test(unknown_objects_and_errors_are_masked_too),
		cmocka_unit_test(many_findings_are_all_masked),
		cmocka_unit_test(what_blocks_and_what_cannot_be_read_is_not_passed),
	};

	return cmocka_run_group_tests(tests, load_rules, unload_rules);
}
