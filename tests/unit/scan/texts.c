/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of texts, lines of {"id", "text"}: each is masked alike whole, byte by byte and at random
 * cuts, an injection stops its stream at one place, and the hot code of every level of this
 * processor gives the same. For `make invariance`; the suite has the rules' own cases.
 */
#include "cuts.h"
#include "levels.h"

#include <stdio.h>
#include <string.h>
#include <yyjson.h>

enum { ROUNDS = 200, SAID_EVERY = 500 };

static char row_id[256]; /* of the row that is looked at */

/* What of a text that is cut there comes out until an injection stops it. */
static int release_cut(struct rw_slice text, const size_t *cuts, size_t n, struct rw_buf *out)
{
	static const struct rw_guard g = {.action = {[RW_CAT_INJECTION] = RW_ACT_BLOCK}};
	struct rw_lane *l = rw_lane_new(scanner, rules, &g);
	size_t from = 0;
	int rc = 0;

	out->len = 0;
	for (size_t i = 0; !rc && i <= n; i++) {
		size_t to = i < n ? cuts[i] : text.n;

		rc = rw_lane_feed(l, rw_slice_of(text.p + from, to - from), out);
		from = to;
	}
	rc = rc ? rc : rw_lane_end(l, out);
	rw_lane_free(l);
	return rc;
}

/* Whether it is stopped. */
static bool check_release(struct rw_slice text, uint32_t seed)
{
	struct rw_buf whole = {0}, out = {0};
	int rc = release_cut(text, NULL, 0, &whole);
	size_t *cuts = calloc(text.n + CUTS_MAX, sizeof(*cuts)), n;

	for (size_t i = 0; i < text.n; i++)
		cuts[i] = i;
	assert_int_equal(release_cut(text, cuts, text.n, &out), rc);
	assert_memory_equal_n(&out, rw_buf_slice(&whole));
	for (unsigned round = 0; round < ROUNDS; round++) {
		n = random_cuts(&seed, text.n, cuts, CUTS_MAX);
		assert_int_equal(release_cut(text, cuts, n, &out), rc);
		assert_memory_equal_n(&out, rw_buf_slice(&whole));
	}
	free(cuts);
	rw_buf_free(&whole);
	rw_buf_free(&out);
	return rc != 0;
}

static void check_each_level(struct rw_slice text)
{
	static const uint64_t some[RW_LEXICON_CELL_WORDS] = {0x0f0f, UINT64_C(1) << 63, 0x8001};
	const uint64_t *const extra[] = {NULL, rw_lexicon_everywhere, some};

	for (size_t at = 0; at < text.n; at += TEXT)
		for (size_t i = 0; i < sizeof(extra) / sizeof(extra[0]); i++)
			check_levels(
				rw_slice_of(text.p + at, text.n - at < TEXT ? text.n - at : TEXT),
				extra[i]);
}

static void every_text_of_the_file_gives_the_same(void **state)
{
	const char *path = *state;
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	unsigned n = 0, masked = 0, stopped = 0;
	struct rw_slice t;
	ssize_t len;

	if (!f)
		fail_msg("cannot read '%s'", path);
	while ((len = getline(&line, &room, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)len, 0);
		yyjson_val *row = yyjson_doc_get_root(doc);
		yyjson_val *text = yyjson_obj_get(row, "text"), *id = yyjson_obj_get(row, "id");

		if (!yyjson_is_str(text) || !yyjson_is_str(id))
			fail_msg("%s:%u: no line of {\"id\", \"text\"}", path, n + 1);
		snprintf(row_id, sizeof(row_id), "%s", yyjson_get_str(id));
		t = rw_slice_of(yyjson_get_str(text), yyjson_get_len(text));
		masked += check_cuts_often(t, n, ROUNDS);
		stopped += check_release(t, n);
		check_each_level(t);
		yyjson_doc_free(doc);
		if (++n % SAID_EVERY == 0)
			fprintf(stderr, "%s: %u texts\n", path, n);
	}
	fprintf(stderr, "%s: %u texts, %u masked and %u stopped alike at any cut, by %u levels\n",
		path, n, masked, stopped, rw_level_here() + 1);
	assert_true(n);
	row_id[0] = '\0';
	free(line);
	fclose(f);
}

static int say_where(void **state)
{
	if (row_id[0])
		fprintf(stderr, "%s: it was row '%s'\n", (const char *)*state, row_id);
	row_id[0] = '\0';
	return 0;
}

int main(int argc, char **argv)
{
	struct CMUnitTest *tests = calloc((size_t)argc, sizeof(*tests));
	int failed;

	if (argc < 2 || !tests) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		tests[i - 1] = (struct CMUnitTest){
			.name = argv[i],
			.test_func = every_text_of_the_file_gives_the_same,
			.teardown_func = say_where,
			.initial_state = argv[i],
		};
	failed = _cmocka_run_group_tests("texts", tests, (size_t)argc - 1, load_rules, free_rules);
	free(tests);
	return failed != 0;
}
