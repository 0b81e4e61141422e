/* SPDX-License-Identifier: Apache-2.0 */
/* Detectors elsewhere: what they are asked, and which of their answers are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "llm/detector.h"

static struct rw_detections found;

#define E(type, start, end, score) \
	"{\"entity_type\":\"" type "\",\"start\":" start ",\"end\":" end ",\"score\":" score "}"

static int presidio(const char *answer, const char *text, unsigned least)
{
	struct rw_error e = {0};
	int rc = rw_presidio_read(rw_slice_str(answer), rw_slice_str(text), least, &found, &e);

	assert_int_equal(rc, (int)e.code);
	if (rc && strstr(e.text, "secret"))
		fail_msg("content in a message: %s", e.text);
	return rc;
}

static void offsets_of_code_points_become_bytes(void **state)
{
	/* The second comes first, as answers need not be in order. */
	const char *text = "\xc3\xa9 \xf0\x9f\x98\x80 Jane, \xe5\xbc\xa0\xe4\xbc\x9f";

	(void)state;
	assert_int_equal(
		presidio("[" E("PERSON", "10", "12", "0.85") "," E("PERSON", "4", "8", "1.0") "]",
			 text, 50),
		RW_OK);
	assert_int_equal(found.n, 2);
	assert_memory_equal(text + found.at[0].start, "\xe5\xbc\xa0\xe4\xbc\x9f", 6);
	assert_int_equal(found.at[0].end, strlen(text));
	assert_int_equal(found.at[0].score, 85);
	assert_memory_equal(text + found.at[1].start, "Jane", 4);
	assert_int_equal(found.at[1].end - found.at[1].start, 4);
	assert_int_equal(found.at[1].score, 100);
	assert_string_equal(found.at[1].type, "PERSON");
}

static void what_else_presidio_says_is_passed_over(void **state)
{
	(void)state;
	assert_int_equal(
		presidio("[{\"analysis_explanation\":null,\"end\":4,\"entity_type\":\"PERSON\","
			 "\"recognition_metadata\":{\"recognizer_name\":\"x\"},\"score\":0.4,"
			 "\"start\":0}]",
			 "Jane", 50),
		RW_OK);
	assert_int_equal(found.n, 0); /* it scores too little */
	assert_int_equal(presidio(" [] ", "Jane", 50), RW_OK);
}

static void an_answer_is_wholly_right_or_none(void **state)
{
	static const char *const wrong[] = {
		"",
		"{}",
		"null",
		"[1]",
		"[{}]",
		"[" E("PERSON", "0", "4", "0.9"),
		"[" E("PERSON", "0", "4", "0.9") "] secret",
		"[" E("PERSON", "0", "5", "0.9") "]",
		"[" E("PERSON", "4", "4", "0.9") "]",
		"[" E("PERSON", "3", "1", "0.9") "]",
		"[" E("PERSON", "-1", "4", "0.9") "]",
		"[" E("PERSON", "0.5", "4", "0.9") "]",
		"[" E("PERSON", "0", "99999999999999999999", "0.9") "]",
		"[" E("PERSON", "0", "4", "1.5") "]",
		"[" E("PERSON", "0", "4", "-0.1") "]",
		"[" E("PERSON", "0", "4", "1e999") "]",
		"[" E("PERSON", "0", "4", "\"0.9\"") "]",
		"[" E("PERSON", "0", "4", "0.000000000000000000000000000000000000009") "]",
		"[" E("", "0", "4", "0.9") "]",
		"[" E("A secret", "0", "4", "0.9") "]",
		"[" E("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "0", "4", "0.9") "]",
		"[{\"entity_type\":\"PERSON\",\"start\":0,\"start\":1,\"end\":4,\"score\":0.9}]",
		"[{\"entity_type\":\"PERSON\",\"start\":0,\"score\":0.9}]",
		"[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!presidio(wrong[i], "Jane", 0))
			fail_msg("believed: %s", wrong[i]);
}

static void more_entities_than_there_is_room_for_are_refused(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_buf_add_str(&b, "["), RW_OK);
	for (unsigned i = 0; i <= RW_DETECTED_MAX; i++)
		assert_int_equal(rw_buf_addf(&b, "%s" E("PERSON", "0", "4", "0.9"), i ? "," : ""),
				 RW_OK);
	assert_int_equal(rw_buf_addf(&b, "]"), RW_OK);
	assert_int_equal(rw_buf_add(&b, "", 1), RW_OK);
	assert_int_equal(presidio(b.p, "Jane", 0), RW_ELIMIT);
	assert_int_equal(presidio(b.p, "Jane", 95), RW_OK);
	rw_buf_free(&b);
}

