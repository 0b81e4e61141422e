/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: the built-in ones prove themselves, operators' ones add, override and disable, and a wrong
   one says where it is wrong. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/rules.h"
#include "scan_test.h"

static char dir[] = "/tmp/ringwall-rules-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/50-mine.yaml", dir);
	return load_rules(state);
}

static int remove_dir(void **state)
{
	unlink(path);
	rmdir(dir);
	return free_rules(state);
}

/* Loads the built-in packs and this one. */
static int load_with(const char *yaml, struct rw_rules **out, struct rw_error *e)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(yaml, f);
	fclose(f);
	return rw_rules_load(out, dir, e);
}

static const struct rw_rule_info *find(const struct rw_rules *r, const char *id)
{
	for (unsigned i = 0; i < rw_rules_count(r); i++)
		if (!strcmp(rw_rules_info(r, i)->id, id))
			return rw_rules_info(r, i);
	return NULL;
}

/* Loading runs each rule's own cases: this fails when one pattern is broken. */
static void built_in_packs_hold_what_they_promise(void **state)
{
	unsigned n[RW_CAT_COUNT] = {0};

	(void)state;
	for (unsigned i = 0; i < rw_rules_count(rules); i++)
		n[rw_rules_info(rules, i)->category]++;
	assert_true(n[RW_CAT_INJECTION] >= 25);
	assert_true(n[RW_CAT_PII] >= 55);
	assert_true(n[RW_CAT_SECRET] >= 300);
	assert_true(n[RW_CAT_MARKUP] >= 5);
	assert_int_equal(strlen(rw_rules_digest(rules)), 64);
}

/* What patterns were taken apart into stayed: sixteen times as much as the packs have bytes. */
static void a_loaded_set_keeps_little_but_its_packs(void **state)
{
	struct rw_slice yaml;
	size_t packs = 0;
	const char *name;

	(void)state;
	for (unsigned i = 0; rw_pack_builtin(i, &name, &yaml); i++)
		packs += yaml.n;
	assert_in_range(rules->set.arena.used_bytes, 1, 3 * packs);
}

#define RULE(id, rest) \
	"category: pii\nrules:\n  - id: " id "\n    type: EMPLOYEE\n    severity: 10\n" rest
#define CASES "    match: ['E-123456']\n    no_match: ['E-1']\n"

static void operator_pack_adds_a_rule(void **state)
{
	static struct rw_findings f;
	struct rw_rules *r;
	struct rw_scanner *s;
	struct rw_error e;

	(void)state;
	assert_int_equal(
		load_with(RULE("mine.employee", "    patterns: ['\\bE-[0-9]{6}\\b']\n" CASES), &r,
			  &e),
		0);
	assert_int_equal(rw_rules_count(r), rw_rules_count(rules) + 1);
	assert_true(rw_rules_bytes(r) > rw_rules_bytes(rules));
	assert_string_equal(find(r, "mine.employee")->type, "EMPLOYEE");
	assert_string_not_equal(rw_rules_digest(r), rw_rules_digest(rules));
	assert_int_equal(rw_scanner_new(&s, r, &e), 0);
	assert_int_equal(rw_scan_text(s, r, RW_SLICE("who is E-654321?"), 1u << RW_CAT_PII, &f), 0);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].start, 7);
	assert_int_equal(f.at[0].end, 15);
	rw_scanner_free(s);
	rw_rules_unref(r);
}

