/* SPDX-License-Identifier: Apache-2.0 */
/* The prefilter's sources: a table of what may be left out of a pattern and what may not. */
#include "scan_test.h"
#include "scan/prefilter.h"

static const struct {
	const char *pattern, *source;
} table[] = {
	{"abcdef", "abcdef"},
	{"a.{0,40}b", "a.*b"},
	{"a.{3,40}b", "a.{3,}b"},
	{"a[^\\s]{2,64}b", "a.{2,}b"},
	{"a[a-z, ]{0,24}b", "a.*b"},
	{"a[a-z]{2,64}b", "a[a-z]{2,64}b"}, /* no gap: the bound makes it cheap */
	{"a[a-z]{2,256}b", "a[a-z]{2,}b"},
	{"a\\.{0,40}b", "a\\.{0,40}b"}, /* a dot, not any byte */
	{"a[.{0,40}]b", "a[.{0,40}]b"}, /* nothing of it is a repeat */
	{"a.{0,4}b", "a.{0,4}b"},
	{"sk-[A-Za-z0-9]{20,64}\\b", "sk-[A-Za-z0-9]{16}"},
	{"sk-[a-z]{20,64}(?![a-z])", "sk-[a-z]{16}"},
	{"key=([a-z]{20,64})\\b", "key=([a-z]{16})"},
	{"key=([a-f0-9]{64})\\b", "key=([a-f0-9]{16})"},
	{"ab[a-f0-9]{40}-c", "ab[a-f0-9]{40}-c"}, /* what follows must stand there */
	{"key=(a|b{2,3})", "key=(a|b{2})"},
	{"key=([a-z]{0,9})", "key=([a-z]{0,9})"}, /* nothing of it need be there */
	{"key=\\{2,3}", "key=\\{2,3}"},
	{"key\\\\b", "key\\\\b"}, /* a backslash and a letter */
	{"(?:ab){2,3}", "(?:ab){2}"},
};

static void a_source_matches_wherever_its_pattern_does(void **state)
{
	char out[RW_PATTERN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rw_prefilter_source(table[i].pattern, out);
		assert_string_equal(out, table[i].source);
	}
}

/* A number that is told by a word is looked for behind one only; the words are no patterns. */
static void words_stand_in_front(void **state)
{
	struct rw_pack_str words[] = {{.text = "tax id"}, {.text = "a.b"}};
	const struct rw_pack_list list = {words, 2}, none = {words, 0};
	char source[RW_PATTERN_MAX] = "[0-9]{9}|x";

	(void)state;
	assert_false(rw_prefilter_words(&none, source));
	memcpy(source, "[0-9]{9}|x", sizeof("[0-9]{9}|x"));
	rw_prefilter_after(&none, source);
	assert_string_equal(source, "[0-9]{9}|x");
	rw_prefilter_after(&list, source);
	assert_string_equal(source, "(?i:tax id|a\\.b).*(?:[0-9]{9}|x)");
	memset(source, 'a', RW_PATTERN_MAX - 2);
	source[RW_PATTERN_MAX - 2] = '\0';
	rw_prefilter_after(&list, source);
	assert_int_equal(source[0], 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_matches_wherever_its_pattern_does),
		cmocka_unit_test(words_stand_in_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
