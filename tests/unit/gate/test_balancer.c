/* SPDX-License-Identifier: Apache-2.0 */
/* Who made a request that came through balancers, and who may say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gate/balancer.h"

static struct rw_addr address(const char *text)
{
	struct rw_addr a;
	struct rw_error e = {0};
	char with_port[96];

	snprintf(with_port, sizeof(with_port), strchr(text, ':') ? "[%s]:1" : "%s:1", text);
	if (rw_addr_parse(with_port, &a, &e))
		fail_msg("%s", e.text);
	return a;
}

/* 192.0.2.10 and 2001:db8:b::/64 write the header themselves, 192.0.2.20 passes on what it gets. */
static struct rw_balancers balancers(void)
{
	static struct rw_config cfg = {
		.balancers = {{"192.0.2.10", true},
			      {"2001:db8:b::/64", true},
			      {"192.0.2.20", false}},
		.n_balancers = 3,
	};
	struct rw_balancers b;

	rw_balancers_take(&b, &cfg);
	return b;
}

static void expect(const char *peer, const char *first, const char *second, const char *want)
{
	struct rw_balancers b = balancers();
	struct rw_addr at = address(peer), got;
	struct rw_h1_head head = {0};
	char text[RW_ADDR_TEXT];

	head.headers[0] = (struct rw_h1_header){RW_SLICE("Host"), RW_SLICE("gw")};
	head.n_headers = 1;
	if (first)
		head.headers[head.n_headers++] = (struct rw_h1_header){RW_SLICE("X-Forwarded-For"),
								       rw_slice_str(first)};
	if (second)
		head.headers[head.n_headers++] = (struct rw_h1_header){RW_SLICE("x-forwarded-for"),
								       rw_slice_str(second)};
	got = rw_balancers_client(&b, &at, &head);
	assert_string_equal(rw_addr_text(&got, false, text), want);
}

static void last_who_does_not_forward_is_the_client(void **state)
{
	(void)state;
	expect("192.0.2.10", "203.0.113.9", NULL, "203.0.113.9");
	expect("192.0.2.10", "6.6.6.6, 203.0.113.9", NULL, "203.0.113.9");
	expect("192.0.2.10", "6.6.6.6", "203.0.113.9", "203.0.113.9");
	expect("192.0.2.10", "203.0.113.9, 2001:db8:b::7", NULL, "203.0.113.9");
	expect("192.0.2.10", "203.0.113.9", "2001:db8:b::7", "203.0.113.9");
	expect("2001:db8:b::1", "2001:db8::9", NULL, "2001:db8::9");
	expect("::ffff:192.0.2.10", "203.0.113.9", NULL, "203.0.113.9");
	expect("192.0.2.10", "203.0.113.9, 192.0.2.20", NULL, "192.0.2.20");
}

/* Else everybody would choose his address. */
static void header_of_anybody_else_says_nothing(void **state)
{
	(void)state;
	expect("203.0.113.9", "6.6.6.6", NULL, "203.0.113.9");
	expect("192.0.2.20", "6.6.6.6", NULL, "192.0.2.20");
	expect("2001:db8:c::1", "6.6.6.6", NULL, "2001:db8:c::1");
}

static void list_that_cannot_be_read_leaves_the_balancer(void **state)
{
	(void)state;
	expect("192.0.2.10", NULL, NULL, "192.0.2.10");
	expect("192.0.2.10", "unknown", NULL, "192.0.2.10");
	expect("192.0.2.10", "203.0.113.9, ", NULL, "192.0.2.10");
	expect("192.0.2.10", "203.0.113.9, x, 2001:db8:b::7", NULL, "192.0.2.10");
	expect("192.0.2.10", "2001:db8:b::8, 2001:db8:b::7", NULL, "2001:db8:b::8");
}

/* Somebody who lists a balancer's address a thousand times is not followed a thousand times. */
static void hops_are_bounded(void **state)
{
	char list[4096] = "6.6.6.6";
	size_t n = strlen(list);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, ", 192.0.2.10");
	expect("192.0.2.10", list, NULL, "192.0.2.10");
}

static void wide_source_overlaps_what_is_in_it(void **state)
{
	struct rw_balancers b = balancers();
	struct rw_source in = {{0x20, 1, 0x0d, 0xb8, 0, 0x0b, 0, 0}, 8}, wide = in, out = in;

	(void)state;
	wide.n = 7;
	out.bytes[7] = 1;
	assert_true(rw_balancers_overlap(&b, &in));
	assert_true(rw_balancers_overlap(&b, &wide));
	assert_false(rw_balancers_overlap(&b, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_who_does_not_forward_is_the_client),
		cmocka_unit_test(header_of_anybody_else_says_nothing),
		cmocka_unit_test(list_that_cannot_be_read_leaves_the_balancer),
		cmocka_unit_test(hops_are_bounded),
		cmocka_unit_test(wide_source_overlaps_what_is_in_it),
	};

	return cmocka_run_group_tests_name("balancer", tests, NULL, NULL);
}
