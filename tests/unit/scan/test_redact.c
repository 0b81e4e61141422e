/* SPDX-License-Identifier: Apache-2.0 */
/* Redaction: what stands where a value stood, in whole texts and in streams. */
#include "scan_test.h"

#include <ctype.h>

#include "scan/redact.h"
#include "scan/rules.h"
#include "scan/valid.h"

static const unsigned char key[RW_REDACT_KEY_BYTES] = "a key of thirty-two bytes, it is";
static const unsigned char other_key[RW_REDACT_KEY_BYTES] = "another key of so many bytes too";

/* A guard that redacts everything as kind, with a vault begun. */
struct redaction {
	struct rw_redactor *redactor;
	struct rw_guard guard;
};

static void begin_with(struct redaction *x, enum rw_redact kind, const unsigned char *k,
		       uint64_t random)
{
	struct rw_redact_plan plan = {0};
	struct rw_error e = {0};

	for (unsigned c = 0; c < RW_CAT_COUNT; c++)
		plan.category[c] = kind;
	*x = (struct redaction){.guard = mask_both};
	assert_int_equal(rw_redactor_new(&x->redactor, rules, &plan, k, &e), 0);
	if (!x->redactor)
		return;
	x->guard.vault = rw_vault_new();
	assert_non_null(x->guard.vault);
	assert_int_equal(rw_vault_begin(x->guard.vault, x->redactor, random), 0);
}

static void begin(struct redaction *x, enum rw_redact kind)
{
	begin_with(x, kind, key, 0x123456789abcdef);
}

static void end(struct redaction *x)
{
	rw_vault_free(x->guard.vault);
	rw_redactor_unref(x->redactor);
}

static void redact(const struct redaction *x, struct rw_slice text, struct rw_buf *out)
{
	static struct rw_findings f;

	out->len = 0;
	assert_int_equal(rw_scan_text(scanner, rules, text, IN_RUNS, &f), 0);
	assert_int_equal(f.more, 0);
	assert_int_equal(rw_mask_text(&x->guard, rules, &f, text, out), 0);
}

