/* SPDX-License-Identifier: Apache-2.0 */
/* The key store: keys made, found, listed, revoked; by one process and by many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ident/keys.h"
#include "ident/text.h"

static char top[] = "/tmp/ringwall-keys-XXXXXX";
static unsigned used;

/* A state directory of its own for each test. */
static const char *fresh(void)
{
	static char dir[64];

	snprintf(dir, sizeof(dir), "%s/%u", top, used++);
	return dir;
}

static struct rw_keystore *open_store(const char *dir)
{
	struct rw_error e = {.text = ""};
	struct rw_keystore *ks = NULL;

	if (rw_keystore_open(&ks, dir, &e))
		fail_msg("%s", e.text);
	return ks;
}

static struct rw_key add(struct rw_keystore *ks, const char *name, char text[RW_KEY_TEXT])
{
	struct rw_error e = {.text = ""};
	struct rw_key k;

	if (rw_keystore_add(ks, name, 0, &k, text, &e))
		fail_msg("%s", e.text);
	return k;
}

static struct rw_keytable *table_of(struct rw_keystore *ks)
{
	struct rw_keytable *t = NULL;
	struct rw_error e;

	assert_int_equal(rw_keytable_new(&t, ks, NULL, &e), RW_OK);
	return t;
}

static bool is_found(struct rw_keystore *ks, const char *text)
{
	struct rw_keytable *t = table_of(ks);
	bool found = rw_keytable_find(t, rw_slice_str(text)) != NULL;

	rw_keytable_unref(t);
	return found;
}

static void key_is_found_by_its_text_only(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT], other[RW_KEY_TEXT];
	struct rw_key k = add(ks, "alice", text);
	struct rw_keytable *t;

	(void)state;
	add(ks, "bob", other);
	t = table_of(ks);
	assert_int_equal(rw_keytable_count(t), 2);
	assert_string_equal(rw_keytable_find(t, rw_slice_str(text))->id, k.id);
	assert_string_equal(rw_keytable_find(t, rw_slice_str(other))->name, "bob");
	assert_null(rw_keytable_find(t, rw_slice_of(text, strlen(text) - 1)));
	assert_null(rw_keytable_find(t, RW_SLICE("alice")));
	assert_null(rw_keytable_find(t, RW_SLICE("")));
	assert_null(rw_keytable_find(t, rw_slice_of(NULL, 0)));
	for (size_t i = 3; text[i];
	     i++) { /* every place counts, but the last letter's two low bits */
		char wrong[RW_KEY_TEXT];

		memcpy(wrong, text, sizeof(wrong));
		wrong[i] = wrong[i] == 'Q' ? 'g' : 'Q';
		assert_null(rw_keytable_find(t, rw_slice_str(wrong)));
	}
	rw_keytable_unref(t);
	rw_keystore_close(ks);
}

/* What is stored must not open the door: neither the key nor anything it could be made from. */
static void key_is_nowhere_in_the_state_directory(void **state)
{
	const char *dir = fresh();
	struct rw_keystore *ks = open_store(dir);
	char text[RW_KEY_TEXT], command[256];

	(void)state;
	add(ks, "alice", text);
	rw_keystore_close(ks);
	snprintf(command, sizeof(command), "grep -rqaF -e '%s' %s", text + 3, dir);
	assert_int_equal(WEXITSTATUS(system(command)), 1);
	snprintf(command, sizeof(command), "grep -rqaF -e 'alice' %s", dir);
	assert_int_equal(WEXITSTATUS(system(command)), 0);
}

