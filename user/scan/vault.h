/* SPDX-License-Identifier: Apache-2.0 */
/* What the vault and the redactor are made of. */
#ifndef RW_SCAN_VAULT_H
#define RW_SCAN_VAULT_H

#include <openssl/evp.h>

#include "scan/redact_int.h"

enum {
	RW_VAULT_TAG = 10, /* letters: 47 bits */
	RW_VAULT_SLOTS = 4 * RW_VAULT_VALUES,
	RW_VAULT_TYPES = 64,  /* that have tokens in one request */
	RW_HASH_LETTERS = 12, /* 48 bits */
};

struct rw_redactor {
	_Atomic unsigned refs;
	unsigned char key[RW_REDACT_KEY_BYTES];
	unsigned n;
	uint8_t kind[]; /* enum rw_redact, by rule */
};

/*
 * A value, and what it is known by. Numbers are places in the table, from 1: they count the
 * request's values, of whatever type.
 */
struct rw_vault_entry {
	const char *type; /* of the rule set; NULL: a synthetic value that was made */
	struct rw_slice value;
	uint64_t hash;
	bool token;
};

struct rw_vault_chunk;

/* Values are written once into chunks that never move, so that nothing of them is left behind. */
struct rw_vault {
	const struct rw_redactor *redactor; /* NULL: no request */
	EVP_MAC_CTX *mac;
	unsigned char mac_key[RW_REDACT_KEY_BYTES]; /* that mac has */
	bool keyed;
	uint64_t seed;
	char tag[RW_VAULT_TAG + 1];
	struct rw_vault_entry *entries;
	unsigned n, cap;
	const char *types[RW_VAULT_TYPES]; /* that there are tokens of */
	unsigned n_types;
	uint16_t slots[RW_VAULT_SLOTS]; /* open addressing: a place in entries plus 1 */
	struct rw_vault_chunk *chunks;
	size_t bytes;
};

/* The value's number. RW_ELIMIT: the vault is full, or the value too long. */
int rw_vault_number(struct rw_vault *v, const char *type, struct rw_slice value, bool token,
		    unsigned *number);
/* A synthetic value, so that it is known again. */
int rw_vault_remember(struct rw_vault *v, struct rw_slice made);
bool rw_vault_made(const struct rw_vault *v, struct rw_slice value);
/* HMAC-SHA-256 with the redactor's key over purpose, type and value. RW_EIO. */
int rw_vault_mac(struct rw_vault *v, const char *purpose, const char *type, struct rw_slice value,
		 unsigned char out[32]);

#endif
