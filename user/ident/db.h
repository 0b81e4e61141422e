/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state databases, state_dir/ringwall.db with the keys and state_dir/bans.db, SQLite in WAL
 * mode. Two, since whoever watches the one must not be woken by the other.
 *
 * Makes or opens it, sees to modes, application id and schema version, and puts
 * SQLite's errors into words. A killed process leaves nothing to repair: SQLite
 * rolls back what was not committed (synchronous=FULL: what was committed stays).
 */
#ifndef RW_IDENT_DB_H
#define RW_IDENT_DB_H

#include <sqlite3.h>

#include "base/err.h"

/* "RWK1", as `file ringwall.db` shows it: a database without it is not ours and is not touched. */
enum { RW_DB_APPLICATION_ID = 0x52574b31 };

/* One of them. */
struct rw_db_kind {
	const char *name;
	/* migrations[v] brings version v to v + 1. Never change one that was released: add one. */
	const char *const *migrations;
	int version;	  /* how many there are */
	const char *anew; /* what to do without what was in it */
};
extern const struct rw_db_kind rw_db_keys, rw_db_bans;

struct rw_db {
	sqlite3 *sql;
	char *file;
	const struct rw_db_kind *kind;
};

/*
 * RW_EPERM: no permission, or modes by which others could change it; RW_EINVAL: damaged, foreign
 * or of a newer ringwall; RW_EBUSY: locked for 5 s; RW_EIO. *db is closed again on error.
 */
int rw_db_open(struct rw_db *db, const struct rw_db_kind *kind, const char *state_dir,
	       struct rw_error *e);
void rw_db_close(struct rw_db *db);
/* Fills *e with what went wrong in the last call on db and what to do; returns its code. */
int rw_db_fail(const struct rw_db *db, struct rw_error *e);
/* Runs a statement that is bound and returns no row, and makes it ready for the next time. */
int rw_db_run(const struct rw_db *db, sqlite3_stmt *st, struct rw_error *e);
/* Runs a text of statements without results. */
int rw_db_exec(const struct rw_db *db, const char *sql, struct rw_error *e);
/* A statement that lives as long as db. */
int rw_db_prepare(struct rw_db *db, const char *sql, sqlite3_stmt **out, struct rw_error *e);

#endif
