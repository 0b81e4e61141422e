/* SPDX-License-Identifier: Apache-2.0 */
#include "ident/bans.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "ident/db.h"

struct rw_banstore {
	struct rw_db db;
	sqlite3_stmt *put, *drop, *list, *forget;
};

static const struct {
	size_t at;
	const char *sql;
} statements[] = {
	{offsetof(struct rw_banstore, put),
	 "INSERT OR REPLACE INTO ban (prefix, verdict, reason, since_ms, until_ms, repeats)"
	 " VALUES (?1,?2,?3,?4,?5,?6)"},
	{offsetof(struct rw_banstore, drop), "DELETE FROM ban WHERE prefix = ?1"},
	{offsetof(struct rw_banstore, list),
	 "SELECT prefix, verdict, reason, since_ms, until_ms, repeats FROM ban"},
	{offsetof(struct rw_banstore, forget),
	 "DELETE FROM ban WHERE prefix IN (SELECT prefix FROM ban WHERE until_ms > 0 AND "
	 "until_ms < ?1 ORDER BY until_ms DESC LIMIT -1 OFFSET ?2)"},
};
enum { N_STATEMENTS = sizeof(statements) / sizeof(statements[0]) };

static sqlite3_stmt **statement(struct rw_banstore *s, unsigned i)
{
	return (sqlite3_stmt **)(void *)((char *)s + statements[i].at);
}

int rw_banstore_open(struct rw_banstore **out, const char *state_dir, struct rw_error *e)
{
	struct rw_banstore *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	rc = rw_db_open(&s->db, &rw_db_bans, state_dir, e);
	for (unsigned i = 0; i < N_STATEMENTS && !rc; i++)
		rc = rw_db_prepare(&s->db, statements[i].sql, statement(s, i), e);
	if (rc)
		rw_banstore_close(s);
	else
		*out = s;
	return rc;
}

void rw_banstore_close(struct rw_banstore *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(*statement(s, i));
	if (s->db.file)
		rw_db_close(&s->db);
	free(s);
}

int rw_banstore_begin(struct rw_banstore *s, struct rw_error *e)
{
	return rw_db_exec(&s->db, "BEGIN IMMEDIATE", e);
}

int rw_banstore_put(struct rw_banstore *s, const struct rw_kept_ban *b, struct rw_error *e)
{
	if (sqlite3_bind_text(s->put, 1, b->prefix, -1, SQLITE_STATIC) ||
	    sqlite3_bind_text(s->put, 2, b->verdict, -1, SQLITE_STATIC) ||
	    sqlite3_bind_text(s->put, 3, b->reason, -1, SQLITE_STATIC) ||
	    sqlite3_bind_int64(s->put, 4, (int64_t)b->since_ms) ||
	    sqlite3_bind_int64(s->put, 5, (int64_t)b->until_ms) ||
	    sqlite3_bind_int64(s->put, 6, b->repeats))
		return rw_db_fail(&s->db, e);
	return rw_db_run(&s->db, s->put, e);
}

int rw_banstore_drop(struct rw_banstore *s, const char *prefix, struct rw_error *e)
{
	if (sqlite3_bind_text(s->drop, 1, prefix, -1, SQLITE_STATIC))
		return rw_db_fail(&s->db, e);
	return rw_db_run(&s->db, s->drop, e);
}

int rw_banstore_end(struct rw_banstore *s, int rc, struct rw_error *e)
{
	if (!rc)
		rc = rw_db_exec(&s->db, "COMMIT", e);
	if (rc)
		sqlite3_exec(s->db.sql, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void copy(char *to, size_t room, sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	snprintf(to, room, "%s", text ? (const char *)text : "");
}

static void read_row(sqlite3_stmt *st, struct rw_kept_ban *b)
{
	copy(b->prefix, sizeof(b->prefix), st, 0);
	copy(b->verdict, sizeof(b->verdict), st, 1);
	copy(b->reason, sizeof(b->reason), st, 2);
	b->since_ms = (uint64_t)sqlite3_column_int64(st, 3);
	b->until_ms = (uint64_t)sqlite3_column_int64(st, 4);
	b->repeats = (uint32_t)sqlite3_column_int64(st, 5);
}

int rw_banstore_list(struct rw_banstore *s, struct rw_kept_ban **bans, unsigned *n,
		     struct rw_error *e)
{
	unsigned room = 0;
	int step, rc = RW_OK;

	*bans = NULL;
	*n = 0;
	while ((step = sqlite3_step(s->list)) == SQLITE_ROW) {
		if (*n == room) {
			struct rw_kept_ban *more;

			room = room ? 2 * room : 64;
			more = realloc(*bans, room * sizeof(**bans));
			if (!more) {
				rc = rw_fail(e, RW_ENOMEM, "out of memory for the list of bans");
				break;
			}
			*bans = more;
		}
		read_row(s->list, &(*bans)[(*n)++]);
	}
	if (!rc && step != SQLITE_DONE)
		rc = rw_db_fail(&s->db, e);
	sqlite3_reset(s->list);
	if (rc) {
		free(*bans);
		*bans = NULL;
		*n = 0;
	}
	return rc;
}

int rw_banstore_forget(struct rw_banstore *s, uint64_t over_ms, unsigned remember,
		       struct rw_error *e)
{
	if (sqlite3_bind_int64(s->forget, 1, (int64_t)over_ms) ||
	    sqlite3_bind_int64(s->forget, 2, remember))
		return rw_db_fail(&s->db, e);
	return rw_db_run(&s->db, s->forget, e);
}
