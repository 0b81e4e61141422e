/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the scan room share: the built-in rules, loaded once, and ways to mask a text.
 */
#ifndef TESTS_UNIT_SCAN_TEST_H
#define TESTS_UNIT_SCAN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "scan/scan.h"

static struct rw_rules *rules;
static struct rw_scanner *scanner;

enum { IN_RUNS = 1u << RW_CAT_PII | 1u << RW_CAT_SECRET | 1u << RW_CAT_MARKUP };

/* What is found in runs is masked. */
static const struct rw_guard mask_both = {
	.action = {[RW_CAT_PII] = RW_ACT_MASK,
		   [RW_CAT_SECRET] = RW_ACT_MASK,
		   [RW_CAT_MARKUP] = RW_ACT_MASK},
};

static inline int load_rules(void **state)
{
	struct rw_error e = {.text = ""};

	(void)state;
	if (rw_rules_load(&rules, NULL, &e) || rw_scanner_new(&scanner, rules, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	return 0;
}

static inline int free_rules(void **state)
{
	(void)state;
	rw_scanner_free(scanner);
	rw_rules_unref(rules);
	return 0;
}

/* Masks text whole into out. */
static inline void mask_whole(struct rw_slice text, struct rw_buf *out)
{
	static struct rw_findings f;

	out->len = 0;
	assert_int_equal(rw_scan_text(scanner, rules, text, IN_RUNS, &f), 0);
	assert_int_equal(f.more, 0);
	assert_int_equal(rw_mask_text(&mask_both, rules, &f, text, out), 0);
}

/* Masks text as a stream cut at the n offsets in cuts, ascending. */
static inline void mask_cut(struct rw_slice text, const size_t *cuts, size_t n, struct rw_buf *out)
{
	struct rw_lane *l = rw_lane_new(scanner, rules, &mask_both);
	size_t from = 0;

	out->len = 0;
	for (size_t i = 0; i <= n; i++) {
		size_t to = i < n ? cuts[i] : text.n;

		assert_int_equal(rw_lane_feed(l, rw_slice_of(text.p + from, to - from), out), 0);
		assert_true(rw_lane_held(l) <= RW_LANE_HOLD_BYTES);
		from = to;
	}
	assert_int_equal(rw_lane_end(l, out), 0);
	assert_int_equal(rw_lane_held(l), 0);
	rw_lane_free(l);
}

#define assert_slice(buf, expected) assert_memory_equal_n((buf), rw_slice_str(expected))

static inline void assert_memory_equal_n(const struct rw_buf *got, struct rw_slice want)
{
	if (!rw_slice_eq(rw_buf_slice(got), want))
		fail_msg("got  %.*s\nwant %.*s", RW_SLICE_FMT(rw_buf_slice(got)),
			 RW_SLICE_FMT(want));
}

#endif
