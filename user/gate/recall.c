/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/recall.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = RW_RECALL_ENTRIES / WAYS };

struct entry {
	struct rw_text_key key;
	uint64_t until_ns; /* 0: empty */
	unsigned n;
	struct rw_finding at[RW_RECALL_FINDINGS];
};

struct rw_recall {
	struct rw_text_secret secret;
	struct entry entries[SETS][WAYS];
};

struct rw_recall *rw_recall_new(void)
{
	struct rw_recall *c = calloc(1, sizeof(*c));

	if (c && rw_text_secret_make(&c->secret) == RW_OK)
		return c;
	free(c);
	return NULL;
}

void rw_recall_free(struct rw_recall *c)
{
	if (!c)
		return;
	rw_text_secret_wipe(&c->secret);
	free(c);
}

struct rw_text_key rw_recall_key(const struct rw_recall *c, const struct rw_slice *parts,
				 unsigned n)
{
	return rw_text_key_of(&c->secret, parts, n);
}

static unsigned set_of(const struct rw_text_key *key)
{
	return (key->at[0] | (unsigned)key->at[1] << 8) % SETS;
}

static bool is_of(const struct entry *e, const struct rw_text_key *key)
{
	return e->until_ns && memcmp(&e->key, key, sizeof(*key)) == 0;
}

bool rw_recall_get(const struct rw_recall *c, const struct rw_text_key *key, uint64_t now_ns,
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

void rw_recall_put(struct rw_recall *c, const struct rw_text_key *key, uint64_t until_ns,
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
