/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/text_key.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/err.h"

static const unsigned char nonce[12];

bool rw_text_hash_init(struct rw_text_hash *h)
{
	unsigned char secret[32];
	bool ok;

	h->gmac = EVP_CIPHER_CTX_new();
	ok = h->gmac && RAND_bytes(secret, sizeof(secret)) == 1 &&
	     EVP_EncryptInit_ex2(h->gmac, EVP_aes_256_gcm(), secret, nonce, NULL) == 1;
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

void rw_text_hash_free(struct rw_text_hash *h)
{
	EVP_CIPHER_CTX_free(h->gmac);
	h->gmac = NULL;
}

/* What is not encrypted is authenticated: no output. */
static bool add(EVP_CIPHER_CTX *gmac, const void *p, size_t n)
{
	int none;

	return n == 0 || (n <= INT_MAX && EVP_EncryptUpdate(gmac, NULL, &none, p, (int)n) == 1);
}

struct rw_text_key rw_text_key_of(struct rw_text_hash *h, const struct rw_slice *parts, unsigned n)
{
	EVP_CIPHER_CTX *gmac = h->gmac;
	uint64_t head[1 + RW_TEXT_KEY_PARTS] = {n};
	struct rw_text_key out;
	bool ok = n <= RW_TEXT_KEY_PARTS && EVP_EncryptInit_ex2(gmac, NULL, NULL, nonce, NULL) == 1;
	int none;

	for (unsigned i = 0; ok && i < n; i++)
		head[1 + i] = parts[i].n;
	ok = ok && add(gmac, head, (1 + n) * sizeof(head[0]));
	for (unsigned i = 0; ok && i < n; i++)
		ok = add(gmac, parts[i].p, parts[i].n);
	ok = ok && EVP_EncryptFinal_ex(gmac, out.at, &none) == 1 &&
	     EVP_CIPHER_CTX_ctrl(gmac, EVP_CTRL_AEAD_GET_TAG, sizeof(out.at), out.at) == 1;
	/* Where it went wrong all texts would be one. */
	RW_BUG_ON(!ok);
	return out;
}
