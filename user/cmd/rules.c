/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall rules`: which rules there are, what one says, and whether packs are right. */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "cmd/cmd.h"
#include "cmd/verbs.h"
#include "scan/pack.h"

#define RULES_DIR "/etc/ringwall/rules.d"

enum { OPT_RULES = 256, OPT_JSON, OPT_CATEGORY };

struct options {
	const char *dir; /* NULL: the default, where it is there */
	const char *category;
	bool json;
	char **args;
	int n_args;
};

static const struct argp_option list_options[] = {
	{"rules", OPT_RULES, "DIR", 0,
	 "rule packs (*.yaml) on top of the built-in ones (default: " RULES_DIR ", if it is there)",
	 0},
	{"category", OPT_CATEGORY, "NAME", 0, "only injection, pii, secret, markup or topic", 0},
	{"json", OPT_JSON, NULL, 0, "print JSON", 0},
	{0},
};
static const struct argp_option plain_options[] = {
	{"rules", OPT_RULES, "DIR", 0,
	 "rule packs (*.yaml) on top of the built-in ones (default: " RULES_DIR ", if it is there)",
	 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_RULES:
		o->dir = arg;
		return 0;
	case OPT_CATEGORY:
		o->category = arg;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->args = state->argv + state->next;
		o->n_args = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char *dir_of(const struct options *o)
{
	struct stat st;

	if (o->dir)
		return o->dir;
	return stat(RULES_DIR, &st) == 0 && S_ISDIR(st.st_mode) ? RULES_DIR : NULL;
}

static int load(const struct options *o, struct rw_rules **out)
{
	struct rw_error e;

	if (!rw_rules_load(out, dir_of(o), &e))
		return RW_EXIT_OK;
	fprintf(stderr, "ringwall: %s\n", e.text);
	return RW_EXIT_FAIL;
}

static int end(int status)
{
	if (fflush(stdout) == 0)
		return status;
	fprintf(stderr, "ringwall: cannot print: %s\n", strerror(errno));
	return RW_EXIT_FAIL;
}

/* --- list ------------------------------------------------------------------------------------ */

static void print_json_str(const char *key, const char *text, const char *behind)
{
	struct rw_buf b = {0};

	if (!rw_buf_add_json(&b, rw_slice_str(text)))
		printf("\"%s\": %.*s%s", key, (int)b.len, b.p, behind);
	rw_buf_free(&b);
}

static void list_rule(const struct rw_rule *r, bool json, bool first)
{
	if (!json) {
		printf("%-34s %-10s %3u  %-26s %s%s%s\n", r->info.id,
		       rw_category_name(r->info.category), r->info.severity, r->info.type, r->pack,
		       r->replaces ? ", in place of the rule in " : "",
		       r->replaces ? r->replaces : "");
		return;
	}
	printf("%s\n  {", first ? "" : ",");
	print_json_str("id", r->info.id, ", ");
	print_json_str("category", rw_category_name(r->info.category), ", ");
	print_json_str("type", r->info.type, ", ");
	if (r->replaces)
		print_json_str("replaces", r->replaces, ", ");
	print_json_str("pack", r->pack, ", ");
	printf("\"line\": %u, \"severity\": %u, \"patterns\": %u, \"cases\": %u}", r->line,
	       r->info.severity, r->patterns.n, r->match.n + r->no_match.n);
}

static void list_disabled(const struct rw_rules *rules, bool json)
{
	const struct rw_rule_disabled *d;

	if (json)
		printf("\n], \"disabled\": [");
	for (unsigned i = 0; (d = rw_rules_disabled(rules, i)) != NULL; i++) {
		if (!json) {
			printf("%-34s disabled by %s (stood in %s)\n", d->id, d->by, d->pack);
			continue;
		}
		printf("%s\n  {", i ? "," : "");
		print_json_str("id", d->id, ", ");
		print_json_str("by", d->by, ", ");
		print_json_str("pack", d->pack, "}");
	}
	if (json)
		printf("\n]}\n");
}

static int list(int argc, char **argv)
{
	static const struct argp argp = {
		list_options, parse_option, "", "List the rules in force.", NULL, NULL, NULL};
	struct options o = {.dir = NULL};
	struct rw_rules *rules;
	bool first = true;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	status = load(&o, &rules);
	if (status)
		return status;
	if (o.json)
		printf("{\"digest\": \"%s\", \"rules\": [", rw_rules_digest(rules));
	for (unsigned i = 0; i < rw_rules_count(rules); i++) {
		const struct rw_rule *r = rw_rules_rule(rules, i);

		if (o.category && strcmp(o.category, rw_category_name(r->info.category)) != 0)
			continue;
		list_rule(r, o.json, first);
		first = false;
	}
	list_disabled(rules, o.json);
	rw_rules_unref(rules);
	return end(RW_EXIT_OK);
}

/* --- show ------------------------------------------------------------------------------------ */

static void show_list(const char *name, const struct rw_pack_list *list)
{
	if (list->n)
		printf("%s:\n", name);
	for (unsigned i = 0; i < list->n; i++)
		printf("  - %s\n", list->at[i].text);
}

static void show_rule(const struct rw_rule *r)
{
	printf("id: %s\n", r->info.id);
	printf("from: %s:%u%s%s\n", r->pack, r->line,
	       r->replaces ? ", in place of the rule in " : "", r->replaces ? r->replaces : "");
	printf("category: %s\ntype: %s\nseverity: %u\n", rw_category_name(r->info.category),
	       r->info.type, r->info.severity);
	if (r->entropy_centibits)
		printf("entropy: %u\n", r->entropy_centibits);
	show_list("context", &r->context);
	show_list("assigned_to", &r->assigned_to);
	show_list("patterns", &r->patterns);
	show_list("match", &r->match);
	show_list("no_match", &r->no_match);
}

static int show(int argc, char **argv)
{
	static const struct argp argp = {
		plain_options, parse_option, "ID", "Show what a rule looks for, and its cases.",
		NULL,	       NULL,	     NULL};
	struct options o = {.dir = NULL};
	struct rw_rules *rules;
	bool found = false;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.n_args != 1) {
		fprintf(stderr, "ringwall: which rule? `ringwall rules list` names them\n");
		return RW_EXIT_USAGE;
	}
	status = load(&o, &rules);
	if (status)
		return status;
	for (unsigned i = 0; i < rw_rules_count(rules); i++) {
		const struct rw_rule *r = rw_rules_rule(rules, i);

		if (strcmp(r->info.id, o.args[0]) != 0)
			continue;
		show_rule(r);
		found = true;
	}
	if (!found)
		fprintf(stderr, "ringwall: there is no rule %s\n", o.args[0]);
	rw_rules_unref(rules);
	return end(found ? RW_EXIT_OK : RW_EXIT_FAIL);
}

/* --- test, lint ------------------------------------------------------------------------------ */

static int test(int argc, char **argv)
{
	static const struct argp argp = {
		plain_options,
		parse_option,
		"",
		"Run every rule's own cases: whole, at every alignment, and in a stream "
		"of single bytes, on this processor.",
		NULL,
		NULL,
		NULL};
	struct options o = {.dir = NULL};
	struct rw_rules *rules;
	unsigned cases = 0;
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	status = load(&o, &rules);
	if (status)
		return status;
	for (unsigned i = 0; i < rw_rules_count(rules); i++)
		cases += rw_rules_rule(rules, i)->match.n + rw_rules_rule(rules, i)->no_match.n;
	printf("%u rules, %u cases: all are as they should be\n", rw_rules_count(rules), cases);
	rw_rules_unref(rules);
	return end(RW_EXIT_OK);
}

/* Each file by itself, on top of the built-in packs: one mistake does not hide another file's. */
static int lint(int argc, char **argv)
{
	static const struct argp argp = {
		NULL,
		parse_option,
		"FILE...",
		"Read rule packs, compile them and run their cases.\vEach FILE "
		"is taken by itself, on top of the built-in packs.",
		NULL,
		NULL,
		NULL};
	struct options o = {.dir = NULL};
	int status = RW_EXIT_OK;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!o.n_args) {
		fprintf(stderr, "ringwall: which files?\n");
		return RW_EXIT_USAGE;
	}
	for (int i = 0; i < o.n_args; i++) {
		const char *file = o.args[i];
		struct rw_rules *rules;
		struct rw_error e;

		if (rw_rules_load_from(&rules,
				       &(const struct rw_rules_from){.files = &file, .n_files = 1},
				       &e)) {
			fprintf(stderr, "ringwall: %s\n", e.text);
			status = RW_EXIT_FAIL;
			continue;
		}
		printf("%s: ok\n", file);
		rw_rules_unref(rules);
	}
	return end(status);
}

/* --- compile --------------------------------------------------------------------------------- */

static void complain(const char *text)
{
	fprintf(stderr, "ringwall: %s\n", text);
}

static int compile(int argc, char **argv)
{
	static const struct argp argp = {NULL,
					 parse_option,
					 "DIR",
					 "Compile the built-in rules for all kinds of processors "
					 "into DIR, which is made.\vA "
					 "system whose " RW_COMPILED_RULES
					 " is such a folder starts without compiling them. "
					 "Files are for this version alone.",
					 NULL,
					 NULL,
					 NULL};
	struct options o = {.dir = NULL};
	struct rw_rules *rules;
	struct rw_error e;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.n_args != 1) {
		fprintf(stderr, "ringwall: into which folder?\n");
		return RW_EXIT_USAGE;
	}
	if (mkdir(o.args[0], 0755)) {
		fprintf(stderr, "ringwall: cannot make '%s': %s\n", o.args[0], strerror(errno));
		return RW_EXIT_FAIL;
	}
	if (rw_rules_load_from(&rules,
			       &(const struct rw_rules_from){.cache_dir = o.args[0],
							     .note = complain,
							     .every_processor = true},
			       &e)) {
		fprintf(stderr, "ringwall: %s\n", e.text);
		return RW_EXIT_FAIL;
	}
	rw_rules_unref(rules);
	return RW_EXIT_OK;
}

int rw_cmd_rules(int argc, char **argv)
{
	static const struct rw_verb verbs[] = {
		{"list", list, "the rules in force, which pack each is from, what is disabled"},
		{"show", show, "a rule's patterns and cases"},
		{"test", test, "run all rules' cases"},
		{"lint", lint, "say what is wrong with rule packs"},
		{"compile", compile, "compile the built-in rules ahead of a start"},
	};

	argp_err_exit_status = RW_EXIT_USAGE;
	return rw_verbs_run(verbs, sizeof(verbs) / sizeof(verbs[0]), argc, argv);
}
