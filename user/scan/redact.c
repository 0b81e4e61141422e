/* SPDX-License-Identifier: Apache-2.0 */
/* Which kind of redaction a rule's findings get, and writing them. */
#include "scan/redact_int.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "scan/vault.h"

static const char *const names[RW_REDACT_KINDS] = {"mask",   "replace",	  "hash",
						   "remove", "synthetic", "token"};

const char *rw_redact_name(enum rw_redact kind)
{
	return names[kind];
}

bool rw_redact_needs_key(const struct rw_redact_plan *plan)
{
	bool needs = false;

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		needs |= plan->category[c] == RW_REDACT_HASH ||
			 plan->category[c] == RW_REDACT_SYNTHETIC;
	for (unsigned i = 0; i < plan->n_types; i++)
		needs |= plan->types[i].as == RW_REDACT_HASH ||
			 plan->types[i].as == RW_REDACT_SYNTHETIC;
	return needs;
}

/* Sets the kind of every rule of the type; false: there is none. */
static bool set_type(struct rw_redactor *x, const struct rw_rules *rules,
		     const struct rw_redact_type *t)
{
	bool any = false;

	for (unsigned i = 0; i < x->n; i++) {
		if (strcmp(rw_rule_of(rules, i)->info.type, t->type) != 0)
			continue;
		x->kind[i] = (uint8_t)t->as;
		any = true;
	}
	return any;
}

static bool masks_all(const struct rw_redactor *x)
{
	for (unsigned i = 0; i < x->n; i++)
		if (x->kind[i] != RW_REDACT_MASK)
			return false;
	return true;
}

int rw_redactor_new(struct rw_redactor **out, const struct rw_rules *rules,
		    const struct rw_redact_plan *plan, const unsigned char key[RW_REDACT_KEY_BYTES],
		    struct rw_error *e)
{
	unsigned n = rw_rules_count(rules);
	struct rw_redactor *x = calloc(1, sizeof(*x) + n);

	*out = NULL;
	if (!x)
		return rw_fail(e, RW_ENOMEM, "no memory for the redactor");
	x->refs = 1;
	x->n = n;
	for (unsigned i = 0; i < n; i++)
		x->kind[i] = (uint8_t)plan->category[rw_rule_of(rules, i)->info.category];
	for (unsigned i = 0; i < plan->n_types; i++) {
		if (set_type(x, rules, &plan->types[i]))
			continue;
		free(x);
		return rw_fail(e, RW_EINVAL,
			       "guards.redaction.types: no rule finds the type %.64s; "
			       "x-ringwall-findings and docs/rules.md name the types",
			       plan->types[i].type);
	}
	if (masks_all(x)) {
		free(x);
		return RW_OK;
	}
	if (key)
		memcpy(x->key, key, sizeof(x->key));
	*out = x;
	return RW_OK;
}

struct rw_redactor *rw_redactor_ref(struct rw_redactor *x)
{
	if (x)
		x->refs++;
	return x;
}

void rw_redactor_unref(struct rw_redactor *x)
{
	if (!x || --x->refs)
		return;
	OPENSSL_cleanse(x->key, sizeof(x->key));
	free(x);
}

enum rw_redact rw_redactor_kind(const struct rw_redactor *x, unsigned rule)
{
	return x && rule < x->n ? (enum rw_redact)x->kind[rule] : RW_REDACT_MASK;
}

enum rw_redact rw_redactor_kind_in(const struct rw_guard *g, unsigned rule)
{
	enum rw_redact kind = rw_redactor_kind(g->vault ? g->vault->redactor : NULL, rule);

	/* A token that the model made up stands for nothing that the caller has. */
	return kind == RW_REDACT_TOKEN && g->in_answer ? RW_REDACT_MASK : kind;
}

/* --- writing ----------------------------------------------------------------------------- */

