/* SPDX-License-Identifier: Apache-2.0 */
/* YAML as people and attackers write it: every slip has a place and a sentence. */
#include "util.h"

#include "policy/tree.h"

/* "Norway": YAML 1.1 makes false of off and no. Scalars stay text here. */
static void off_is_a_word_not_false(void **state)
{
	struct rw_config *c = must_load(LEAST "kernel: off\n");

	(void)state;
	assert_int_equal(c->kernel, RW_KERNEL_OFF);
	rw_config_free(c);
	must_fail(LEAST "audit: {file: /a, required: yes}\n",
		  "f:8:29: audit.required: expected true or false, found 'yes'");
}

static void json_is_yaml(void **state)
{
	struct rw_config *c = must_load(
		"{\"listeners\": [{\"address\": \"127.0.0.1:1\", \"tls\": \"off\"}],\n"
		" \"upstreams\": [{\"name\": \"u\", \"url\": \"https://u/v1\"}],\n"
		" \"models\": [{\"name\": \"*\", \"upstream\": \"u\"}],\n"
		" \"audit\": {\"file\": \"/a\", \"required\": true}, \"workers\": 2}\n");

	(void)state;
	assert_false(c->listeners[0].tls);
	assert_true(c->audit_required);
	assert_int_equal(c->workers, 2);
	rw_config_free(c);
}

/* Windows editors: a byte order mark and CRLF. */
static void bom_and_crlf_are_fine(void **state)
{
	struct rw_config *c = must_load(
		"\xef\xbb\xbf"
		"listeners:\r\n  - address: 127.0.0.1:8443\r\n" UPSTREAMS MODELS);

	(void)state;
	assert_string_equal(c->listeners[0].address, "127.0.0.1:8443");
	rw_config_free(c);
}

/* The later one used to win in silence. */
static void duplicate_key_is_an_error(void **state)
{
	(void)state;
	must_fail(LEAST "kernel: off\nkernel: required\n",
		  "f:9:1: the key 'kernel' is there twice, first on line 8; keep one");
	must_fail(LEAST "limits:\n  body: 1MiB\n  body: 2MiB\n",
		  "f:10:3: the key 'body' is there twice, first on line 9; keep one");
}

static void tab_in_indentation_is_named(void **state)
{
	(void)state;
	must_fail("listeners:\n\t- address: 127.0.0.1:1\n",
		  "f:2:1: this is not YAML: found character that cannot start any token; the line "
		  "is indented with a tab: use spaces");
}

/* name: * is the start of an alias; everybody writes it once. */
static void bare_star_says_quotes(void **state)
{
	(void)state;
	must_fail(
		LISTENERS UPSTREAMS "models:\n  - {name: *, upstream: openai}\n",
		"f:7:13: this is not YAML: did not find expected alphabetic or numeric character; "
		"write \"*\" with quotes");
}

/* In { } a brace ends a plain scalar. */
static void variable_in_braces_says_quotes(void **state)
{
	(void)state;
	must_fail(LISTENERS "upstreams:\n  - {name: a, url: https://a/, key: ${KEY}}\n" MODELS,
		  "f:4:38: this is not YAML: did not find expected ',' or '}'; inside { } write "
		  "\"${NAME}\" with quotes");
}

/* The "billion laughs" grow from aliases; a merge key hides what a section holds. */
static void anchors_aliases_merges_and_tags_are_refused(void **state)
{
	(void)state;
	must_fail("listeners: &a\n  - address: 127.0.0.1:1\n",
		  "f:1:12: anchors (&name) are not supported: write the value out");
	must_fail("listeners: *a\n", "f:1:12: aliases (*name) are not supported: write the value "
				     "out, or quote the text");
	must_fail(LEAST "limits:\n  <<: {body: 1MiB}\n",
		  "f:9:3: merge keys (<<) are not supported: write the keys out");
	must_fail("workers: !!int 3\n", "f:1:10: tags (!name) are not supported: leave it out");
	must_fail("&k workers: 1\n",
		  "f:1:1: anchors (&name) are not supported: write the value out");
	must_fail("--- !x {}\n", "f:1:5: tags (!name) are not supported: leave it out");
}

/* The second document was dropped in silence, and with it the limits in it. */
static void second_document_is_an_error(void **state)
{
	(void)state;
	must_fail(LEAST "---\nworkers: 1\n",
		  "f:8:1: a second document begins here; keep everything in one");
}

static void what_is_no_section_is_an_error(void **state)
{
	(void)state;
	must_fail("", "f:1:1: the file is empty");
	must_fail("# nothing\n", "f:1:1: the file is empty");
	must_fail("---\n", "f:2:1: the file is empty");
	must_fail("hello\n", "f:1:1: the file must consist of \"key: value\" lines");
	must_fail("- a\n", "f:1:1: the file must consist of \"key: value\" lines");
	must_fail("[a]: b\n",
		  "f:1:1: a key must be a word; to use ${NAME} here, write it with quotes");
}

