/* SPDX-License-Identifier: Apache-2.0 */
/* How long a DNS answer holds, read from bytes that anybody may have sent; and addresses compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gate/resolve.h"

/* One question, a CNAME with 300 s, an A with 60 s. */
static const uint8_t answer[] = {
	0x12, 0x34, 0x81, 0x80, 0,  1, 0,    2,	 0, 0, 0, 0, 2,	 'u', 'p', 4,	't', 'e', 's',
	't',  0,    0,	  1,	0,  1, 0xc0, 12, 0, 5, 0, 1, 0,	 0,   1,   44,	0,   4,	  1,
	'x',  0xc0, 15,	  0xc0, 37, 0, 1,    0,	 1, 0, 0, 0, 60, 0,   4,   192, 0,   2,	  1,
};

static void least_time_of_a_chain_counts(void **state)
{
	uint32_t ttl = 0;

	(void)state;
	assert_int_equal(rw_dns_ttl(answer, sizeof(answer), &ttl), RW_OK);
	assert_int_equal(ttl, 60);
}

/* Each on a buffer of its own size, so that a sanitizer sees the first byte too many. */
static void every_truncation_is_refused(void **state)
{
	uint32_t ttl;

	(void)state;
	for (size_t n = 0; n < sizeof(answer); n++) {
		uint8_t *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, answer, n);
		assert_int_equal(rw_dns_ttl(part, n, &ttl), RW_EINVAL);
		free(part);
	}
}

static void no_answer_has_no_time(void **state)
{
	uint8_t none[sizeof(answer)];
	uint32_t ttl;

	(void)state;
	memcpy(none, answer, sizeof(none));
	none[7] = 0;
	assert_int_equal(rw_dns_ttl(none, sizeof(none), &ttl), RW_EINVAL);
}

/* RFC 2181 8. */
static void negative_time_is_none(void **state)
{
	uint8_t odd[sizeof(answer)];
	uint32_t ttl = 1;

	(void)state;
	memcpy(odd, answer, sizeof(odd));
	odd[sizeof(odd) - 10] = 0x80;
	assert_int_equal(rw_dns_ttl(odd, sizeof(odd), &ttl), RW_OK);
	assert_int_equal(ttl, 0);
}

static struct rw_addrs addrs_of(const char *const *texts, unsigned n)
{
	struct rw_addrs a = {.n = n};
	struct rw_error e = {0};

	for (unsigned i = 0; i < n; i++)
		if (rw_addr_parse(texts[i], &a.at[i], &e))
			fail_msg("%s", e.text);
	return a;
}

/* Name servers turn their answers round; that is no news. */
static void order_is_no_difference_and_everything_else_is(void **state)
{
	struct rw_addrs a = addrs_of((const char *[]){"192.0.2.1:443", "[2001:db8::1]:443"}, 2);
	struct rw_addrs b = addrs_of((const char *[]){"[2001:db8::1]:443", "192.0.2.1:443"}, 2);
	struct rw_addrs fewer = addrs_of((const char *[]){"192.0.2.1:443"}, 1);
	struct rw_addrs port = addrs_of((const char *[]){"192.0.2.1:444", "[2001:db8::1]:443"}, 2);
	struct rw_addrs other = addrs_of((const char *[]){"192.0.2.1:443", "[2001:db8::2]:443"}, 2);

	(void)state;
	assert_true(rw_addrs_equal(&a, &b));
	assert_false(rw_addrs_equal(&a, &fewer));
	assert_false(rw_addrs_equal(&fewer, &a));
	assert_false(rw_addrs_equal(&a, &port));
	assert_false(rw_addrs_equal(&a, &other));
}

static void address_needs_no_name_server(void **state)
{
	struct rw_error e = {0};
	struct rw_addrs a;

	(void)state;
	assert_true(rw_resolve_is_address("192.0.2.1") && rw_resolve_is_address("2001:db8::1"));
	assert_false(rw_resolve_is_address("localhost"));
	assert_int_equal(rw_resolve("192.0.2.1", 443, &a, &e), RW_OK);
	assert_int_equal(a.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_time_of_a_chain_counts),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(no_answer_has_no_time),
		cmocka_unit_test(negative_time_is_none),
		cmocka_unit_test(order_is_no_difference_and_everything_else_is),
		cmocka_unit_test(address_needs_no_name_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
