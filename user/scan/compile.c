/* SPDX-License-Identifier: Apache-2.0 */
/* Rules to databases: every pattern for Hyperscan, the prefilter, as needles, and for PCRE2, the
 * judge. */
#include <stdlib.h>

#include "scan/dbcache.h"
#include "scan/needles.h"
#include "scan/prefilter.h"
#include "scan/view.h"

static int rule_fail(struct rw_error *e, const struct rw_rule *rule, unsigned line,
		     const char *what, const char *why)
{
	return rw_fail(e, RW_EINVAL, "%s:%u: rule %s: %s%s%s", rule->pack, line, rule->info.id,
		       what, why ? ": " : "", why ? why : "");
}

/*
 * What would make a decision depend on where a buffer ends: anchors. And in
 * classes of an injection pattern, letters of more than one byte.
 */
static const char *lint(const char *p, bool injection)
{
	bool in_class = false;

	for (; *p; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			if (!in_class && strchr("AzZGBKC", *p))
				return "anchors and \\B, \\K, \\C are not for rules";
			continue;
		}
		if (!in_class && (*p == '^' || *p == '$'))
			return "^ and $ are not for rules: text has no lines here";
		if (!in_class && *p == '{' && (p[1] == ',' || p[1] == ' '))
			return "a repeat is written {0,n}, without spaces: what others mean "
			       "depends on who reads them";
		if (*p == '[' && !in_class) {
			in_class = true;
			if (p[1] == '^')
				p++;
			if (p[1] == ']')
				p++;
		} else if (*p == ']') {
			in_class = false;
		}
		if (injection && in_class && (unsigned char)*p >= 0x80)
			return "a class cannot hold letters beyond ASCII; use (?:a|b)";
	}
	return NULL;
}

/* The source as its database reads it: injection patterns go through the view they will match. */
static int source_of(const struct rw_rule *rule, const struct rw_pack_str *p, struct rw_view *view,
		     char out[RW_PATTERN_MAX], struct rw_error *e)
{
	const char *why = lint(p->text, rw_reads_view(rule->info.category));
	size_t n = strlen(p->text);

	if (why)
		return rule_fail(e, rule, p->line, why, NULL);
	if (n >= RW_PATTERN_MAX)
		return rule_fail(e, rule, p->line, "the pattern is too long", NULL);
	if (rw_reads_view(rule->info.category)) {
		rw_view_fold_letters(view, rw_slice_of(p->text, n));
		n = view->n;
		memcpy(out, view->bytes, n);
	} else {
		memcpy(out, p->text, n);
	}
	out[n] = '\0';
	return 0;
}

static int compile_pcre(struct rw_pat *pat, const struct rw_rule *rule, unsigned line,
			const char *source, struct rw_error *e)
{
	int code;
	size_t at;
	uint32_t groups = 0;
	PCRE2_UCHAR why[128];

	pat->code = pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED,
				  PCRE2_DOTALL | PCRE2_USE_OFFSET_LIMIT, &code, &at, NULL);
	if (!pat->code) {
		pcre2_get_error_message(code, why, sizeof(why));
		return rule_fail(e, rule, line, "the pattern does not compile", (const char *)why);
	}
	pcre2_pattern_info(pat->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	if (groups > 1)
		return rule_fail(e, rule, line, "a pattern has one group at most: the value", NULL);
	pat->has_group = groups == 1;
	/* Where code may not be made at run time, the interpreter does. */
	pcre2_jit_compile(pat->code, PCRE2_JIT_COMPLETE);
	return 0;
}

