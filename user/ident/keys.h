/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys: "rw-" and 43 characters of base64url (32 random bytes). Stored as
 * SHA-256 in SQLite (the key has full entropy, so no slow hash is needed), shown
 * once. The store is used by the control thread and the command line; workers read an
 * immutable table made from it.
 */
#ifndef RW_IDENT_KEYS_H
#define RW_IDENT_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

enum { RW_KEY_TEXT = 64, RW_KEY_NAME = 64, RW_KEY_ID = 20, RW_KEY_MAX_RATE = 60000000 };

struct rw_key {
	char id[RW_KEY_ID];		 /* "k_" and 12 hex digits; what logs and lists show */
	char name[RW_KEY_NAME];		 /* the operator's word for it */
	uint64_t created_ms, revoked_ms; /* 0: not revoked */
	uint32_t rate_per_minute;	 /* 0: the configuration's */
	unsigned char hash[32];
};

struct rw_keystore;
/* Opens or makes state_dir/ringwall.db (directory 0700, file 0600). */
int rw_keystore_open(struct rw_keystore **out, const char *state_dir, struct rw_error *e);
void rw_keystore_close(struct rw_keystore *ks);
/* text gets the key itself: shown once, then wiped by the caller. RW_EEXIST: name in use. */
int rw_keystore_add(struct rw_keystore *ks, const char *name, uint32_t rate_per_minute,
		    struct rw_key *out, char text[RW_KEY_TEXT], struct rw_error *e);
/* by id or name. RW_ENOTFOUND. Idempotent. */
int rw_keystore_revoke(struct rw_keystore *ks, const char *id_or_name, struct rw_error *e);
/* Oldest first, revoked ones too; *keys is malloc'd, the caller frees. */
int rw_keystore_list(struct rw_keystore *ks, struct rw_key **keys, unsigned *n, struct rw_error *e);
/* True once for every change made by any process since the last call (PRAGMA data_version). */
bool rw_keystore_changed(struct rw_keystore *ks);

/*
 * A list of keys: a text made elsewhere that has their hashes, a line each, and is only read here:
 *
 *	NAME sha256:HASH [rate=N]
 *
 * HASH has 64 digits of 0-9 a-f; N is requests a minute. Blanks between words; a line whose first
 * word begins with # is none. A listed key's id is k_ and its hash's first twelve digits. In *e
 * stands which line is wrong, and never what it says.
 */
enum { RW_KEYLIST_LINE = 192 };
/* file is for *e. *out is malloc'd, the caller frees. RW_EINVAL, RW_ENOMEM. */
int rw_keylist_parse(struct rw_slice text, const char *file, struct rw_key **out, unsigned *n_out,
		     struct rw_error *e);
/* RW_ENOTFOUND; RW_EPERM: also where others could write it; RW_ELIMIT: above 4 MiB; RW_EIO. */
int rw_keylist_read(const char *file, struct rw_key **keys, unsigned *n, struct rw_error *e);
/* Another number when the file may be another; 0: there is none, or file is NULL. */
uint64_t rw_keylist_stamp(const char *file);
/* Makes a key that belongs on a list. text as in rw_keystore_add. RW_EINVAL: the name; RW_EIO. */
int rw_keylist_make(const char *name, uint32_t rate_per_minute, struct rw_key *out,
		    char text[RW_KEY_TEXT], struct rw_error *e);
/* Its line, with the newline. */
void rw_keylist_line(const struct rw_key *k, char out[RW_KEYLIST_LINE]);
/* Writes it at the end of the file, which is made (0640) where there is none. RW_EEXIST: the name
 * is. */
int rw_keylist_append(const char *file, const struct rw_key *k, struct rw_error *e);

/* Live keys only; immutable, reference-counted. */
struct rw_keytable;
/* Of the store, and of the list where list is not NULL. */
int rw_keytable_new(struct rw_keytable **out, struct rw_keystore *ks, const char *list,
		    struct rw_error *e);
struct rw_keytable *rw_keytable_ref(struct rw_keytable *t);
void rw_keytable_unref(struct rw_keytable *t);
/* The key whose SHA-256 matches (constant-time compare), or NULL. Lives as long as the table. */
const struct rw_key *rw_keytable_find(const struct rw_keytable *t, struct rw_slice text);
unsigned rw_keytable_count(const struct rw_keytable *t);

#endif
