/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a list of keys: what is taken can be written and is taken again, the same; what is
 * refused is not repeated in the error, since it may be a key.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "ident/keys.h"
#include "ident/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_again(const struct rw_key *keys, unsigned n)
{
	char line[RW_KEYLIST_LINE];
	struct rw_key *again;
	struct rw_buf b = {0};
	unsigned m;

	for (unsigned i = 0; i < n; i++) {
		rw_keylist_line(&keys[i], line);
		RW_BUG_ON(rw_buf_add_str(&b, line));
		RW_BUG_ON(!rw_key_is_name(rw_slice_str(keys[i].name)) ||
			  !rw_key_is_id(rw_slice_str(keys[i].id)));
	}
	RW_BUG_ON(rw_keylist_parse(rw_buf_slice(&b), "again", &again, &m, NULL) || m != n);
	RW_BUG_ON(n && memcmp(keys, again, n * sizeof(*keys)) != 0);
	free(again);
	rw_buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rw_slice text = rw_slice_of((const char *)data, size);
	struct rw_error e = {.text = ""};
	struct rw_key *keys;
	unsigned n;

	if (rw_keylist_parse(text, "f", &keys, &n, &e)) {
		RW_BUG_ON(!e.code || !e.text[0]);
		return 0;
	}
	take_again(keys, n);
	free(keys);
	return 0;
}
