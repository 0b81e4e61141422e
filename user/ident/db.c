/* SPDX-License-Identifier: Apache-2.0 */
#include "ident/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 5000, WAL_TRIES = 50, WAL_PAUSE_MS = 20 };

static const char *const key_migrations[] = {
	/* A name can be used again once its key is revoked, so that keys can be rotated. */
	"CREATE TABLE key ("
	"  seq INTEGER PRIMARY KEY,"
	"  id TEXT NOT NULL UNIQUE,"
	"  name TEXT NOT NULL,"
	"  hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),"
	"  created_ms INTEGER NOT NULL,"
	"  revoked_ms INTEGER NOT NULL DEFAULT 0,"
	"  rate_per_minute INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE UNIQUE INDEX key_live_name ON key (name) WHERE revoked_ms = 0;",
};
const struct rw_db_kind rw_db_keys = {"ringwall.db", key_migrations,
				      sizeof(key_migrations) / sizeof(key_migrations[0]),
				      "add the keys anew"};

static const char *const ban_migrations[] = {
	/* Words and not numbers: they outlive the kernel side's ABI. until_ms 0: for ever. */
	"CREATE TABLE ban ("
	"  prefix TEXT PRIMARY KEY,"
	"  verdict TEXT NOT NULL,"
	"  reason TEXT NOT NULL,"
	"  since_ms INTEGER NOT NULL,"
	"  until_ms INTEGER NOT NULL,"
	"  repeats INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX ban_until ON ban (until_ms);",
};
const struct rw_db_kind rw_db_bans = {"bans.db", ban_migrations,
				      sizeof(ban_migrations) / sizeof(ban_migrations[0]),
				      "ban anew who has to be"};

/* --- errors in words -------------------------------------------------------------------------- */

#define RESTORE "restore it from a backup, or move it away and " /* its kind's anew */

static const struct {
	int sqlite, code;
	const char *what, *advice;
} causes[] = {
	{SQLITE_BUSY, RW_EBUSY, "another process holds it", "try again"},
	{SQLITE_LOCKED, RW_EBUSY, "another process holds it", "try again"},
	{SQLITE_FULL, RW_EIO, "the disk is full", "make room; nothing was changed"},
	{SQLITE_CORRUPT, RW_EINVAL, "it is damaged", RESTORE},
	{SQLITE_NOTADB, RW_EINVAL, "it is no SQLite database", RESTORE},
	{SQLITE_READONLY, RW_EPERM, "it cannot be written",
	 "run as the user it belongs to, and see that the disk is not mounted read-only"},
	{SQLITE_CANTOPEN, RW_EPERM, "it cannot be opened", "run as the user it belongs to"},
	{SQLITE_PERM, RW_EPERM, "it cannot be opened", "run as the user it belongs to"},
	{SQLITE_NOMEM, RW_ENOMEM, "out of memory", "try again"},
};

int rw_db_fail(const struct rw_db *db, struct rw_error *e)
{
	int rc = db->sql ? sqlite3_errcode(db->sql) : SQLITE_NOMEM;

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if ((rc & 0xff) == causes[i].sqlite)
			return rw_fail(e, causes[i].code, "%s: %s (%s); %s%s", db->file,
				       causes[i].what, sqlite3_errmsg(db->sql), causes[i].advice,
				       strcmp(causes[i].advice, RESTORE) ? "" : db->kind->anew);
	return rw_fail(e, RW_EIO, "%s: %s", db->file,
		       db->sql ? sqlite3_errmsg(db->sql) : "no connection");
}

static int fail_errno(struct rw_error *e, const char *verb, const char *path)
{
	bool denied = errno == EACCES || errno == EPERM || errno == EROFS;

	return rw_fail(e, denied ? RW_EPERM : RW_EIO, "cannot %s '%s': %s", verb, path,
		       strerror(errno));
}

/* --- directory and file -------------------------------------------------------------------------
 */