static void questions_are_json_whatever_the_text_holds(void **state)
{
	const char *text = "a \"quote\" \\ \xed\xa0\xbd \n\x01 end";
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_presidio_ask(&b, rw_slice_str(text), "en", 35), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&b),
				"{\"text\":\"a \\\"quote\\\" \\\\ \\ud83d \\n\\u0001 end\","
				"\"language\":\"en\",\"score_threshold\":0.35}"));
	rw_buf_reset(&b);
	assert_int_equal(rw_judge_ask(&b, "judge-1", rw_slice_str("say \"hi\"")), RW_OK);
	assert_int_equal(rw_buf_add(&b, "", 1), RW_OK);
	assert_non_null(strstr(b.p, "{\"model\":\"judge-1\",\"temperature\":0,"));
	/* Twice quoted: for the judge it is data. */
	assert_non_null(strstr(
		b.p, "{\"role\":\"user\",\"content\":\"\\\"say \\\\\\\"hi\\\\\\\"\\\"\"}]}"));
	rw_buf_free(&b);
}

#define SAYS(content)                                                                              \
	"{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" content "}}" \
	"]}"

static void a_judge_is_read(void **state)
{
	static const struct {
		const char *answer;
		int score; /* -1: not believed */
	} cases[] = {
		{SAYS("\"{\\\"score\\\": 87}\""), 87},
		{SAYS("\"Sure! ```json\\n{\\\"score\\\":0}\\n```\""), 0},
		{SAYS("\"{\\\"score\\\":100,\\\"reason\\\":\\\"x\\\"}\""), 100},
		{SAYS("\"{\\\"score\\\":101}\""), -1},
		{SAYS("\"{\\\"score\\\":-1}\""), -1},
		{SAYS("\"{\\\"score\\\":0.9}\""), -1},
		{SAYS("\"{\\\"score\\\":\\\"90\\\"}\""), -1},
		{SAYS("\"{\\\"score\\\":1,\\\"score\\\":90}\""), -1},
		{SAYS("\"{\\\"score\\\":1} {\\\"score\\\":90}\""), -1},
		{SAYS("\"{}\""), -1},
		{SAYS("\"harmless\""), -1},
		{SAYS("\"} {\""), -1},
		{SAYS("\"\""), -1},
		{SAYS("null"), -1},
		{"{\"choices\":[]}", -1},
		{"{}", -1},
		{"", -1},
		{"{\"choices\":[{\"message\":{\"content\":\"{\\\"score\\\":3}\"}},{\"message\":{"
		 "\"content\":\"{\\\"score\\\":4}\"}}]}",
		 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rw_error e = {0};
		unsigned score = 999;
		int rc = rw_judge_read(rw_slice_str(cases[i].answer), &score, &e);

		if (rc ? cases[i].score != -1 : (int)score != cases[i].score)
			fail_msg("%s: %d, %u %s", cases[i].answer, rc, score, e.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_of_code_points_become_bytes),
		cmocka_unit_test(what_else_presidio_says_is_passed_over),
		cmocka_unit_test(an_answer_is_wholly_right_or_none),
		cmocka_unit_test(more_entities_than_there_is_room_for_are_refused),
		cmocka_unit_test(questions_are_json_whatever_the_text_holds),
		cmocka_unit_test(a_judge_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
