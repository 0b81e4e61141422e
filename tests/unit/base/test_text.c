/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, slices, error texts, and log lines that nobody can forge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/slice.h"
#include "base/utf8.h"

/* --- UTF-8 -------------------------------------------------------------------------------- */

/* Every code point there and back; surrogates are written (WTF-8) and not taken for valid. */
static void every_code_point_round_trips(void **state)
{
	char out[4];
	size_t n;

	(void)state;
	for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
		n = rw_utf8_put(out, cp);
		assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
		assert_int_equal(rw_utf8_len(out, n), cp >= 0xd800 && cp <= 0xdfff ? 0 : n);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(rw_utf8_len(out, cut), 0);
	}
}

/* RFC 3629 section 10: an overlong "/" or NUL passes filters that look for the short form. */
static void what_rfc_3629_forbids_is_invalid(void **state)
{
	const struct rw_slice bad[] = {
		RW_SLICE("\x80"),
		RW_SLICE("\xbf"),
		RW_SLICE("\xc0\x80"),
		RW_SLICE("\xc0\xaf"),
		RW_SLICE("\xc1\xbf"),
		RW_SLICE("\xe0\x80\xaf"),
		RW_SLICE("\xe0\x9f\xbf"),
		RW_SLICE("\xed\xa0\x80"),
		RW_SLICE("\xed\xbf\xbf"),
		RW_SLICE("\xf0\x80\x80\xaf"),
		RW_SLICE("\xf0\x8f\xbf\xbf"),
		RW_SLICE("\xf4\x90\x80\x80"),
		RW_SLICE("\xf5\x80\x80\x80"),
		RW_SLICE("\xff"),
		RW_SLICE("\xfe"),
		RW_SLICE("\xc3("),
		RW_SLICE("\xe2\x28\xa1"),
		RW_SLICE("\xe2\x82("),
		RW_SLICE("\xf0\x9f\x98("),
		RW_SLICE("\xf8\x88\x80\x80\x80"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rw_utf8_len(bad[i].p, bad[i].n), 0);
		assert_false(rw_utf8_valid(bad[i].p, bad[i].n));
	}
}

/* The eight-bytes-at-a-glance path must see one bad byte wherever it stands. */
static void one_bad_byte_at_every_place_is_seen(void **state)
{
	char text[40];

	(void)state;
	for (size_t n = 0; n <= sizeof(text); n++) {
		memset(text, 'a', sizeof(text));
		assert_true(rw_utf8_valid(text, n));
		for (size_t at = 0; at < n; at++) {
			text[at] = (char)0x80;
			assert_false(rw_utf8_valid(text, n));
			text[at] = 'a';
		}
		for (size_t at = 0; at + 1 < n; at++) {
			memcpy(text + at, "\xc3\xa9", 2);
			assert_true(rw_utf8_valid(text, n));
			assert_false(rw_utf8_valid(text, at + 1));
			memcpy(text + at, "aa", 2);
		}
	}
}

/* --- slices ------------------------------------------------------------------------------- */

/* memcmp(NULL, ...) is undefined also for no bytes, and optimisers use that. */
static void empty_slices_compare_without_a_pointer(void **state)
{
	const struct rw_slice none = rw_slice_str(NULL);

	(void)state;
	assert_true(rw_slice_eq(none, RW_SLICE("")));
	assert_true(rw_slice_is(none, ""));
	assert_true(rw_slice_caseis(none, ""));
	assert_true(rw_slice_starts(none, ""));
	assert_false(rw_slice_starts(none, "a"));
	assert_false(rw_slice_is(none, "a"));
}

static void slices_compare_whole(void **state)
{
	(void)state;
	assert_true(rw_slice_starts(RW_SLICE("Bearer x"), "Bearer "));
	assert_false(rw_slice_starts(RW_SLICE("Bear"), "Bearer "));
	assert_true(rw_slice_caseis(RW_SLICE("Content-LENGTH"), "content-length"));
	assert_false(rw_slice_caseis(RW_SLICE("content-lengt"), "content-length"));
	assert_false(rw_slice_caseis(RW_SLICE("close\0x"), "close"));
	assert_false(rw_slice_is(RW_SLICE("a\0"), "a"));
}

/* --- errors ------------------------------------------------------------------------------- */

static void every_code_has_a_name(void **state)
{
	(void)state;
	for (int code = RW_EEXIST; code <= RW_OK; code++) {
		assert_non_null(rw_err_name(code));
		assert_string_not_equal(rw_err_name(code), "unknown error");
	}
}