/* One that exists is not chmod'ed: state_dir: /tmp must not end in a /tmp of mode 0700. */
static int ready_dir(const char *dir, struct stat *st, struct rw_error *e)
{

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fail_errno(e, "make the state directory", dir);
	if (stat(dir, st) != 0)
		return fail_errno(e, "look at the state directory", dir);
	if (!S_ISDIR(st->st_mode))
		return rw_fail(e, RW_EINVAL, "state_dir: '%s' is no directory", dir);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return rw_fail(
			e, RW_EPERM,
			"state_dir: others may write to '%s' (mode %04o): use a directory of "
			"its own, chmod 700",
			dir, (unsigned)(st->st_mode & 07777));
	return RW_OK;
}

/*
 * Makes the file with its mode before SQLite sees it; -wal and -shm take theirs from it. Made by
 * root in the service's directory it belongs to the service. A file that exists is never opened
 * here: closing a descriptor drops all of this process's locks on the file, also those of a
 * connection that it has open (sqlite.org/howtocorrupt.html 2.2).
 */
static int ready_file(const char *file, const struct stat *dir, struct rw_error *e)
{
	struct stat st;
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = RW_OK;

	if (fd >= 0) {
		if (dir->st_uid != geteuid() && fchown(fd, dir->st_uid, dir->st_gid) != 0)
			rc = fail_errno(e, "give away", file);
		close(fd);
		return rc;
	}
	if (errno != EEXIST)
		return fail_errno(e, "make", file);
	if (lstat(file, &st) != 0)
		return fail_errno(e, "look at", file);
	if (!S_ISREG(st.st_mode))
		return rw_fail(e, RW_EINVAL, "'%s' is no regular file", file);
	return RW_OK;
}

/* Ours by its application id, so its mode is ours to set. */
static int tighten_file(const char *file, struct rw_error *e)
{
	struct stat st;

	if (lstat(file, &st) != 0)
		return fail_errno(e, "look at", file);
	if ((st.st_mode & 077) && chmod(file, 0600) != 0)
		return fail_errno(e, "set the mode of", file);
	return RW_OK;
}

/* --- schema -------------------------------------------------------------------------------------
 */

int rw_db_exec(const struct rw_db *db, const char *sql, struct rw_error *e)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? RW_OK
									 : rw_db_fail(db, e);
}

