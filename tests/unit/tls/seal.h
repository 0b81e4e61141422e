/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records as RFC 8446 5.2 and RFC 5246 6.2.3 have them, sealed by nobody's code but the test's:
 * of any type, with any padding, and wrong on demand.
 */
#ifndef RW_TESTS_TLS_SEAL_H
#define RW_TESTS_TLS_SEAL_H

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "tls/keys.h"

enum { SEAL_ROOM = 1 << 17 };

/* What is sealed. zeros: TLS 1.3's padding. no_type: nothing but padding. */
struct seal_spec {
	uint8_t type;
	const void *data;
	size_t n, zeros;
	bool no_type;
};

static inline void seal_key(struct rw_tls_way *w, const struct rw_tls_suite *s, int version)
{
	for (size_t i = 0; i < RW_TLS_SECRET; i++)
		w->secret[i] = (uint8_t)(7 * i + 1);
	memset(w->iv, 0, sizeof(w->iv));
	if (version == TLS1_3_VERSION) {
		RW_BUG_ON(rw_tls_derive_13(s, w));
		return;
	}
	memcpy(w->key, w->secret, RW_TLS_KEY);
	memcpy(w->iv, w->secret, s->gcm ? 4 : RW_TLS_IV);
}

static inline void seal_run(const struct rw_tls_suite *s, const struct rw_tls_way *w,
			    const uint8_t nonce[12], const uint8_t *aad, size_t n_aad,
			    const uint8_t *in, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int k;

	RW_BUG_ON(!c || EVP_EncryptInit_ex(c, rw_tls_suite_cipher(s), NULL, w->key, nonce) != 1 ||
		  EVP_EncryptUpdate(c, NULL, &k, aad, (int)n_aad) != 1 ||
		  (n && EVP_EncryptUpdate(c, out, &k, in, (int)n) != 1) ||
		  EVP_EncryptFinal_ex(c, out + n, &k) != 1 ||
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + n) != 1);
	EVP_CIPHER_CTX_free(c);
}

/* One record to out (SEAL_ROOM); its length. w->seq moves on. */
static inline size_t seal_record(const struct rw_tls_suite *s, struct rw_tls_way *w, int version,
				 const struct seal_spec *spec, uint8_t *out)
{
	static uint8_t inner[SEAL_ROOM];
	uint8_t nonce[12], aad[13], *body = out + 5;
	bool tls13 = version == TLS1_3_VERSION, explicit = !tls13 && s->gcm;
	size_t n = spec->n, n_body;

	RW_BUG_ON(n + spec->zeros + 64 > SEAL_ROOM);
	memcpy(inner, spec->data, n);
	if (tls13 && !spec->no_type)
		inner[n++] = spec->type;
	if (tls13) {
		memset(inner + n, 0, spec->zeros);
		n += spec->zeros;
	}
	memcpy(nonce, w->iv, 12);
	for (int i = 0; i < 8; i++)
		aad[i] = (uint8_t)(w->seq >> (56 - 8 * i));
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= aad[i];
	if (explicit) {
		memcpy(body, nonce + 4, 8);
		body += 8;
	}
	n_body = n + 16 + (explicit ? 8 : 0);
	out[0] = tls13 ? 23 : spec->type;
	out[1] = out[2] = 3;
	out[3] = (uint8_t)(n_body >> 8);
	out[4] = (uint8_t)n_body;
	if (tls13) {
		seal_run(s, w, nonce, out, 5, inner, n, body);
	} else {
		memcpy(aad + 8, out, 3);
		aad[11] = (uint8_t)(n >> 8);
		aad[12] = (uint8_t)n;
		seal_run(s, w, nonce, aad, 13, inner, n, body);
	}
	w->seq++;
	return 5 + n_body;
}

#endif
