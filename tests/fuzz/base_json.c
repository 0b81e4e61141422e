/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a JSON string: what is written is one line that a strict parser reads; valid UTF-8
 * comes back as it was, and a smaller bound gives all or nothing.
 */
#include <stdint.h>
#include <stdlib.h>

#include <yyjson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The plain definition, a sequence at a time, beside the one that reads eight bytes at once. */
static bool valid_slowly(const char *p, size_t n)
{
	for (size_t i = 0, len; i < n; i += len) {
		len = rw_utf8_len(p + i, n - i);
		if (len == 0)
			return false;
	}
	return true;
}

static void check_bounded(struct rw_slice text, size_t max, size_t whole)
{
	struct rw_buf b = {.max = max};
	int rc = rw_buf_add_json(&b, text);

	RW_BUG_ON(rc != (max < whole ? RW_ELIMIT : RW_OK));
	RW_BUG_ON(b.len != (rc ? 0 : whole));
	RW_BUG_ON(b.cap > (max > 256 ? max : 256));
	rw_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rw_slice text = rw_slice_of((const char *)data, size);
	struct rw_buf b = {0};
	yyjson_doc *doc;
	yyjson_val *v;
	bool valid = rw_utf8_valid(text.p, text.n);

	RW_BUG_ON(valid != valid_slowly(text.p, text.n));
	RW_BUG_ON(rw_buf_add_json(&b, text));
	for (size_t i = 0; i < b.len; i++)
		RW_BUG_ON((unsigned char)b.p[i] < 0x20 || b.p[i] == 0x7f);
	doc = yyjson_read(b.p, b.len, 0);
	v = yyjson_doc_get_root(doc);
	RW_BUG_ON(!yyjson_is_str(v));
	if (valid)
		RW_BUG_ON(!rw_slice_eq(rw_slice_of(yyjson_get_str(v), yyjson_get_len(v)), text));
	check_bounded(text, b.len, b.len);
	check_bounded(text, b.len - 1, b.len);
	check_bounded(text, 1 + (size ? data[0] % b.len : 0), b.len);
	yyjson_doc_free(doc);
	rw_buf_free(&b);
	return 0;
}
