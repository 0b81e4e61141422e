/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams: the same events whole and byte by byte, the same bytes, also when rewritten. */
#include <stdint.h>

#include "base/err.h"
#include "llm/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct decoded {
	struct rw_buf raw, rewritten, events; /* events: each with its length in front */
	int rc;
};

static void take(struct decoded *d, const struct rw_sse_block *b)
{
	RW_BUG_ON(rw_buf_add_slice(&d->raw, b->raw));
	if (!b->has_data) {
		RW_BUG_ON(rw_buf_add_slice(&d->rewritten, b->raw));
		return;
	}
	RW_BUG_ON(rw_buf_addf(&d->events, "%zu:", b->data.n));
	RW_BUG_ON(rw_buf_add_slice(&d->events, b->data));
	RW_BUG_ON(rw_sse_rewrite(&d->rewritten, b, b->data));
}

static void decode(struct decoded *d, struct rw_slice stream, size_t step)
{
	struct rw_sse s = {.max_bytes = 256};
	struct rw_sse_block b;

	*d = (struct decoded){0};
	for (size_t at = 0; at < stream.n && !d->rc; at += step) {
		size_t n = step < stream.n - at ? step : stream.n - at;
		struct rw_slice in = rw_slice_of(stream.p + at, n);

		while ((d->rc = rw_sse_next(&s, &in, &b)) > 0)
			take(d, &b);
	}
	if (!d->rc && rw_sse_end(&s, &b) > 0)
		take(d, &b);
	rw_sse_free(&s);
}

static void release(struct decoded *d)
{
	rw_buf_free(&d->raw);
	rw_buf_free(&d->rewritten);
	rw_buf_free(&d->events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice stream = rw_slice_of((const char *)data, size);
	struct decoded whole, cut;

	decode(&whole, stream, size ? size : 1);
	RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&whole.raw), rw_buf_slice(&whole.rewritten)));
	if (!whole.rc)
		RW_BUG_ON(whole.raw.len < size || (size && memcmp(whole.raw.p, data, size) != 0));
	for (size_t step = 1; step < 4; step++) {
		decode(&cut, stream, step);
		RW_BUG_ON(cut.rc != whole.rc);
		RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&cut.events), rw_buf_slice(&whole.events)));
		if (!whole.rc)
			RW_BUG_ON(!rw_slice_eq(rw_buf_slice(&cut.raw), rw_buf_slice(&whole.raw)));
		release(&cut);
	}
	release(&whole);
	return 0;
}
