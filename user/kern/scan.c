/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a whole map. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/internal.h"

enum { BATCH = 1024, KEY_MAX = 64, VALUE_MAX = 64 };

/*
 * One batch is whole buckets of the table, so a walk sees each entry once however the table
 * changes; stepping by key would start again whenever the key at hand is deleted.
 */
int rw_kern_scan_hash(int fd, size_t key_bytes, size_t value_bytes, rw_kern_each each, void *arg,
		      struct rw_error *e)
{
	uint32_t at = 0, room = BATCH, n;
	void *keys = NULL, *values = NULL, *from = NULL;
	int err, rc = RW_OK;

	do {
		void *k = realloc(keys, room * key_bytes), *v;

		keys = k ? k : keys;
		v = realloc(values, room * value_bytes);
		values = v ? v : values;
		if (!k || !v) {
			rc = rw_fail(e, RW_ENOMEM, "out of memory for reading a kernel table");
			break;
		}
		n = room;
		err = bpf_map_lookup_batch(fd, from, &at, keys, values, &n, NULL);
		if (err == -ENOSPC) { /* one bucket holds more than there is room for */
			room *= 2;
			continue;
		}
		if (err && err != -ENOENT) {
			rc = rw_kern_fail(e, err, "read a kernel table");
			break;
		}
		for (uint32_t i = 0; i < n; i++)
			each(arg, (char *)keys + i * key_bytes, (char *)values + i * value_bytes);
		from = &at;
	} while (err != -ENOENT);
	free(keys);
	free(values);
	return rc;
}

int rw_kern_scan_trie(int fd, size_t key_bytes, size_t value_bytes, rw_kern_each each, void *arg,
		      struct rw_error *e)
{
	char key[KEY_MAX], value[VALUE_MAX];
	void *from = NULL;
	int err;

	RW_BUG_ON(key_bytes > sizeof(key) || value_bytes > sizeof(value));
	while (!(err = bpf_map_get_next_key(fd, from, key))) {
		if (!bpf_map_lookup_elem(fd, key, value))
			each(arg, key, value);
		from = key;
	}
	return err == -ENOENT ? RW_OK : rw_kern_fail(e, err, "read a kernel table");
}
