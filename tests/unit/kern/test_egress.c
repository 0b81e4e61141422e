/* SPDX-License-Identifier: Apache-2.0 */
/* Which destinations are what, and rules as people write them; pure, no map is needed. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kern/egress.h"

static enum rw_kern_net net_of(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return rw_egress_net((const struct sockaddr *)&in);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		fail_msg("%s is no address", text);
	return rw_egress_net((const struct sockaddr *)&in6);
}

struct row {
	const char *addr;
	enum rw_kern_net net;
};

static void expect(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (net_of(rows[i].addr) != rows[i].net)
			fail_msg("%s is %d, not %d", rows[i].addr, (int)net_of(rows[i].addr),
				 (int)rows[i].net);
}
#define EXPECT(rows) expect(rows, sizeof(rows) / sizeof((rows)[0]))

/* Each where a cloud documents it; in every spelling that leads there. */
static void metadata_services_are_known_in_every_spelling(void **state)
{
	static const struct row rows[] = {
		{"169.254.169.254", RW_KERN_NET_METADATA}, /* nearly all */
		{"169.254.170.2", RW_KERN_NET_METADATA},   /* AWS containers */
		{"169.254.42.42", RW_KERN_NET_METADATA},   /* Scaleway */
		{"100.100.100.200", RW_KERN_NET_METADATA}, /* Alibaba */
		{"168.63.129.16", RW_KERN_NET_METADATA},   /* Azure's wire server */
		{"192.0.0.192", RW_KERN_NET_METADATA},	   /* Oracle Classic */
		{"fd00:ec2::254", RW_KERN_NET_METADATA},   /* AWS */
		{"fd00:ec2::23", RW_KERN_NET_METADATA},	   /* AWS pods */
		{"fd20:ce::254", RW_KERN_NET_METADATA},	   /* Google */
		{"fd00:c1::a9fe:a9fe", RW_KERN_NET_METADATA},
		{"fd00:42::42", RW_KERN_NET_METADATA},
		{"fd00:a9fe:a9fe::1", RW_KERN_NET_METADATA},
		{"fd00:100::100:200", RW_KERN_NET_METADATA},
		{"fe80::a9fe:a9fe", RW_KERN_NET_METADATA},
		{"::ffff:169.254.169.254", RW_KERN_NET_METADATA},
		{"64:ff9b::169.254.169.254", RW_KERN_NET_METADATA},
		{"64:ff9b::100.100.100.200", RW_KERN_NET_METADATA},
	};

	(void)state;
	EXPECT(rows);
}

static void edges_of_the_table_are_where_they_should_be(void **state)
{
	static const struct row rows[] = {
		{"0.0.0.0", RW_KERN_NET_LOOPBACK},	  {"0.255.255.255", RW_KERN_NET_LOOPBACK},
		{"1.0.0.0", RW_KERN_NET_PUBLIC},	  {"9.255.255.255", RW_KERN_NET_PUBLIC},
		{"10.0.0.0", RW_KERN_NET_PRIVATE},	  {"10.255.255.255", RW_KERN_NET_PRIVATE},
		{"11.0.0.0", RW_KERN_NET_PUBLIC},	  {"100.63.255.255", RW_KERN_NET_PUBLIC},
		{"100.64.0.0", RW_KERN_NET_PRIVATE},	  {"100.127.255.255", RW_KERN_NET_PRIVATE},
		{"100.128.0.0", RW_KERN_NET_PUBLIC},	  {"100.100.100.199", RW_KERN_NET_PRIVATE},
		{"100.100.100.201", RW_KERN_NET_PRIVATE}, {"126.255.255.255", RW_KERN_NET_PUBLIC},
		{"127.0.0.0", RW_KERN_NET_LOOPBACK},	  {"127.255.255.255", RW_KERN_NET_LOOPBACK},
		{"128.0.0.0", RW_KERN_NET_PUBLIC},	  {"169.253.255.255", RW_KERN_NET_PUBLIC},
		{"169.254.0.0", RW_KERN_NET_METADATA},	  {"169.254.255.255", RW_KERN_NET_METADATA},
		{"169.255.0.0", RW_KERN_NET_PUBLIC},	  {"168.63.129.15", RW_KERN_NET_PUBLIC},
		{"172.15.255.255", RW_KERN_NET_PUBLIC},	  {"172.16.0.0", RW_KERN_NET_PRIVATE},
		{"172.31.255.255", RW_KERN_NET_PRIVATE},  {"172.32.0.0", RW_KERN_NET_PUBLIC},
		{"192.0.0.8", RW_KERN_NET_SPECIAL},	  {"192.0.1.0", RW_KERN_NET_PUBLIC},
		{"192.167.255.255", RW_KERN_NET_PUBLIC},  {"192.168.0.0", RW_KERN_NET_PRIVATE},
		{"192.169.0.0", RW_KERN_NET_PUBLIC},	  {"198.18.0.0", RW_KERN_NET_PRIVATE},
		{"198.19.255.255", RW_KERN_NET_PRIVATE},  {"198.20.0.0", RW_KERN_NET_PUBLIC},
		{"223.255.255.255", RW_KERN_NET_PUBLIC},  {"224.0.0.1", RW_KERN_NET_SPECIAL},
		{"255.255.255.255", RW_KERN_NET_SPECIAL},
	};

	(void)state;
	EXPECT(rows);
}