static void redact_cut(const struct redaction *x, struct rw_slice text, const size_t *cuts,
		       size_t n, struct rw_buf *out)
{
	struct rw_lane *l = rw_lane_new(scanner, rules, &x->guard);
	size_t from = 0;

	out->len = 0;
	for (size_t i = 0; i <= n; i++) {
		size_t to = i < n ? cuts[i] : text.n;

		assert_int_equal(rw_lane_feed(l, rw_slice_of(text.p + from, to - from), out), 0);
		from = to;
	}
	assert_int_equal(rw_lane_end(l, out), 0);
	rw_lane_free(l);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static int by_size(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

/* A rule's own case without its marks. */
static void case_text(const char *text, struct rw_buf *out)
{
	out->len = 0;
	for (; *text; text++) {
		if ((unsigned char)text[0] == 0xc2 &&
		    ((unsigned char)text[1] == 0xab || (unsigned char)text[1] == 0xbb))
			text++;
		else
			assert_int_equal(rw_buf_add(out, text, 1), 0);
	}
}

/* Calls fn for each match case of each rule that finds PII or secrets. */
static void each_case(void (*fn)(const struct rw_rule *rule, struct rw_slice text, void *arg),
		      void *arg)
{
	struct rw_buf text = {0};

	for (unsigned i = 0; i < rw_rules_count(rules); i++) {
		const struct rw_rule *rule = rw_rule_of(rules, i);

		if (rule->info.category != RW_CAT_PII && rule->info.category != RW_CAT_SECRET)
			continue;
		for (unsigned k = 0; k < rule->match.n; k++) {
			case_text(rule->match.at[k].text, &text);
			fn(rule, rw_buf_slice(&text), arg);
		}
	}
	rw_buf_free(&text);
}

/* --- the kinds ------------------------------------------------------------------------------ */

/* Two letters from one person became two persons: the label did not tell values apart. */
static void equal_values_have_equal_numbers(void **state)
{
	struct redaction x;
	struct rw_buf out = {0};

	(void)state;
	begin(&x, RW_REDACT_REPLACE);
	redact(&x, RW_SLICE("a@example.com b@example.com a@example.com 203.0.113.9"), &out);
	assert_slice(&out, "[EMAIL_ADDRESS_1] [EMAIL_ADDRESS_2] [EMAIL_ADDRESS_1] [IP_ADDRESS_3]");
	redact(&x, RW_SLICE("again b@example.com"), &out);
	assert_slice(&out, "again [EMAIL_ADDRESS_2]");
	rw_vault_end(x.guard.vault);
	assert_int_equal(rw_vault_begin(x.guard.vault, x.redactor, 7), 0);
	redact(&x, RW_SLICE("another request: b@example.com"), &out);
	assert_slice(&out, "another request: [EMAIL_ADDRESS_1]");
	end(&x);
	rw_buf_free(&out);
}

/* A hash is for joining logs: the same in every request, another with another key. */
static void hashes_depend_on_value_type_and_key_alone(void **state)
{
	struct rw_slice text = RW_SLICE("to a@example.com now");
	struct rw_buf a = {0}, b = {0};
	struct redaction x;

	(void)state;
	begin(&x, RW_REDACT_HASH);
	redact(&x, text, &a);
	end(&x);
	assert_int_equal(a.len, strlen("to [EMAIL_ADDRESS#kdjfhaplmnbc] now"));
	begin_with(&x, RW_REDACT_HASH, key, 99);
	redact(&x, text, &b);
	assert_memory_equal_n(&b, rw_buf_slice(&a));
	redact(&x, RW_SLICE("to b@example.com now"), &b);
	assert_false(rw_slice_eq(rw_buf_slice(&a), rw_buf_slice(&b)));
	end(&x);
	begin_with(&x, RW_REDACT_HASH, other_key, 99);
	redact(&x, text, &b);
	assert_false(rw_slice_eq(rw_buf_slice(&a), rw_buf_slice(&b)));
	end(&x);
	rw_buf_free(&a);
	rw_buf_free(&b);
}

static void removed_values_leave_nothing(void **state)
{
	struct redaction x;
	struct rw_buf out = {0};

	(void)state;
	begin(&x, RW_REDACT_REMOVE);
	redact(&x, RW_SLICE("mail a@example.com now"), &out);
	assert_slice(&out, "mail  now");
	end(&x);
	rw_buf_free(&out);
}

static void one_type_is_redacted_its_own_way(void **state)
{
	struct rw_redact_plan plan = {
		.types = {{"EMAIL_ADDRESS", RW_REDACT_REPLACE}, {"IP_ADDRESS", RW_REDACT_REMOVE}},
		.n_types = 2};
	struct redaction x = {.guard = mask_both};
	struct rw_error e = {0};
	struct rw_buf out = {0};

	(void)state;
	assert_int_equal(rw_redactor_new(&x.redactor, rules, &plan, NULL, &e), 0);
	x.guard.vault = rw_vault_new();
	assert_int_equal(rw_vault_begin(x.guard.vault, x.redactor, 1), 0);
	redact(&x, RW_SLICE("a@example.com 203.0.113.9 4242 4242 4242 4242"), &out);
	assert_slice(&out, "[EMAIL_ADDRESS_1]  [CREDIT_CARD]");
	end(&x);
	plan.types[1].type = "NO_SUCH_TYPE";
	assert_int_equal(rw_redactor_new(&x.redactor, rules, &plan, NULL, &e), RW_EINVAL);
	assert_non_null(strstr(e.text, "NO_SUCH_TYPE"));
	assert_null(x.redactor);
	rw_buf_free(&out);
}

/* Where every value is masked there is nothing to pay for. */
static void a_plan_of_masks_makes_no_redactor(void **state)
{
	struct rw_redact_plan plan = {.types = {{"EMAIL_ADDRESS", RW_REDACT_MASK}}, .n_types = 1};
	struct rw_redactor *r;
	struct rw_error e = {0};

	(void)state;
	assert_int_equal(rw_redactor_new(&r, rules, &plan, NULL, &e), 0);
	assert_null(r);
	assert_false(rw_redact_needs_key(&plan));
	plan.category[RW_CAT_SECRET] = RW_REDACT_HASH;
	assert_true(rw_redact_needs_key(&plan));
}

/* --- synthetic ------------------------------------------------------------------------------ */

static bool is_luhn(struct rw_slice v)
{
	struct rw_candidate c = {.value = v, .before = rw_slice_of("", 0), .after = -1};

	return rw_valid_luhn(&c);
}

static bool is_iban(struct rw_slice v)
{
	struct rw_candidate c = {.value = v, .before = rw_slice_of("", 0), .after = -1};

	return rw_valid_iban(&c) && c.value.n == v.n;
}

/* A synthetic value that no validator takes breaks the application that gets it; one that is real
 * is a leak. */
static void synthetic_values_are_of_ranges_that_are_nobodys(void **state)
{
	static const struct {
		const char *text, *form; /* # any digit, a any letter, else itself */
		bool (*valid)(struct rw_slice);
	} cases[] = {
		{"jane.doe@corp.com", "aaaa.aaa@example.com", NULL},
		{"a@example.com", "aaaaaa@example.com", NULL},
		{"+44 7700 900995", "+44 7700 900###", NULL},
		{"+1 (415) 555-0146", "+1 (###) 555-01##", NULL},
		{"(415) 555-0146", "(###) 555-01##", NULL},
		{"4242 4242 4242 4242", "4000 00## #### ####", is_luhn},
		{"4111-1111-1111-1111", "4000-00##-####-####", is_luhn},
		{"378282246310005", "378282#########", is_luhn},
		{"GB82 WEST 1234 5698 7654 32", "GB## TEST #### #### #### ##", is_iban},
		{"DE89370400440532013000", "DE##0000##############", is_iban},
		{"SSN 536-22-8726", "SSN 666-##-####", NULL},
	};
	struct redaction x;
	struct rw_buf out = {0}, again = {0};

	(void)state;
	begin(&x, RW_REDACT_SYNTHETIC);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *form = cases[i].form;

		redact(&x, rw_slice_str(cases[i].text), &out);
		if (out.len != strlen(form))
			fail_msg("%s became %.*s", cases[i].text, (int)out.len, out.p);
		for (size_t k = 0; k < out.len; k++) {
			bool ok = form[k] == '#'   ? out.p[k] >= '0' && out.p[k] <= '9'
				  : form[k] == 'a' ? (out.p[k] >= 'a' && out.p[k] <= 'z')
						   : out.p[k] == form[k];

			if (!ok)
				fail_msg("%s became %.*s", cases[i].text, (int)out.len, out.p);
		}
		assert_false(rw_slice_is(rw_buf_slice(&out), cases[i].text));
		if (cases[i].valid)
			assert_true(cases[i].valid(rw_buf_slice(&out)));
		/* What was made here is known again: the model's echo is not made up anew. */
		redact(&x, rw_buf_slice(&out), &again);
		assert_memory_equal_n(&again, rw_buf_slice(&out));
	}
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&again);
}