/* The bounds of a pattern, and whether Hyperscan can read it. */
static int check_width(const struct rw_rule *rule, unsigned line, const char *source,
		       uint32_t *width, struct rw_error *e)
{
	bool injection = rw_reads_view(rule->info.category);
	hs_compile_error_t *he = NULL;
	hs_expr_info_t *info = NULL;
	int rc = 0;

	if (hs_expression_info(source, HS_FLAG_DOTALL, &info, &he) != HS_SUCCESS) {
		hs_free_compile_error(he);
		he = NULL;
		if (hs_expression_info(source, HS_FLAG_DOTALL | HS_FLAG_PREFILTER, &info, &he) !=
		    HS_SUCCESS)
			rc = rule_fail(e, rule, line, "the pattern is not for Hyperscan",
				       he ? he->message : NULL);
	}
	if (!rc && info->min_width < (injection || rule->info.category == RW_CAT_MARKUP ? 3 : 4))
		rc = rule_fail(e, rule, line, "the pattern matches too short a text", NULL);
	if (!rc && injection && info->max_width > RW_INJECTION_WIDTH)
		rc = rule_fail(e, rule, line, "the pattern's gaps are not bounded enough", NULL);
	if (!rc && info->min_width > RW_STEP_FRONT)
		rc = rule_fail(e, rule, line, "the pattern needs more than a window holds", NULL);
	*width = rc ? 0 : info->max_width;
	hs_free_compile_error(he);
	free(info);
	return rc;
}

static enum rw_db db_of(const struct rw_rule *rule)
{
	return rw_reads_view(rule->info.category) ? RW_DB_INJECTION : RW_DB_ENTITY;
}

/* The patterns of a database, in the order of their rules, and how wide each matches at most. */
struct patterns {
	struct pattern {
		unsigned rule;
		const struct rw_pack_str *p;
	} *at;
	struct rw_sources sources;
	uint32_t *widths;
	struct rw_arena texts;
};

static void patterns_free(struct patterns *all)
{
	free(all->at);
	free(all->widths);
	free(all->sources.at);
	free(all->sources.kinds);
	rw_arena_free(&all->texts);
}

static int list_patterns(struct rw_rules *r, enum rw_db db, unsigned most, struct patterns *all,
			 struct rw_view *view, struct rw_error *e)
{
	struct rw_sources *s = &all->sources;
	char source[RW_PATTERN_MAX];
	int rc = 0;

	all->at = calloc(most + 1, sizeof(*all->at));
	all->widths = calloc(most + 1, sizeof(*all->widths));
	s->at = calloc(most + 1, sizeof(*s->at));
	s->kinds = calloc(most + 1, sizeof(*s->kinds));
	if (!all->at || !all->widths || !s->at || !s->kinds)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	for (unsigned i = 0; !rc && i < r->set.n; i++) {
		const struct rw_rule *rule = &r->set.rules[i];

		r->at_pack = rule->pack;
		for (unsigned k = 0; !rc && k < rule->patterns.n && db_of(rule) == db; k++) {
			rc = source_of(rule, &rule->patterns.at[k], view, source, e);
			s->at[s->n] = rc ? NULL : rw_arena_copy(&all->texts, rw_slice_str(source));
			s->kinds[s->n] = rule->info.category;
			all->at[s->n] = (struct pattern){i, &rule->patterns.at[k]};
			if (!rc && !s->at[s->n++])
				rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
		}
	}
	return rc;
}

/* From where they are kept, or from Hyperscan; what is asked of patterns was asked before those
 * were kept. */
static int measure(struct rw_rules *r, struct patterns *all, struct rw_error *e)
{
	static const struct rw_rules_from nowhere;
	const struct rw_rules_from *from = r->from ? r->from : &nowhere;
	const struct rw_sources *s = &all->sources;
	int rc = 0;

	if ((from->shipped_dir &&
	     rw_dbcache_get_widths(from->shipped_dir, s, all->widths, from->note)) ||
	    (from->cache_dir && rw_dbcache_get_widths(from->cache_dir, s, all->widths, from->note)))
		return RW_OK;
	for (unsigned i = 0; !rc && i < s->n; i++) {
		const struct rw_rule *rule = &r->set.rules[all->at[i].rule];

		r->at_pack = rule->pack;
		rc = check_width(rule, all->at[i].p->line, s->at[i], &all->widths[i], e);
	}
	if (!rc && s->n && from->cache_dir)
		rw_dbcache_put_widths(from->cache_dir, s, all->widths, from->note);
	return rc;
}

