/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/clean.h"

#include <stdlib.h>

enum { WAYS = 4, SETS = RW_CLEAN_ENTRIES / WAYS };

struct entry {
	struct rw_text_key key;
	uint16_t evidence;
	bool there;
};

struct rw_clean {
	struct entry entries[SETS][WAYS]; /* of a set, what was said last first */
};

struct rw_clean *rw_clean_new(void)
{
	return calloc(1, sizeof(struct rw_clean));
}

void rw_clean_free(struct rw_clean *c)
{
	free(c);
}

static struct entry *set_of(struct rw_clean *c, const struct rw_text_key *key)
{
	return c->entries[rw_text_key_part(key, SETS)];
}

/* Moves the first n back by one, over what is behind them, for e. */
static void put_first(struct entry *set, unsigned n, struct entry e)
{
	memmove(set + 1, set, n * sizeof(*set));
	set[0] = e;
}

bool rw_clean_get(struct rw_clean *c, const struct rw_text_key *key, uint16_t *evidence)
{
	struct entry *set = set_of(c, key);

	for (unsigned i = 0; i < WAYS; i++) {
		if (!set[i].there || memcmp(&set[i].key, key, sizeof(*key)) != 0)
			continue;
		*evidence = set[i].evidence;
		put_first(set, i, set[i]);
		return true;
	}
	return false;
}

void rw_clean_put(struct rw_clean *c, const struct rw_text_key *key, uint16_t evidence)
{
	uint16_t was;

	if (!rw_clean_get(c, key, &was)) /* else it is the first now */
		put_first(set_of(c, key), WAYS - 1, (struct entry){*key, evidence, true});
	set_of(c, key)->evidence = evidence;
}
