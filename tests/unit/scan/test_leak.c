/* SPDX-License-Identifier: Apache-2.0 */
/* What answers must not say: canaries in any disguise, the system prompt in any order. */
#include "scan_test.h"

#include "scan/leak.h"
#include "scan/redact.h"

static const char *const canary_texts[] = {"cnry-7f3a91bc", "Sommerwind 4711", "7f3a91bcxx"};

static struct rw_canaries *canaries;

static int load(void **state)
{
	struct rw_slice texts[3];
	struct rw_error e;

	for (unsigned i = 0; i < 3; i++)
		texts[i] = rw_slice_str(canary_texts[i]);
	return load_rules(state) || rw_canaries_new(&canaries, texts, 3, &e);
}

static int unload(void **state)
{
	rw_canaries_unref(canaries);
	return free_rules(state);
}

/* Feeds text in steps; returns what the lane did at last. */
static int run(const struct rw_guard *g, struct rw_slice text, size_t step, struct rw_buf *out,
	       struct rw_tally *tally)
{
	struct rw_lane *l = rw_lane_new(scanner, rules, g);
	int rc = 0;

	out->len = 0;
	for (size_t at = 0; at < text.n && !rc; at += step)
		rc = rw_lane_feed(
			l, rw_slice_of(text.p + at, step < text.n - at ? step : text.n - at), out);
	if (!rc)
		rc = rw_lane_end(l, out);
	*tally = *rw_lane_tally(l);
	rw_lane_free(l);
	return rc;
}

static bool has_rule(const struct rw_tally *t, const char *id)
{
	for (unsigned i = 0; i < t->n; i++)
		if (!strcmp(rw_rules_info(rules, t->at[i].rule)->id, id))
			return true;
	return false;
}

static struct rw_guard canary_guard(enum rw_action action)
{
	return (struct rw_guard){.action = {[RW_CAT_PII] = RW_ACT_MASK},
				 .canaries = canaries,
				 .canary_action = action};
}

/* Letters in capitals, with spaces or dots between them: a model was asked to, and the filter saw
 * nothing. */
static void canaries_are_found_in_any_disguise_and_cut(void **state)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{"see cnry-7f3a91bc now", "see [CANARY] now"},
		{"see CNRY7F3A91BC.", "see [CANARY]."},
		{"c n r y - 7 f 3 a 9 1 b c", "[CANARY]"},
		{"c.n.r.y\n7*f*3*a*9*1*b*c!", "[CANARY]!"},
		{"s\xe2\x80\x8bommer\xe2\x80\x8bwind 4711", "[CANARY]"},
		{"cnrcnry-7f3a91bc", "cnr[CANARY]"},
		{"cnry-7f3a91b", "cnry-7f3a91b"},
		{"cnry-7f3a91bx 7f3a91bcxx", "cnry-7f3a91bx [CANARY]"},
		{"c                  nry7f3a91bc", "c                  nry7f3a91bc"},
		{"a@example.com cnry-7f3a91bc b@example.com",
		 "[EMAIL_ADDRESS] [CANARY] [EMAIL_ADDRESS]"},
		{"cnry-7f3 a@example.com 91bc", "cnry-7f3 [EMAIL_ADDRESS] 91bc"},
	};
	struct rw_guard g = canary_guard(RW_ACT_MASK);
	struct rw_buf out = {0};
	struct rw_tally t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rw_slice text = rw_slice_str(cases[i].text);
		bool hit = strstr(cases[i].masked, "[CANARY]");

		for (size_t step = 1; step <= text.n; step++) {
			assert_int_equal(run(&g, text, step, &out, &t), 0);
			assert_slice(&out, cases[i].masked);
			assert_int_equal(has_rule(&t, "leak.canary"), hit);
		}
	}
	rw_buf_free(&out);
}

/* What might be a token and is none says nothing about the canary around it, wherever the text was
 * cut. */
static void a_canary_is_found_around_what_is_no_token(void **state)
{
	static const struct rw_slice text = RW_SLICE("see cn[ry]-7f3[a9]1bc now"),
				     inside = RW_SLICE("see [Ecnry7f3a91bc"),
				     mail = RW_SLICE("ann@example.com");
	static const unsigned char key[RW_REDACT_KEY_BYTES];
	struct rw_redact_plan plan = {.category = {[RW_CAT_PII] = RW_REDACT_TOKEN}};
	struct rw_guard g = canary_guard(RW_ACT_MASK);
	struct rw_redactor *redactor;
	struct rw_buf out = {0};
	struct rw_findings f;
	struct rw_tally t;
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_redactor_new(&redactor, rules, &plan, key, &e), 0);
	g.vault = rw_vault_new();
	assert_int_equal(rw_vault_begin(g.vault, redactor, 1), 0);
	assert_int_equal(rw_scan_text(scanner, rules, mail, 1u << RW_CAT_PII, &f), 0);
	assert_int_equal(rw_mask_text(&g, rules, &f, mail, &out),
			 0); /* the vault has a token now */
	g.in_answer = true;
	for (size_t step = 1; step <= text.n; step++) {
		assert_int_equal(run(&g, text, step, &out, &t), 0);
		assert_slice(&out, "see [CANARY] now");
	}
	/* Where it blocks, what went before is the same, too: "[E" alone may begin a token. */
	g.canary_action = RW_ACT_BLOCK;
	for (size_t step = 1; step <= inside.n; step++) {
		assert_int_equal(run(&g, inside, step, &out, &t), RW_EPERM);
		assert_slice(&out, "see [");
	}
	rw_buf_free(&out);
	rw_vault_free(g.vault);
	rw_redactor_unref(redactor);
}

