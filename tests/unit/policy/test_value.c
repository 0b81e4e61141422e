/* SPDX-License-Identifier: Apache-2.0 */
#include "util.h"

#include "base/slice.h"
#include "policy/show.h"
#include "policy/value.h"

#define S(text) rw_slice_str(text)

/* YAML 1.1 reads 010 as eight and 1e3 as a float; an operator means neither. */
static void number_is_decimal_digits_only(void **state)
{
	static const char *const bad[] = {"",	"010", "0x10", "1e3",
					  "+1", "-1",  "1_0",  " 1",
					  "1 ", "1.0", "ten",  "18446744073709551616"};
	uint64_t v;

	(void)state;
	assert_int_equal(rw_value_number(S("0"), &v), RW_OK);
	assert_int_equal(v, 0);
	assert_int_equal(rw_value_number(S("18446744073709551615"), &v), RW_OK);
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rw_value_number(S(bad[i]), &v), RW_EINVAL);
}

/* "timeout: 10" has meant seconds in one proxy and milliseconds in the next. */
static void duration_without_a_unit_is_refused(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {{"250ms", 250}, {"10s", 10000}, {"2m", 120000}, {"24h", 86400000}, {"0s", 0}};
	static const char *const bad[] = {"10", "s", "10 s", "10S", "1d", "1.5s", "10sec", "-1s"};
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(rw_value_duration(S(good[i].text), &v), RW_OK);
		assert_true(v == good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rw_value_duration(S(bad[i]), &v), RW_EINVAL);
}

/* Multiplying by the unit wrapped around 64 bits: "17179869185GiB" became 1 GiB. */
static void size_that_wraps_is_refused(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(rw_value_size(S("17179869185GiB"), &v), RW_EINVAL);
	assert_int_equal(rw_value_size(S("17179869183GiB"), &v), RW_OK);
	assert_int_equal(rw_value_size(S("8MiB"), &v), RW_OK);
	assert_true(v == 8u << 20);
	assert_int_equal(rw_value_size(S("8MB"), &v), RW_EINVAL);
	assert_int_equal(rw_value_size(S("8"), &v), RW_EINVAL);
}