static int query_int(struct rw_db *db, const char *sql, int *out, struct rw_error *e)
{
	sqlite3_stmt *st = NULL;
	int rc = RW_OK;

	if (sqlite3_prepare_v2(db->sql, sql, -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		rc = rw_db_fail(db, e);
	else
		*out = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return rc;
}

/* Before anything is written: *version is 0 for a new, empty file. */
static int identify(struct rw_db *db, int *version, struct rw_error *e)
{
	int id = 0, objects = 0, rc;

	rc = query_int(db, "PRAGMA application_id", &id, e);
	rc = rc ? rc : query_int(db, "PRAGMA user_version", version, e);
	rc = rc ? rc : query_int(db, "SELECT count(*) FROM sqlite_schema", &objects, e);
	if (rc)
		return rc;
	if (id != RW_DB_APPLICATION_ID && (id || *version || objects))
		return rw_fail(
			e, RW_EINVAL,
			"%s: a database of something else; nothing was changed: move it away "
			"or set another state_dir",
			db->file);
	if (*version > db->kind->version)
		return rw_fail(
			e, RW_EINVAL,
			"%s: made by a newer ringwall (schema %d, this one knows %d): use that "
			"version",
			db->file, *version, db->kind->version);
	return RW_OK;
}

/* In one read transaction: else another process's migration could lie between the answers. */
static int identify_alone(struct rw_db *db, int *version, struct rw_error *e)
{
	int rc = rw_db_exec(db, "BEGIN", e);

	rc = rc ? rc : identify(db, version, e);
	sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* All or nothing; of two processes at once one waits and then finds it done. */
static int migrate(struct rw_db *db, struct rw_error *e)
{
	char mark[96];
	int version = 0, rc;

	rc = rw_db_exec(db, "BEGIN IMMEDIATE", e);
	if (rc)
		return rc;
	rc = identify(db, &version, e);
	for (int v = version; v < db->kind->version && !rc; v++)
		rc = rw_db_exec(db, db->kind->migrations[v], e);
	snprintf(mark, sizeof(mark), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 RW_DB_APPLICATION_ID, db->kind->version);
	rc = rc ? rc : rw_db_exec(db, mark, e);
	rc = rc ? rc : rw_db_exec(db, "COMMIT", e);
	if (rc)
		sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/*
 * The change to WAL needs the file alone for a moment, and SQLite does not call the busy handler
 * where two connections change at once: so here it is tried again.
 */
static int use_wal(struct rw_db *db, struct rw_error *e)
{
	int rc = SQLITE_BUSY;

	for (unsigned i = 0; i < WAL_TRIES && (rc & 0xff) == SQLITE_BUSY; i++) {
		if (i)
			sqlite3_sleep(WAL_PAUSE_MS);
		rc = sqlite3_exec(db->sql, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	}
	return rc == SQLITE_OK ? RW_OK : rw_db_fail(db, e);
}

static int check_whole(struct rw_db *db, struct rw_error *e)
{
	sqlite3_stmt *st = NULL;
	const char *said = NULL;
	int rc = RW_OK;

	if (sqlite3_prepare_v2(db->sql, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK ||
	    sqlite3_step(st) != SQLITE_ROW)
		rc = rw_db_fail(db, e);
	else
		said = (const char *)sqlite3_column_text(st, 0);
	if (!rc && (!said || strcmp(said, "ok") != 0))
		rc = rw_fail(e, RW_EINVAL, "%s: it is damaged (%s); " RESTORE "%s", db->file,
			     said ? said : "unreadable", db->kind->anew);
	sqlite3_finalize(st);
	return rc;
}

static int connect(struct rw_db *db, struct rw_error *e)
{
	int version = 0, rc;

	if (sqlite3_open_v2(db->file, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return rw_db_fail(db, e);
	sqlite3_extended_result_codes(db->sql, 1);
	sqlite3_busy_timeout(db->sql, BUSY_MS);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = identify_alone(db, &version, e);
	rc = rc ? rc : check_whole(db, e);
	rc = rc ? rc : tighten_file(db->file, e);
	rc = rc ? rc : use_wal(db, e);
	rc = rc ? rc : rw_db_exec(db, "PRAGMA synchronous=FULL", e);
	if (!rc && version < db->kind->version)
		rc = migrate(db, e);
	return rc;
}

int rw_db_open(struct rw_db *db, const struct rw_db_kind *kind, const char *state_dir,
	       struct rw_error *e)
{
	struct stat dir = {0};
	int rc;

	*db = (struct rw_db){.kind = kind};
	if (asprintf(&db->file, "%s/%s", state_dir, kind->name) < 0) {
		db->file = NULL;
		return rw_fail(e, RW_ENOMEM, "out of memory");
	}
	rc = ready_dir(state_dir, &dir, e);
	rc = rc ? rc : ready_file(db->file, &dir, e);
	rc = rc ? rc : connect(db, e);
	if (rc)
		rw_db_close(db);
	return rc;
}

void rw_db_close(struct rw_db *db)
{
	sqlite3_close(db->sql);
	free(db->file);
	*db = (struct rw_db){0};
}

int rw_db_prepare(struct rw_db *db, const char *sql, sqlite3_stmt **out, struct rw_error *e)
{
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK)
		return RW_OK;
	return rw_db_fail(db, e);
}

int rw_db_run(const struct rw_db *db, sqlite3_stmt *st, struct rw_error *e)
{
	int rc = sqlite3_step(st) == SQLITE_DONE ? RW_OK : rw_db_fail(db, e);

	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return rc;
}
