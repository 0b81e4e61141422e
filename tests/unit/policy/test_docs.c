/* SPDX-License-Identifier: Apache-2.0 */
/* The example and the reference say what the table of keys says. Run from the checkout's top. */
#include "util.h"

#include "policy/schema.h"
#include "policy/tree.h"

#define EXAMPLE	  "docs/ringwall.example.yaml"
#define REFERENCE "docs/configuration.md"

static void read_whole(const char *file, struct rw_buf *out)
{
	FILE *f = fopen(file, "re");
	char part[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		assert_int_equal(rw_buf_add(out, part, n), RW_OK);
	fclose(f);
	assert_int_equal(rw_buf_add(out, "", 1), RW_OK);
}

static void example_loads(void **state)
{
	struct rw_error e = {.text = ""};
	struct rw_config *c = NULL;

	(void)state;
	setenv("OPENAI_API_KEY", "sk-test", 1);
	if (rw_config_load(&c, EXAMPLE, &e))
		fail_msg("%s", e.text);
	rw_config_free(c);
	unsetenv("OPENAI_API_KEY");
}

/* The first node for a row: "upstreams[].timeouts.connect" in the first upstream. */
static const struct rw_tree_node *find(const struct rw_tree_node *n, const char *path)
{
	char word[64];

	while (n && *path) {
		size_t len = strcspn(path, ".[");

		if (len) {
			snprintf(word, sizeof(word), "%.*s", (int)len, path);
			n = rw_tree_get(n, word);
		} else {
			n = rw_tree_at(n, 0);
			len = 2;
		}
		path += len;
		path += *path == '.';
	}
	return n;
}

/* Not in the tree: then as a comment that needs only its "# " taken away. */
static bool is_commented_out(const char *text, const char *path)
{
	const char *dot = strrchr(path, '.'), *word = dot ? dot + 1 : path;
	char want[80];

	snprintf(want, sizeof(want), "%s:", word);
	for (const char *p = strstr(text, want); p; p = strstr(p + 1, want)) {
		const char *b = p;

		while (b > text && b[-1] == ' ')
			b--;
		if (b > text && b[-1] == '#')
			return true;
	}
	return false;
}

/* A key that nobody wrote down is a key that nobody uses; a default that is wrong there misleads.
 */
static void example_has_every_key_with_its_default(void **state)
{
	struct rw_buf text = {0};
	struct rw_tree tree;
	struct rw_error e;

	(void)state;
	read_whole(EXAMPLE, &text);
	assert_int_equal(rw_tree_parse(&tree, rw_slice_of(text.p, text.len - 1), EXAMPLE, &e), 0);
	for (unsigned i = 0; i < rw_config_n_keys; i++) {
		const struct rw_config_key *k = &rw_config_keys[i];
		const struct rw_tree_node *n = find(tree.root, k->path);

		if (!n && !is_commented_out(text.p, k->path))
			fail_msg("%s does not mention %s", EXAMPLE, k->path);
		if (n && k->def && !rw_slice_is(n->text, k->def))
			fail_msg("%s: %s is not the default %s", EXAMPLE, k->path, k->def);
	}
	rw_tree_free(&tree);
	rw_buf_free(&text);
}

static void reference_is_what_check_keys_prints(void **state)
{
	struct rw_buf text = {0}, want = {0};

	(void)state;
	read_whole(REFERENCE, &text);
	assert_int_equal(rw_config_reference(&want), RW_OK);
	assert_int_equal(rw_buf_add(&want, "", 1), RW_OK);
	if (!strstr(text.p, want.p))
		fail_msg("the table in %s is not what `ringwall check --keys` prints", REFERENCE);
	rw_buf_free(&want);
	rw_buf_free(&text);
}

/* A row with a typo in its path would be a key that can never be set. */
static void every_row_stands_in_a_section_that_is_a_row(void **state)
{
	(void)state;
	for (unsigned i = 0; i < rw_config_n_keys; i++) {
		const struct rw_config_key *k = &rw_config_keys[i];
		const char *dot = strrchr(k->path, '.');
		char parent[96];
		unsigned found = 0;

		assert_non_null(k->doc);
		assert_true(strlen(k->path) < 64);
		for (unsigned j = 0; j < rw_config_n_keys; j++)
			found += !strcmp(rw_config_keys[j].path, k->path);
		assert_int_equal(found, 1);
		if (!dot)
			continue;
		snprintf(parent, sizeof(parent), "%.*s", (int)(dot - k->path), k->path);
		if (parent[strlen(parent) - 1] == ']') /* items stand in their list */
			parent[strlen(parent) - 2] = '\0';
		for (unsigned j = found = 0; j < rw_config_n_keys; j++)
			found += !strcmp(rw_config_keys[j].path, parent);
		if (!found)
			fail_msg("%s stands in no section", k->path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_loads),
		cmocka_unit_test(example_has_every_key_with_its_default),
		cmocka_unit_test(reference_is_what_check_keys_prints),
		cmocka_unit_test(every_row_stands_in_a_section_that_is_a_row),
	};

	rw_log_set_level(RW_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