/* 10.1.2.3/8 may mean a host or a net: whoever writes it is asked. */
static void prefix_has_no_bit_beyond_its_length(void **state)
{
	static const char *const good[] = {"192.0.2.7",	   "192.0.2.0/24",  "0.0.0.0/0",
					   "2001:db8::1",  "2001:db8::/32", "::/0",
					   "10.0.0.128/25"};
	static const char *const bad[] = {"",
					  "/",
					  "192.0.2.7/24",
					  "192.0.2.7/33",
					  "192.0.2.7/",
					  "192.0.2/24",
					  "2001:db8::/16",
					  "2001:db8::/129",
					  "::ffff:192.0.2.7",
					  "localhost",
					  "192.0.2.7:80",
					  "[2001:db8::1]"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(rw_value_is_prefix(S(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rw_value_is_prefix(S(bad[i])))
			fail_msg("'%s' was taken", bad[i]);
}

/* What a message or the reference shows must be what the parser takes back. */
static void unit_text_parses_back(void **state)
{
	static const uint64_t values[] = {0,	 1,	999,	 1000,	   1023,    1024,
					  60000, 90000, 3600000, 86400000, 1048576, 1ull << 40};
	char text[RW_VALUE_TEXT];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		rw_value_duration_text(values[i], text);
		assert_int_equal(rw_value_duration(S(text), &v), RW_OK);
		assert_true(v == values[i]);
		rw_value_size_text(values[i], text);
		assert_int_equal(rw_value_size(S(text), &v), RW_OK);
		assert_true(v == values[i]);
	}
	assert_string_equal(rw_value_duration_text(86400000, text), "24h");
	assert_string_equal(rw_value_size_text(8u << 20, text), "8MiB");
}

/* A name here would be resolved once, at start, to who knows what. */
static void address_is_numeric_with_port(void **state)
{
	static const char *const bad[] = {"",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:65536",
					  "127.0.0.1:08443",
					  "127.1:80",
					  ":8443",
					  "localhost:80",
					  "::1:80",
					  "[::1]",
					  "[::1]80",
					  "[::1:80",
					  "[127.0.0.1]:80",
					  "0.0.0.0:80 ",
					  "[fe80::1%eth0]:80",
					  "256.0.0.1:8",
					  "[]:80",
					  "1.2.3.4:80:81"};
	struct rw_value_address a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (rw_value_address(S(bad[i]), &a) != RW_EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(rw_value_address(S("[2001:db8::1]:8443"), &a), RW_OK);
	assert_int_equal(rw_value_address(S("[2001:0db8:0::1]:8443"), &b), RW_OK);
	assert_true(rw_value_same_address(&a, &b));
	assert_false(rw_value_is_loopback(&a));
}

/* Plain HTTP is allowed there, so nothing but loopback may pass for it. */
static void loopback_is_127_and_1_and_mapped(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = {{"127.0.0.1:1", true},	{"127.255.0.9:1", true},
		     {"[::1]:1", true},		{"[::ffff:127.0.0.1]:1", true},
		     {"0.0.0.0:1", false},	{"[::]:1", false},
		     {"128.0.0.1:1", false},	{"[::2]:1", false},
		     {"[::127.0.0.1]:1", false}};
	struct rw_value_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(rw_value_address(S(cases[i].text), &a), RW_OK);
		assert_int_equal(rw_value_is_loopback(&a), cases[i].is);
	}
	assert_true(rw_value_is_loopback_host("localhost"));
	assert_false(rw_value_is_loopback_host("localhost.example.com"));
	assert_false(rw_value_is_loopback_host("127.0.0.1.example.com"));
}

static void url_parts(void **state)
{
	static const struct {
		const char *url, *host, *path;
		bool tls;
		unsigned port;
	} good[] = {
		{"https://api.openai.com/v1", "api.openai.com", "/v1", true, 443},
		{"HTTPS://api.openai.com/v1//", "api.openai.com", "/v1", true, 443},
		{"http://127.0.0.1:8080", "127.0.0.1", "", false, 80 + 8000},
		{"http://[::1]/", "::1", "", false, 80},
		{"https://[2001:db8::1]:8443/a/b", "2001:db8::1", "/a/b", true, 8443},
		{"https://my_host-1.internal:1/v1", "my_host-1.internal", "/v1", true, 1},
	};
	struct rw_value_url u;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(rw_value_url(S(good[i].url), &u));
		assert_true(rw_slice_is(u.host, good[i].host));
		assert_true(rw_slice_is(u.path, good[i].path));
		assert_int_equal(u.tls, good[i].tls);
		assert_int_equal(u.port, good[i].port);
	}
}

/* Each would make the gateway ask another host or path than the reader of the file thinks. */
static void url_in_doubt_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "api.openai.com",
					  "ftp://a/",
					  "https://",
					  "https:///v1",
					  "https://a?x=1",
					  "https://a/v1#f",
					  "https://user:secret@a/v1",
					  "https://a:0/",
					  "https://a:65536/",
					  "https://a:/",
					  "https://::1/",
					  "https://[::1",
					  "https://[127.0.0.1]/",
					  "https://127.1/",
					  "https://0x7f.0.0.1.:1/",
					  "https://2130706433/",
					  "https://a..b/",
					  "https://a b/",
					  "https://a/v 1",
					  "https://a/v1/../admin",
					  "https://a/./v1",
					  "https://a/%2e%2e/admin",
					  "https://a\\@b/",
					  "https://-a/"};
	struct rw_value_url u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *why = rw_value_url(S(bad[i]), &u);

		if (!why)
			fail_msg("'%s' was taken", bad[i]);
		assert_null(strstr(why, "secret"));
	}
}

/* A message must stay one line and a terminal must not be steered by a configuration. */
static void shown_text_is_printable_and_short(void **state)
{
	char out[RW_SHOWN];

	(void)state;
	assert_string_equal(rw_show(S("a\nb\x1b[31m\xc3\xa9"), out), "a?b?[31m??");
	assert_string_equal(rw_show(S("0123456789012345678901234567890123456789x"), out),
			    "0123456789012345678901234567890123456789...");
}

static void near_words_are_near(void **state)
{
	(void)state;
	assert_int_equal(rw_distance(S("limts"), "limits"), 1);
	assert_int_equal(rw_distance(S("adress"), "address"), 1);
	assert_int_equal(rw_distance(S("ulr"), "url"), 1);
	assert_true(rw_is_near(S("listener"), "listeners"));
	assert_false(rw_is_near(S("tls"), "key"));
	assert_false(rw_is_near(S("name"), "kernel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_is_decimal_digits_only),
		cmocka_unit_test(duration_without_a_unit_is_refused),
		cmocka_unit_test(prefix_has_no_bit_beyond_its_length),
		cmocka_unit_test(size_that_wraps_is_refused),
		cmocka_unit_test(unit_text_parses_back),
		cmocka_unit_test(address_is_numeric_with_port),
		cmocka_unit_test(loopback_is_127_and_1_and_mapped),
		cmocka_unit_test(url_parts),
		cmocka_unit_test(url_in_doubt_is_refused),
		cmocka_unit_test(shown_text_is_printable_and_short),
		cmocka_unit_test(near_words_are_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
