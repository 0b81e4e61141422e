/* SPDX-License-Identifier: Apache-2.0 */
/* Street addresses: what is one, and how much of the text is held while it may become one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "scan/street.h"
#include "scan/street_words.h"

static const struct {
	const char *text;
	long n; /* of the address that begins with it */
} numbered_table[] = {
	{"1339 Maple Street, Springfield, IL 62701. The", 40},
	{"12B Baker St., flat", 13},
	{"12-14 Oak Lane\n", 14},
	{"350 5th Avenue", 14},
	{"12 Avenue of the Americas", 25},
	{"7 St. James's Road!", 18},
	{"12 Oak Drive, Unit 7 now", 20},
	{"12 Oak Drive, now", 0},	     /* a drive may be a disk */
	{"10 Drive Failures", 0},	     /* it has no name */
	{"24 St. Patrick's day", 0},	     /* "St." is none without a name in front */
	{"500 Wall Street Traders", 0},	     /* a name goes on */
	{"1969 Abbey Road was recorded", 0}, /* a year */
	{"1969 Maple Street, Springfield, IL 62701", 40},
	{"3 lane road", 0},
	{"12 Road_Lane", 0},
	{"12.5 Oak Street", 0},
	{"123456 Oak Street", 0},
};

static void addresses_begin_with_their_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(numbered_table) / sizeof(numbered_table[0]); i++) {
		struct rw_slice text = rw_slice_str(numbered_table[i].text);

		if (rw_street_numbered(text, 0, true) != numbered_table[i].n)
			fail_msg("%s: %ld", text.p, rw_street_numbered(text, 0, true));
	}
}

static const struct {
	const char *text;
	const char *found; /* or NULL */
} named_table[] = {
	{"in Villacher Straße 89, 10115 Berlin.", "Villacher Straße 89, 10115 Berlin"},
	{"die Hauptstr. 5a dort", "Hauptstr. 5a"},
	{"aan Rooseveltlaan 110", "Rooseveltlaan 110"},
	{"in Via dei Fiorentini 17", "Via dei Fiorentini 17"},
	{"przy ul. Cicha 86", "ul. Cicha 86"},
	{"calle Mayor 5, 28013 Madrid", "calle Mayor 5, 28013 Madrid"},
	{"{'address': 'Hauptstrasse 5'}", "Hauptstrasse 5"},
	{"er schrieb „Berliner Straße 12“", "Berliner Straße 12"},
	{"«Via dei Fiorentini 17»", "Via dei Fiorentini 17"},
	{"['ul. Cicha 86', 1]", "ul. Cicha 86"},
	{"\xe2\x80\x9dStorgatan 5\xe2\x80\x9d", "Storgatan 5"},
	{"don'Hauptstrasse 5", NULL},
	{"via Bluetooth 5", NULL},
	{"Via Zoom 3 people", NULL},
	{"call Substr 5", NULL},
	{"Al Gore 12", NULL},
	{"Calle 13", NULL},
	{"Berliner 12", NULL},
	{"Hauptstraße 5.0", NULL},
};

static void names_are_found_back_from_their_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(named_table) / sizeof(named_table[0]); i++) {
		struct rw_slice text = rw_slice_str(named_table[i].text), found = {0};
		size_t at = strcspn(text.p, "0123456789"), lead = rw_street_lead(text, 0, at);
		long n = lead < at ? rw_street_named(text, lead, true) : 0;

		if (n > 0)
			found = rw_slice_of(text.p + lead, (size_t)n);
		if (named_table[i].found ? !rw_slice_is(found, named_table[i].found) : n != 0)
			fail_msg("%s: %.*s", text.p, (int)found.n, found.p);
	}
}

/* Nothing of a name is let go before its number has come, wherever the text ends for now. */
static void names_without_their_number_are_held(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(named_table) / sizeof(named_table[0]); i++) {
		struct rw_slice text = rw_slice_str(named_table[i].text);
		size_t at = strcspn(text.p, "0123456789"), lead = rw_street_lead(text, 0, at);

		if (!named_table[i].found)
			continue;
		for (size_t n = lead + 1; n < at; n++) {
			size_t open = rw_street_open(rw_slice_of(text.p, n), 0);
			bool in_token = (unsigned char)text.p[n - 1] < 0x80 && text.p[n - 1] != ' ';

			if (open > lead && !(in_token && !memchr(text.p + lead, ' ', n - lead)))
				fail_msg("%s: at %zu", text.p, n);
		}
	}
}

static void prose_is_not_held(void **state)
{
	static const char *const texts[] = {"the quick brown ",		"He said that ",  "x = 12 ",
					    "\xe4\xb8\xad\xe6\x96\x87", "Hello World, a", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(rw_street_open(rw_slice_str(texts[i]), 0), strlen(texts[i]));
}

/* Words are told by their first byte and length before they are looked up: none may be missed. */
static void every_word_is_known(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rw_street_n_words; i++)
		if (rw_street_kind(rw_slice_str(rw_street_words[i].word)) !=
		    rw_street_words[i].kind)
			fail_msg("%s", rw_street_words[i].word);
	assert_int_equal(rw_street_kind(RW_SLICE("STREET")), RW_STREET_SUFFIX);
	assert_int_equal(rw_street_kind(RW_SLICE("harbour")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_is_known),
		cmocka_unit_test(addresses_begin_with_their_number),
		cmocka_unit_test(names_are_found_back_from_their_number),
		cmocka_unit_test(names_without_their_number_are_held),
		cmocka_unit_test(prose_is_not_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
