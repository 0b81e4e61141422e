/* SPDX-License-Identifier: Apache-2.0 */
/* A stream is masked as the whole text is: the first bytes say how it is cut, the rest is the text.
 */
#include "base/err.h"
#include "scan/scan.h"

enum { HEAD = 4 };

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

/* Feeds text in pieces whose sizes go round those in sizes; 0 is one byte. */
static void stream(const struct rw_guard *g, struct rw_slice text, const uint8_t sizes[HEAD],
		   struct rw_buf *out)
{
	struct rw_lane *l = rw_lane_new(scanner, rules, g);

	for (unsigned i = 0; text.n; i++) {
		size_t n = 1 + sizes[i % HEAD];

		n = n < text.n ? n : text.n;
		RW_BUG_ON(rw_lane_feed(l, rw_slice_of(text.p, n), out));
		RW_BUG_ON(rw_lane_held(l) > RW_LANE_HOLD_BYTES);
		text = rw_slice_of(text.p + n, text.n - n);
	}
	RW_BUG_ON(rw_lane_end(l, out));
	rw_lane_free(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rw_guard g = {.action = {[RW_CAT_PII] = RW_ACT_MASK,
						     [RW_CAT_SECRET] = RW_ACT_MASK,
						     [RW_CAT_MARKUP] = RW_ACT_MASK}};
	static const uint8_t ones[HEAD] = {0};
	static struct rw_findings f;
	struct rw_buf whole = {0}, cut = {0}, bytes = {0};
	struct rw_slice text;

	if (size < HEAD)
		return 0;
	text = rw_slice_of((const char *)data + HEAD, size - HEAD);
	RW_BUG_ON(rw_scan_text(scanner, rules, text, 6 | 1u << RW_CAT_MARKUP, &f));
	if (f.more)
		return 0; /* the whole text is unmaskable then; a stream has no such bound */
	RW_BUG_ON(rw_mask_text(&g, rules, &f, text, &whole));
	stream(&g, text, data, &cut);
	stream(&g, text, ones, &bytes);
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&whole), rw_buf_slice(&cut)));
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&whole), rw_buf_slice(&bytes)));
	rw_buf_free(&whole);
	rw_buf_free(&cut);
	rw_buf_free(&bytes);
	return 0;
}
