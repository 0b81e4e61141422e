/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation by OpenSSL's KDFs. */
#include "tls/keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

static const struct rw_tls_suite suites[] = {
	{"AES-128-GCM", "SHA256", 16, 32, true},
	{"AES-256-GCM", "SHA384", 32, 48, true},
	{"ChaCha20-Poly1305", "SHA256", 32, 32, false},
};
enum { AES128, AES256, CHACHA, SUITES };

static const struct {
	uint16_t id;
	uint8_t suite;
} ids[] = {
	{0x1301, AES128}, {0x1302, AES256}, {0x1303, CHACHA}, /* TLS 1.3 */
	{0xc02b, AES128}, {0xc02f, AES128},		      /* ECDHE, ECDSA and RSA */
	{0xc02c, AES256}, {0xc030, AES256}, {0xcca9, CHACHA}, {0xcca8, CHACHA},
};

/* Fetched once: a fetch for each connection would cost more than the keys. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_CIPHER *ciphers[SUITES];
static EVP_KDF *kdf_13, *kdf_12;

static void fetch(void)
{
	for (unsigned i = 0; i < SUITES; i++)
		ciphers[i] = EVP_CIPHER_fetch(NULL, suites[i].evp, NULL);
	kdf_13 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, NULL);
	kdf_12 = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
}

const struct rw_tls_suite *rw_tls_suite_find(unsigned id)
{
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (ids[i].id == id)
			return &suites[ids[i].suite];
	return NULL;
}

const EVP_CIPHER *rw_tls_suite_cipher(const struct rw_tls_suite *s)
{
	pthread_once(&once, fetch);
	return ciphers[s - suites];
}

static int run(EVP_KDF *kdf, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	int rc = ctx && EVP_KDF_derive(ctx, out, n, params) == 1 ? RW_OK : RW_ENOMEM;

	EVP_KDF_CTX_free(ctx);
	return rc;
}

/* HKDF-Expand-Label(secret, label, "", n). */
static int expand(const struct rw_tls_suite *s, uint8_t *secret, const char *label, uint8_t *out,
		  size_t n)
{
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	char prefix[] = "tls13 ", hash[8], word[16]; /* OSSL_PARAM takes nothing const */

	snprintf(hash, sizeof(hash), "%s", s->hash); /* before the parameters, which measure it */
	snprintf(word, sizeof(word), "%s", label);

	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, strlen(s->hash)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, s->hash_bytes),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, word, strlen(label)),
		OSSL_PARAM_construct_end(),
	};

	pthread_once(&once, fetch);
	return run(kdf_13, params, out, n);
}

int rw_tls_derive_13(const struct rw_tls_suite *s, struct rw_tls_way *w)
{
	w->seq = 0;
	return expand(s, w->secret, "key", w->key, s->key_bytes) ||
			       expand(s, w->secret, "iv", w->iv, RW_TLS_IV)
		       ? RW_ENOMEM
		       : RW_OK;
}

int rw_tls_update_13(const struct rw_tls_suite *s, struct rw_tls_way *w)
{
	uint8_t next[RW_TLS_SECRET];
	int rc = expand(s, w->secret, "traffic upd", next, s->hash_bytes);

	if (!rc) {
		memcpy(w->secret, next, s->hash_bytes);
		rc = rw_tls_derive_13(s, w);
	}
	OPENSSL_cleanse(next, sizeof(next));
	return rc;
}

int rw_tls_derive_12(struct rw_tls_keys *k, uint8_t master[RW_TLS_SECRET], uint8_t randoms[64])
{
	char label[] = "key expansion", hash[8];
	const struct rw_tls_suite *s = k->suite;
	struct rw_tls_way *client = k->server ? &k->rx : &k->tx;
	struct rw_tls_way *server = k->server ? &k->tx : &k->rx;
	size_t iv = s->gcm ? 4 : RW_TLS_IV;
	uint8_t block[2 * (RW_TLS_KEY + RW_TLS_IV)], *p = block;

	snprintf(hash, sizeof(hash), "%s", s->hash);

	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash, strlen(s->hash)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, master, RW_TLS_SECRET),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, randoms, 64),
		OSSL_PARAM_construct_end(),
	};
	int rc;

	pthread_once(&once, fetch);
	rc = run(kdf_12, params, block, 2 * (s->key_bytes + iv));
	memcpy(client->key, p, s->key_bytes);
	memcpy(server->key, p += s->key_bytes, s->key_bytes);
	memcpy(client->iv, p += s->key_bytes, iv);
	memcpy(server->iv, p + iv, iv);
	OPENSSL_cleanse(block, sizeof(block));
	return rc;
}

void rw_tls_keys_wipe(struct rw_tls_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
