/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader, and the edits that are made by the positions it tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <yyjson.h>

#include "llm/json.h"
#include "llm/openai.h"
#include "llm/text.h"

static int skip_all(struct rw_slice body, unsigned depth, struct rw_error *e)
{
	struct rw_json j;
	int rc = rw_json_init(&j, body, depth, e);

	if (!rc)
		rc = rw_json_skip(&j, NULL);
	return rc ? rc : rw_json_end(&j);
}

/*
 * Sixteen and 64 bytes are looked at together: a byte that is not plain is found wherever in them
 * it stands, and what follows the text is not read.
 */
static void every_place_in_a_string_is_looked_at(void **state)
{
	enum { LONGEST = 150 };
	static const char *const specials[] = {"\\\"", "\xc3\xa9", "\x7f", "\x01", "\x1f", "\xff"};
	struct rw_error e;

	(void)state;
	for (size_t k = 0; k < sizeof(specials) / sizeof(specials[0]); k++)
		for (size_t n = 0; n < LONGEST; n++)
			for (size_t at = 0; at <= n; at++) {
				size_t more = strlen(specials[k]), all = n + more + 2;
				char *text = malloc(all);
				struct rw_span span = {0};
				struct rw_json j;
				int rc;

				memset(text, 'x', all);
				text[0] = text[all - 1] = '"';
				memcpy(text + 1 + at, specials[k], more);
				rw_json_init(&j, rw_slice_of(text, all), 0, &e);
				rc = rw_json_string(&j, &span);
				assert_int_equal(rc, k < 3 ? RW_OK : RW_EINVAL);
				if (!rc)
					assert_int_equal(span.end - span.start, n + more);
				assert_int_equal(span.escaped, k == 0);
				free(text);
			}
}

/* Two readers that disagree about what is JSON disagree about what a body says. */
static void agrees_with_another_reader(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"\"\"",
		"0",
		"-0",
		"01",
		"1.",
		".5",
		"1.5e+3",
		"1e",
		"-",
		"--1",
		"1 2",
		"true",
		"tru",
		"nulll",
		"[1,]",
		"[,1]",
		"{\"a\":1,}",
		"{\"a\"}",
		"{a:1}",
		"{\"a\":1 \"b\":2}",
		"[1 2]",
		"\"\\x\"",
		"\"\\u12\"",
		"\"\\u12g4\"",
		"\"\\",
		"\"\\u",
		"\"a\nb\"",
		"\"a\tb\"",
		"\"\x7f\"",
		"\"\xff\"",
		"\"\xc0\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xe2\x82\"",
		"\"\xe2\x82\xac\"",
		" \t\r\n{ } ",
		"{}x",
		"{}{}",
		"",
		" ",
		"[",
		"]",
		"{",
		"}",
		"\"",
		"[}",
		"{\"a\":[{\"b\":[null,false,1E-2]}]}",
		"NaN",
		"Infinity",
		"'a'",
		"/*c*/1",
		"\xef\xbb\xbf{}",
		"[\"\\ud83d\\ude00\"]",
		"{\"\\u0061\":1}",
		"12345678901234567890123",
		"1e999999",
		"\v1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rw_slice s = rw_slice_str(texts[i]);
		yyjson_doc *doc = yyjson_read(s.p, s.n, YYJSON_READ_NUMBER_AS_RAW);
		struct rw_error e = {0};

		if ((doc != NULL) != (skip_all(s, 0, &e) == RW_OK))
			fail_msg("%s: %s", texts[i], doc ? e.text : "taken, though it is no JSON");
		yyjson_doc_free(doc);
	}
}

/* Each cut of a body must fail: what is read behind the end is a crash or a lie. */
static void every_cut_is_refused(void **state)
{
	struct rw_slice s =
		RW_SLICE("{\"a\\u00e9\":[1.5e3,\"x\\ud83d\\ude00\xe2\x82\xac\",true,null,{}]}");
	struct rw_error e;
	char *copy;

	(void)state;
	assert_int_equal(skip_all(s, 0, &e), RW_OK);
	for (size_t n = 0; n < s.n; n++) {
		copy = malloc(n + 1); /* so that ASan sees a read behind the end */
		memcpy(copy, s.p, n);
		copy = realloc(copy, n ? n : 1);
		assert_int_equal(skip_all(rw_slice_of(copy, n), 0, &e), RW_EINVAL);
		free(copy);
	}
}