static void check_synthetic(const struct rw_rule *rule, struct rw_slice text, void *arg)
{
	struct rw_buf a = {0}, b = {0};
	struct redaction x;

	(void)rule;
	(void)arg;
	begin_with(&x, RW_REDACT_SYNTHETIC, key, 1);
	redact(&x, text, &a);
	end(&x);
	assert_false(rw_slice_eq(rw_buf_slice(&a), text));
	begin_with(&x, RW_REDACT_SYNTHETIC, key, 2);
	redact(&x, text, &b);
	assert_memory_equal_n(&b, rw_buf_slice(&a));
	end(&x);
	rw_buf_free(&a);
	rw_buf_free(&b);
}

static void synthetic_values_are_other_values_and_the_same_each_time(void **state)
{
	(void)state;
	each_case(check_synthetic, NULL);
}

/* --- every rule, every kind ------------------------------------------------------------------- */

static const enum rw_redact kinds[] = {RW_REDACT_MASK,	 RW_REDACT_REPLACE,   RW_REDACT_HASH,
				       RW_REDACT_REMOVE, RW_REDACT_SYNTHETIC, RW_REDACT_TOKEN};

static void check_cut(enum rw_redact kind, struct rw_slice text, const size_t *cuts, size_t n,
		      struct rw_slice want, struct rw_buf *out)
{
	struct redaction x;

	begin(&x, kind);
	redact_cut(&x, text, cuts, n, out);
	end(&x);
	assert_memory_equal_n(out, want);
}

