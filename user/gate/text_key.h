/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text known by a keyed hash, so that neither it nor anything of it is kept: SHA-256 behind a
 * secret, cut to 128 bits. Nobody who does not know the secret, and it leaves no process, can make
 * two texts of one key.
 */
#ifndef RW_GATE_TEXT_KEY_H
#define RW_GATE_TEXT_KEY_H

#include <stdint.h>

#include "base/slice.h"

struct rw_text_secret {
	uint8_t at[32];
};

struct rw_text_key {
	uint8_t at[16];
};

/* 0, or RW_EIO: there is no randomness. */
int rw_text_secret_make(struct rw_text_secret *out);
void rw_text_secret_wipe(struct rw_text_secret *s);

/* The key of n parts in this order; they cannot run into each other. */
struct rw_text_key rw_text_key_of(const struct rw_text_secret *s, const struct rw_slice *parts,
				  unsigned n);

/* Which of n places, at most 65536, it falls to. */
static inline unsigned rw_text_key_part(const struct rw_text_key *key, unsigned n)
{
	return (key->at[0] | (unsigned)key->at[1] << 8) % n;
}

#endif
