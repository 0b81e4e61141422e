/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/rules.h"

#include <stdlib.h>

static const char *const category_names[RW_CAT_COUNT] = {"injection", "pii",   "secret",
							 "markup",    "topic", "leak"};
static const char *const action_names[] = {"allow", "flag", "mask", "block"};

static const char *const via_names[RW_VIAS] = {"plain",	 "decoded", "rotated", "reversed",
					       "spaced", "joined",  "turns"};

const char *rw_via_name(enum rw_via via)
{
	return via_names[via];
}

const char *rw_category_name(enum rw_category c)
{
	return category_names[c];
}

const char *rw_action_name(enum rw_action a)
{
	return action_names[a];
}

bool rw_action_parse(const char *name, enum rw_action *out)
{
	for (unsigned a = RW_ACT_ALLOW; a <= RW_ACT_BLOCK; a++) {
		if (strcmp(name, action_names[a]) != 0)
			continue;
		*out = (enum rw_action)a;
		return true;
	}
	return false;
}

struct rw_rules *rw_rules_ref(struct rw_rules *r)
{
	r->refs++;
	return r;
}

void rw_rules_unref(struct rw_rules *r)
{
	if (!r || --r->refs)
		return;
	for (unsigned i = 0; i < r->n_pats; i++)
		pcre2_code_free(r->pats[i].code);
	free(r->pats);
	rw_lexicon_free(r->lexicon);
	rw_concepts_free(r->concepts);
	rw_model_free(r->model);
	free(r->pieces);
	free(r->needles);
	free(r->links);
	rw_shapes_free(&r->shapes);
	free(r->led);
	for (unsigned i = 0; i < RW_DB_COUNT; i++)
		hs_free_database(r->db[i]);
	for (unsigned i = 0; i < r->n_skipped; i++)
		free(r->skipped[i]);
	free(r->skipped);
	rw_ruleset_free(&r->set);
	free(r);
}

unsigned rw_rules_count(const struct rw_rules *r)
{
	return r->set.n;
}

size_t rw_rules_bytes(const struct rw_rules *r)
{
	size_t sum = 0, n;

	for (unsigned i = 0; i < RW_DB_COUNT; i++)
		if (r->db[i] && hs_database_size(r->db[i], &n) == HS_SUCCESS)
			sum += n;
	for (unsigned i = 0; i < r->n_pats; i++) {
		if (pcre2_pattern_info(r->pats[i].code, PCRE2_INFO_SIZE, &n) == 0)
			sum += n;
		if (pcre2_pattern_info(r->pats[i].code, PCRE2_INFO_JITSIZE, &n) == 0)
			sum += n;
	}
	return sum + rw_lexicon_bytes(r->lexicon);
}

const struct rw_rule_info *rw_rules_info(const struct rw_rules *r, unsigned rule)
{
	return &r->set.rules[rule].info;
}

const struct rw_rule *rw_rules_rule(const struct rw_rules *r, unsigned rule)
{
	return &r->set.rules[rule];
}

const struct rw_rule_disabled *rw_rules_disabled(const struct rw_rules *r, unsigned i)
{
	return i < r->set.n_disabled ? &r->set.disabled[i] : NULL;
}

unsigned rw_rules_skipped(const struct rw_rules *r)
{
	return r->n_skipped;
}

const char *rw_rules_skipped_why(const struct rw_rules *r, unsigned i)
{
	return r->skipped[i];
}

const char *rw_rules_concept(const struct rw_rules *r, unsigned concept)
{
	return rw_concepts_id(r->concepts, concept);
}

const char *rw_rules_digest(const struct rw_rules *r)
{
	return r->digest;
}

uint16_t rw_rule_stronger(const struct rw_rules *r, uint16_t a, uint16_t b)
{
	unsigned sa = rw_rule_of(r, a)->info.severity, sb = rw_rule_of(r, b)->info.severity;

	if (sa != sb)
		return sa > sb ? a : b;
	return a < b ? a : b;
}
