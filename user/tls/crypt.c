/* SPDX-License-Identifier: Apache-2.0 */
/* One record, sealed and opened by EVP. */
#include "tls/crypt.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>

static bool is_13(const struct rw_tls_keys *k)
{
	return k->version == TLS1_3_VERSION;
}

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

/* The iv with the sequence number in it (RFC 8446 5.3, RFC 7905 2). */
static void make_nonce(const struct rw_tls_way *w, uint8_t nonce[RW_TLS_IV])
{
	uint8_t seq[8];

	put64(seq, w->seq);
	memcpy(nonce, w->iv, RW_TLS_IV);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= seq[i];
}

/* TLS 1.3: the header. TLS 1.2: what it would be of the plaintext, behind the sequence number. */
static size_t make_aad(const struct rw_tls_keys *k, uint64_t seq,
		       const uint8_t header[RW_TLS_HEADER], size_t n_plain,
		       uint8_t aad[8 + RW_TLS_HEADER])
{
	if (is_13(k)) {
		memcpy(aad, header, RW_TLS_HEADER);
		return RW_TLS_HEADER;
	}
	put64(aad, seq);
	memcpy(aad + 8, header, 3);
	aad[11] = (uint8_t)(n_plain >> 8);
	aad[12] = (uint8_t)n_plain;
	return 8 + RW_TLS_HEADER;
}

static bool explicit_nonce(const struct rw_tls_keys *k)
{
	return !is_13(k) && k->suite->gcm;
}

size_t rw_tls_seal(struct rw_tls_keys *k, EVP_CIPHER_CTX *evp, uint8_t type, const void *data,
		   size_t n, uint8_t out[RW_TLS_SEALED])
{
	uint8_t aad[8 + RW_TLS_HEADER], nonce[RW_TLS_IV], *p = out + RW_TLS_HEADER;
	size_t n_aad, n_body = n + RW_TLS_TAG;
	struct rw_tls_way *w = &k->tx;
	int got, rc;

	make_nonce(w, nonce);
	if (is_13(k))
		n_body++;
	if (explicit_nonce(k)) {
		memcpy(p, nonce + 4, RW_TLS_NONCE_12); /* the sequence number: never twice */
		p += RW_TLS_NONCE_12;
		n_body += RW_TLS_NONCE_12;
	}
	out[0] = is_13(k) ? SSL3_RT_APPLICATION_DATA : type;
	out[1] = 3;
	out[2] = 3;
	out[3] = (uint8_t)(n_body >> 8);
	out[4] = (uint8_t)n_body;
	n_aad = make_aad(k, w->seq, out, n, aad);
	/* In place: a call for the type alone would cost as much as one for all. */
	memcpy(p, data, n);
	if (is_13(k))
		p[n++] = type;
	rc = EVP_EncryptInit_ex2(evp, NULL, NULL, nonce, NULL) == 1 &&
	     EVP_EncryptUpdate(evp, NULL, &got, aad, (int)n_aad) == 1 &&
	     EVP_EncryptUpdate(evp, p, &got, p, (int)n) == 1;
	p += n;
	rc = rc && EVP_EncryptFinal_ex(evp, p, &got) == 1 &&
	     EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, RW_TLS_TAG, p) == 1;
	w->seq++;
	return rc ? RW_TLS_HEADER + n_body : 0;
}

long rw_tls_open(struct rw_tls_keys *k, EVP_CIPHER_CTX *evp, const uint8_t header[RW_TLS_HEADER],
		 const uint8_t *body, size_t n, uint8_t *out)
{
	uint8_t aad[8 + RW_TLS_HEADER], nonce[RW_TLS_IV], tag[RW_TLS_TAG];
	struct rw_tls_way *w = &k->rx;
	size_t n_aad;
	int got;

	make_nonce(w, nonce);
	if (explicit_nonce(k)) {
		if (n < RW_TLS_NONCE_12)
			return -1;
		memcpy(nonce + 4, body, RW_TLS_NONCE_12);
		body += RW_TLS_NONCE_12;
		n -= RW_TLS_NONCE_12;
	}
	if (n < RW_TLS_TAG)
		return -1;
	n -= RW_TLS_TAG;
	memcpy(tag, body + n, RW_TLS_TAG);
	n_aad = make_aad(k, w->seq, header, n, aad);
	if (EVP_DecryptInit_ex2(evp, NULL, NULL, nonce, NULL) != 1 ||
	    EVP_DecryptUpdate(evp, NULL, &got, aad, (int)n_aad) != 1 ||
	    (n && EVP_DecryptUpdate(evp, out, &got, body, (int)n) != 1) ||
	    EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, RW_TLS_TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(evp, out + n, &got) != 1) {
		OPENSSL_cleanse(out, n);
		return -1;
	}
	w->seq++;
	return (long)n;
}

EVP_CIPHER_CTX *rw_tls_crypt_new(const struct rw_tls_suite *s, const uint8_t *key, bool seals)
{
	const EVP_CIPHER *cipher = rw_tls_suite_cipher(s);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	/* Every AEAD here has a nonce of 12 bytes. */
	if (cipher && c && EVP_CipherInit_ex2(c, cipher, key, NULL, seals, NULL) == 1)
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}