static void check_stream(const struct rw_rule *rule, struct rw_slice text, void *arg)
{
	size_t *cuts = calloc(text.n + 1, sizeof(*cuts));
	struct rw_buf whole = {0}, out = {0};
	uint32_t seed = *(uint32_t *)arg;
	struct redaction x;

	(void)rule;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (kinds[k] == RW_REDACT_TOKEN && rule->by == RW_BY_PEM)
			continue; /* a token stands for all of a value, a lane begins before it ends
				   */
		begin(&x, kinds[k]);
		redact(&x, text, &whole);
		end(&x);
		for (size_t i = 0; i < text.n; i++)
			cuts[i] = i;
		check_cut(kinds[k], text, cuts, text.n, rw_buf_slice(&whole), &out);
		for (unsigned round = 0; round < 8; round++) {
			size_t n = 1 + next_random(&seed) % 5;

			for (size_t i = 0; i < n; i++)
				cuts[i] = next_random(&seed) % (text.n + 1);
			qsort(cuts, n, sizeof(*cuts), by_size);
			check_cut(kinds[k], text, cuts, n, rw_buf_slice(&whole), &out);
		}
	}
	*(uint32_t *)arg = seed;
	free(cuts);
	rw_buf_free(&whole);
	rw_buf_free(&out);
}

/* Masking of a stream equals masking of the whole text, whatever stands in a value's place. */
static void every_kind_redacts_a_stream_as_the_whole_text(void **state)
{
	uint32_t seed = 11;

	(void)state;
	each_case(check_stream, &seed);
}

static void check_labels(const struct rw_rule *rule, struct rw_slice text, void *arg)
{
	static struct rw_findings f;
	struct rw_buf once = {0};
	struct redaction x;

	(void)arg;
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		if (kinds[k] == RW_REDACT_SYNTHETIC || kinds[k] == RW_REDACT_REMOVE)
			continue;
		begin(&x, kinds[k]);
		redact(&x, text, &once);
		end(&x);
		assert_int_equal(rw_scan_text(scanner, rules, rw_buf_slice(&once), IN_RUNS, &f), 0);
		if (f.n)
			fail_msg("%s: %s finds something in its own label: %.*s", rule->info.id,
				 rw_rules_info(rules, f.at[0].rule)->id,
				 RW_SLICE_FMT(rw_buf_slice(&once)));
	}
	rw_buf_free(&once);
}

/* A label that looks like a secret is masked in the next turn's history, and again in the next. */
static void labels_are_no_findings(void **state)
{
	(void)state;
	each_case(check_labels, NULL);
}

/* --- tokens ----------------------------------------------------------------------------------- */

/* What an answer says to the request's client, cut at each place and byte by byte. */
static void assert_restored(const struct redaction *x, const char *answer, const char *want)
{
	struct redaction back = *x;
	struct rw_slice text = rw_slice_str(answer);
	size_t *cuts = calloc(text.n + 1, sizeof(*cuts));
	struct rw_buf out = {0};

	back.guard.in_answer = true;
	for (size_t cut = 0; cut <= text.n; cut++) {
		redact_cut(&back, text, &cut, 1, &out);
		assert_slice(&out, want);
		cuts[cut] = cut;
	}
	redact_cut(&back, text, cuts, text.n, &out);
	assert_slice(&out, want);
	free(cuts);
	rw_buf_free(&out);
}

static void begin_tokens(struct redaction *x, const char *prompt, struct rw_buf *out)
{
	begin(x, RW_REDACT_TOKEN);
	redact(x, rw_slice_str(prompt), out);
	assert_int_equal(rw_buf_add(out, "", 1), 0);
	out->len--;
}

/* The value comes back, and is not masked again by the guard of the answer. */
static void tokens_come_back_however_they_are_cut(void **state)
{
	struct redaction x;
	struct rw_buf out = {0}, answer = {0};

	(void)state;
	begin_tokens(&x, "a@example.com|203.0.113.9|a@example.com", &out);
	assert_null(strstr(out.p, "example.com"));
	assert_restored(&x, out.p, "a@example.com|203.0.113.9|a@example.com");
	/* What the model knows by itself is masked all the same. */
	assert_int_equal(rw_buf_addf(&answer, "to b@example.com, %s", out.p), 0);
	assert_int_equal(rw_buf_add(&answer, "", 1), 0);
	assert_restored(&x, answer.p,
			"to [EMAIL_ADDRESS], a@example.com|203.0.113.9|a@example.com");
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&answer);
}

