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
	struct entry entries[SETS][WAYS];
};

struct rw_recall *rw_recall_new(void)
{
	return calloc(1, sizeof(struct rw_recall));
}

void rw_recall_free(struct rw_recall *c)
{
	free(c);
}

static bool is_of(const struct entry *e, const struct rw_text_key *key)
{
	return e->until_ns && memcmp(&e->key, key, sizeof(*key)) == 0;
}

bool rw_recall_get(const struct rw_recall *c, const struct rw_text_key *key, uint64_t now_ns,
		   struct rw_finding *out, unsigned *n)
{
	const struct entry *set = c->entries[rw_text_key_part(key, SETS)];

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
	struct entry *set = c->entries[rw_text_key_part(key, SETS)], *e = &set[0];

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
