/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a text: findings in bounds, sorted, and what is masked is longer than what stays by
 * nothing odd. */
#include "base/err.h"
#include "scan/scan.h"

static struct rw_rules *rules;
static struct rw_scanner *scanner;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct rw_error e;

	(void)argc;
	(void)argv;
	RW_BUG_ON(rw_rules_load(&rules, NULL, &e));
	RW_BUG_ON(rw_scanner_new(&scanner, rules, &e));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rw_guard g = {
		.action = {RW_ACT_MASK, RW_ACT_MASK, RW_ACT_MASK, RW_ACT_MASK, RW_ACT_MASK}};
	static struct rw_findings f;
	struct rw_slice text = rw_slice_of((const char *)data, size);
	struct rw_buf out = {0};
	unsigned severest = 0;

	RW_BUG_ON(rw_scan_text(scanner, rules, text, (1u << RW_CAT_COUNT) - 1, &f));
	for (unsigned i = 0; i < f.n; i++) {
		RW_BUG_ON(f.at[i].start >= f.at[i].end || f.at[i].end > size);
		RW_BUG_ON(f.at[i].rule >= rw_rules_count(rules));
		RW_BUG_ON(i && f.at[i].start < f.at[i - 1].start);
		if (f.at[i].score > severest)
			severest = f.at[i].score;
	}
	RW_BUG_ON(f.score < severest || f.score > 100);
	RW_BUG_ON(rw_mask_text(&g, rules, &f, text, &out));
	RW_BUG_ON(!f.n && !rw_slice_eq(rw_buf_slice(&out), text));
	rw_buf_free(&out);
	return 0;
}