/* Models write headings in capitals, and underscores in Markdown with a backslash. */
static void tokens_come_back_in_any_case_and_escaped(void **state)
{
	struct redaction x;
	struct rw_buf out = {0}, other = {0};

	(void)state;
	begin_tokens(&x, "a@example.com", &out);
	for (char *p = out.p; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	assert_restored(&x, out.p, "a@example.com");
	for (char *p = out.p; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	assert_restored(&x, out.p, "a@example.com");
	for (char *p = out.p; *p; p++)
		assert_int_equal(rw_buf_addf(&other, *p == '_' ? "\\%c" : "%c", *p), 0);
	assert_int_equal(rw_buf_add(&other, "", 1), 0);
	assert_restored(&x, other.p, "a@example.com");
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&other);
}

/* Everything that is nearly a token of this request, and is none, stays as it is. */
static void what_is_no_token_is_left_alone(void **state)
{
	static const char *const tails[] = {"", "]", "x]", "_]", " ]", "[", "[[", "]]"};
	struct rw_buf out = {0}, text = {0};
	struct redaction x;
	size_t n;

	(void)state;
	begin_tokens(&x, "a@example.com", &out);
	n = strlen(out.p);
	for (size_t k = 0; k < n - 1; k++) {
		for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
			text.len = 0;
			if (k == n - 1 && tails[i][0] == ']')
				continue;
			assert_int_equal(rw_buf_addf(&text, "%.*s%s", (int)k, out.p, tails[i]), 0);
			assert_int_equal(rw_buf_add(&text, "", 1), 0);
			if (!(k + 1 == n && tails[i][0] == ']'))
				assert_restored(&x, text.p, text.p);
		}
	}
	/* Another number, another type, another tag. */
	for (size_t k = 1; k + 1 < n; k++) {
		if (out.p[k] == '_')
			continue;
		text.len = 0;
		assert_int_equal(rw_buf_addf(&text, "%s", out.p), 0);
		assert_int_equal(rw_buf_add(&text, "", 1), 0);
		text.p[k] = text.p[k] == 'z' ? 'y' : text.p[k] == '1' ? '2' : 'z';
		assert_restored(&x, text.p, text.p);
	}
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&text);
}

/* Whoever keeps a token cannot have it resolved by somebody else's request, nor a later one of his
 * own. */
static void a_token_of_another_request_never_resolves(void **state)
{
	struct rw_buf first = {0}, second = {0};
	struct redaction x;

	(void)state;
	begin_tokens(&x, "a@example.com", &first);
	rw_vault_end(x.guard.vault);
	assert_int_equal(rw_vault_begin(x.guard.vault, x.redactor, 4711), 0);
	assert_restored(&x, first.p, first.p);
	redact(&x, RW_SLICE("b@example.com"), &second);
	assert_restored(&x, first.p, first.p);
	end(&x);
	rw_buf_free(&first);
	rw_buf_free(&second);
}

/* Text in front of a token flows; so does a bracket that begins none. */
static void what_may_be_a_token_is_held_and_nothing_else(void **state)
{
	struct rw_buf out = {0}, got = {0};
	struct redaction x;
	struct rw_lane *l;

	(void)state;
	begin_tokens(&x, "a@example.com", &out);
	x.guard.in_answer = true;
	l = rw_lane_new(scanner, rules, &x.guard);
	assert_int_equal(rw_lane_feed(l, RW_SLICE("see [note] and [E"), &got), 0);
	assert_slice(&got, "see [note] and ");
	assert_int_equal(rw_lane_feed(l, RW_SLICE("x] ["), &got), 0);
	assert_slice(&got, "see [note] and [Ex] ");
	for (size_t i = 1; i < out.len; i++) {
		assert_int_equal(rw_lane_feed(l, rw_slice_of(out.p + i, 1), &got), 0);
		assert_true(rw_lane_held(l) <= RW_TOKEN_MAX);
	}
	assert_slice(&got, "see [note] and [Ex] a@example.com");
	rw_lane_free(l);
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&got);
}

/* Behind tokens, which are longer than what stands for them here, a place is still that of the
 * text. */
