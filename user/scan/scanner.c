/* SPDX-License-Identifier: Apache-2.0 */
/* A scanner's life: scratch for Hyperscan and PCRE2, sized for a rule set. */
#include <stdlib.h>

#include "scan/match.h"

enum { JIT_STACK_START = 32 * 1024, JIT_STACK_MAX = 256 * 1024, MATCH_STEPS_MAX = 1000000 };

int rw_scanner_fit(struct rw_scanner *s, const struct rw_rules *r, struct rw_error *e)
{
	unsigned pats = r->n_pats > s->n_pats ? r->n_pats : s->n_pats;
	unsigned pieces = r->n_pieces > s->n_pieces ? r->n_pieces : s->n_pieces;
	uint64_t *marked, *came, *led;
	uint16_t *led_pats;
	struct rw_hit *hits;

	for (unsigned i = 0; i < RW_DB_COUNT; i++)
		if (r->db[i] && hs_alloc_scratch(r->db[i], &s->scratch) != HS_SUCCESS)
			return rw_fail(e, RW_ENOMEM, "no memory for the matcher");
	if (pats == s->n_pats && pieces == s->n_pieces && s->hits)
		return 0;
	marked = realloc(s->marked, (pats + 1) * sizeof(*marked));
	s->marked = marked ? marked : s->marked;
	came = realloc(s->came, (pieces + 1) * sizeof(*came));
	s->came = came ? came : s->came;
	hits = realloc(s->hits, (size_t)RW_BATCH_UNITS * (pats + 1) * sizeof(*hits));
	s->hits = hits ? hits : s->hits;
	led = realloc(s->led, (pats + 1) * sizeof(*led));
	s->led = led ? led : s->led;
	led_pats = realloc(s->led_pats, (pats + 1) * sizeof(*led_pats));
	s->led_pats = led_pats ? led_pats : s->led_pats;
	if (!marked || !came || !hits || !led || !led_pats)
		return rw_fail(e, RW_ENOMEM, "no memory for the matcher");
	memset(marked, 0, (pats + 1) * sizeof(*marked));
	memset(came, 0, (pieces + 1) * sizeof(*came));
	memset(led, 0, (pats + 1) * sizeof(*led));
	s->n_pats = pats;
	s->n_pieces = pieces;
	return 0;
}

int rw_scanner_new(struct rw_scanner **out, const struct rw_rules *r, struct rw_error *e)
{
	struct rw_scanner *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return rw_fail(e, RW_ENOMEM, "no memory for a scanner");
	s->only = -1;
	s->match = pcre2_match_data_create(2, NULL);
	s->context = pcre2_match_context_create(NULL);
	s->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	if (!s->match || !s->context || !s->stack) {
		rw_scanner_free(s);
		return rw_fail(e, RW_ENOMEM, "no memory for a scanner");
	}
	pcre2_set_match_limit(s->context, MATCH_STEPS_MAX);
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	rc = rw_scanner_fit(s, r, e);
	if (rc) {
		rw_scanner_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void rw_scanner_meter(struct rw_scanner *s, struct rw_meter *m)
{
	s->meter = m;
}

const char *rw_part_name(enum rw_part part)
{
	static const char *const names[RW_PARTS] = {
#define X(name, text) [RW_PART_##name] = (text),
		RW_PARTS_OF_SCAN(X)
#undef X
	};

	return names[part];
}

void rw_scanner_free(struct rw_scanner *s)
{
	if (!s)
		return;
	hs_free_scratch(s->scratch);
	pcre2_jit_stack_free(s->stack);
	pcre2_match_context_free(s->context);
	pcre2_match_data_free(s->match);
	free(s->marked);
	free(s->came);
	free(s->hits);
	free(s->led);
	free(s->led_pats);
	free(s);
}
