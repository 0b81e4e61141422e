/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text known by a keyed hash, so that neither it nor anything of it is kept.
 *
 * The hash is GMAC (NIST SP 800-38D) under a random key, with one nonce for all: GHASH, of which
 * nobody who does not know the key can say for which two texts it is the same (at most one in
 * 2^128 for each of their 16 bytes; McGrew and Viega, 2004), masked. That a nonce comes again would
 * give the key away with the hashes, which leave no process. It costs a tenth of SHA-256.
 */
#ifndef RW_GATE_TEXT_KEY_H
#define RW_GATE_TEXT_KEY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

enum { RW_TEXT_KEY_PARTS = 12 };

struct rw_text_key {
	uint8_t at[16];
};

/* Makes keys under a secret of its own; one thread's. */
struct rw_text_hash {
	EVP_CIPHER_CTX *gmac;
};

/* False: there is no randomness, or no memory. */
bool rw_text_hash_init(struct rw_text_hash *h);
/* Wipes the secret. Allowed where init failed or h is all zero. */
void rw_text_hash_free(struct rw_text_hash *h);

/* The key of n parts in this order, RW_TEXT_KEY_PARTS at most; they cannot run into each other. */
struct rw_text_key rw_text_key_of(struct rw_text_hash *h, const struct rw_slice *parts, unsigned n);

/* Which of n places it falls to. Of texts that differ by little GHASH differs by a sum of few, which
 * would leave places empty: so it is mixed. */
static inline unsigned rw_text_key_part(const struct rw_text_key *key, unsigned n)
{
	uint64_t x;

	memcpy(&x, key->at, sizeof(x));
	x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (unsigned)(x >> 32) % n;
}

#endif
