/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redaction: what stands where a found value stood. One of a scan's headers that other
 * rooms see.
 *
 * A redactor says how each rule's findings are written: one kind per entity type, else per
 * category. Made from the configuration for one rule set, immutable, shared by all threads and
 * reference-counted; it holds the key that hashes and synthetic values are made with, and wipes it.
 *
 * A vault is one request's memory of the values that were redacted in it: which number a
 * value has, what a token stands for. One thread; begun with a request, ended (and wiped) with
 * it, kept for the next. A guard without a vault writes "[EMAIL_ADDRESS]", whatever is found.
 */
#ifndef RW_SCAN_REDACT_H
#define RW_SCAN_REDACT_H

#include "scan/scan.h"

enum rw_redact {
	RW_REDACT_MASK,	   /* [EMAIL_ADDRESS] */
	RW_REDACT_REPLACE, /* [EMAIL_ADDRESS_1]: equal values of a request have equal numbers */
	RW_REDACT_HASH,	  /* [EMAIL_ADDRESS#kdjfhaplmnbc]: equal values are equal in all requests */
	RW_REDACT_REMOVE, /* nothing */
	RW_REDACT_SYNTHETIC, /* kqzv.hwmt@example.com: same form, nobody's */
	RW_REDACT_TOKEN,     /* [EMAIL_ADDRESS_1_qkzjvhmwxd]: the value again in the answer */
	RW_REDACT_KINDS
};
/* "mask", "replace", "hash", "remove", "synthetic", "token". */
const char *rw_redact_name(enum rw_redact kind);

enum {
	RW_REDACT_KEY_BYTES = 32,
	RW_REDACT_TYPES = 64,		  /* listed in the configuration */
	RW_VAULT_VALUES = 1024,		  /* of one request: what comes after is masked only */
	RW_VAULT_BYTES = 256 * 1024,	  /* of all its values */
	RW_VAULT_VALUE_BYTES = 16 * 1024, /* of one: a longer one is masked only */
	RW_TOKEN_MAX = 96,		  /* a label with its brackets */
};

struct rw_redact_type {
	const char *type; /* "EMAIL_ADDRESS" */
	enum rw_redact as;
};
/* How found values are written, as configured. */
struct rw_redact_plan {
	enum rw_redact category[RW_CAT_COUNT];
	struct rw_redact_type types[RW_REDACT_TYPES]; /* go before their category */
	unsigned n_types;
};

struct rw_redactor;
/*
 * *out is NULL where the plan masks everything: nothing is needed then. RW_EINVAL: a type that no
 * rule has. The key is copied; it may be NULL where the plan needs none (rw_redact_needs_key).
 */
int rw_redactor_new(struct rw_redactor **out, const struct rw_rules *rules,
		    const struct rw_redact_plan *plan, const unsigned char key[RW_REDACT_KEY_BYTES],
		    struct rw_error *e);
bool rw_redact_needs_key(const struct rw_redact_plan *plan);
struct rw_redactor *rw_redactor_ref(struct rw_redactor *x); /* NULL is allowed, here and below */
void rw_redactor_unref(struct rw_redactor *x);
/* How findings of the rule are written; x may be NULL. */
enum rw_redact rw_redactor_kind(const struct rw_redactor *x, unsigned rule);

/* NULL: out of memory. */
struct rw_vault *rw_vault_new(void);
void rw_vault_free(struct rw_vault *v);
/*
 * A new request. The redactor is borrowed until the end; the random number makes the tag that tells
 * this request's tokens from all others'. RW_ENOMEM, RW_EIO.
 */
int rw_vault_begin(struct rw_vault *v, const struct rw_redactor *r, uint64_t random);
/* Wipes every value. */
void rw_vault_end(struct rw_vault *v);
/* Whether anything in it is to be restored. */
bool rw_vault_has_tokens(const struct rw_vault *v);

#endif
