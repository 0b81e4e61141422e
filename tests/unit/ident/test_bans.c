/* SPDX-License-Identifier: Apache-2.0 */
/* Kept bans: what was put is there for whoever opens the store next, also after a kill. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ident/bans.h"
#include "ident/keys.h"

static char top[] = "/tmp/ringwall-bans-XXXXXX";
static unsigned used;
static char dir[64];

static int fresh(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/%u", top, used++);
	return 0;
}

static struct rw_banstore *opened(void)
{
	struct rw_banstore *s = NULL;
	struct rw_error e = {.text = ""};

	if (rw_banstore_open(&s, dir, &e))
		fail_msg("%s", e.text);
	return s;
}

static struct rw_kept_ban ban(unsigned n, uint64_t until_ms)
{
	struct rw_kept_ban b = {.verdict = "drop_all",
				.reason = "strikes",
				.since_ms = 1000 + n,
				.until_ms = until_ms,
				.repeats = n};

	snprintf(b.prefix, sizeof(b.prefix), "192.0.2.%u/32", n);
	return b;
}

static int put(struct rw_banstore *s, unsigned n, uint64_t until_ms)
{
	struct rw_kept_ban b = ban(n, until_ms);
	int rc = rw_banstore_begin(s, NULL);

	rc = rc ? rc : rw_banstore_put(s, &b, NULL);
	return rw_banstore_end(s, rc, NULL);
}

/* The bans, sorted by n; freed by the caller. */
static struct rw_kept_ban *listed(struct rw_banstore *s, unsigned want)
{
	struct rw_kept_ban *bans;
	unsigned n;

	assert_int_equal(rw_banstore_list(s, &bans, &n, NULL), RW_OK);
	assert_int_equal(n, want);
	return bans;
}

static void what_is_put_is_there_for_the_next(void **state)
{
	struct rw_banstore *s = opened();
	struct rw_kept_ban *got;

	(void)state;
	assert_int_equal(put(s, 1, 5000), RW_OK);
	assert_int_equal(put(s, 2, 0), RW_OK);
	assert_int_equal(put(s, 1, 9000), RW_OK); /* in the place of the first */
	rw_banstore_close(s);
	s = opened();
	got = listed(s, 2);
	assert_string_equal(got[0].prefix, "192.0.2.1/32");
	assert_string_equal(got[0].verdict, "drop_all");
	assert_string_equal(got[0].reason, "strikes");
	assert_int_equal(got[0].since_ms, 1001);
	assert_int_equal(got[0].until_ms, 9000);
	assert_int_equal(got[0].repeats, 1);
	assert_int_equal(got[1].until_ms, 0);
	free(got);
	assert_int_equal(rw_banstore_begin(s, NULL), RW_OK);
	assert_int_equal(rw_banstore_end(s, rw_banstore_drop(s, "192.0.2.1/32", NULL), NULL),
			 RW_OK);
	free(listed(s, 1));
	rw_banstore_close(s);
}

/* A batch is there as a whole, or not at all. */
static void a_batch_that_failed_leaves_nothing(void **state)
{
	struct rw_banstore *s = opened();
	struct rw_kept_ban b = ban(1, 5000);

	(void)state;
	assert_int_equal(rw_banstore_begin(s, NULL), RW_OK);
	assert_int_equal(rw_banstore_put(s, &b, NULL), RW_OK);
	assert_int_equal(rw_banstore_end(s, RW_ENOMEM, NULL), RW_ENOMEM);
	free(listed(s, 0));
	assert_int_equal(put(s, 1, 5000), RW_OK); /* and nothing hangs */
	free(listed(s, 1));
	rw_banstore_close(s);
}

static void a_kill_loses_nothing_that_was_told(void **state)
{
	int told[2], status;
	unsigned char n = 0;
	struct rw_banstore *s;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(told), 0);
	pid = fork();
	if (pid == 0) {
		s = opened();
		for (n = 1; n < 255; n++)
			if (put(s, n, 5000) || write(told[1], &n, 1) != 1)
				_exit(1);
		pause();
	}
	while (n < 40)
		assert_int_equal(read(told[0], &n, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(told[1]);
	while (read(told[0], &n, 1) == 1)
		;
	close(told[0]);
	s = opened();
	struct rw_kept_ban *got;
	unsigned kept;

	assert_int_equal(rw_banstore_list(s, &got, &kept, NULL), RW_OK);
	assert_true(kept >= n);
	free(got);
	rw_banstore_close(s);
}

/* It must not grow for ever; who is banned, or was lately, is not forgotten. */
static void only_old_ones_beyond_the_bound_are_forgotten(void **state)
{
	struct rw_banstore *s = opened();
	struct rw_kept_ban *got;

	(void)state;
	for (unsigned i = 1; i <= 20; i++)
		assert_int_equal(put(s, i, i == 7 ? 0 : 1000 * i), RW_OK);
	assert_int_equal(rw_banstore_forget(s, 15000, 5, NULL), RW_OK);
	got = listed(s, 1 + 6 + 5); /* for ever, live, the latest of the others */
	for (unsigned i = 0; i < 12; i++)
		assert_true(!got[i].until_ms || got[i].until_ms >= 10000);
	free(got);
	rw_banstore_close(s);
}

/* The keys' watcher asks for data_version: a ban must not have it read all keys anew. */
static void a_ban_is_no_change_of_keys(void **state)
{
	struct rw_banstore *s = opened();
	struct rw_keystore *ks;
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_keystore_open(&ks, dir, &e), RW_OK);
	assert_int_equal(put(s, 1, 5000), RW_OK);
	assert_false(rw_keystore_changed(ks));
	rw_keystore_close(ks);
	rw_banstore_close(s);
}

static void a_damaged_store_is_named_and_not_touched(void **state)
{
	struct rw_banstore *s = opened();
	struct rw_error e = {.text = ""};
	char file[96];
	FILE *f;

	(void)state;
	rw_banstore_close(s);
	snprintf(file, sizeof(file), "%s/bans.db", dir);
	f = fopen(file, "re+");
	assert_non_null(f);
	fputs("no database any more", f);
	fclose(f);
	s = NULL;
	assert_int_equal(rw_banstore_open(&s, dir, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, file));
	assert_non_null(strstr(e.text, "ban anew"));
	assert_null(s);
}

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_is_put_is_there_for_the_next, fresh),
		cmocka_unit_test_setup(a_batch_that_failed_leaves_nothing, fresh),
		cmocka_unit_test_setup(a_kill_loses_nothing_that_was_told, fresh),
		cmocka_unit_test_setup(only_old_ones_beyond_the_bound_are_forgotten, fresh),
		cmocka_unit_test_setup(a_ban_is_no_change_of_keys, fresh),
		cmocka_unit_test_setup(a_damaged_store_is_named_and_not_touched, fresh),
	};

	return cmocka_run_group_tests(tests, make_top, NULL);
}
