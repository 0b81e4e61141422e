/* SPDX-License-Identifier: Apache-2.0 */
/* The state database where something is wrong with it: clear words, and nothing is touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ident/db.h"
#include "ident/keys.h"

enum { NOBODY = 65534 };

static char top[] = "/tmp/ringwall-db-XXXXXX";
static unsigned used;
static char dir[64], file[80];

static void fresh(void)
{
	snprintf(dir, sizeof(dir), "%s/%u", top, used++);
	snprintf(file, sizeof(file), "%s/ringwall.db", dir);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void must_open(void)
{
	struct rw_error e = {.text = ""};
	struct rw_keystore *ks;

	if (rw_keystore_open(&ks, dir, &e))
		fail_msg("%s", e.text);
	rw_keystore_close(ks);
}

static void must_fail(int code, const char *says)
{
	struct rw_error e = {.text = ""};
	struct rw_keystore *ks = NULL;

	assert_int_equal(rw_keystore_open(&ks, dir, &e), code);
	assert_null(ks);
	if (!strstr(e.text, says) || !strstr(e.text, dir))
		fail_msg("expected '%s' and '%s' in: %s", says, dir, e.text);
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void put(const char *content, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, n), n);
	close(fd);
}

/* -wal and -shm held the same rows at mode 0644. */
static void everything_is_for_the_owner_alone(void **state)
{
	struct rw_keystore *ks;
	struct rw_error e;
	char side[96];
	mode_t old = umask(0);

	(void)state;
	fresh();
	assert_int_equal(rw_keystore_open(&ks, dir, &e), RW_OK);
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(file), 0600);
	snprintf(side, sizeof(side), "%s-wal", file);
	assert_int_equal(mode_of(side), 0600);
	snprintf(side, sizeof(side), "%s-shm", file);
	assert_int_equal(mode_of(side), 0600);
	rw_keystore_close(ks);
	assert_int_equal(chmod(file, 0644), 0); /* a restored backup */
	must_open();
	assert_int_equal(mode_of(file), 0600);
	umask(old);
}

/* state_dir: /tmp must be refused, not turned into a /tmp of mode 0700. */
static void directory_that_others_write_is_refused_and_kept(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chmod(dir, 01777), 0);
	must_fail(RW_EPERM, "others may write to");
	assert_int_equal(mode_of(dir), 01777);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(chmod(dir, 0755), 0);
	must_open();
	assert_int_equal(mode_of(dir), 0755);
}

static void missing_parent_is_named(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "%s/no/such", top);
	must_fail(RW_EIO, "cannot make the state directory");
}

static void file_in_place_of_the_directory_is_named(void **state)
{
	(void)state;
	fresh();
	snprintf(file, sizeof(file), "%s", dir);
	put("x", 1);
	must_fail(RW_EINVAL, "is no directory");
}

/* `sudo ringwall key add` before the service's first start left a database it could not open. */
static void database_made_by_root_belongs_to_the_directorys_owner(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(geteuid(), 0); /* the suite runs as root */
	fresh();
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	must_open();
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
}

static int open_as_nobody(void)
{
	struct rw_error e = {.text = ""};
	struct rw_keystore *ks;

	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 3;
	if (rw_keystore_open(&ks, dir, &e) != RW_EPERM)
		return 2;
	return strstr(e.text, "run as the user it belongs to") || strstr(e.text, "denied") ? 0 : 1;
}

static void no_permission_is_told_as_such(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fresh();
	must_open();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(chmod(top, 0755), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(open_as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void text_file_in_its_place_is_refused_and_kept(void **state)
{
	static const char text[] =
		"this is not a database, but somebody's notes; it is long enough to "
		"be looked at as a database header of a hundred bytes, and a bit";
	struct stat st;

	(void)state;
	fresh();
	assert_int_equal(mkdir(dir, 0700), 0);
	put(text, sizeof(text));
	must_fail(RW_EINVAL, "it is no SQLite database");
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_size, sizeof(text));
}

/* state_dir pointed at another program's directory. */
static void database_of_something_else_is_not_touched(void **state)
{
	(void)state;
	fresh();
	assert_int_equal(mkdir(dir, 0700), 0);
	sql("CREATE TABLE theirs (x)");
	assert_int_equal(chmod(file, 0644), 0);
	must_fail(RW_EINVAL, "a database of something else; nothing was changed");
	assert_int_equal(mode_of(file), 0644);
	sql("INSERT INTO theirs VALUES (1)");
	sql("PRAGMA application_id=7; DROP TABLE theirs");
	must_fail(RW_EINVAL, "a database of something else; nothing was changed");
}

static void newer_schema_is_refused(void **state)
{
	(void)state;
	fresh();
	must_open();
	sql("PRAGMA user_version=99");
	must_fail(RW_EINVAL, "made by a newer ringwall (schema 99, this one knows 1)");
}

static void damaged_database_is_told_as_such(void **state)
{
	char junk[4096];
	int fd;

	(void)state;
	fresh();
	must_open();
	memset(junk, 0xa5, sizeof(junk));
	fd = open(file, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 4096), sizeof(junk));
	close(fd);
	must_fail(RW_EINVAL, "it is damaged");
}

/* Killed between making the file and its tables: an empty file is a new database. */
static void empty_file_is_a_new_database(void **state)
{
	struct rw_db db;
	struct rw_error e;

	(void)state;
	fresh();
	assert_int_equal(mkdir(dir, 0700), 0);
	put("", 0);
	must_open();
	assert_int_equal(rw_db_open(&db, &rw_db_keys, dir, &e), RW_OK);
	rw_db_close(&db);
}

/* A name with SQL in it was SQL in another gateway's key check (GHSA-r75f-5x8p-qvmc). */
static void tables_are_strict(void **state)
{
	sqlite3 *db;

	(void)state;
	fresh();
	must_open();
	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO key (id, name, hash, created_ms) "
				      "VALUES ('k_1', 'n', zeroblob(32), 'yesterday')",
				      NULL, NULL, NULL),
			 SQLITE_CONSTRAINT);
	assert_int_equal(sqlite3_exec(db,
				      "INSERT INTO key (id, name, hash, created_ms) "
				      "VALUES ('k_1', 'n', zeroblob(31), 1)",
				      NULL, NULL, NULL),
			 SQLITE_CONSTRAINT);
	sqlite3_close(db);
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
		cmocka_unit_test(everything_is_for_the_owner_alone),
		cmocka_unit_test(directory_that_others_write_is_refused_and_kept),
		cmocka_unit_test(missing_parent_is_named),
		cmocka_unit_test(file_in_place_of_the_directory_is_named),
		cmocka_unit_test(database_made_by_root_belongs_to_the_directorys_owner),
		cmocka_unit_test(no_permission_is_told_as_such),
		cmocka_unit_test(text_file_in_its_place_is_refused_and_kept),
		cmocka_unit_test(database_of_something_else_is_not_touched),
		cmocka_unit_test(newer_schema_is_refused),
		cmocka_unit_test(damaged_database_is_told_as_such),
		cmocka_unit_test(empty_file_is_a_new_database),
		cmocka_unit_test(tables_are_strict),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