/* -INT_MIN is undefined; a code of some other kind must not index the table. */
static void foreign_codes_are_unknown(void **state)
{
	const int codes[] = {1, INT_MAX, RW_ETLS - 1, -1000, INT_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_string_equal(rw_err_name(codes[i]), "unknown error");
}

/* "FILE: " in front of what a lower room said: vsnprintf onto its own argument is undefined. */
static void a_failure_may_quote_the_one_below(void **state)
{
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_fail(&e, RW_EIO, "no such file"), RW_EIO);
	assert_int_equal(rw_fail(&e, RW_EINVAL, "rules: %s", e.text), RW_EINVAL);
	assert_string_equal(e.text, "rules: no such file");
	assert_int_equal(e.code, RW_EINVAL);
	assert_int_equal(rw_fail(NULL, RW_EIO, "nobody asks"), RW_EIO);
}

static void long_failures_are_cut_and_terminated(void **state)
{
	struct rw_error e;
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	rw_fail(&e, RW_EIO, "%s", text);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

/* --- the log ------------------------------------------------------------------------------ */

/* What one rw_log call writes to standard error, whole. */
static size_t logged(enum rw_log_level level, const char *text, char *out, size_t n)
{
	int fds[2], saved = dup(STDERR_FILENO);
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	rw_log(level, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(fds[1]);
	close(saved);
	got = read(fds[0], out, n - 1);
	assert_true(got >= 0);
	close(fds[0]);
	out[got] = '\0';
	return (size_t)got;
}

static void assert_logged(const char *text, const char *want)
{
	char line[4096];

	logged(RW_LOG_WARN, text, line, sizeof(line));
	assert_string_equal(line, want);
}

/* A path or header that is quoted in a message must not add a line of its own to the log. */
static void a_text_cannot_forge_a_line(void **state)
{
	(void)state;
	assert_logged("x\nringwall: error: forged\r\n",
		      "ringwall: warning: x ringwall: error: forged  \n");
	assert_logged("a\xc2\x85z\x0b\x0c", "ringwall: warning: a  z  \n");
}

/* ESC and its one-character form CSI (U+009B) rewrite what the operator's terminal shows. */
static void a_text_cannot_steer_a_terminal(void **state)
{
	(void)state;
	assert_logged("\x1b[2J", "ringwall: warning:  [2J\n");
	assert_logged("\xc2\x9b"
		      "2J\x7f",
		      "ringwall: warning:   2J \n");
	assert_logged("\x9b"
		      "2J\xff",
		      "ringwall: warning: ?2J?\n");
	assert_logged("caf\xc3\xa9", "ringwall: warning: caf\xc3\xa9\n");
}

static void a_long_text_is_cut_to_one_whole_line(void **state)
{
	static char text[5000], line[8192];
	size_t n;

	(void)state;
	for (size_t lead = 0; lead < 3; lead++) { /* the cut falls into a sequence, too */
		memset(text, 'x', lead);
		for (size_t i = lead; i + 3 < sizeof(text); i += 3)
			memcpy(text + i, "\xe2\x82\xac", 3);
		n = logged(RW_LOG_ERROR, text, line, sizeof(line));
		assert_in_range(n, 2000, 2048);
		assert_ptr_equal(strchr(line, '\n'), line + n - 1);
		assert_true(rw_utf8_valid(line, n));
	}
}

static void levels_below_the_threshold_are_not_written(void **state)
{
	char line[256];

	(void)state;
	assert_int_equal(logged(RW_LOG_DEBUG, "x", line, sizeof(line)), 0);
	rw_log_set_level(RW_LOG_DEBUG);
	assert_true(logged(RW_LOG_DEBUG, "x", line, sizeof(line)) > 0);
	assert_string_equal(line, "ringwall: debug: x\n");
	rw_log_set_level(RW_LOG_ERROR);
	assert_int_equal(logged(RW_LOG_WARN, "x", line, sizeof(line)), 0);
	rw_log_set_level(RW_LOG_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_round_trips),
		cmocka_unit_test(what_rfc_3629_forbids_is_invalid),
		cmocka_unit_test(one_bad_byte_at_every_place_is_seen),
		cmocka_unit_test(empty_slices_compare_without_a_pointer),
		cmocka_unit_test(slices_compare_whole),
		cmocka_unit_test(every_code_has_a_name),
		cmocka_unit_test(foreign_codes_are_unknown),
		cmocka_unit_test(a_failure_may_quote_the_one_below),
		cmocka_unit_test(long_failures_are_cut_and_terminated),
		cmocka_unit_test(a_text_cannot_forge_a_line),
		cmocka_unit_test(a_text_cannot_steer_a_terminal),
		cmocka_unit_test(a_long_text_is_cut_to_one_whole_line),
		cmocka_unit_test(levels_below_the_threshold_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
