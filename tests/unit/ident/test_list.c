/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of keys: what operators write by hand, paste into, and let others write to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "ident/keys.h"

#define HASH  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define KEY   "rw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static char dir[] = "/tmp/ringwall-list-XXXXXX", path[64], nowhere[64];

static int parse(const char *text, struct rw_key **keys, unsigned *n, struct rw_error *e)
{
	return rw_keylist_parse(rw_slice_str(text), "list", keys, n, e);
}

static void lines_comments_and_blanks(void **state)
{
	struct rw_error e = {.text = ""};
	struct rw_key *keys;
	unsigned n;

	(void)state;
	if (parse("# who\r\n\n  b\tsha256:" HASH
		  "   rate=60000000  \r\n#a sha256:x\na sha256:" OTHER,
		  &keys, &n, &e))
		fail_msg("%s", e.text);
	assert_int_equal(n, 2);
	assert_string_equal(keys[0].name, "a");
	assert_string_equal(keys[0].id, "k_1123456789ab");
	assert_int_equal(keys[0].rate_per_minute, 0);
	assert_string_equal(keys[1].name, "b");
	assert_int_equal(keys[1].rate_per_minute, 60000000);
	assert_int_equal(keys[1].hash[0], 0x01);
	assert_int_equal(keys[1].hash[31], 0xef);
	free(keys);
	assert_int_equal(parse("", &keys, &n, &e), RW_OK);
	assert_int_equal(n, 0);
	free(keys);
}

static void what_is_wrong_is_said_by_its_line(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{"\na\n", "list:2: behind the name stands sha256:"},
		{"a sha256:0123", "list:1: behind the name stands sha256:"},
		{"a md5:" HASH, "list:1: behind the name stands sha256:"},
		{"a sha256:" HASH "0", "list:1: behind the name stands sha256:"},
		{"a sha256:A123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		 "list:1: behind the name stands sha256:"},
		{"a sha256:" HASH " rate=", "list:1: behind the hash may stand rate=N"},
		{"a sha256:" HASH " rate=60000001", "N from 0 to 60000000"},
		{"a sha256:" HASH " rate=-1", "N from 0 to 60000000"},
		{"a sha256:" HASH " rate=99999999999", "N from 0 to 60000000"},
		{"a sha256:" HASH " rate=1 admin", "list:1: behind NAME, HASH and rate=N nothing"},
		{"k_0123456789ab sha256:" HASH, "list:1: a name must not look like a key's id"},
		{"a/b sha256:" HASH, "list:1: a key's name is 1 to 63 of"},
		{KEY " sha256:" HASH, "list:1: what begins with rw- is a key"},
		{"a sha256:" HASH "\nb sha256:" OTHER "\na sha256:" HASH,
		 "list: the key of 'a' is listed twice"},
		{"a sha256:" HASH "\na sha256:" OTHER, "list: the name 'a' is there twice"},
	};
	struct rw_error e;
	struct rw_key *keys;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(cases[i].text, &keys, &n, &e), RW_EINVAL);
		if (!strstr(e.text, cases[i].want))
			fail_msg("%s: %s", cases[i].text, e.text);
		assert_null(strstr(e.text, "AAAA"));
	}
}

static void put(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void list_that_others_could_write_is_not_believed(void **state)
{
	static const mode_t modes[] = {0660, 0602};
	struct rw_key *keys = NULL;
	struct rw_error e;
	unsigned n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		put("a sha256:" HASH "\n", modes[i]);
		assert_int_equal(rw_keylist_read(path, &keys, &n, &e), RW_EPERM);
		assert_non_null(strstr(e.text, "chmod go-w"));
	}
	assert_int_equal(rw_keylist_read(dir, &keys, &n, &e), RW_EPERM);
	assert_int_equal(rw_keylist_read(nowhere, &keys, &n, &e), RW_ENOTFOUND);
	put("a sha256:" HASH "\n", 0640);
	assert_int_equal(rw_keylist_read(path, &keys, &n, &e), RW_OK);
	free(keys);
}

/* A list of any length must not be read into memory. */
static void list_has_a_bound(void **state)
{
	struct rw_key *keys = NULL;
	struct rw_error e;
	unsigned n;

	(void)state;
	put("", 0640);
	assert_int_equal(truncate(path, (4 << 20) + 1), 0);
	assert_int_equal(rw_keylist_read(path, &keys, &n, &e), RW_ELIMIT);
	assert_non_null(strstr(e.text, "4 MiB"));
}

static void made_key_is_found_by_store_and_list(void **state)
{
	char text[RW_KEY_TEXT], stored[RW_KEY_TEXT];
	struct rw_keystore *ks;
	struct rw_keytable *t;
	struct rw_key k, first;
	struct rw_error e = {.text = ""};

	(void)state;
	unlink(path);
	if (rw_keylist_make("a", 7, &k, text, &e) || rw_keylist_append(path, &k, &e))
		fail_msg("%s", e.text);
	assert_int_equal(rw_keylist_append(path, &k, &e), RW_EEXIST);
	assert_int_equal(rw_keystore_open(&ks, dir, &e), RW_OK);
	assert_int_equal(rw_keystore_add(ks, "a", 0, &first, stored, &e), RW_OK);
	assert_int_equal(rw_keytable_new(&t, ks, path, &e), RW_OK);
	assert_int_equal(rw_keytable_count(t), 2);
	assert_string_equal(rw_keytable_find(t, rw_slice_str(text))->id, k.id);
	assert_int_equal(rw_keytable_find(t, rw_slice_str(text))->rate_per_minute, 7);
	assert_string_equal(rw_keytable_find(t, rw_slice_str(stored))->id, first.id);
	rw_keytable_unref(t);
	assert_int_equal(rw_keytable_new(&t, ks, nowhere, &e), RW_ENOTFOUND);
	rw_keystore_close(ks);
}

static void key_comes_behind_a_line_without_an_end(void **state)
{
	char text[RW_KEY_TEXT];
	struct rw_key k, *keys;
	struct rw_error e = {.text = ""};
	unsigned n;

	(void)state;
	put("b sha256:" HASH, 0640);
	if (rw_keylist_make("a", 0, &k, text, &e) || rw_keylist_append(path, &k, &e) ||
	    rw_keylist_read(path, &keys, &n, &e))
		fail_msg("%s", e.text);
	assert_int_equal(n, 2);
	free(keys);
}

static void stamp_tells_of_changes(void **state)
{
	uint64_t before;

	(void)state;
	assert_int_equal(rw_keylist_stamp(NULL), 0);
	assert_int_equal(rw_keylist_stamp(nowhere), 0);
	put("", 0640);
	before = rw_keylist_stamp(path);
	assert_int_equal(rw_keylist_stamp(path), before);
	put("#", 0640);
	assert_int_not_equal(rw_keylist_stamp(path), before);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", dir);
	snprintf(nowhere, sizeof(nowhere), "%s/none", dir);
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_comments_and_blanks),
		cmocka_unit_test(what_is_wrong_is_said_by_its_line),
		cmocka_unit_test(list_that_others_could_write_is_not_believed),
		cmocka_unit_test(list_has_a_bound),
		cmocka_unit_test(made_key_is_found_by_store_and_list),
		cmocka_unit_test(key_comes_behind_a_line_without_an_end),
		cmocka_unit_test(stamp_tells_of_changes),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
