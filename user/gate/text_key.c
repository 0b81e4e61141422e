/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/text_key.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/err.h"

/* One for all: what GMAC adds to GHASH is the same each time then, and hidden by what follows. */
static const unsigned char nonce[12];

/* The secret is in the context alone, which OpenSSL wipes. */
static int set_secret(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const unsigned char *iv)
{
	unsigned char secret[32];
	int rc = RW_OK;

	if (RAND_bytes(secret, sizeof(secret)) != 1)
		rc = RW_EIO;
	else if (!ctx || EVP_EncryptInit_ex2(ctx, cipher, secret, iv, NULL) != 1)
		rc = RW_ENOMEM;
	OPENSSL_cleanse(secret, sizeof(secret));
	return rc;
}

int rw_text_hash_init(struct rw_text_hash *h)
{
	int rc;

	h->gmac = EVP_CIPHER_CTX_new();
	h->aes = EVP_CIPHER_CTX_new();
	rc = set_secret(h->gmac, EVP_aes_256_gcm(), nonce);
	return rc ? rc : set_secret(h->aes, EVP_aes_256_ecb(), NULL);
}

void rw_text_hash_free(struct rw_text_hash *h)
{
	EVP_CIPHER_CTX_free(h->gmac);
	EVP_CIPHER_CTX_free(h->aes);
	*h = (struct rw_text_hash){0};
}

/* What is not encrypted is authenticated: no output. */
static bool add(EVP_CIPHER_CTX *gmac, const void *p, size_t n)
{
	int none;

	return n == 0 || (n <= INT_MAX && EVP_EncryptUpdate(gmac, NULL, &none, p, (int)n) == 1);
}

struct rw_text_key rw_text_key_of(struct rw_text_hash *h, const struct rw_slice *parts, unsigned n)
{
	uint64_t head[1 + RW_TEXT_KEY_PARTS] = {n};
	struct rw_text_key tag, out;
	bool ok = n <= RW_TEXT_KEY_PARTS &&
		  EVP_EncryptInit_ex2(h->gmac, NULL, NULL, nonce, NULL) == 1;
	int bytes;

	for (unsigned i = 0; ok && i < n; i++)
		head[1 + i] = parts[i].n;
	ok = ok && add(h->gmac, head, (1 + n) * sizeof(head[0]));
	for (unsigned i = 0; ok && i < n; i++)
		ok = add(h->gmac, parts[i].p, parts[i].n);
	ok = ok && EVP_EncryptFinal_ex(h->gmac, tag.at, &bytes) == 1 &&
	     EVP_CIPHER_CTX_ctrl(h->gmac, EVP_CTRL_AEAD_GET_TAG, sizeof(tag.at), tag.at) == 1 &&
	     EVP_EncryptUpdate(h->aes, out.at, &bytes, tag.at, sizeof(tag.at)) == 1;
	/* Where it went wrong all texts would be one. */
	RW_BUG_ON(!ok || bytes != sizeof(out.at));
	return out;
}