/* A reload that adds rules must not leave a thread's scratch too small for them. */
static void scanner_is_made_to_fit_a_larger_set(void **state)
{
	static struct rw_findings f;
	struct rw_rules *r;
	struct rw_scanner *s;
	struct rw_error e;

	(void)state;
	assert_int_equal(
		load_with(RULE("mine.employee", "    patterns: ['\\bE-[0-9]{6}\\b']\n" CASES), &r,
			  &e),
		0);
	assert_int_equal(rw_scanner_new(&s, rules, &e), 0);
	assert_int_equal(rw_scanner_fit(s, r, &e), 0);
	assert_int_equal(rw_scan_text(s, r, RW_SLICE("a@example.com E-654321"), IN_RUNS, &f), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(rw_scan_text(s, rules, RW_SLICE("a@example.com E-654321"), IN_RUNS, &f),
			 0);
	assert_int_equal(f.n, 1);
	rw_scanner_free(s);
	rw_rules_unref(r);
}

/* Words of an operator, whole and in any case; in a stream not a part of one that a window cut. */
static void words_and_domains_are_found_whole(void **state)
{
	static const char yaml[] =
		"rules:\n"
		"  - {id: t, category: topic, type: PROJECT, severity: 60, words: [Blue Heron, "
		"'C++', "
		"проект],\n     match: ['the «blue heron» plan', 'ПРОЕКТ'], no_match: [blue "
		"herons]}\n"
		"  - {id: d, category: markup, type: DOMAIN, severity: 60, domains: "
		"[evil.example],\n"
		"     match: ['see https://«a.evil.example»/x'], "
		"no_match: ['https://notevil.example/x', 'https://evil.example-x.org/']}\n";
	const struct rw_guard g = {.action = {[RW_CAT_TOPIC] = RW_ACT_BLOCK}};
	static struct rw_findings f;
	struct rw_rules *r;
	struct rw_scanner *s;
	struct rw_error e = {.text = ""};
	struct rw_slice text = RW_SLICE("BLUE  HERON, Blue-heron, blueheron, c++");

	(void)state;
	if (load_with(yaml, &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(rw_scanner_new(&s, r, &e), 0);
	assert_int_equal(rw_scan_text(s, r, text, 1u << RW_CAT_TOPIC, &f), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.at[0].end, 11);
	assert_int_equal(rw_scan_text(s, r, text, IN_RUNS | 1u << RW_CAT_INJECTION, &f), 0);
	assert_int_equal(f.n, 0);
	for (size_t pad = 200; pad < 300; pad++) {
		for (unsigned whole = 0; whole < 2; whole++) {
			struct rw_lane *l = rw_lane_new(s, r, &g);
			struct rw_buf b = {0}, out = {0};
			int rc;

			for (size_t i = 0; i < pad; i++)
				assert_int_equal(rw_buf_add(&b, i % 7 ? "x" : " ", 1), 0);
			assert_int_equal(
				rw_buf_add_str(&b, whole ? " blue heron " : " blue heronry "), 0);
			rc = rw_lane_feed(l, rw_buf_slice(&b), &out);
			if (!rc)
				rc = rw_lane_end(l, &out);
			assert_int_equal(rc, whole ? RW_EPERM : 0);
			rw_lane_free(l);
			rw_buf_free(&b);
			rw_buf_free(&out);
		}
	}
	rw_scanner_free(s);
	rw_rules_unref(r);
}

/* A key that looks like nothing is told by the name that it is assigned to, however that is
 * written. */
static void assigned_to_finds_a_value_by_its_name(void **state)
{
	static const char *const found[] = {
		"ACME_API_KEY=k7Zr4Xk9Wm",	 "acmeToken := \"k7Zr4Xk9Wm\"",
		"acme.key: 'k7Zr4Xk9Wm'",	 "{\"acme-secret\": \"k7Zr4Xk9Wm\"}",
		"my acme api key is k7Zr4Xk9Wm", "<acme>k7Zr4Xk9Wm</acme>",
		"x acme => k7Zr4Xk9Wm",
	};
	static const char *const not_found[] = {"k7Zr4Xk9Wm", "pacmen = k7Zr4Xk9Wm",
						"acme k7Zr4Xk9Wm", "acmes=k7Zr4Xk9Wm"};
	static struct rw_findings f;
	struct rw_rules *r;
	struct rw_scanner *s;
	struct rw_error e = {.text = ""};

	(void)state;
	if (load_with("category: secret\nrules:\n  - id: acme\n    type: ACME\n    severity: 99\n"
		      "    assigned_to: [acme]\n    patterns: ['k[A-Za-z0-9]{9}']\n"
		      "    match: ['acme=k123456789']\n    no_match: [k123456789]\n",
		      &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(rw_scanner_new(&s, r, &e), 0);
	for (size_t i = 0; i < sizeof(found) / sizeof(found[0]); i++) {
		assert_int_equal(
			rw_scan_text(s, r, rw_slice_str(found[i]), 1u << RW_CAT_SECRET, &f), 0);
		if (f.n != 1 || f.at[0].end - f.at[0].start != 10)
			fail_msg("not found: %s", found[i]);
	}
	for (size_t i = 0; i < sizeof(not_found) / sizeof(not_found[0]); i++) {
		assert_int_equal(
			rw_scan_text(s, r, rw_slice_str(not_found[i]), 1u << RW_CAT_SECRET, &f), 0);
		if (f.n)
			fail_msg("found: %s", not_found[i]);
	}
	rw_scanner_free(s);
	rw_rules_unref(r);
}

static void operator_pack_overrides_by_id(void **state)
{
	struct rw_rules *r;
	struct rw_error e;

	(void)state;
	assert_int_equal(
		load_with(RULE("pii.email", "    patterns: ['E-[0-9]{6}']\n" CASES), &r, &e), 0);
	assert_int_equal(rw_rules_count(r), rw_rules_count(rules));
	assert_string_equal(find(r, "pii.email")->type, "EMPLOYEE");
	rw_rules_unref(r);
}

static void operator_pack_disables_by_id(void **state)
{
	struct rw_rules *r;
	struct rw_error e;

	(void)state;
	assert_int_equal(load_with("disable: [pii.email, pii.ip]\nrules:\n"
				   "  - {id: pii.iban, enabled: false}\n",
				   &r, &e),
			 0);
	assert_int_equal(rw_rules_count(r), rw_rules_count(rules) - 3);
	assert_null(find(r, "pii.email"));
	assert_null(find(r, "pii.ip"));
	assert_null(find(r, "pii.iban"));
	rw_rules_unref(r);
}

static const char *external(const struct rw_rules *r, const char *type)
{
	int rule = rw_rules_external(r, rw_slice_str(type));

	return rule < 0 ? "" : rw_rules_info(r, (unsigned)rule)->id;
}

/* What a detector elsewhere finds has a rule of ours: severity, category, and a way to be rid of
 * it. */
static void types_from_elsewhere_have_rules(void **state)
{
	struct rw_rules *r;
	struct rw_error e;

	(void)state;
	assert_string_equal(external(rules, "PERSON"), "external.person");
	assert_string_equal(external(rules, "EMAIL_ADDRESS"), "pii.email");
	assert_string_equal(external(rules, "PROMPT_INJECTION"), "external.judge");
	assert_string_equal(external(rules, "SHOE_SIZE"), "external.entity");
	assert_string_equal(external(rules, ""), "external.entity");
	assert_int_equal(
		load_with("disable: [external.date_time]\ncategory: pii\nrules:\n"
			  "  - {id: x.shoe, type: SHOE_SIZE, severity: 9, validator: external}\n",
			  &r, &e),
		0);
	assert_string_equal(external(r, "SHOE_SIZE"), "x.shoe");
	assert_string_equal(external(r, "DATE_TIME"), "");
	assert_string_equal(external(r, "HAT_SIZE"), "external.entity");
	rw_rules_unref(r);
	assert_int_equal(load_with("disable: [external.entity]\n", &r, &e), 0);
	assert_string_equal(external(r, "HAT_SIZE"), "");
	rw_rules_unref(r);
}

/* Whatever comes from elsewhere, those of one category do not overlap. */
static void findings_from_elsewhere_join_ours(void **state)
{
	const uint16_t person = (uint16_t)rw_rules_external(rules, rw_slice_str("PERSON"));
	const uint16_t judge = (uint16_t)rw_rules_external(rules, rw_slice_str("PROMPT_INJECTION"));
	static struct rw_findings f;

	(void)state;
	rw_findings_join(&f, rules, (struct rw_finding){10, 14, person, 0, 85, 0});
	rw_findings_join(&f, rules, (struct rw_finding){20, 24, person, 0, 60, 0});
	rw_findings_join(&f, rules, (struct rw_finding){0, 30, judge, 0, 77, 0});
	assert_int_equal(f.n, 3);
	assert_int_equal(f.score, 85);
	assert_int_equal(f.evidence[RW_CAT_INJECTION], 7700);
	/* It touches both, which become one. */
	rw_findings_join(&f, rules, (struct rw_finding){13, 21, person, 0, 70, 0});
	assert_int_equal(f.n, 2);
	assert_int_equal(f.at[0].rule, judge);
	assert_int_equal(f.at[1].start, 10);
	assert_int_equal(f.at[1].end, 24);
	assert_int_equal(f.at[1].score, 85);
	/* Neighbours stay two. */
	rw_findings_join(&f, rules, (struct rw_finding){24, 26, person, 0, 70, 0});
	assert_int_equal(f.n, 3);
	for (unsigned i = 0; i < RW_FINDINGS_MAX; i++)
		rw_findings_join(&f, rules,
				 (struct rw_finding){100 + 4 * i, 102 + 4 * i, person, 0, 70, 0});
	assert_int_equal(f.n, RW_FINDINGS_MAX);
	assert_int_equal(f.more, 3);
}

static void a_wrong_pack_says_where_and_what(void **state)
{
	static const struct {
		const char *yaml, *says;
	} wrong[] = {
		{"rules: [", "50-mine.yaml:2: not YAML"},
		{"", "50-mine.yaml: the pack is empty"},
		{"just text", "50-mine.yaml:1: a pack is a mapping"},
		{"rule: []\n", "50-mine.yaml:1: unknown key rule"},
		{"rules: {}\n", "50-mine.yaml:1: rules is a list"},
		{"category: money\n",
		 "50-mine.yaml:1: the category is injection, pii, secret, markup"},
		{"disable: [no.such]\n",
		 "50-mine.yaml:1: there is no rule to disable with the id no.such"},
		{"rules:\n  - id: x\n    type: T\n    severity: 1\n    patterns: [abcd]\n" CASES,
		 "50-mine.yaml:2: rule x: neither it nor the pack has a category"},
		{RULE("x", "    patterns: [abcdefg]\n"),
		 "50-mine.yaml:3: rule x: it needs cases under match and under no_match"},
		{RULE("x", CASES), "rule x: it needs patterns"},
		{RULE("x", "    validator: external\n" CASES),
		 "rule x: what a detector elsewhere finds has no cases here"},
		{RULE("x", "    validator: external\n    patterns: [abcdefg]\n"),
		 "rule x: it needs patterns, or the validator pem, street, model or external and "
		 "none"},
		{RULE("x", "    colour: red\n"), "50-mine.yaml:6: rule x: unknown key colour"},
		{RULE("x", "    severity: 101\n"), "50-mine.yaml:6: rule x: a whole number"},
		{RULE("x", "    validator: magic\n"),
		 "50-mine.yaml:6: rule x: there is no such validator"},
		{RULE("x", "    patterns: ['E-[0-9]{6}']\n    assigned_to: ['a+']\n" CASES),
		 "50-mine.yaml:3: rule x: names under assigned_to are words in small letters, not "
		 "a+"},
		{RULE("x", "    patterns: abc\n"), "50-mine.yaml:6: rule x: a list is wanted"},
		{RULE("x", "    patterns: ['(E-[0-9]{6}']\n" CASES),
		 "50-mine.yaml:6: rule x: the pattern is not for Hyperscan"},
		{RULE("x", "    patterns: ['^E-[0-9]{6}']\n" CASES),
		 "50-mine.yaml:6: rule x: ^ and $"},
		{RULE("x", "    patterns: ['E-[0-9]{6}\\z']\n" CASES),
		 "50-mine.yaml:6: rule x: anchors"},
		{RULE("x", "    patterns: ['((E)-[0-9]{6})']\n" CASES),
		 "rule x: a pattern has one group"},
		{RULE("x", "    patterns: ['E*']\n" CASES),
		 "50-mine.yaml:6: rule x: the pattern matches"},
		{RULE("x", "    patterns: ['E-[0-9]{,6}']\n" CASES),
		 "50-mine.yaml:6: rule x: a repeat is written {0,n}"},
		{RULE("x", "    validator: street\n" CASES),
		 "rule x: its validator is that of another rule; replace it by its id, pii.street"},
		{"category: secret\nrules:\n  - {id: x, type: T, severity: 1, validator: street, "
		 "match: "
		 "[abcdefg], no_match: [b]}\n",
		 "rule x: the validator street is for the category pii"},
		{RULE("x", "    patterns: ['E-[0-9]{7}']\n" CASES),
		 "50-mine.yaml:7: rule x: its match case is not found"},
		{RULE("x", "    patterns: ['E-[0-9]{6}']\n    match: ['E-123456']\n"
			   "    no_match: ['E-654321']\n"),
		 "50-mine.yaml:8: rule x: its no_match case is found"},
		{RULE("x", "    patterns: ['E-[0-9]{6}']\n    match: ['«E-12345»6']\n"
			   "    no_match: ['x']\n"),
		 "50-mine.yaml:7: rule x: what is found in its match case is not the marked span"},
		{"category: pii\nrules:\n"
		 "  - {id: x, type: T, severity: 1, patterns: [abcdefg], match: [abcdefg], "
		 "no_match: [b]}\n"
		 "  - {id: x, type: T, severity: 1, patterns: [abcdefg], match: [abcdefg], "
		 "no_match: [b]}\n",
		 "50-mine.yaml:4: rule x: the id stands twice in this pack"},
		{"category: injection\nrules:\n  - {id: x, type: T, severity: 1, patterns: "
		 "['abc.*def'], "
		 "match: [abcdef], no_match: [b]}\n",
		 "50-mine.yaml:3: rule x: the pattern's gaps are not bounded enough"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rw_rules *r = NULL;
		struct rw_error e = {.text = ""};

		assert_int_equal(load_with(wrong[i].yaml, &r, &e), RW_EINVAL);
		assert_null(r);
		if (!strstr(e.text, wrong[i].says))
			fail_msg("'%s' does not say '%s'", e.text, wrong[i].says);
	}
}

static void a_directory_that_is_not_there_is_an_error(void **state)
{
	struct rw_rules *r = NULL;
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_rules_load(&r, "/nonexistent/rules.d", &e), RW_EIO);
	assert_non_null(strstr(e.text, "/nonexistent/rules.d"));
}

/* Every kind of mistake leaves that pack out and nothing else; what it was is told. */
static void a_wrong_pack_can_be_left_out(void **state)
{
	static const char *const wrong[] = {
		"rules: [",
		"disable: [no.such.rule]\n",
		RULE("x.bad", "    patterns: ['E-[0-9']\n" CASES),
		RULE("x.bad",
		     "    patterns: ['E-[0-9]{3}']\n    match: ['none']\n    no_match: ['E']\n"),
	};
	char other[64];
	const char *files[2] = {path, other};
	FILE *f;

	(void)state;
	snprintf(other, sizeof(other), "%s/60-good.yaml", dir);
	f = fopen(other, "w");
	assert_non_null(f);
	fputs(RULE("x.good", "    patterns: ['\\bE-[0-9]{6}\\b']\n" CASES), f);
	fclose(f);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct rw_rules *r = NULL;
		struct rw_error e;

		assert_int_equal(load_with(wrong[i], &r, &e), RW_EINVAL);
		assert_int_equal(rw_rules_load_from(&r,
						    &(const struct rw_rules_from){.files = files,
										  .n_files = 2,
										  .skip_bad = true},
						    &e),
				 0);
		assert_int_equal(rw_rules_skipped(r), 1);
		assert_non_null(strstr(rw_rules_skipped_why(r, 0), "50-mine.yaml:"));
		assert_non_null(find(r, "x.good"));
		assert_null(find(r, "x.bad"));
		assert_int_equal(rw_rules_count(r), rw_rules_count(rules) + 1);
		rw_rules_unref(r);
	}
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in_packs_hold_what_they_promise),
		cmocka_unit_test(a_loaded_set_keeps_little_but_its_packs),
		cmocka_unit_test(operator_pack_adds_a_rule),
		cmocka_unit_test(scanner_is_made_to_fit_a_larger_set),
		cmocka_unit_test(words_and_domains_are_found_whole),
		cmocka_unit_test(assigned_to_finds_a_value_by_its_name),
		cmocka_unit_test(operator_pack_overrides_by_id),
		cmocka_unit_test(operator_pack_disables_by_id),
		cmocka_unit_test(types_from_elsewhere_have_rules),
		cmocka_unit_test(findings_from_elsewhere_join_ours),
		cmocka_unit_test(a_wrong_pack_says_where_and_what),
		cmocka_unit_test(a_wrong_pack_can_be_left_out),
		cmocka_unit_test(a_directory_that_is_not_there_is_an_error),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
