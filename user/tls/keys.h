/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of an open connection, as one record back-end hands them to the next one: OpenSSL to
 * `aead`, `aead` to the kernel. Pure functions of secrets; nothing here is ever printed or kept
 * beyond the struct, which its owner wipes.
 */
#ifndef RW_TLS_KEYS_H
#define RW_TLS_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/stream.h"

enum {
	RW_TLS_SECRET = 48, /* the longest hash, and the length of TLS 1.2's master secret */
	RW_TLS_KEY = 32,
	RW_TLS_IV = 12,
	RW_TLS_TAG = 16, /* of every AEAD that we speak */
};

/* An AEAD, under its names in TLS. The explicit nonce is TLS 1.2's (RFC 5288 3). */
struct rw_tls_suite {
	const char *evp;  /* as EVP_CIPHER_fetch knows it */
	const char *hash; /* of TLS 1.3's key schedule, and of TLS 1.2's PRF */
	uint8_t key_bytes, hash_bytes;
	bool gcm; /* TLS 1.2: 4 bytes of salt and 8 explicit ones */
};

/* One direction. */
struct rw_tls_way {
	uint8_t secret[RW_TLS_SECRET]; /* TLS 1.3: the traffic secret, for the next update */
	uint8_t key[RW_TLS_KEY];
	uint8_t iv[RW_TLS_IV]; /* TLS 1.2 with GCM: the salt, then zeros */
	uint64_t seq;	       /* of the next record */
};

struct rw_tls_keys {
	int version; /* TLS1_3_VERSION or TLS1_2_VERSION */
	bool server;
	const struct rw_tls_suite *suite;
	struct rw_tls_way tx, rx;
	size_t max_fragment; /* RFC 6066 4: the most plaintext in a record */
	struct rw_stream_info info;
};

/* By the number of a TLS cipher suite; NULL: not one of ours. */
const struct rw_tls_suite *rw_tls_suite_find(unsigned id);
/* The process's own copy, fetched once; NULL: OpenSSL has none. */
const EVP_CIPHER *rw_tls_suite_cipher(const struct rw_tls_suite *s);

/* TLS 1.3: key and iv of the secret in w (RFC 8446 7.3); seq begins at 0. */
int rw_tls_derive_13(const struct rw_tls_suite *s, struct rw_tls_way *w);
/* TLS 1.3: the next secret, and its key (RFC 8446 7.2). */
int rw_tls_update_13(const struct rw_tls_suite *s, struct rw_tls_way *w);
/* TLS 1.2: both directions from the master secret (RFC 5246 6.3); seqs stay as they are. */
int rw_tls_derive_12(struct rw_tls_keys *k, uint8_t master[RW_TLS_SECRET], uint8_t randoms[64]);

void rw_tls_keys_wipe(struct rw_tls_keys *k);

#endif
