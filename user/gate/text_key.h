/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text known by a keyed hash, so that neither it nor anything of it is kept.
 *
 * The hash is GHASH (NIST SP 800-38D) under a random key, of which nobody who does not know the key
 * can say for which two texts it is the same (at most one in 2^128 for each of their 16 bytes;
 * McGrew and Viega, 2004), encrypted by AES under another: what can be learned of a key, such as
 * which texts push each other out, says nothing about GHASH's. Of 8 KB it takes a tenth of the time
 * of SHA-256.
 */
#ifndef RW_GATE_TEXT_KEY_H
#define RW_GATE_TEXT_KEY_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { RW_TEXT_KEY_PARTS = 12 };

struct rw_text_key {
	uint8_t at[16];
};

/* Makes keys under secrets of its own; one thread's. */
struct rw_text_hash {
	EVP_CIPHER_CTX *gmac, *aes;
};

/* RW_EIO: there is no randomness; RW_ENOMEM. */
int rw_text_hash_init(struct rw_text_hash *h);
/* Wipes the secrets. Allowed where init failed or h is all zero. */
void rw_text_hash_free(struct rw_text_hash *h);

/* The key of n parts in this order, RW_TEXT_KEY_PARTS at most; they cannot run into each other. */
struct rw_text_key rw_text_key_of(struct rw_text_hash *h, const struct rw_slice *parts, unsigned n);

/* Which of n places, at most 65536, it falls to. */
static inline unsigned rw_text_key_part(const struct rw_text_key *key, unsigned n)
{
	return (key->at[0] | (unsigned)key->at[1] << 8) % n;
}

#endif
