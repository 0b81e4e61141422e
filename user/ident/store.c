/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

#include "ident/db.h"
#include "ident/keys.h"
#include "ident/text.h"

struct rw_keystore {
	struct rw_db db;
	sqlite3_stmt *add, *find, *revoke, *list, *version;
	int seen_version;  /* data_version as of the last rw_keystore_changed */
	bool changed_here; /* data_version tells of other connections only */
};

static const struct {
	size_t at;
	const char *sql;
} statements[] = {
	{offsetof(struct rw_keystore, add),
	 "INSERT INTO key (id, name, hash, created_ms, rate_per_minute) VALUES (?1,?2,?3,?4,?5)"},
	{offsetof(struct rw_keystore, find), "SELECT 1 FROM key WHERE id = ?1 OR name = ?1"},
	{offsetof(struct rw_keystore, revoke),
	 "UPDATE key SET revoked_ms = ?2 WHERE (id = ?1 OR name = ?1) AND revoked_ms = 0"},
	{offsetof(struct rw_keystore, list),
	 "SELECT id, name, created_ms, revoked_ms, rate_per_minute, hash FROM key ORDER BY seq"},
	{offsetof(struct rw_keystore, version), "PRAGMA data_version"},
};
enum { N_STATEMENTS = sizeof(statements) / sizeof(statements[0]) };