/* 100,000 brackets in a body must not exhaust the stack. */
static void nesting_is_bounded(void **state)
{
	char deep[100000];
	struct rw_error e;

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(skip_all(rw_slice_of(deep, sizeof(deep)), 0, &e), RW_ELIMIT);
	memset(deep + 4, ']', 4);
	assert_int_equal(skip_all(rw_slice_of(deep, 8), 4, &e), RW_OK);
	assert_int_equal(skip_all(rw_slice_of(deep, 8), 3, &e), RW_ELIMIT);
}

static void assert_says(const char *raw, const char *text, size_t n)
{
	char out[64];
	size_t got = rw_json_unescape(rw_slice_str(raw), out);

	assert_int_equal(got, n);
	assert_memory_equal(out, text, n);
}

static void unescapes_all_there_is(void **state)
{
	(void)state;
	assert_says("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8);
	assert_says("a\\u0000b", "a\0b", 3);
	assert_says("\\u00e9\\u20AC", "\xc3\xa9\xe2\x82\xac", 5);
	assert_says("\\ud83d\\ude00!", "\xf0\x9f\x98\x80!", 5);
}

/* Providers cut an emoji between two deltas: "\ud83d" alone is what a delta says then. */
static void lone_surrogates_are_kept(void **state)
{
	(void)state;
	assert_says("\\ud83d", "\xed\xa0\xbd", 3);
	assert_says("\\ude00\\ud83d", "\xed\xb8\x80\xed\xa0\xbd", 6);
	assert_says("\\ud83d\\u0041",
		    "\xed\xa0\xbd"
		    "A",
		    4);
	assert_says("\\ud83d\\n", "\xed\xa0\xbd\n", 4);
}

static void assert_written(const char *text, size_t n, const char *json)
{
	struct rw_buf b = {0};

	assert_int_equal(rw_text_write(&b, rw_slice_of(text, n)), RW_OK);
	assert_int_equal(b.len, strlen(json));
	assert_memory_equal(b.p, json, b.len);
	rw_buf_free(&b);
}

static void escapes_only_what_must_be(void **state)
{
	(void)state;
	assert_written("a/b\x7f\xc3\xa9\xe2\x80\xa8", 9, "a/b\x7f\xc3\xa9\xe2\x80\xa8");
	assert_written("\"\\\n\r\t\b\f\x01\0", 9, "\\\"\\\\\\n\\r\\t\\b\\f\\u0001\\u0000");
	assert_written("\xed\xa0\xbd-\xed\xb8\x80", 7, "\\ud83d-\\ude00");
	assert_written("a\xff"
		       "b\xe2\x82",
		       5,
		       "a\xef\xbf\xbd"
		       "b\xef\xbf\xbd\xef\xbf\xbd");
}

static void edits_change_nothing_else(void **state)
{
	struct rw_slice body = RW_SLICE("{ \"a\" :\t\"one\", \"n\":1.0e+2,\"b\":\"\\u0041\" }\r\n");
	const struct rw_edit edits[] = {
		{9, 12, RW_SLICE("\"1\"")},
		{31, 37, RW_SLICE("")},
	};
	struct rw_buf out = {0};

	(void)state;
	assert_int_equal(rw_edit_apply(body, edits, 2, &out), RW_OK);
	assert_true(rw_slice_is(rw_buf_slice(&out),
				"{ \"a\" :\t\"\\\"1\\\"\", \"n\":1.0e+2,\"b\":\"\" }\r\n"));
	rw_buf_reset(&out);
	assert_int_equal(rw_edit_apply(body, NULL, 0, &out), RW_OK);
	assert_true(rw_slice_eq(rw_buf_slice(&out), body));
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_place_in_a_string_is_looked_at),
		cmocka_unit_test(agrees_with_another_reader),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(unescapes_all_there_is),
		cmocka_unit_test(lone_surrogates_are_kept),
		cmocka_unit_test(escapes_only_what_must_be),
		cmocka_unit_test(edits_change_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