static void ipv6_is_public_only_where_the_internet_is(void **state)
{
	static const struct row rows[] = {
		{"::", RW_KERN_NET_LOOPBACK},
		{"::1", RW_KERN_NET_LOOPBACK},
		{"::2", RW_KERN_NET_SPECIAL},
		{"::7f00:1", RW_KERN_NET_SPECIAL}, /* IPv4-compatible, of old */
		{"::ffff:127.0.0.1", RW_KERN_NET_LOOPBACK},
		{"::ffff:10.1.2.3", RW_KERN_NET_PRIVATE},
		{"::ffff:8.8.8.8", RW_KERN_NET_PUBLIC},
		{"64:ff9b::8.8.8.8", RW_KERN_NET_PUBLIC}, /* NAT64 */
		{"64:ff9b::10.0.0.1", RW_KERN_NET_PRIVATE},
		{"64:ff9b::1:8.8.8.8", RW_KERN_NET_SPECIAL}, /* not of the /96 */
		{"64:ff9b:1::1", RW_KERN_NET_PRIVATE},
		{"100::1", RW_KERN_NET_SPECIAL},
		{"1fff::1", RW_KERN_NET_SPECIAL},
		{"2000::1", RW_KERN_NET_PUBLIC},
		{"2001::1", RW_KERN_NET_SPECIAL}, /* Teredo */
		{"2001:1::1", RW_KERN_NET_PUBLIC},
		{"2002:a00:1::1", RW_KERN_NET_SPECIAL}, /* 6to4 to 10.0.0.1 */
		{"2607:6bc0::10", RW_KERN_NET_PUBLIC},
		{"3fff:ffff::1", RW_KERN_NET_PUBLIC},
		{"4000::1", RW_KERN_NET_SPECIAL},
		{"fc00::1", RW_KERN_NET_PRIVATE},
		{"fd00::1", RW_KERN_NET_PRIVATE},
		{"fd00:ec3::254", RW_KERN_NET_PRIVATE},
		{"fdff:ffff::1", RW_KERN_NET_PRIVATE},
		{"fe00::1", RW_KERN_NET_SPECIAL},
		{"fe80::1", RW_KERN_NET_METADATA},
		{"febf::1", RW_KERN_NET_METADATA},
		{"fec0::1", RW_KERN_NET_PRIVATE},
		{"ff02::1", RW_KERN_NET_SPECIAL},
	};

	(void)state;
	EXPECT(rows);
}

static void nothing_contained_leaves_out_metadata_alone(void **state)
{
	const struct sockaddr_in inner = {.sin_family = AF_INET,
					  .sin_addr.s_addr = htonl(0x0a000001)};
	const struct sockaddr_in metadata = {.sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(0xa9fea9fe)};
	enum rw_kern_out_reason reason = RW_KERN_OUT_PROTOCOL;

	(void)state;
	assert_true(rw_egress_may(NULL, (const struct sockaddr *)&inner, &reason));
	assert_false(rw_egress_may(NULL, (const struct sockaddr *)&metadata, &reason));
	assert_int_equal(reason, RW_KERN_OUT_METADATA);
}

static void rules_read_and_print_as_people_write_them(void **state)
{
	static const struct {
		const char *text, *shown; /* NULL: refused */
		uint16_t port;
	} rows[] = {
		{"192.0.2.7", "192.0.2.7", 0},
		{"192.0.2.7:53", "192.0.2.7:53", 53},
		{"10.0.0.0/8", "10.0.0.0/8", 0},
		{"10.0.0.0/8:5432", "10.0.0.0/8:5432", 5432},
		{"2001:db8::7", "2001:db8::7", 0},
		{"2001:db8::/32", "2001:db8::/32", 0},
		{"[2001:db8::7]", "2001:db8::7", 0},
		{"[2001:db8::7]:65535", "[2001:db8::7]:65535", 65535},
		{"[2001:db8::/32]:443", "[2001:db8::/32]:443", 443},
		{"::ffff:192.0.2.7", "192.0.2.7", 0}, /* as the packet will have it */
		{"[::ffff:192.0.2.7]:80", "192.0.2.7:80", 80},
		{"192.0.2.7:", NULL, 0},
		{"192.0.2.7:0", NULL, 0},
		{"192.0.2.7:65536", NULL, 0},
		{"192.0.2.7:80x", NULL, 0},
		{"192.0.2.7: 80", NULL, 0},
		{"192.0.2.7:-1", NULL, 0},
		{"[2001:db8::7]x", NULL, 0},
		{"[2001:db8::7", NULL, 0},
		{"[2001:db8::7]:", NULL, 0},
		{"10.0.0.1/8", NULL, 0},
		{"example.com:443", NULL, 0},
		{":443", NULL, 0},
		{"", NULL, 0},
		{"[]", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rw_egress_rule rule;
		struct rw_error e = {0};
		char shown[80];
		int rc = rw_egress_rule_parse(rows[i].text, 0, RW_KERN_OUT_SERVICE, &rule, &e);

		if (!rows[i].shown) {
			if (!rc)
				fail_msg("'%s' was taken", rows[i].text);
			assert_true(e.text[0] != '\0');
			continue;
		}
		if (rc)
			fail_msg("%s", e.text);
		assert_int_equal(rule.port, rows[i].port);
		assert_string_equal(rw_egress_rule_text(&rule, shown), rows[i].shown);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_services_are_known_in_every_spelling),
		cmocka_unit_test(edges_of_the_table_are_where_they_should_be),
		cmocka_unit_test(ipv6_is_public_only_where_the_internet_is),
		cmocka_unit_test(nothing_contained_leaves_out_metadata_alone),
		cmocka_unit_test(rules_read_and_print_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
