/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as operators write them, and byte queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ring/internal.h"

/* What is read is what is written back. */
static void address_round_trip(void **state)
{
	static const char *const good[] = {"127.0.0.1:8443",	"0.0.0.0:0",	 "[::1]:65535",
					   "[2001:db8::1]:443", "10.99.100.9:2", "192.0.2.255:1"};
	char text[RW_ADDR_TEXT];
	struct rw_error e;
	struct rw_addr a;

	(void)state;
	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(rw_addr_parse(good[i], &a, &e), RW_OK);
		assert_string_equal(rw_addr_text(&a, true, text), good[i]);
	}
	assert_string_equal(rw_addr_text(&a, false, text), "192.0.2.255");
}

/* Each is refused with a sentence that repeats what was written. */
static void bad_addresses_are_explained(void **state)
{
	static const char *const bad[] = {
		"",
		"8443",
		":8443",
		"localhost:80",
		"1.2.3.4",
		"1.2.3.4:",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:80x",
		"1.2.3:80",
		"::1:80",
		"[::1]",
		"[::1]80",
		"[::1]:",
		"[1.2.3.4]:80",
		"[::1:80",
		"1.2.3.4:1.1",
		"[fe80::1%eth0]:80",
		"1.2.3.4 :80",
		" 1.2.3.4:80",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:80",
	};
	struct rw_error e;
	struct rw_addr a;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(rw_addr_parse(bad[i], &a, &e), RW_EINVAL);
		assert_non_null(strstr(e.text, bad[i]));
	}
}

/* Plain HTTP is for loopback only, so an IPv4 address inside of IPv6 must not pass for one. */
static void loopback_is_recognised(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} cases[] = {
		{"127.0.0.1:1", true},
		{"127.255.1.2:1", true},
		{"128.0.0.1:1", false},
		{"[::1]:1", true},
		{"[::2]:1", false},
		{"[::]:1", false},
		{"[::ffff:127.0.0.1]:1", true},
		{"[::ffff:10.0.0.1]:1", false},
		{"0.0.0.0:1", false},
	};
	struct rw_addr a;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(rw_addr_parse(cases[i].text, &a, NULL), RW_OK);
		assert_int_equal(rw_addr_is_loopback(&a), cases[i].loopback);
	}
}

/* Random additions and consumptions at every edge of the chunks against a flat copy. */
static void sendq_keeps_order_across_chunks(void **state)
{
	enum { TOTAL = 3000000 };
	static const size_t sizes[] = {1,
				       7,
				       16384,
				       RW_CHUNK_BYTES - 1,
				       RW_CHUNK_BYTES,
				       RW_CHUNK_BYTES + 1,
				       3 * RW_CHUNK_BYTES,
				       100};
	uint8_t *flat = malloc(TOTAL);
	struct rw_chunk_pool pool;
	struct rw_sendq q = {0};
	size_t in = 0, out = 0, bytes;
	uint64_t r = 1;

	(void)state;
	assert_non_null(flat);
	for (size_t i = 0; i < TOTAL; i++)
		flat[i] = (uint8_t)((r = r * 6364136223846793005 + 1) >> 56);
	rw_chunk_pool_init(&pool, 40 * sizeof(struct rw_chunk));
	while (in < TOTAL) {
		struct iovec iov[RW_IO_MAX_IOV];
		size_t n = sizes[(r = r * 6364136223846793005 + 1) >> 61], seen = 0;
		unsigned k;

		n = n < TOTAL - in ? n : TOTAL - in;
		if (rw_sendq_add(&q, &pool, flat + in, n) == RW_OK)
			in += n;
		assert_int_equal(q.bytes, in - out);
		k = rw_sendq_peek(&q, iov, &bytes);
		for (unsigned i = 0; i < k; i++) {
			assert_memory_equal(iov[i].iov_base, flat + out + seen, iov[i].iov_len);
			seen += iov[i].iov_len;
		}
		assert_int_equal(seen, bytes);
		assert_true(bytes == q.bytes || k == RW_IO_MAX_IOV);
		n = (size_t)((r = r * 6364136223846793005 + 1) >> 40) % (bytes + 1);
		rw_sendq_consume(&q, &pool, n);
		out += n;
	}
	assert_true(pool.chunks <= 40);
	rw_sendq_drop(&q, &pool);
	assert_int_equal(pool.free_chunks, pool.chunks);
	rw_chunk_pool_free(&pool);
	free(flat);
}

/* At the bound nothing is taken: half of a record would be worse than none. */
static void sendq_takes_all_or_nothing(void **state)
{
	static uint8_t lots[3 * RW_CHUNK_BYTES];
	struct rw_chunk_pool pool;
	struct rw_sendq q = {0};

	(void)state;
	rw_chunk_pool_init(&pool, 2 * sizeof(struct rw_chunk));
	assert_int_equal(rw_sendq_add(&q, &pool, lots, 10), RW_OK);
	assert_int_equal(rw_sendq_add(&q, &pool, lots, sizeof(lots)), RW_ENOMEM);
	assert_int_equal(q.bytes, 10);
	assert_int_equal(rw_sendq_add(&q, &pool, lots, 2 * RW_CHUNK_BYTES - 10), RW_OK);
	assert_int_equal(rw_sendq_add(&q, &pool, lots, 1), RW_ENOMEM);
	rw_sendq_drop(&q, &pool);
	rw_chunk_pool_free(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_round_trip),
		cmocka_unit_test(bad_addresses_are_explained),
		cmocka_unit_test(loopback_is_recognised),
		cmocka_unit_test(sendq_keeps_order_across_chunks),
		cmocka_unit_test(sendq_takes_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