/* A NUL ended the C string: what stood behind it was not seen by the checks. */
static void nul_bytes_are_refused(void **state)
{
	static const char raw[] = "workers: 1\nkern\0el: off\n";
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_int_equal(rw_config_parse(&c, raw, sizeof(raw) - 1, "f", &e), RW_EINVAL);
	assert_string_equal(e.text, "f:2:5: a NUL byte; the file must be UTF-8 text");
	must_fail("state_dir: \"/var\\0/lib\"\n", "f:1:12: the text contains a NUL byte");
}

static void bytes_that_are_not_utf8_have_a_place(void **state)
{
	(void)state;
	must_fail("workers: 1\nstate_dir: /v\xff\n",
		  "f:2:14: this is not YAML: invalid leading UTF-8 octet");
	must_fail("workers: 1\nstate_dir: /v\x01\n",
		  "f:2:14: this is not YAML: control characters are not allowed");
}

/* Nesting is bounded before libyaml's stacks grow with it; its look-ahead is one key long. */
static void deep_nesting_is_refused(void **state)
{
	char *text = malloc(RW_TREE_MAX_BYTES + 1);
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_non_null(text);
	memset(text, '[', RW_TREE_MAX_BYTES);
	memcpy(text, "workers: ", 9);
	assert_true(rw_config_parse(&c, text, RW_TREE_MAX_BYTES, "f", &e) < 0);
	assert_non_null(strstr(e.text, "f:1:"));
	free(text);
}

static void file_over_1_mib_is_refused(void **state)
{
	char *text = malloc(RW_TREE_MAX_BYTES + 1);
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_non_null(text);
	memset(text, '#', RW_TREE_MAX_BYTES + 1);
	assert_int_equal(rw_config_parse(&c, text, RW_TREE_MAX_BYTES + 1, "f", &e), RW_ELIMIT);
	assert_string_equal(e.text, "f: larger than 1 MiB: this is no configuration");
	assert_int_equal(rw_config_parse(&c, text, RW_TREE_MAX_BYTES, "f", &e), RW_EINVAL);
	assert_string_equal(e.text, "f:1:1: the file is empty");
	free(text);
}

/* Finding duplicates compares each key with those before it: a section's size is bounded. */
static void ten_thousand_keys_are_refused(void **state)
{
	size_t room = 200000, n = 0;
	char *text = malloc(room);
	struct rw_error e;
	struct rw_config *c;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i < 10000; i++)
		n += (size_t)snprintf(text + n, room - n, "k%u: 1\n", i);
	assert_int_equal(rw_config_parse(&c, text, n, "f", &e), RW_ELIMIT);
	assert_string_equal(e.text, "f:65:1: too many keys in one section");
	n = (size_t)snprintf(text, room, "models: [");
	while (n < 100000)
		n += (size_t)snprintf(text + n, room - n, "a,");
	assert_int_equal(rw_config_parse(&c, text, n, "f", &e), RW_ELIMIT);
	assert_non_null(strstr(e.text, "the file has too many values"));
	free(text);
}

/* Escapes can be longer in UTF-8 than as written; texts must not move while slices point there. */
static void escapes_that_grow_fit(void **state)
{
	struct rw_tree t;
	struct rw_error e;
	char yaml[4096] = "a: \"";

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		memcpy(yaml + 4 + 2 * i, "\\L", 2);
	memcpy(yaml + 2004, "\"\n", 3);
	assert_int_equal(rw_tree_parse(&t, rw_slice_str(yaml), "f", &e), RW_OK);
	assert_int_equal(rw_tree_get(t.root, "a")->text.n, 3000);
	rw_tree_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(off_is_a_word_not_false),
		cmocka_unit_test(json_is_yaml),
		cmocka_unit_test(bom_and_crlf_are_fine),
		cmocka_unit_test(duplicate_key_is_an_error),
		cmocka_unit_test(tab_in_indentation_is_named),
		cmocka_unit_test(bare_star_says_quotes),
		cmocka_unit_test(variable_in_braces_says_quotes),
		cmocka_unit_test(anchors_aliases_merges_and_tags_are_refused),
		cmocka_unit_test(second_document_is_an_error),
		cmocka_unit_test(what_is_no_section_is_an_error),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(bytes_that_are_not_utf8_have_a_place),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(file_over_1_mib_is_refused),
		cmocka_unit_test(ten_thousand_keys_are_refused),
		cmocka_unit_test(escapes_that_grow_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