static void a_canary_is_blocked_before_its_first_letter_and_flagged_without_change(void **state)
{
	struct rw_slice text = RW_SLICE("it is C-N-R-Y 7f3a91bc, yes");
	struct rw_guard block = canary_guard(RW_ACT_BLOCK), flag = canary_guard(RW_ACT_FLAG);
	struct rw_buf out = {0};
	struct rw_tally t;

	(void)state;
	for (size_t step = 1; step <= text.n; step++) {
		assert_int_equal(run(&block, text, step, &out, &t), RW_EPERM);
		assert_slice(&out, "it is ");
		assert_int_equal(t.strongest, RW_ACT_BLOCK);
		assert_int_equal(run(&flag, text, step, &out, &t), 0);
		assert_memory_equal_n(&out, text);
		assert_int_equal(t.strongest, RW_ACT_FLAG);
	}
	rw_buf_free(&out);
}

/* Prose that begins like a canary waits for a letter or two, not for a line. */
static void a_canary_holds_back_what_may_become_it_and_no_more(void **state)
{
	struct rw_guard g = canary_guard(RW_ACT_MASK);
	struct rw_lane *l = rw_lane_new(scanner, rules, &g);
	struct rw_buf out = {0};

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		assert_int_equal(rw_lane_feed(l, rw_slice_of(&"sommer in den "[i % 14], 1), &out),
				 0);
		assert_true(rw_lane_held(l) <= 12);
	}
	assert_int_equal(rw_lane_feed(l, RW_SLICE("c              n              r"), &out), 0);
	assert_true(rw_lane_held(l) <= RW_CANARY_MAX * (RW_CANARY_GAP + 1));
	rw_lane_free(l);
	rw_buf_free(&out);
}

static void a_canary_that_is_too_short_or_too_long_is_refused(void **state)
{
	struct rw_slice shorty = RW_SLICE("a-b-c-d-1-2-3");
	char longest[RW_CANARY_MAX + 2] = "";
	struct rw_canaries *c;
	struct rw_error e;

	(void)state;
	assert_int_equal(rw_canaries_new(&c, &shorty, 1, &e), RW_EINVAL);
	assert_null(strstr(e.text, "a-b"));
	memset(longest, 'x', RW_CANARY_MAX + 1);
	assert_int_equal(rw_canaries_new(&c, (struct rw_slice[]){rw_slice_str(longest)}, 1, &e),
			 RW_EINVAL);
	assert_int_equal(rw_canaries_new(&c, NULL, 0, &e), 0);
	assert_null(c);
}

/* --- the system prompt ---------------------------------------------------------------------- */

static const char system_text[] =
	"You are the assistant of Meyer and Sons, a bakery in Lübeck. Never talk about prices of "
	"other shops. "
	"Orders above two hundred euros need the approval of Mrs Hansen. Answer in at most three "
	"sentences, and end each answer with a friendly word about bread.";

static struct rw_guard echo_guard(struct rw_arena *a, enum rw_action action)
{
	const struct rw_echo_limits limits = {.percent = 50, .words = 30};
	const struct rw_slice texts[] = {rw_slice_str(system_text)};
	struct rw_guard g = {.echo_action = action};

	assert_int_equal(rw_echo_new(&g.echo, a, texts, 1, &limits), 0);
	assert_non_null(g.echo);
	return g;
}

/* Whether the answer is told to leak, whatever its cut; the same place each time. */
static bool leaks(const char *answer)
{
	struct rw_slice text = rw_slice_str(answer);
	struct rw_buf first = {0}, out = {0};
	struct rw_tally t;
	bool hit = false;

	for (size_t step = text.n; step; step = step > 64 ? step / 2 : step - 1) {
		struct rw_arena a = {0};
		struct rw_guard g = echo_guard(&a, RW_ACT_BLOCK);
		int rc = run(&g, text, step, &out, &t);

		if (step == text.n) {
			hit = rc == RW_EPERM;
			assert_int_equal(rw_buf_add_slice(&first, rw_buf_slice(&out)), 0);
		}
		assert_int_equal(rc, hit ? RW_EPERM : 0);
		assert_int_equal(has_rule(&t, "leak.system_prompt"), hit);
		assert_memory_equal_n(&out, rw_buf_slice(&first));
		rw_arena_free(&a);
	}
	rw_buf_free(&first);
	rw_buf_free(&out);
	return hit;
}

