/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A balancer's bytes: the PROXY header whole, byte by byte and in two pieces says the same, takes
 * no byte that follows it, and names an address of TCP or none. The same bytes as a list of
 * X-Forwarded-For: it becomes shorter with each entry.
 */
#include <stdlib.h>
#include <string.h>

#include "http/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	int rc;
	size_t used;
	struct rw_addr client;
};

/* Pieces of `step` bytes, each in memory of its own, so that a read beyond it is seen. */
static struct outcome feed(const uint8_t *data, size_t n, size_t first, size_t step)
{
	struct outcome o = {.rc = RW_EAGAIN};
	struct rw_proxy p = {0};
	struct rw_error e = {0};

	for (size_t at = 0, k = first; o.rc == RW_EAGAIN; at += k, k = step) {
		uint8_t *piece;
		size_t used;

		k = k < n - at ? k : n - at;
		piece = malloc(k + 1);
		RW_BUG_ON(!piece);
		memcpy(piece, data + at, k);
		o.rc = rw_proxy_feed(&p, piece, k, &used, &o.client, &e);
		free(piece);
		RW_BUG_ON(used > k || (o.rc == RW_EAGAIN && used != k));
		o.used += used;
		if (at + k == n)
			break;
	}
	RW_BUG_ON(o.rc == RW_EPROTO && !e.text[0]);
	return o;
}

static void check_header(const uint8_t *data, size_t n)
{
	struct outcome whole = feed(data, n, n, n), other;
	const size_t cuts[][2] = {{1, 1}, {n / 2, n}, {n ? data[0] % n : 0, 7}};

	for (unsigned i = 0; i < 3; i++) {
		other = feed(data, n, cuts[i][0], cuts[i][1] ? cuts[i][1] : 1);
		RW_BUG_ON(other.rc != whole.rc);
		if (whole.rc == RW_OK)
			RW_BUG_ON(other.used != whole.used ||
				  memcmp(&other.client, &whole.client, sizeof(whole.client)) != 0);
	}
	if (whole.rc != RW_OK) {
		RW_BUG_ON(whole.client.len);
		return;
	}
	RW_BUG_ON(whole.used < RW_PROXY_FIXED || whole.used > RW_PROXY_FIXED + RW_PROXY_MAX_BYTES);
	RW_BUG_ON(whole.used != RW_PROXY_FIXED + ((size_t)data[14] << 8 | data[15]));
	RW_BUG_ON(whole.client.len && whole.client.sa.sa_family != AF_INET &&
		  whole.client.sa.sa_family != AF_INET6);
}

static void check_list(const uint8_t *data, size_t n)
{
	char *copy = malloc(n + 1), text[RW_ADDR_TEXT];
	struct rw_slice list = {copy, n};
	struct rw_addr a, again;

	RW_BUG_ON(!copy);
	memcpy(copy, data, n);
	while (list.n) {
		size_t before = list.n;

		if (rw_forwarded_last(&list, &a)) {
			struct rw_slice one = rw_slice_str(rw_addr_text(&a, false, text));

			RW_BUG_ON(!rw_forwarded_last(&one, &again) || one.n);
			RW_BUG_ON(memcmp(&a, &again, sizeof(a)) != 0);
		}
		RW_BUG_ON(list.n >= before);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check_header(data, n);
	check_list(data, n);
	return 0;
}
