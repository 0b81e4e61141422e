/* SPDX-License-Identifier: Apache-2.0 */
/* The growable buffer and the JSON strings written into it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

static void assert_content(const struct rw_buf *b, const char *want)
{
	if (!rw_slice_is(rw_buf_slice(b), want))
		fail_msg("got '%.*s', want '%s'", RW_SLICE_FMT(rw_buf_slice(b)), want);
}

static void assert_json(struct rw_slice text, const char *want)
{
	struct rw_buf b = {0};

	assert_int_equal(rw_buf_add_json(&b, text), RW_OK);
	assert_content(&b, want);
	rw_buf_free(&b);
}

/* A zeroed struct must be usable without an init call, and again after free. */
static void zeroed_is_valid_before_and_after(void **state)
{
	struct rw_buf b = {.max = 10};

	(void)state;
	rw_buf_reset(&b);
	rw_buf_consume(&b, 0);
	assert_int_equal(rw_buf_add(&b, NULL, 0), RW_OK);
	assert_int_equal(rw_buf_add_str(&b, "abc"), RW_OK);
	rw_buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.len + b.cap, 0);
	assert_int_equal(b.max, 10);
	assert_int_equal(rw_buf_add_str(&b, "again"), RW_OK);
	assert_content(&b, "again");
	rw_buf_wipe(&b);
	assert_null(b.p);
}

static void content_may_reach_the_bound_and_not_pass_it(void **state)
{
	struct rw_buf b = {.max = 5};

	(void)state;
	assert_int_equal(rw_buf_add_str(&b, "abc"), RW_OK);
	assert_int_equal(rw_buf_add_str(&b, "def"), RW_ELIMIT);
	assert_content(&b, "abc");
	assert_int_equal(rw_buf_add_str(&b, "de"), RW_OK);
	assert_int_equal(rw_buf_add(&b, "x", 1), RW_ELIMIT);
	assert_content(&b, "abcde");
	rw_buf_free(&b);
}

/* Doubling past the bound would allocate twice what the configuration allows. */
static void allocation_does_not_double_past_the_bound(void **state)
{
	struct rw_buf b = {.max = 300};

	(void)state;
	for (int i = 0; i < 300; i++)
		assert_int_equal(rw_buf_add(&b, "x", 1), RW_OK);
	assert_int_equal(b.cap, 300);
	rw_buf_free(&b);
}

/* vsnprintf writes a NUL behind: it is no content, so it must not count against the bound. */
static void printf_fills_the_bound_exactly(void **state)
{
	struct rw_buf b = {.max = 5};

	(void)state;
	assert_int_equal(rw_buf_addf(&b, "%d", 12345), RW_OK);
	assert_content(&b, "12345");
	rw_buf_reset(&b);
	assert_int_equal(rw_buf_addf(&b, "%d", 123456), RW_ELIMIT);
	assert_int_equal(b.len, 0);
	rw_buf_free(&b);
}

static void printf_at_every_fill(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	for (size_t fill = 240; fill < 270; fill++) { /* around the first allocation */
		rw_buf_free(&b);
		for (size_t i = 0; i < fill; i++)
			assert_int_equal(rw_buf_add(&b, "x", 1), RW_OK);
		assert_int_equal(rw_buf_addf(&b, "<%s>", "eight888"), RW_OK);
		assert_int_equal(b.len, fill + 10);
		assert_memory_equal(b.p + fill, "<eight888>", 10);
	}
	rw_buf_free(&b);
}

static void a_size_that_wraps_is_refused(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_buf_add_str(&b, "abc"), RW_OK);
	assert_int_equal(rw_buf_reserve(&b, SIZE_MAX), RW_ELIMIT);
	assert_int_equal(rw_buf_reserve(&b, SIZE_MAX - 2), RW_ELIMIT);
	assert_content(&b, "abc");
	rw_buf_free(&b);
}

static void numbers_as_printf_writes_them(void **state)
{
	const uint64_t v[] = {0, 1, 9, 10, 99, 1234567890, UINT64_MAX - 1, UINT64_MAX};
	char want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct rw_buf b = {0};

		snprintf(want, sizeof(want), "%lu", (unsigned long)v[i]);
		assert_int_equal(rw_buf_add_u64(&b, v[i]), RW_OK);
		assert_content(&b, want);
		rw_buf_free(&b);
	}
}

static void consume_from_the_front(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	assert_int_equal(rw_buf_add_str(&b, "abcdef"), RW_OK);
	rw_buf_consume(&b, 0);
	rw_buf_consume(&b, 2);
	assert_content(&b, "cdef");
	rw_buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	rw_buf_free(&b);
}

