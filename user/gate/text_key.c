/* SPDX-License-Identifier: Apache-2.0 */
/* For SHA256_Init and friends, which cost a third of EVP's and allocate nothing (ident/text.c). */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "gate/text_key.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "base/err.h"

int rw_text_secret_make(struct rw_text_secret *out)
{
	return RAND_bytes(out->at, sizeof(out->at)) == 1 ? RW_OK : RW_EIO;
}

void rw_text_secret_wipe(struct rw_text_secret *s)
{
	OPENSSL_cleanse(s->at, sizeof(s->at));
}

struct rw_text_key rw_text_key_of(const struct rw_text_secret *s, const struct rw_slice *parts,
				  unsigned n)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	struct rw_text_key out;
	SHA256_CTX c;

	SHA256_Init(&c);
	SHA256_Update(&c, s->at, sizeof(s->at));
	for (unsigned i = 0; i < n; i++) {
		uint64_t length = parts[i].n;

		SHA256_Update(&c, &length, sizeof(length));
		SHA256_Update(&c, parts[i].p, parts[i].n);
	}
	SHA256_Final(sum, &c);
	OPENSSL_cleanse(&c, sizeof(c));
	memcpy(out.at, sum, sizeof(out.at));
	return out;
}
