/* SPDX-License-Identifier: Apache-2.0 */
/* A key as text, and its hash. */
#ifndef RW_IDENT_TEXT_H
#define RW_IDENT_TEXT_H

#include <stdbool.h>

#include "ident/keys.h"

enum {
	RW_KEY_RANDOM_BYTES = 32,
	RW_KEY_TEXT_LEN = 3 + 43, /* "rw-" and base64url without padding (RFC 4648 5) */
	RW_KEY_HASH_BYTES = 32,
};

/* A new key from the system's random numbers. RW_EIO where there are none. */
int rw_key_make(char text[RW_KEY_TEXT]);
/* True where s has the form of a key; it says nothing about whether there is one. */
bool rw_key_is_text(struct rw_slice s);
/* "k_" and 12 hex digits, at random. */
int rw_key_make_id(char id[RW_KEY_ID]);
bool rw_key_is_id(struct rw_slice s);
/* Whether this may be a key's name; *e does not repeat it, since it may be a key. RW_EINVAL. */
int rw_key_check_name(struct rw_slice name, struct rw_error *e);
/* 1 to 63 of A-Z a-z 0-9 . _ - */
bool rw_key_is_name(struct rw_slice s);
/* SHA-256. RW_EIO where libcrypto fails. */
int rw_key_hash(struct rw_slice text, unsigned char hash[RW_KEY_HASH_BYTES]);

#endif
