/* SPDX-License-Identifier: Apache-2.0 */
/* Whole answers: without a finding the bytes are the same, with one it is an answer still. */
#include "llm_guarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice body = rw_slice_of((const char *)data, size);
	struct rw_buf out = {0}, again = {0};
	struct rw_tally tally = {0};
	struct rw_usage usage = {0};
	struct rw_error e = {0};
	int rc;

	load_rules();
	rc = rw_answer_guard(scanner, rules, &guard, body, &out, &tally, &usage, &e);
	RW_BUG_ON(rc && out.len);
	RW_BUG_ON((rc == RW_OK) != (e.text[0] == '\0'));
	if (!rc && tally.strongest == RW_ACT_ALLOW)
		RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&out), body));
	if (!rc)
		RW_BUG_ON(rw_answer_guard(scanner, rules, &guard, rw_buf_slice(&out), &again,
					  &tally, &usage, &e));
	rw_buf_free(&out);
	rw_buf_free(&again);
	return 0;
}
