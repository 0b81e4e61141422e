/* SPDX-License-Identifier: Apache-2.0 */
/* One request's values: numbers, tokens and their way back. */
#include "scan/vault.h"

#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <xxhash.h>

enum { CHUNK_BYTES = 8 * 1024, ENTRIES_FIRST = 32 };

struct rw_vault_chunk {
	struct rw_vault_chunk *next;
	size_t used, cap;
	char data[];
};

struct rw_vault *rw_vault_new(void)
{
	return calloc(1, sizeof(struct rw_vault));
}

/* Letters only, of one case: the token has no digit but its number, and may be re-cased. */
static void make_tag(struct rw_vault *v, uint64_t random)
{
	for (unsigned i = 0; i < RW_VAULT_TAG; i++, random /= 26)
		v->tag[i] = (char)('a' + random % 26);
	v->tag[RW_VAULT_TAG] = '\0';
}

/* The key stays in the context from request to request: a new one is rare. */
static int take_key(struct rw_vault *v, const struct rw_redactor *r)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *hmac;

	if (v->keyed && CRYPTO_memcmp(v->mac_key, r->key, sizeof(r->key)) == 0)
		return RW_OK;
	if (!v->mac) {
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
		v->mac = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
		EVP_MAC_free(hmac);
	}
	if (!v->mac)
		return RW_ENOMEM;
	if (!EVP_MAC_init(v->mac, r->key, sizeof(r->key), params))
		return RW_EIO;
	memcpy(v->mac_key, r->key, sizeof(r->key));
	v->keyed = true;
	return RW_OK;
}

int rw_vault_begin(struct rw_vault *v, const struct rw_redactor *r, uint64_t random)
{
	int rc = take_key(v, r);

	if (rc)
		return rc;
	v->redactor = r;
	v->seed = random;
	make_tag(v, random);
	return RW_OK;
}

/* One chunk is kept warm. */
static void wipe_chunks(struct rw_vault *v)
{
	struct rw_vault_chunk *c = v->chunks, *next;

	v->chunks = NULL;
	for (; c; c = next) {
		next = c->next;
		OPENSSL_cleanse(c->data, c->used);
		c->used = 0;
		if (next || c->cap != CHUNK_BYTES) {
			free(c);
			continue;
		}
		c->next = NULL;
		v->chunks = c;
	}
}

void rw_vault_end(struct rw_vault *v)
{
	if (!v->redactor)
		return;
	wipe_chunks(v);
	if (v->n) {
		memset(v->slots, 0, sizeof(v->slots));
		memset(v->entries, 0, v->n * sizeof(*v->entries));
	}
	v->n = v->n_types = 0;
	v->bytes = 0;
	v->redactor = NULL;
}

void rw_vault_free(struct rw_vault *v)
{
	if (!v)
		return;
	rw_vault_end(v);
	free(v->chunks);
	free(v->entries);
	EVP_MAC_CTX_free(v->mac);
	OPENSSL_cleanse(v->mac_key, sizeof(v->mac_key));
	free(v);
}

bool rw_vault_has_tokens(const struct rw_vault *v)
{
	return v && v->n_types > 0;
}

/* --- values ------------------------------------------------------------------------------ */

static char *keep(struct rw_vault *v, size_t n)
{
	struct rw_vault_chunk *c = v->chunks;
	size_t cap = n > CHUNK_BYTES ? n : CHUNK_BYTES;

	if (!c || c->cap - c->used < n) {
		c = malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		*c = (struct rw_vault_chunk){.next = v->chunks, .cap = cap};
		v->chunks = c;
	}
	c->used += n;
	return c->data + c->used - n;
}

static uint64_t hash_of(const struct rw_vault *v, struct rw_slice value)
{
	return XXH3_64bits_withSeed(value.p, value.n, v->seed);
}

/* The slot of the value with that type, or a free one. */
static uint16_t *find(const struct rw_vault *v, const char *type, struct rw_slice value,
		      uint64_t hash)
{
	for (uint64_t at = hash;; at++) {
		const uint16_t *slot = &v->slots[at % RW_VAULT_SLOTS];
		const struct rw_vault_entry *e = *slot ? &v->entries[*slot - 1] : NULL;

		if (!e || (e->hash == hash &&
			   (e->type == type || (e->type && type && !strcmp(e->type, type))) &&
			   rw_slice_eq(e->value, value)))
			return (uint16_t *)(uintptr_t)slot;
	}
}

static int grow(struct rw_vault *v)
{
	unsigned cap = v->cap ? v->cap * 2 : ENTRIES_FIRST;
	struct rw_vault_entry *more = realloc(v->entries, cap * sizeof(*more));

	if (!more)
		return RW_ENOMEM;
	v->entries = more;
	v->cap = cap;
	return RW_OK;
}

static int add(struct rw_vault *v, const char *type, struct rw_slice value, uint64_t hash,
	       uint16_t *slot)
{
	char *copy;
	int rc;

	if (v->n == RW_VAULT_VALUES || value.n > RW_VAULT_VALUE_BYTES ||
	    v->bytes + value.n > RW_VAULT_BYTES)
		return RW_ELIMIT;
	rc = v->n == v->cap ? grow(v) : RW_OK;
	if (rc)
		return rc;
	copy = keep(v, value.n);
	if (!copy)
		return RW_ENOMEM;
	memcpy(copy, value.p, value.n);
	v->entries[v->n++] = (struct rw_vault_entry){type, rw_slice_of(copy, value.n), hash, false};
	v->bytes += value.n;
	*slot = (uint16_t)v->n;
	return RW_OK;
}