static void json_escapes_what_rfc_8259_asks_for(void **state)
{
	(void)state;
	assert_json(RW_SLICE(""), "\"\"");
	assert_json((struct rw_slice){NULL, 0}, "\"\"");
	assert_json(RW_SLICE("a\"b\\c/"), "\"a\\\"b\\\\c/\"");
	assert_json(RW_SLICE("\n\r\t\b\f"), "\"\\n\\r\\t\\u0008\\u000c\"");
	assert_json(RW_SLICE("a\0b"), "\"a\\u0000b\"");
	assert_json(RW_SLICE("\x1f\x20\x7e\x7f"), "\"\\u001f ~\\u007f\"");
	assert_json(RW_SLICE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

/* Python's splitlines and JavaScript before ES2019 end a line at these too. */
static void json_has_no_line_end_for_any_reader(void **state)
{
	(void)state;
	assert_json(RW_SLICE("\xc2\x85"), "\"\\u0085\"");
	assert_json(RW_SLICE("\xc2\x80\xc2\x9f\xc2\xa0"), "\"\\u0080\\u009f\xc2\xa0\"");
	assert_json(RW_SLICE("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa"),
		    "\"\\u2028\\u2029\xe2\x80\xaa\"");
}

/* A caller's bytes are not always UTF-8; a log line with them is no JSON for a strict reader. */
static void json_replaces_invalid_utf8_bytewise(void **state)
{
	(void)state;
	assert_json(RW_SLICE("\xff"), "\"\xef\xbf\xbd\"");
	assert_json(RW_SLICE("a\xc3"), "\"a\xef\xbf\xbd\"");
	assert_json(RW_SLICE("\xc3\""), "\"\xef\xbf\xbd\\\"\"");
	assert_json(RW_SLICE("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
	assert_json(RW_SLICE("\xc0\xaf"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

/* Text is looked at by sixteen bytes, and what is left of it apart. */
static void json_escapes_at_every_place(void **state)
{
	char text[48], want[64];

	(void)state;
	for (size_t n = 1; n < sizeof(text); n++)
		for (size_t at = 0; at < n; at++) {
			memset(text, 'x', n);
			text[at] = '"';
			snprintf(want, sizeof(want), "\"%.*s\\\"%.*s\"", (int)at, text,
				 (int)(n - at - 1), text + at + 1);
			assert_json(rw_slice_of(text, n), want);
		}
}

/* Half a string left behind at the bound would be broken JSON in whoever's buffer it is. */
static void json_is_all_or_nothing_at_every_bound(void **state)
{
	const struct rw_slice text = RW_SLICE("ab\n\xff\xe2\x80\xa8 cd");
	struct rw_buf whole = {0};

	(void)state;
	assert_int_equal(rw_buf_add_json(&whole, text), RW_OK);
	for (size_t max = 4; max <= whole.len + 3; max++) {
		struct rw_buf b = {.max = max};
		int rc;

		assert_int_equal(rw_buf_add_str(&b, "abc"), RW_OK);
		rc = rw_buf_add_json(&b, text);
		assert_int_equal(rc, max < whole.len + 3 ? RW_ELIMIT : RW_OK);
		assert_int_equal(b.len, rc ? 3 : whole.len + 3);
		rw_buf_free(&b);
	}
	rw_buf_free(&whole);
}

/* Every two bytes: what comes out is printable, valid, and quoted. */
static void json_of_every_byte_pair_is_one_valid_line(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 65536; v++) {
		const char two[2] = {(char)(v >> 8), (char)v};
		struct rw_buf b = {0};

		assert_int_equal(rw_buf_add_json(&b, rw_slice_of(two, 2)), RW_OK);
		assert_true(rw_utf8_valid(b.p, b.len));
		assert_true(b.p[0] == '"' && b.p[b.len - 1] == '"');
		for (size_t i = 0; i < b.len; i++)
			assert_true((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
		rw_buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_is_valid_before_and_after),
		cmocka_unit_test(content_may_reach_the_bound_and_not_pass_it),
		cmocka_unit_test(allocation_does_not_double_past_the_bound),
		cmocka_unit_test(printf_fills_the_bound_exactly),
		cmocka_unit_test(printf_at_every_fill),
		cmocka_unit_test(a_size_that_wraps_is_refused),
		cmocka_unit_test(numbers_as_printf_writes_them),
		cmocka_unit_test(consume_from_the_front),
		cmocka_unit_test(json_escapes_what_rfc_8259_asks_for),
		cmocka_unit_test(json_has_no_line_end_for_any_reader),
		cmocka_unit_test(json_replaces_invalid_utf8_bytewise),
		cmocka_unit_test(json_escapes_at_every_place),
		cmocka_unit_test(json_is_all_or_nothing_at_every_bound),
		cmocka_unit_test(json_of_every_byte_pair_is_one_valid_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