static void places_behind_tokens_are_right_however_they_are_cut(void **state)
{
	struct rw_buf token = {0}, text = {0}, out = {0};
	struct redaction x;

	(void)state;
	begin_tokens(&x, "a@example.com", &token);
	x.guard.in_answer = true;
	x.guard.where = "content";
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(rw_buf_addf(&text, "%s and some more words; ", token.p), 0);
	assert_int_equal(rw_buf_add_str(&text, "b@example.com."), 0);
	for (size_t step = 1; step <= text.len; step += step < 60 ? 1 : 97) {
		struct rw_lane *l = rw_lane_new(scanner, rules, &x.guard);

		out.len = 0;
		for (size_t at = 0; at < text.len; at += step)
			assert_int_equal(
				rw_lane_feed(l,
					     rw_slice_of(text.p + at, step < text.len - at
									      ? step
									      : text.len - at),
					     &out),
				0);
		assert_int_equal(rw_lane_end(l, &out), 0);
		assert_int_equal(rw_lane_tally(l)->n_places, 1);
		assert_int_equal(rw_lane_tally(l)->places[0].start, text.len - 14);
		assert_int_equal(rw_lane_tally(l)->places[0].end, text.len - 1);
		rw_lane_free(l);
	}
	end(&x);
	rw_buf_free(&token);
	rw_buf_free(&text);
	rw_buf_free(&out);
}

static void check_round_trip(const struct rw_rule *rule, struct rw_slice text, void *arg)
{
	struct rw_buf out = {0}, got = {0};
	struct redaction x;

	(void)rule;
	(void)arg;
	begin(&x, RW_REDACT_TOKEN);
	redact(&x, text, &out);
	assert_false(rw_slice_eq(rw_buf_slice(&out), text));
	x.guard.in_answer = true;
	for (size_t step = 1; step < 12; step += 5) {
		struct rw_lane *l = rw_lane_new(scanner, rules, &x.guard);

		got.len = 0;
		for (size_t at = 0; at < out.len; at += step)
			assert_int_equal(
				rw_lane_feed(l,
					     rw_slice_of(out.p + at,
							 step < out.len - at ? step : out.len - at),
					     &got),
				0);
		assert_int_equal(rw_lane_end(l, &got), 0);
		assert_memory_equal_n(&got, text);
		rw_lane_free(l);
	}
	end(&x);
	rw_buf_free(&out);
	rw_buf_free(&got);
}

/* Every rule's own case goes out as tokens and comes back byte for byte. */
static void every_case_comes_back(void **state)
{
	(void)state;
	each_case(check_round_trip, NULL);
}

/* At the bound a value is masked and does not come back; memory does not grow. */
static void a_full_vault_masks(void **state)
{
	struct rw_buf text = {0}, out = {0};
	struct redaction x;

	(void)state;
	begin(&x, RW_REDACT_TOKEN);
	for (unsigned i = 0; i < RW_VAULT_VALUES + 1; i++) {
		text.len = 0;
		assert_int_equal(rw_buf_addf(&text, "user%u@example.com", i), 0);
		redact(&x, rw_buf_slice(&text), &out);
		assert_int_equal(rw_slice_is(rw_buf_slice(&out), "[EMAIL_ADDRESS]"),
				 i == RW_VAULT_VALUES);
	}
	end(&x);
	rw_buf_free(&text);
	rw_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_values_have_equal_numbers),
		cmocka_unit_test(hashes_depend_on_value_type_and_key_alone),
		cmocka_unit_test(removed_values_leave_nothing),
		cmocka_unit_test(one_type_is_redacted_its_own_way),
		cmocka_unit_test(a_plan_of_masks_makes_no_redactor),
		cmocka_unit_test(synthetic_values_are_of_ranges_that_are_nobodys),
		cmocka_unit_test(synthetic_values_are_other_values_and_the_same_each_time),
		cmocka_unit_test(every_kind_redacts_a_stream_as_the_whole_text),
		cmocka_unit_test(labels_are_no_findings),
		cmocka_unit_test(tokens_come_back_however_they_are_cut),
		cmocka_unit_test(tokens_come_back_in_any_case_and_escaped),
		cmocka_unit_test(what_is_no_token_is_left_alone),
		cmocka_unit_test(a_token_of_another_request_never_resolves),
		cmocka_unit_test(what_may_be_a_token_is_held_and_nothing_else),
		cmocka_unit_test(places_behind_tokens_are_right_however_they_are_cut),
		cmocka_unit_test(every_case_comes_back),
		cmocka_unit_test(a_full_vault_masks),
	};

	return cmocka_run_group_tests(tests, load_rules, free_rules);
}
