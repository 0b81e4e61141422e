/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of blocklists as they are found: what is taken from them, and what is refused as what. */
#include "kernel/feeds.h"

static const struct {
	const char *line;
	enum rw_feed_line what;
	const char *prefix; /* NULL where there is none */
} cases[] = {
	{"50.0.0.7", RW_FEED_PREFIX, "50.0.0.7/32"},
	{" \t50.0.0.7 \r", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"50.0.0.0/20 ; SBL256894", RW_FEED_PREFIX, "50.0.0.0/20"},
	{"50.0.0.0/20;SBL256894", RW_FEED_PREFIX, "50.0.0.0/20"},
	{"50.0.0.7\t12", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"50.0.0.7,ssh,2026-01-01", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"50.0.0.7|AS64500|x", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"50.0.0.7# seen 50.0.0.8", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"50.0.0.0/24 50.0.0.1", RW_FEED_PREFIX, "50.0.0.0/24"},
	{"2400:1::/48 ; x", RW_FEED_PREFIX, "2400:1::/48"},
	{"2400:1::7", RW_FEED_PREFIX, "2400:1::/64"},
	{"2400:1::7/128", RW_FEED_PREFIX, "2400:1::7/128"},
	{"::ffff:50.0.0.7", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"::ffff:50.0.0.0/120", RW_FEED_PREFIX, "50.0.0.0/24"},
	{"50.0.0.7/32", RW_FEED_PREFIX, "50.0.0.7/32"},
	{"0050.0.0.7", RW_FEED_NO_ADDRESS, NULL},
	{"", RW_FEED_EMPTY, NULL},
	{" \t\r", RW_FEED_EMPTY, NULL},
	{"# 50.0.0.7", RW_FEED_EMPTY, NULL},
	{"; 50.0.0.7", RW_FEED_EMPTY, NULL},
	{"\r", RW_FEED_EMPTY, NULL},
	{"example.com", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.7", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.07", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.256", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7.8", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7/", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7/33", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7/0024", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7/24/24", RW_FEED_NO_ADDRESS, NULL},
	{"2400:1::/129", RW_FEED_NO_ADDRESS, NULL},
	{"2400:::1", RW_FEED_NO_ADDRESS, NULL},
	{"\"2026-01-01\",50.0.0.7", RW_FEED_NO_ADDRESS, NULL},
	{"50.0.0.7/24", RW_FEED_STRAY_BITS, NULL},
	{"2400:1::1/64", RW_FEED_STRAY_BITS, NULL},
	/* a DShield line: taking its first address for all of it would let 255 of 256 pass */
	{"50.0.0.0\t50.0.0.255\t24\t7", RW_FEED_RANGE, NULL},
	{"50.0.0.0 - 50.0.0.255", RW_FEED_RANGE, NULL},
	{"50.0.0.0-50.0.0.255", RW_FEED_RANGE, NULL},
	{"2400:1::, 2400:1::ff", RW_FEED_RANGE, NULL},
	{"0.0.0.0/0", RW_FEED_TOO_WIDE, NULL},
	{"50.0.0.0/7", RW_FEED_TOO_WIDE, NULL},
	{"50.0.0.0/8", RW_FEED_PREFIX, "50.0.0.0/8"},
	{"::/0", RW_FEED_TOO_WIDE, NULL},
	{"2400::/15", RW_FEED_TOO_WIDE, NULL},
	{"2400::/16", RW_FEED_PREFIX, "2400::/16"},
	{"10.1.2.3", RW_FEED_RESERVED, "10.1.2.3/32"},
	{"172.16.0.0/12", RW_FEED_RESERVED, "172.16.0.0/12"},
	{"172.0.0.0/8", RW_FEED_RESERVED, "172.0.0.0/8"}, /* cuts the private part of it off, too */
	{"172.32.0.0/12", RW_FEED_PREFIX, "172.32.0.0/12"},
	{"100.64.0.1", RW_FEED_RESERVED, "100.64.0.1/32"},
	{"100.128.0.1", RW_FEED_PREFIX, "100.128.0.1/32"},
	{"224.0.0.1", RW_FEED_RESERVED, "224.0.0.1/32"},
	{"255.255.255.255", RW_FEED_RESERVED, "255.255.255.255/32"},
	{"223.255.255.255", RW_FEED_PREFIX, "223.255.255.255/32"},
	{"::1", RW_FEED_RESERVED, "::/64"},
	{"fe80::1", RW_FEED_RESERVED, "fe80::/64"},
	{"fd00::/16", RW_FEED_RESERVED, "fd00::/16"},
};

static void lines_are_taken_for_what_they_are(void **state)
{
	char got[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rw_prefix p = {0};
		enum rw_feed_line what = rw_feed_parse(cases[i].line, strlen(cases[i].line), &p);

		if (what != cases[i].what)
			fail_msg("'%s' %s", cases[i].line, rw_feed_line_text(what));
		if (cases[i].prefix)
			assert_string_equal(rw_prefix_text(&p, got), cases[i].prefix);
	}
}

/* It is not a string: what lies behind the line is another line. */
static void line_ends_where_it_ends(void **state)
{
	struct rw_prefix p;
	char got[64];

	(void)state;
	assert_int_equal(rw_feed_parse("50.0.0.77", 8, &p), RW_FEED_PREFIX);
	assert_string_equal(rw_prefix_text(&p, got), "50.0.0.7/32");
	assert_int_equal(rw_feed_parse("50.0.0.7\0", 9, &p), RW_FEED_NO_ADDRESS);
	assert_int_equal(rw_feed_parse("2400:1::\0/48", 12, &p), RW_FEED_NO_ADDRESS);
	assert_int_equal(rw_feed_parse("50.0.0.7", 0, &p), RW_FEED_EMPTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_for_what_they_are),
		cmocka_unit_test(line_ends_where_it_ends),
	};

	return cmocka_run_group_tests_name("lines of feeds", tests, NULL, NULL);
}
