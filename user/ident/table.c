/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "ident/keys.h"
#include "ident/text.h"

/*
 * Open addressing, at most half full, by the first bytes of the hash: SHA-256 of 256 random bits
 * spreads by itself, and nobody can choose where a guess lands without knowing what it hashes to.
 * Slots hold an index + 1 into keys; 0 is free, so every probe ends.
 */
struct rw_keytable {
	atomic_uint refs;
	unsigned n;
	uint32_t mask;
	struct rw_key *keys;
	uint32_t slots[];
};

static uint32_t first_slot(const struct rw_keytable *t, const unsigned char hash[32])
{
	uint32_t v;

	memcpy(&v, hash, sizeof(v));
	return v & t->mask;
}

static void place(struct rw_keytable *t, unsigned index)
{
	uint32_t i = first_slot(t, t->keys[index].hash);

	while (t->slots[i])
		i = (i + 1) & t->mask;
	t->slots[i] = index + 1;
}

/* Keeps the live keys in front; returns how many. */
static unsigned only_live(struct rw_key *keys, unsigned n)
{
	unsigned live = 0;

	for (unsigned i = 0; i < n; i++)
		if (!keys[i].revoked_ms)
			keys[live++] = keys[i];
	return live;
}

/* Puts the list's keys behind those of the store. */
static int add_listed(struct rw_key **keys, unsigned *n, const char *list, struct rw_error *e)
{
	struct rw_key *listed = NULL, *all;
	unsigned n_listed = 0;
	int rc = rw_keylist_read(list, &listed, &n_listed, e);

	if (rc || !n_listed) {
		free(listed);
		return rc;
	}
	all = reallocarray(*keys, *n + n_listed, sizeof(**keys));
	if (all) {
		memcpy(all + *n, listed, n_listed * sizeof(*all));
		*keys = all;
		*n += n_listed;
	} else {
		rc = rw_fail(e, RW_ENOMEM, "out of memory for %u keys", *n + n_listed);
	}
	free(listed);
	return rc;
}

int rw_keytable_new(struct rw_keytable **out, struct rw_keystore *ks, const char *list,
		    struct rw_error *e)
{
	struct rw_keytable *t;
	struct rw_key *keys;
	uint32_t slots = 2;
	unsigned n;
	int rc;

	rc = rw_keystore_list(ks, &keys, &n, e);
	if (rc)
		return rc;
	n = only_live(keys, n);
	rc = list ? add_listed(&keys, &n, list, e) : RW_OK;
	if (rc) {
		free(keys);
		return rc;
	}
	while (slots / 2 < n)
		slots *= 2;
	t = calloc(1, sizeof(*t) + slots * sizeof(t->slots[0]));
	if (!t) {
		free(keys);
		return rw_fail(e, RW_ENOMEM, "out of memory for %u keys", n);
	}
	atomic_init(&t->refs, 1);
	t->n = n;
	t->mask = slots - 1;
	t->keys = keys;
	for (unsigned i = 0; i < n; i++)
		place(t, i);
	*out = t;
	return RW_OK;
}

struct rw_keytable *rw_keytable_ref(struct rw_keytable *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void rw_keytable_unref(struct rw_keytable *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(t->keys);
	free(t);
}

const struct rw_key *rw_keytable_find(const struct rw_keytable *t, struct rw_slice text)
{
	unsigned char hash[RW_KEY_HASH_BYTES];

	if (!rw_key_is_text(text) || rw_key_hash(text, hash))
		return NULL;
	for (uint32_t i = first_slot(t, hash); t->slots[i]; i = (i + 1) & t->mask) {
		const struct rw_key *k = &t->keys[t->slots[i] - 1];

		if (CRYPTO_memcmp(k->hash, hash, sizeof(hash)) == 0)
			return k;
	}
	return NULL;
}

unsigned rw_keytable_count(const struct rw_keytable *t)
{
	return t->n;
}