static void keys_have_the_form_and_are_all_different(void **state)
{
	char seen[64][RW_KEY_TEXT];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(rw_key_make(seen[i]), RW_OK);
		assert_int_equal(strlen(seen[i]), 46);
		assert_true(rw_key_is_text(rw_slice_str(seen[i])));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
	assert_false(rw_key_is_text(RW_SLICE("rw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")));
	assert_false(rw_key_is_text(RW_SLICE("sk-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
}

/* FIPS 180-4's "abc", and a database from before must still open the door. */
static void hash_is_sha256(void **state)
{
	static const unsigned char want[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
					       0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
					       0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
					       0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
	unsigned char hash[32];

	(void)state;
	assert_int_equal(rw_key_hash(RW_SLICE("abc"), hash), RW_OK);
	assert_memory_equal(hash, want, sizeof(want));
}

static void name_in_use_is_refused_until_it_is_revoked(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT], again[RW_KEY_TEXT] = "x";
	struct rw_error e;
	struct rw_key k;

	(void)state;
	add(ks, "ci", text);
	assert_int_equal(rw_keystore_add(ks, "ci", 0, &k, again, &e), RW_EEXIST);
	assert_string_equal(e.text,
			    "there is a key with the name 'ci'; revoke it, or choose another "
			    "name");
	assert_int_equal(again[0], '\0'); /* no key was handed out that does not work */
	assert_int_equal(rw_keystore_revoke(ks, "ci", &e), RW_OK);
	add(ks, "ci", again); /* rotation */
	assert_false(is_found(ks, text));
	assert_true(is_found(ks, again));
	rw_keystore_close(ks);
}

static void revoked_by_id_or_name_twice_is_fine(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char a[RW_KEY_TEXT], b[RW_KEY_TEXT];
	struct rw_key ka = add(ks, "a", a), *keys;
	uint64_t when;
	struct rw_error e;
	unsigned n;

	(void)state;
	add(ks, "b", b);
	assert_int_equal(rw_keystore_revoke(ks, ka.id, &e), RW_OK);
	assert_false(is_found(ks, a));
	assert_true(is_found(ks, b));
	assert_int_equal(rw_keystore_list(ks, &keys, &n, &e), RW_OK);
	when = keys[0].revoked_ms;
	free(keys);
	assert_int_equal(rw_keystore_revoke(ks, ka.id, &e), RW_OK);
	assert_int_equal(rw_keystore_revoke(ks, "a", &e), RW_OK);
	assert_int_equal(rw_keystore_list(ks, &keys, &n, &e), RW_OK);
	assert_int_equal(n, 2);
	assert_true(when >= keys[0].created_ms && keys[0].revoked_ms == when); /* the first time */
	free(keys);
	assert_int_equal(rw_keystore_revoke(ks, "c", &e), RW_ENOTFOUND);
	assert_string_equal(e.text, "there is no key with this id or name");
	rw_keystore_close(ks);
}

/* People paste keys where names belong; the shell's history is bad enough. */
static void pasted_key_is_refused_and_not_repeated(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT], out[RW_KEY_TEXT];
	struct rw_error e;
	struct rw_key k;

	(void)state;
	add(ks, "a", text);
	assert_int_equal(rw_keystore_add(ks, text, 0, &k, out, &e), RW_EINVAL);
	assert_null(strstr(e.text, text + 3));
	assert_int_equal(rw_keystore_revoke(ks, text, &e), RW_EINVAL);
	assert_null(strstr(e.text, text + 3));
	text[45] = '\0'; /* all but the last letter: as good as the key */
	assert_int_equal(rw_keystore_add(ks, text, 0, &k, out, &e), RW_EINVAL);
	assert_null(strstr(e.text, text + 3));
	assert_int_equal(rw_keystore_revoke(ks, text, &e), RW_EINVAL);
	assert_null(strstr(e.text, text + 3));
	rw_keystore_close(ks);
}

static void names_that_would_not_stand_in_a_log_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"a b",
		"a\nb",
		"../x",
		"a'b",
		"\xc3\xa9",
		"k_0123456789ab",
		"0123456789012345678901234567890123456789012345678901234567890123"};
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT];
	struct rw_error e;
	struct rw_key k;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rw_keystore_add(ks, bad[i], 0, &k, text, &e), RW_EINVAL);
	add(ks, "012345678901234567890123456789012345678901234567890123456789012", text);
	rw_keystore_close(ks);
}

static void list_is_oldest_first_and_whole(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT], name[16];
	struct rw_error e;
	struct rw_key *keys, k;
	unsigned n;

	(void)state;
	assert_int_equal(rw_keystore_list(ks, &keys, &n, &e), RW_OK);
	assert_int_equal(n, 0);
	free(keys);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "key%u", i);
		assert_int_equal(rw_keystore_add(ks, name, i, &k, text, &e), RW_OK);
	}
	assert_int_equal(rw_keystore_list(ks, &keys, &n, &e), RW_OK);
	assert_int_equal(n, 40);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "key%u", i);
		assert_string_equal(keys[i].name, name);
		assert_int_equal(keys[i].rate_per_minute, i);
		assert_int_equal(keys[i].revoked_ms, 0);
		assert_true(rw_key_is_id(rw_slice_str(keys[i].id)));
	}
	free(keys);
	rw_keystore_close(ks);
}

/* data_version tells of other connections only: our own change must not be missed either. */
static void change_is_told_once_whoever_made_it(void **state)
{
	const char *dir = fresh();
	struct rw_keystore *ks = open_store(dir), *other = open_store(dir);
	char text[RW_KEY_TEXT];
	struct rw_error e;

	(void)state;
	assert_false(rw_keystore_changed(ks));
	add(other, "a", text);
	assert_true(rw_keystore_changed(ks));
	assert_false(rw_keystore_changed(ks));
	add(ks, "b", text);
	assert_true(rw_keystore_changed(ks));
	assert_false(rw_keystore_changed(ks));
	assert_int_equal(rw_keystore_revoke(other, "b", &e), RW_OK);
	assert_true(rw_keystore_changed(ks));
	assert_int_equal(rw_keystore_revoke(other, "b", &e), RW_OK); /* nothing new */
	assert_false(rw_keystore_changed(ks));
	rw_keystore_close(other);
	rw_keystore_close(ks);
}

static void table_outlives_its_store(void **state)
{
	struct rw_keystore *ks = open_store(fresh());
	char text[RW_KEY_TEXT];
	struct rw_keytable *t;

	(void)state;
	add(ks, "a", text);
	t = table_of(ks);
	rw_keystore_close(ks);
	assert_ptr_equal(rw_keytable_ref(t), t);
	rw_keytable_unref(t);
	assert_non_null(rw_keytable_find(t, rw_slice_str(text)));
	rw_keytable_unref(t);
	rw_keytable_unref(NULL);
}

