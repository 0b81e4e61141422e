/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk that repeats the one before says what reading it in full says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "llm/repeat.h"

static void assert_same_span(struct rw_span a, struct rw_span b)
{
	assert_int_equal(a.start, b.start);
	assert_int_equal(a.end, b.end);
	assert_int_equal(a.escaped, b.escaped);
}

static void assert_same(const struct rw_chunk *a, const struct rw_chunk *b)
{
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->has_choices, b->has_choices);
	assert_int_equal(a->usage.known, b->usage.known);
	assert_int_equal(a->usage.prompt_tokens, b->usage.prompt_tokens);
	assert_int_equal(a->usage.completion_tokens, b->usage.completion_tokens);
	assert_same_span(a->padding, b->padding);
	for (unsigned i = 0; i < RW_ENVELOPE; i++)
		assert_same_span(a->envelope[i], b->envelope[i]);
	for (unsigned i = 0; i < a->n; i++) {
		assert_same_span(a->spots[i].at, b->spots[i].at);
		assert_int_equal(a->spots[i].kind, b->spots[i].kind);
		assert_int_equal(a->spots[i].field, b->spots[i].field);
		assert_int_equal(a->spots[i].choice, b->spots[i].choice);
		assert_int_equal(a->spots[i].index, b->spots[i].index);
		assert_false(a->spots[i].changed || a->spots[i].touched);
	}
}

/* Reads the chunks one behind the other, with a word on each: 'r' it repeats, 'f' it does not. */
static void check(const char *const *chunks, const char *words)
{
	struct rw_repeat r = {0};
	struct rw_chunk c = {0}, full = {0};

	for (size_t i = 0; words[i]; i++) {
		struct rw_slice json = rw_slice_str(chunks[i]);
		bool repeated;
		int rc = rw_repeat_read(&r, &c, json, &repeated, NULL);

		assert_int_equal(rc, rw_chunk_read(&full, json, true, NULL));
		if (repeated != (words[i] == 'r'))
			fail_msg("%s: %s", chunks[i], repeated ? "taken as told" : "read anew");
		if (!rc) {
			assert_same(&c, &full);
			/* What a stream does with a spot is nothing that the next one keeps. */
			for (unsigned k = 0; k < c.n; k++)
				c.spots[k].changed = c.spots[k].touched = true;
		}
	}
	rw_repeat_free(&r);
	rw_chunk_free(&c);
	rw_chunk_free(&full);
}

#define CHUNK(text) "{\"id\":\"c\",\"choices\":[{\"index\":1,\"delta\":{\"content\":\"" text "\"}}]"

static void another_text_is_a_repetition(void **state)
{
	static const char *const chunks[] = {
		CHUNK("one") ",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7}}",
		CHUNK("a longer one") ",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7}}",
		CHUNK("") ",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7}}",
		CHUNK("\\u0041 \\\"\xc3\xa4") ",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7}}",
		CHUNK("two") ",\"model\":\"m\",\"usage\":{\"prompt_tokens\":7}}",
	};

	(void)state;
	check(chunks, "frrrr");
}

/* OpenAI pads each chunk so that its length does not tell the text's. */
static void padding_may_differ_too(void **state)
{
	static const char *const chunks[] = {
		CHUNK("a") ",\"service_tier\":\"d\",\"x\":\"ab\",\"created\":1}",
		CHUNK("bcd") ",\"service_tier\":\"d\",\"x\":\"\",\"created\":1}",
		CHUNK("") ",\"service_tier\":\"d\",\"x\":\"0123456789\",\"created\":1}",
		CHUNK("") ",\"service_tier\":\"e\",\"x\":\"0123456789\",\"created\":1}",
		CHUNK("") ",\"service_tier\":\"e\",\"x\":\"0\",\"created\":2}",
	};
	static const char *const before[] = {
		"{\"x\":\"ab\",\"choices\":[{\"text\":\"a\"}],\"created\":1}",
		"{\"x\":\"ab\",\"choices\":[{\"text\":\"bcd\"}],\"created\":1}",
		"{\"x\":\"a\",\"choices\":[{\"text\":\"bcd\"}],\"created\":1}",
	};

	(void)state;
	check(chunks, "frrff");
	check(before, "frf");
}

static void what_breaks_the_string_is_no_repetition(void **state)
{
	static const char *const chunks[] = {
		CHUNK("a") "}",
		CHUNK("a\"}}],\"error\":{\"message\":\"b") "}", /* a key more, and a text */
		CHUNK("a") "}",
		CHUNK("\\") "}",
		CHUNK("a") "}",
		CHUNK("\xff") "}",
		CHUNK("a") "}",
		CHUNK("a") "}}",
		CHUNK("a") "}",
		CHUNK("a"),
		CHUNK("a") "}",
		CHUNK("a"),
	};

	(void)state;
	check(chunks, "ffffffffffff");
}

static void only_one_piece_of_text_is_repeated(void **state)
{
	static const char *const chunks[] = {
		"{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":\"b\"}}]}",
		"{\"choices\":[{\"delta\":{\"content\":\"c\",\"reasoning\":\"b\"}}]}",
		"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
		"{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}",
		"{\"choices\":[{\"message\":{\"content\":\"a\"}}]}",
		"{\"choices\":[{\"message\":{\"content\":\"b\"}}]}",
		"{\"content\":\"a\"}",
		"{\"content\":\"b\"}",
		(CHUNK("a") "}"),
		"{\"choices\":[{\"delta\":{\"content\":\"c\",\"reasoning\":\"b\"}}]}",
		(CHUNK("a") "}"),
	};

	(void)state;
	check(chunks, "fffffffffff");
}

static void tool_arguments_are_repeated_with_their_index(void **state)
{
	static const char *const chunks[] = {
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"a\"},"
		"\"index\":3}]}}]}",
		"{\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"bc\"},"
		"\"index\":3}]}}]}",
	};

	(void)state;
	check(chunks, "fr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_text_is_a_repetition),
		cmocka_unit_test(padding_may_differ_too),
		cmocka_unit_test(what_breaks_the_string_is_no_repetition),
		cmocka_unit_test(only_one_piece_of_text_is_repeated),
		cmocka_unit_test(tool_arguments_are_repeated_with_their_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
