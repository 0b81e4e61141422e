/* SPDX-License-Identifier: Apache-2.0 */
/* Prefixes as people write them: what is taken, what is refused, and what stands for a source. */
#include "kernel/rig.h"

#include <netinet/in.h>

static void expect(const char *text, const char *want)
{
	struct rw_prefix p;
	struct rw_error e = {0};
	char got[64];

	if (rw_prefix_parse(text, &p, &e))
		fail_msg("%s", e.text);
	assert_string_equal(rw_prefix_text(&p, got), want);
}

static void expect_refused(const char *text)
{
	struct rw_prefix p;
	struct rw_error e = {0};

	assert_int_equal(rw_prefix_parse(text, &p, &e), RW_EINVAL);
	if (*text && strlen(text) < 60)
		assert_non_null(strstr(e.text, text));
}

static void what_is_taken(void **state)
{
	(void)state;
	expect("192.0.2.7", "192.0.2.7/32");
	expect("192.0.2.0/24", "192.0.2.0/24");
	expect("0.0.0.0/0", "0.0.0.0/0");
	expect("2001:db8::5", "2001:db8::5/128");
	expect("2001:DB8:0::/48", "2001:db8::/48");
	expect("::/0", "::/0");
	expect("::ffff:192.0.2.7", "192.0.2.7/32");
	expect("::ffff:192.0.2.0/120", "192.0.2.0/24");
}

/* inet_aton reads "10.1" as 10.0.0.1 and "010" as 8: a ban of somebody else. */
static void what_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"10.1",
		"010.0.0.1x",
		"192.0.2.7/",
		"192.0.2.7/33",
		"192.0.2.7/-1",
		"192.0.2.7/+8",
		"192.0.2.7/8 ",
		"192.0.2.7/08x",
		"::1/129",
		"example.com",
		"192.0.2.7/24",
		"2001:db8::1/64",
		"1.2.3.4.5",
		":::",
		"192.0.2.7/0032",
		"/24",
		" 192.0.2.7",
		"fe80::1%eth0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff"};

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_refused(texts[i]);
}

static void stray_bits_are_explained(void **state)
{
	struct rw_prefix p;
	struct rw_error e = {0};

	(void)state;
	assert_int_equal(rw_prefix_parse("192.0.2.7/24", &p, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "192.0.2.0/24"));
}

static void source(int family, const char *addr, const char *want)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u = {.sa.sa_family = (sa_family_t)family};
	struct rw_prefix p;
	char got[64];

	assert_int_equal(
		inet_pton(family, addr,
			  family == AF_INET ? (void *)&u.in.sin_addr : (void *)&u.in6.sin6_addr),
		1);
	p = rw_prefix_of(&u.sa);
	assert_string_equal(rw_prefix_text(&p, got), want);
}

static void what_stands_for_a_source(void **state)
{
	(void)state;
	source(AF_INET, "192.0.2.7", "192.0.2.7/32");
	source(AF_INET6, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
	source(AF_INET6, "::ffff:192.0.2.7", "192.0.2.7/32");
}

static void keys_and_back(void **state)
{
	static const char *const texts[] = {"192.0.2.7/32", "10.0.0.0/8", "0.0.0.0/0",
					    "2001:db8::/32", "::/0"};
	char got[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rw_prefix p = rig_prefix(texts[i]), back;
		struct rw_kern_key key = rw_prefix_key(&p);
		struct rw_kern_key4 key4 = rw_prefix_key4(&p);

		back = rw_prefix_from_key(&key);
		assert_string_equal(rw_prefix_text(&back, got), texts[i]);
		if (p.family != AF_INET)
			continue;
		back = rw_prefix_from_key4(&key4);
		assert_string_equal(rw_prefix_text(&back, got), texts[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(stray_bits_are_explained),
		cmocka_unit_test(what_stands_for_a_source),
		cmocka_unit_test(keys_and_back),
	};

	return cmocka_run_group_tests_name("prefixes", tests, NULL, NULL);
}
