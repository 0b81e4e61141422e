/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one metric out of Prometheus text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/scrape.h"

static const char text[] = "# HELP ringwall_requests_total requests\n"
			   "# TYPE ringwall_requests_total counter\n"
			   "ringwall_requests_total 42\n"
			   "ringwall_requests_total_more 7\n"
			   "ringwall_answers{class=\"2xx\"} 10\n"
			   "ringwall_answers{class=\"a b\"} 5\n"
			   "other_answers 1000\n"
			   "ringwall_seconds 1.5e3\n"
			   "ringwall_last 9";

static void expect(const char *name, double want)
{
	double value;

	assert_true(rw_scrape_value(rw_slice_str(text), name, &value));
	assert_true(value == want);
}

/* A prefix of another name, and the comment lines, once counted too. */
static void whole_names_only(void **state)
{
	double value;

	(void)state;
	expect("requests_total", 42);
	expect("requests_total_more", 7);
	assert_false(rw_scrape_value(rw_slice_str(text), "requests", &value));
	assert_false(rw_scrape_value(rw_slice_str(text), "other_answers", &value));
	assert_false(rw_scrape_value(rw_slice_str(""), "requests_total", &value));
}

static void labels_are_summed(void **state)
{
	(void)state;
	expect("answers", 15);
}

static void last_line_needs_no_newline(void **state)
{
	(void)state;
	expect("seconds", 1500);
	expect("last", 9);
}

/* The text is not terminated: nothing is read past its end. */
static void every_cut_is_harmless(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);
		double value;

		memcpy(copy, text, n);
		rw_scrape_value(rw_slice_of(copy, n), "requests_total", &value);
		assert_true(value == 0 || value == 4 || value == 42);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_names_only),
		cmocka_unit_test(labels_are_summed),
		cmocka_unit_test(last_line_needs_no_newline),
		cmocka_unit_test(every_cut_is_harmless),
	};

	return cmocka_run_group_tests_name("scrape", tests, NULL, NULL);
}