static sqlite3_stmt **statement(struct rw_keystore *ks, unsigned i)
{
	return (sqlite3_stmt **)(void *)((char *)ks + statements[i].at);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool read_version(struct rw_keystore *ks, int *out)
{
	bool ok = sqlite3_step(ks->version) == SQLITE_ROW;

	if (ok)
		*out = sqlite3_column_int(ks->version, 0);
	sqlite3_reset(ks->version);
	return ok;
}

int rw_keystore_open(struct rw_keystore **out, const char *state_dir, struct rw_error *e)
{
	struct rw_keystore *ks = calloc(1, sizeof(*ks));
	int rc;

	if (!ks)
		return rw_fail(e, RW_ENOMEM, "out of memory");
	rc = rw_db_open(&ks->db, &rw_db_keys, state_dir, e);
	for (unsigned i = 0; i < N_STATEMENTS && !rc; i++)
		rc = rw_db_prepare(&ks->db, statements[i].sql, statement(ks, i), e);
	if (!rc && !read_version(ks, &ks->seen_version))
		rc = rw_db_fail(&ks->db, e);
	if (rc)
		rw_keystore_close(ks);
	else
		*out = ks;
	return rc;
}

void rw_keystore_close(struct rw_keystore *ks)
{
	if (!ks)
		return;
	for (unsigned i = 0; i < N_STATEMENTS; i++)
		sqlite3_finalize(*statement(ks, i));
	if (ks->db.file)
		rw_db_close(&ks->db);
	free(ks);
}

/* Runs a statement that returns no row; *n is the number of rows it changed. */
static int run(struct rw_keystore *ks, sqlite3_stmt *st, int *n, struct rw_error *e)
{
	int rc = rw_db_run(&ks->db, st, e);

	*n = sqlite3_changes(ks->db.sql);
	return rc;
}

static int insert(struct rw_keystore *ks, const struct rw_key *k, struct rw_error *e)
{
	int n, rc;

	if (sqlite3_bind_text(ks->add, 1, k->id, -1, SQLITE_STATIC) ||
	    sqlite3_bind_text(ks->add, 2, k->name, -1, SQLITE_STATIC) ||
	    sqlite3_bind_blob(ks->add, 3, k->hash, sizeof(k->hash), SQLITE_STATIC) ||
	    sqlite3_bind_int64(ks->add, 4, (int64_t)k->created_ms) ||
	    sqlite3_bind_int64(ks->add, 5, k->rate_per_minute))
		return rw_db_fail(&ks->db, e);
	rc = run(ks, ks->add, &n, e);
	/* Ids and hashes are random: what is there already can only be the name. */
	if (rc && sqlite3_extended_errcode(ks->db.sql) == SQLITE_CONSTRAINT_UNIQUE)
		return rw_fail(
			e, RW_EEXIST,
			"there is a key with the name '%s'; revoke it, or choose another name",
			k->name);
	ks->changed_here = ks->changed_here || !rc;
	return rc;
}

int rw_keystore_add(struct rw_keystore *ks, const char *name, uint32_t rate_per_minute,
		    struct rw_key *out, char text[RW_KEY_TEXT], struct rw_error *e)
{
	struct rw_key k = {.created_ms = now_ms(), .rate_per_minute = rate_per_minute};
	int rc = rw_key_check_name(rw_slice_str(name), e);

	if (rc)
		return rc;
	memcpy(k.name, name, strlen(name) + 1);
	if (rw_key_make_id(k.id) || rw_key_make(text) || rw_key_hash(rw_slice_str(text), k.hash)) {
		rc = rw_fail(e, RW_EIO, "the system has no random numbers to make a key from");
		goto out;
	}
	rc = insert(ks, &k, e);
	if (!rc)
		*out = k;
out:
	if (rc)
		OPENSSL_cleanse(text, RW_KEY_TEXT);
	return rc;
}

static int exists(struct rw_keystore *ks, const char *id_or_name, struct rw_error *e)
{
	int step, rc = RW_OK;

	if (sqlite3_bind_text(ks->find, 1, id_or_name, -1, SQLITE_STATIC))
		return rw_db_fail(&ks->db, e);
	step = sqlite3_step(ks->find);
	if (step == SQLITE_DONE)
		rc = rw_fail(e, RW_ENOTFOUND, "there is no key with this id or name");
	else if (step != SQLITE_ROW)
		rc = rw_db_fail(&ks->db, e);
	sqlite3_reset(ks->find);
	sqlite3_clear_bindings(ks->find);
	return rc;
}

int rw_keystore_revoke(struct rw_keystore *ks, const char *id_or_name, struct rw_error *e)
{
	int n = 0, rc;

	if (rw_slice_starts(rw_slice_str(id_or_name), "rw-"))
		return rw_fail(
			e, RW_EINVAL,
			"this is the key itself: give its id or name (see `ringwall key list`)");
	if (!rw_key_is_name(rw_slice_str(id_or_name)))
		return rw_fail(e, RW_ENOTFOUND, "this is neither the id nor the name of a key");
	if (sqlite3_bind_text(ks->revoke, 1, id_or_name, -1, SQLITE_STATIC) ||
	    sqlite3_bind_int64(ks->revoke, 2, (int64_t)now_ms()))
		return rw_db_fail(&ks->db, e);
	rc = run(ks, ks->revoke, &n, e);
	if (rc)
		return rc;
	if (n == 0)
		return exists(ks, id_or_name, e);
	ks->changed_here = true;
	return RW_OK;
}

static void copy_column(sqlite3_stmt *st, int column, void *to, size_t room)
{
	const void *p = sqlite3_column_blob(st, column);
	size_t n = (size_t)sqlite3_column_bytes(st, column);

	if (p)
		memcpy(to, p, n < room ? n : room);
}

static struct rw_key row(sqlite3_stmt *st)
{
	struct rw_key k = {
		.created_ms = (uint64_t)sqlite3_column_int64(st, 2),
		.revoked_ms = (uint64_t)sqlite3_column_int64(st, 3),
		.rate_per_minute = (uint32_t)sqlite3_column_int64(st, 4),
	};

	copy_column(st, 0, k.id, sizeof(k.id) - 1);
	copy_column(st, 1, k.name, sizeof(k.name) - 1);
	copy_column(st, 5, k.hash, sizeof(k.hash));
	return k;
}

int rw_keystore_list(struct rw_keystore *ks, struct rw_key **keys, unsigned *n, struct rw_error *e)
{
	struct rw_key *all = NULL, *more;
	unsigned used = 0, cap = 0;
	int step, rc = RW_OK;

	while ((step = sqlite3_step(ks->list)) == SQLITE_ROW) {
		if (used == cap) {
			cap = cap ? cap * 2 : 16;
			more = reallocarray(all, cap, sizeof(*all));
			if (!more) {
				rc = rw_fail(e, RW_ENOMEM, "out of memory");
				break;
			}
			all = more;
		}
		all[used++] = row(ks->list);
	}
	if (!rc && step != SQLITE_DONE)
		rc = rw_db_fail(&ks->db, e);
	sqlite3_reset(ks->list);
	if (rc) {
		free(all);
		return rc;
	}
	*keys = all;
	*n = used;
	return RW_OK;
}

bool rw_keystore_changed(struct rw_keystore *ks)
{
	int version = ks->seen_version;
	bool changed = ks->changed_here;

	/* Where it cannot be read, whoever asks should try to read and hear why. */
	if (!read_version(ks, &version))
		return true;
	changed = changed || version != ks->seen_version;
	ks->seen_version = version;
	ks->changed_here = false;
	return changed;
}
