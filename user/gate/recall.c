/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/recall.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = RW_RECALL_ENTRIES / WAYS, SECRET_BYTES = 32 };

struct entry {
	struct rw_recall_key key;
	uint64_t until_ns; /* 0: empty */
	unsigned n;
	struct rw_finding at[RW_RECALL_FINDINGS];
};

struct rw_recall {
	uint8_t secret[SECRET_BYTES];
	struct entry entries[SETS][WAYS];
};

struct rw_recall *rw_recall_new(void)
{
	struct rw_recall *c = calloc(1, sizeof(*c));

	if (c && RAND_bytes(c->secret, sizeof(c->secret)) == 1)
		return c;
	free(c);
	return NULL;
}

void rw_recall_free(struct rw_recall *c)
{
	if (!c)
		return;
	OPENSSL_cleanse(c->secret, sizeof(c->secret));
	free(c);
}

int rw_recall_key(const struct rw_recall *c, const struct rw_slice *parts, unsigned n,
		  struct rw_recall_key *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sum[EVP_MAX_MD_SIZE];
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(md, c->secret, sizeof(c->secret)) == 1;

	for (unsigned i = 0; ok && i < n; i++) {
		uint64_t length = parts[i].n; /* so that parts cannot run into each other */

		ok = EVP_DigestUpdate(md, &length, sizeof(length)) == 1 &&
		     EVP_DigestUpdate(md, parts[i].p, parts[i].n) == 1;
	}
	ok = ok && EVP_DigestFinal_ex(md, sum, NULL) == 1;
	if (ok)
		memcpy(out->at, sum, sizeof(out->at));
	EVP_MD_CTX_free(md);
	return ok ? RW_OK : RW_EIO;
}

static unsigned set_of(const struct rw_recall_key *key)
{
	return (key->at[0] | (unsigned)key->at[1] << 8) % SETS;
}

static bool is_of(const struct entry *e, const struct rw_recall_key *key)
{
	return e->until_ns && memcmp(&e->key, key, sizeof(*key)) == 0;
}

bool rw_recall_get(const struct rw_recall *c, const struct rw_recall_key *key, uint64_t now_ns,
		   struct rw_finding *out, unsigned *n)
{
	const struct entry *set = c->entries[set_of(key)];

	for (unsigned i = 0; i < WAYS; i++) {
		if (!is_of(&set[i], key) || set[i].until_ns <= now_ns)
			continue;
		memcpy(out, set[i].at, set[i].n * sizeof(out[0]));
		*n = set[i].n;
		return true;
	}
	return false;
}

void rw_recall_put(struct rw_recall *c, const struct rw_recall_key *key, uint64_t until_ns,
		   const struct rw_finding *at, unsigned n)
{
	struct entry *set = c->entries[set_of(key)], *e = &set[0];

	if (n > RW_RECALL_FINDINGS)
		return;
	for (unsigned i = 0; i < WAYS; i++) {
		if (is_of(&set[i], key)) {
			e = &set[i];
			break;
		}
		if (set[i].until_ns < e->until_ns)
			e = &set[i];
	}
	e->key = *key;
	e->until_ns = until_ns;
	e->n = n;
	if (n)
		memcpy(e->at, at, n * sizeof(at[0]));
}