int rw_redact_label(const struct rw_rule_info *info, struct rw_buf *out)
{
	int rc = rw_buf_add(out, "[", 1);

	if (!rc)
		rc = rw_buf_add_str(out, info->type);
	return rc ? rc : rw_buf_add(out, "]", 1);
}

/* [TYPE_N] or [TYPE_N_TAG] */
static int put_number(struct rw_vault *v, const struct rw_rule_info *info, unsigned number,
		      bool token, struct rw_buf *out)
{
	return token ? rw_buf_addf(out, "[%s_%u_%s]", info->type, number, v->tag)
		     : rw_buf_addf(out, "[%s_%u]", info->type, number);
}

static int put_numbered(struct rw_vault *v, const struct rw_rule_info *info, struct rw_slice value,
			bool token, struct rw_buf *out)
{
	unsigned number;
	/* A label that could not be read back is none; the bound is far from any type's length. */
	bool fits = strlen(info->type) + RW_VAULT_TAG + 16 < RW_TOKEN_MAX;
	int rc = fits ? rw_vault_number(v, info->type, value, token, &number) : RW_ELIMIT;

	if (rc == RW_ELIMIT)
		return rw_redact_label(info, out);
	return rc ? rc : put_number(v, info, number, token, out);
}

/*
 * Letters only, and small ones: with a digit in it, or as base64, it would look like a secret to
 * the next scanner, this one too.
 */
static int put_hash(struct rw_vault *v, const struct rw_rule_info *info, struct rw_slice value,
		    struct rw_buf *out)
{
	char text[RW_HASH_LETTERS + 1];
	unsigned char sum[32];
	int rc = rw_vault_mac(v, "hash", info->type, value, sum);

	for (unsigned i = 0; i < RW_HASH_LETTERS; i++)
		text[i] = (char)('a' + (sum[i / 2] >> (i % 2 ? 0 : 4) & 15));
	text[RW_HASH_LETTERS] = '\0';
	return rc ? rc : rw_buf_addf(out, "[%s#%s]", info->type, text);
}

/* A value that was made here is left as it is when it comes back. */
static int put_synthetic(struct rw_vault *v, const struct rw_rule *rule, struct rw_slice value,
			 struct rw_buf *out)
{
	unsigned char sum[32];
	char text[RW_SYNTH_MAX];
	uint64_t seed;
	size_t n;
	int rc;

	if (rw_vault_made(v, value))
		return rw_buf_add_slice(out, value);
	rc = rw_vault_mac(v, "synthetic", rule->info.type, value, sum);
	if (rc)
		return rc;
	memcpy(&seed, sum, sizeof(seed));
	if (!rw_synth(rule, value, seed, text, &n))
		return rw_redact_label(&rule->info, out);
	rc = rw_vault_remember(v, rw_slice_of(text, n));
	if (rc == RW_ELIMIT) /* it would not be known again */
		return rw_redact_label(&rule->info, out);
	return rc ? rc : rw_buf_add(out, text, n);
}

int rw_redact_put(const struct rw_guard *g, const struct rw_rules *r, const struct rw_finding *f,
		  struct rw_slice value, struct rw_buf *out)
{
	const struct rw_rule *rule = rw_rule_of(r, f->rule);
	enum rw_redact kind = rw_redactor_kind_in(g, f->rule);
	struct rw_vault *v = g->vault;

	if (kind == RW_REDACT_REMOVE)
		return RW_OK;
	/* What is longer than a lane holds is not known whole where a lane writes it. */
	if (f->swallowed && kind != RW_REDACT_TOKEN)
		return rw_redact_label(&rule->info, out);
	switch (kind) {
	case RW_REDACT_REPLACE:
		return put_numbered(v, &rule->info, value, false, out);
	case RW_REDACT_TOKEN:
		return put_numbered(v, &rule->info, value, true, out);
	case RW_REDACT_HASH:
		return put_hash(v, &rule->info, value, out);
	case RW_REDACT_SYNTHETIC:
		return put_synthetic(v, rule, value, out);
	default:
		return rw_redact_label(&rule->info, out);
	}
}