static int add_pattern(struct rw_rules *r, struct rw_sack *sack, const struct pattern *pattern,
		       const char *source, uint32_t width, struct rw_error *e)
{
	const struct rw_rule *rule = &r->set.rules[pattern->rule];
	struct rw_pat *pat = &r->pats[r->n_pats];

	r->at_pack = rule->pack;
	*pat = (struct rw_pat){.rule = (uint16_t)pattern->rule,
			       .line = pattern->p->line,
			       .width = width,
			       .lead = width};
	if (rw_sack_add(sack, r->n_pats, pattern->p, source, db_of(rule) == RW_DB_INJECTION))
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	r->n_pats++;
	return compile_pcre(pat, rule, pattern->p->line, source, e);
}

static int add_patterns(struct rw_rules *r, enum rw_db db, unsigned most, struct rw_sack *sack,
			struct rw_view *view, struct rw_error *e)
{
	struct patterns all = {.at = NULL};
	int rc = list_patterns(r, db, most, &all, view, e);

	rc = rc ? rc : measure(r, &all, e);
	for (unsigned i = 0; !rc && i < all.sources.n; i++)
		rc = add_pattern(r, sack, &all.at[i], all.sources.at[i], all.widths[i], e);
	patterns_free(&all);
	return rc;
}

static hs_error_t compile_for(const struct rw_sack *s, const hs_platform_info_t *cpu,
			      hs_database_t **db, hs_compile_error_t **he)
{
	return hs_compile_multi(s->sources, s->flags, s->ids, s->n, HS_MODE_BLOCK, cpu, db, he);
}

/* For processors that can do more or less than ours, too: the library compiles for any. */
static int keep_for_every_processor(const struct rw_rules_from *from, const struct rw_sack *s,
				    struct rw_error *e)
{
	static const unsigned long long kinds[] = {
		0,
		HS_CPU_FEATURES_AVX2,
		HS_CPU_FEATURES_AVX2 | HS_CPU_FEATURES_AVX512,
		HS_CPU_FEATURES_AVX2 | HS_CPU_FEATURES_AVX512 | HS_CPU_FEATURES_AVX512VBMI,
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const hs_platform_info_t cpu = {.tune = HS_TUNE_FAMILY_GENERIC,
						.cpu_features = kinds[i]};
		hs_compile_error_t *he = NULL;
		hs_database_t *db = NULL;

		if (compile_for(s, &cpu, &db, &he) != HS_SUCCESS) {
			hs_free_compile_error(he);
			return rw_fail(e, RW_EINVAL, "the rules do not compile for processor %u",
				       i);
		}
		rw_dbcache_put(from->cache_dir, s, &cpu, db, from->note);
		hs_free_database(db);
	}
	return RW_OK;
}

static bool is_kept(const struct rw_rules_from *from, const struct rw_sack *s, hs_database_t **db)
{
	return (from->shipped_dir && rw_dbcache_get(from->shipped_dir, s, db, from->note)) ||
	       (from->cache_dir && rw_dbcache_get(from->cache_dir, s, db, from->note));
}

static int compile_hs(struct rw_rules *r, enum rw_db db, const struct rw_sack *s,
		      struct rw_error *e)
{
	static const struct rw_rules_from nowhere;
	const struct rw_rules_from *from = r->from ? r->from : &nowhere;
	hs_compile_error_t *he = NULL;
	hs_platform_info_t cpu;
	const struct rw_pat *pat;
	int rc = 0;

