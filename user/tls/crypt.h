/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record, sealed or opened by EVP: RFC 8446 5.2, and for TLS 1.2 RFC 5288 and 7905. The
 * record number is in the keys and moves on.
 */
#ifndef RW_TLS_CRYPT_H
#define RW_TLS_CRYPT_H

#include "tls/keys.h"
#include "tls/record.h"

enum {
	RW_TLS_HEADER = 5,
	RW_TLS_NONCE_12 = 8, /* explicit, of GCM in TLS 1.2 */
	/* The most that one record of RW_RECORD_MAX bytes becomes. */
	RW_TLS_SEALED = RW_TLS_HEADER + RW_TLS_NONCE_12 + RW_RECORD_MAX + 1 + RW_TLS_TAG,
};

/* For one direction of k; NULL: out of memory. */
EVP_CIPHER_CTX *rw_tls_crypt_new(const struct rw_tls_suite *s, const uint8_t *key, bool seals);
/* n (<= RW_RECORD_MAX) bytes as a record of this type; its length, 0: out of memory. */
size_t rw_tls_seal(struct rw_tls_keys *k, EVP_CIPHER_CTX *evp, uint8_t type, const void *data,
		   size_t n, uint8_t out[RW_TLS_SEALED]);
/* The n bytes behind header, to out, which may take n; how many they are, -1: they do not fit. */
long rw_tls_open(struct rw_tls_keys *k, EVP_CIPHER_CTX *evp, const uint8_t header[RW_TLS_HEADER],
		 const uint8_t *body, size_t n, uint8_t *out);

#endif