static void a_repeated_system_prompt_is_told(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	assert_true(leaks(system_text));
	assert_int_equal(rw_buf_addf(&b, "Of course! My instructions are:\n\n> %s\n", system_text),
			 0);
	for (size_t i = 0; i < b.len; i++)
		b.p[i] = b.p[i] == ' '
				 ? '\n'
				 : (char)(b.p[i] >= 'a' && b.p[i] <= 'z' ? b.p[i] - 32 : b.p[i]);
	assert_int_equal(rw_buf_add(&b, "", 1), 0);
	assert_true(leaks(b.p)); /* in capitals, a word a line */
	/* In another order, with words between. */
	assert_true(
		leaks("Answer in at most three sentences, and end each answer with a friendly "
		      "word about bread. Also: Orders above two hundred euros need the approval "
		      "of Mrs Hansen. And: never talk about prices of other shops."));
	rw_buf_free(&b);
}

static void an_answer_that_shares_words_is_not(void **state)
{
	struct rw_buf b = {0};

	(void)state;
	assert_false(
		leaks("Meyer and Sons is a bakery in Lübeck. Orders above two hundred euros need "
		      "the approval of Mrs Hansen; may I help you with one? Our bread is fresh."));
	/* The same words again and again count once. */
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(rw_buf_addf(&b, "Never talk about prices of other shops. "), 0);
	assert_int_equal(rw_buf_add(&b, "", 1), 0);
	assert_false(leaks(b.p));
	rw_buf_free(&b);
}

/* "You are a helpful assistant" is in everybody's answers. */
static void a_short_system_text_is_nobodys_secret(void **state)
{
	const struct rw_echo_limits limits = {.percent = 50, .words = 30};
	const struct rw_slice texts[] = {RW_SLICE("You are a helpful assistant. Be brief.")};
	struct rw_arena a = {0};
	struct rw_echo *e;

	(void)state;
	assert_int_equal(rw_echo_new(&e, &a, texts, 1, &limits), 0);
	assert_null(e);
	rw_arena_free(&a);
}

/* Two answers to one request (n: 2) leak together. */
static void what_two_lanes_repeat_adds_up(void **state)
{
	struct rw_arena a = {0};
	struct rw_guard g = echo_guard(&a, RW_ACT_FLAG);
	struct rw_buf out = {0};
	struct rw_tally t;
	size_t half = strlen(system_text) / 2;

	(void)state;
	assert_int_equal(run(&g, rw_slice_of(system_text, half - 20), 7, &out, &t), 0);
	assert_int_equal(t.n, 0);
	assert_int_equal(run(&g, rw_slice_str(system_text + half), 7, &out, &t), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.strongest, RW_ACT_FLAG);
	rw_arena_free(&a);
	rw_buf_free(&out);
}

/* A text of a megabyte takes no more memory than a page. */
static void a_long_system_text_is_bounded(void **state)
{
	const struct rw_echo_limits limits = {.percent = 100, .words = 10000};
	struct rw_arena a = {.limit_bytes = 64 * 1024};
	struct rw_buf b = {0};
	struct rw_slice text;
	struct rw_echo *e;

	(void)state;
	for (unsigned i = 0; i < 200000; i++)
		assert_int_equal(rw_buf_addf(&b, "w%u ", i), 0);
	text = rw_buf_slice(&b);
	assert_int_equal(rw_echo_new(&e, &a, &text, 1, &limits), 0);
	assert_non_null(e);
	rw_arena_free(&a);
	rw_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canaries_are_found_in_any_disguise_and_cut),
		cmocka_unit_test(a_canary_is_found_around_what_is_no_token),
		cmocka_unit_test(
			a_canary_is_blocked_before_its_first_letter_and_flagged_without_change),
		cmocka_unit_test(a_canary_holds_back_what_may_become_it_and_no_more),
		cmocka_unit_test(a_canary_that_is_too_short_or_too_long_is_refused),
		cmocka_unit_test(a_repeated_system_prompt_is_told),
		cmocka_unit_test(an_answer_that_shares_words_is_not),
		cmocka_unit_test(a_short_system_text_is_nobodys_secret),
		cmocka_unit_test(what_two_lanes_repeat_adds_up),
		cmocka_unit_test(a_long_system_text_is_bounded),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