/* That there are tokens of the type; false: of too many others already. */
static bool know_type(struct rw_vault *v, const char *type)
{
	for (unsigned i = 0; i < v->n_types; i++)
		if (strcmp(v->types[i], type) == 0)
			return true;
	if (v->n_types == RW_VAULT_TYPES)
		return false;
	v->types[v->n_types++] = type;
	return true;
}

int rw_vault_number(struct rw_vault *v, const char *type, struct rw_slice value, bool token,
		    unsigned *number)
{
	uint64_t hash = hash_of(v, value);
	uint16_t *slot = find(v, type, value, hash);
	int rc = *slot ? RW_OK : add(v, type, value, hash, slot);

	if (rc)
		return rc;
	*number = *slot;
	if (token && !v->entries[*slot - 1].token && !know_type(v, type))
		return RW_ELIMIT;
	v->entries[*slot - 1].token |= token;
	return RW_OK;
}

int rw_vault_remember(struct rw_vault *v, struct rw_slice made)
{
	uint64_t hash = hash_of(v, made);
	uint16_t *slot = find(v, NULL, made, hash);

	return *slot ? RW_OK : add(v, NULL, made, hash, slot);
}

bool rw_vault_made(const struct rw_vault *v, struct rw_slice value)
{
	return v->n && *find(v, NULL, value, hash_of(v, value));
}

int rw_vault_mac(struct rw_vault *v, const char *purpose, const char *type, struct rw_slice value,
		 unsigned char out[32])
{
	size_t n;

	if (!EVP_MAC_init(v->mac, NULL, 0, NULL) ||
	    !EVP_MAC_update(v->mac, (const unsigned char *)purpose, strlen(purpose) + 1) ||
	    !EVP_MAC_update(v->mac, (const unsigned char *)type, strlen(type) + 1) ||
	    !EVP_MAC_update(v->mac, (const unsigned char *)value.p, value.n) ||
	    !EVP_MAC_final(v->mac, out, &n, 32) || n != 32)
		return RW_EIO;
	return RW_OK;
}

/* --- tokens ------------------------------------------------------------------------------ */

enum reading { READ_OTHER, READ_MORE, READ_DONE };

/*
 * Reads what at *at of s, as a model may write it: any case, a backslash in front of an
 * underscore (Markdown). READ_MORE: s ends, and may go on to be it.
 */
static enum reading read_text(struct rw_slice s, size_t *at, const char *what)
{
	for (; *what; what++, ++*at) {
		if (*what == '_' && *at < s.n && s.p[*at] == '\\')
			++*at;
		if (*at == s.n)
			return READ_MORE;
		if (tolower((unsigned char)s.p[*at]) != tolower((unsigned char)*what))
			return READ_OTHER;
	}
	return READ_DONE;
}

static enum reading read_number(struct rw_slice s, size_t *at, unsigned *number)
{
	enum { DIGITS = 4 }; /* of RW_VAULT_VALUES */
	unsigned n = 0;

	*number = 0;
	for (; *at < s.n && n < DIGITS && isdigit((unsigned char)s.p[*at]); n++, ++*at)
		*number = *number * 10 + (unsigned)(s.p[*at] - '0');
	if (*at == s.n)
		return READ_MORE;
	return n ? READ_DONE : READ_OTHER;
}

/* [TYPE_N_TAG] */
static enum reading read_token(const struct rw_vault *v, const char *type, struct rw_slice s,
			       unsigned *number)
{
	size_t at = 0;
	enum reading got = read_text(s, &at, "[");

	if (got == READ_DONE)
		got = read_text(s, &at, type);
	if (got == READ_DONE)
		got = read_text(s, &at, "_");
	if (got == READ_DONE)
		got = read_number(s, &at, number);
	if (got == READ_DONE)
		got = read_text(s, &at, "_");
	if (got == READ_DONE)
		got = read_text(s, &at, v->tag);
	if (got == READ_DONE)
		got = read_text(s, &at, "]");
	return got == READ_DONE && at != s.n ? READ_OTHER : got;
}

bool rw_vault_restore(const struct rw_vault *v, struct rw_slice token, struct rw_slice *value)
{
	unsigned number;

	for (unsigned i = 0; i < v->n_types; i++) {
		const struct rw_vault_entry *e;

		if (read_token(v, v->types[i], token, &number) != READ_DONE || number == 0 ||
		    number > v->n)
			continue;
		e = &v->entries[number - 1];
		if (!e->token || strcmp(e->type, v->types[i]) != 0)
			continue;
		*value = e->value;
		return true;
	}
	return false;
}

bool rw_vault_may_begin(const struct rw_vault *v, struct rw_slice text)
{
	unsigned number;

	for (unsigned i = 0; i < v->n_types; i++)
		if (read_token(v, v->types[i], text, &number) != READ_OTHER)
			return true;
	return false;
}