/* Half full at most, so that a probe for a key that is not there ends. */
static void crowded_table_finds_all_and_ends(void **state)
{
	enum { KEYS = 257 };
	static char texts[KEYS][RW_KEY_TEXT];
	struct rw_keystore *ks = open_store(fresh());
	struct rw_keytable *t;
	char name[16], none[RW_KEY_TEXT];

	(void)state;
	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		add(ks, name, texts[i]);
	}
	t = table_of(ks);
	for (unsigned i = 0; i < KEYS; i++) {
		const struct rw_key *k = rw_keytable_find(t, rw_slice_str(texts[i]));

		snprintf(name, sizeof(name), "n%u", i);
		assert_non_null(k);
		assert_string_equal(k->name, name);
	}
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rw_key_make(none), RW_OK);
		assert_null(rw_keytable_find(t, rw_slice_str(none)));
	}
	rw_keytable_unref(t);
	rw_keystore_close(ks);
}

static int add_as_child(const char *dir, unsigned who, unsigned n)
{
	struct rw_keystore *ks;
	char text[RW_KEY_TEXT], name[32];
	struct rw_error e;
	struct rw_key k;
	int rc = rw_keystore_open(&ks, dir, &e);

	for (unsigned i = 0; i < n && !rc; i++) {
		snprintf(name, sizeof(name), "p%u-%u", who, i);
		rc = rw_keystore_add(ks, name, 0, &k, text, &e);
	}
	if (rc) {
		fprintf(stderr, "process %u: %s\n", who, e.text);
		return 1;
	}
	rw_keystore_close(ks);
	return 0;
}

/*
 * Processes that make the database at once: the change to WAL answers SQLITE_BUSY without asking
 * the busy handler (sqlite.org/wal.html), and each could try to make the tables.
 */
static void processes_that_start_at_once_lose_no_key(void **state)
{
	enum { PROCESSES = 6, KEYS = 10, ROUNDS = 3 };

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const char *dir = fresh();
		struct rw_keystore *ks;
		struct rw_key *keys;
		struct rw_error e;
		pid_t pids[PROCESSES];
		unsigned n;
		int status;

		for (unsigned i = 0; i < PROCESSES; i++) {
			pids[i] = fork();
			assert_true(pids[i] >= 0);
			if (pids[i] == 0)
				_exit(add_as_child(dir, i, KEYS));
		}
		for (unsigned i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFEXITED(status));
			assert_int_equal(WEXITSTATUS(status), 0);
		}
		ks = open_store(dir);
		assert_int_equal(rw_keystore_list(ks, &keys, &n, &e), RW_OK);
		assert_int_equal(n, PROCESSES * KEYS);
		free(keys);
		rw_keystore_close(ks);
	}
}

/* What was handed out must be there after SIGKILL, and nothing must need repair. */
static void killed_process_leaves_every_key_it_was_told_of(void **state)
{
	const char *dir = fresh();
	char text[RW_KEY_TEXT], got[RW_KEY_TEXT];
	struct rw_keystore *ks;
	int pipes[2], status;
	unsigned n = 0;
	pid_t pid;

	(void)state;
	ks = open_store(dir);
	rw_keystore_close(ks);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char name[16];
		struct rw_key k;

		if (rw_keystore_open(&ks, dir, NULL))
			_exit(1);
		for (unsigned i = 0;; i++) {
			snprintf(name, sizeof(name), "n%u", i);
			if (rw_keystore_add(ks, name, 0, &k, text, NULL) ||
			    write(pipes[1], text, sizeof(text)) != sizeof(text))
				_exit(1);
		}
	}
	close(pipes[1]);
	while (n < 20 && read(pipes[0], got, sizeof(got)) == sizeof(got))
		n++;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(n, 20);
	ks = open_store(dir);
	assert_true(is_found(ks, got));
	while (read(pipes[0], got, sizeof(got)) == sizeof(got))
		assert_true(is_found(ks, got));
	close(pipes[0]);
	rw_keystore_close(ks);
}

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", top);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_is_found_by_its_text_only),
		cmocka_unit_test(key_is_nowhere_in_the_state_directory),
		cmocka_unit_test(keys_have_the_form_and_are_all_different),
		cmocka_unit_test(hash_is_sha256),
		cmocka_unit_test(name_in_use_is_refused_until_it_is_revoked),
		cmocka_unit_test(revoked_by_id_or_name_twice_is_fine),
		cmocka_unit_test(pasted_key_is_refused_and_not_repeated),
		cmocka_unit_test(names_that_would_not_stand_in_a_log_are_refused),
		cmocka_unit_test(list_is_oldest_first_and_whole),
		cmocka_unit_test(change_is_told_once_whoever_made_it),
		cmocka_unit_test(table_outlives_its_store),
		cmocka_unit_test(crowded_table_finds_all_and_ends),
		cmocka_unit_test(processes_that_start_at_once_lose_no_key),
		cmocka_unit_test(killed_process_leaves_every_key_it_was_told_of),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