	if (!s->n)
		return 0;
	if (is_kept(from, s, &r->db[db]))
		return 0;
	if (!rw_dbcache_processor(&cpu))
		return rw_fail(e, RW_EUNSUP, "Hyperscan cannot tell what this processor can do");
	if (compile_for(s, &cpu, &r->db[db], &he) == HS_SUCCESS) {
		if (from->cache_dir && !from->every_processor)
			rw_dbcache_put(from->cache_dir, s, &cpu, r->db[db], from->note);
		return from->every_processor ? keep_for_every_processor(from, s, e) : 0;
	}
	if (he && he->expression >= 0 && (unsigned)he->expression < s->n) {
		pat = &r->pats[s->pats[he->expression]];
		r->at_pack = rw_rule_of(r, pat->rule)->pack;
		rc = rule_fail(e, rw_rule_of(r, pat->rule), pat->line,
			       "the pattern is not for Hyperscan", he->message);
	} else {
		rc = rw_fail(e, RW_EINVAL, "the rules do not compile: %s",
			     he ? he->message : "unknown");
	}
	hs_free_compile_error(he);
	return rc;
}

/* One table for the rules' words and the concepts': the view is read once. */
static int make_lexicon(struct rw_rules *r, const struct rw_sack *sack, struct rw_error *e)
{
	unsigned n = rw_concepts_entries(r->concepts, 0, NULL);
	struct rw_lexicon_entry *all;

	if (sack->n_words > RW_LEXICON_ENTRIES_MAX - n)
		return rw_fail(e, RW_ELIMIT, "the rule packs have more than %u words to look for",
			       RW_LEXICON_ENTRIES_MAX - n);
	all = calloc(sack->n_words + n, sizeof(*all));
	if (!all)
		return rw_fail(e, RW_ENOMEM, "no memory for the rules");
	r->first_concept = r->n_needles;
	memcpy(all, sack->words, sack->n_words * sizeof(*all));
	rw_concepts_entries(r->concepts, r->first_concept, all + sack->n_words);
	r->lexicon = rw_lexicon_new(all, sack->n_words + n);
	free(all);
	return r->lexicon ? RW_OK : rw_fail(e, RW_ENOMEM, "no memory for the rules");
}

static int compile_db(struct rw_rules *r, enum rw_db db, unsigned most, struct rw_view *view,
		      struct rw_error *e)
{
	struct rw_sack sack = {.r = r};
	int rc = add_patterns(r, db, most, &sack, view, e);

	if (!rc && rw_sack_close(&sack))
		rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	if (!rc && db == RW_DB_INJECTION)
		rc = make_lexicon(r, &sack, e);
	if (!rc)
		rc = compile_hs(r, db, &sack, e);
	rw_sack_free(&sack);
	return rc;
}

int rw_rules_compile(struct rw_rules *r, struct rw_error *e)
{
	unsigned total = 0;
	struct rw_view *view = malloc(sizeof(*view));
	int rc = 0;

	for (unsigned by = 0; by < RW_FOUND_BYS; by++)
		r->found_by[by] = -1;
	for (unsigned i = 0; i < r->set.n; i++) {
		const struct rw_rule *rule = &r->set.rules[i];

		total += rule->patterns.n;
		r->topics |= rule->info.category == RW_CAT_TOPIC;
		if (rule->by != RW_BY_PATTERNS && rule->by != RW_BY_DETECTOR)
			r->found_by[rule->by] = (int)i;
	}
	r->pats = calloc(total + 1, sizeof(*r->pats));
	if (total > UINT16_MAX)
		rc = rw_fail(e, RW_ELIMIT, "the rule packs have more than %u patterns", UINT16_MAX);
	else if (!r->pats || !view)
		rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	for (unsigned db = 0; !rc && db < RW_DB_COUNT; db++)
		rc = compile_db(r, (enum rw_db)db, total, view, e);
	free(view);
	if (!rc && rw_shapes_close(&r->shapes))
		rc = rw_fail(e, RW_ENOMEM, "no memory for the rules");
	return rc;
}
