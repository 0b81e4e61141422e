/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verbs.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static int usage(const struct rw_verb *verbs, size_t n, const char *command, FILE *to, int status)
{
	fprintf(to, "Usage: %s VERB [OPTION...]\n\n", command);
	for (size_t i = 0; i < n; i++)
		fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].does);
	fprintf(to, "\n`%s VERB --help` tells the options.\n", command);
	return status;
}

int rw_verbs_run(const struct rw_verb *verbs, size_t n, int argc, char **argv)
{
	char name[96];

	if (argc < 2)
		return usage(verbs, n, argv[0], stderr, RW_EXIT_USAGE);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(verbs, n, argv[0], stdout, RW_EXIT_OK);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		snprintf(name, sizeof(name), "%s %s", argv[0], verbs[i].name);
		argv[1] = name;
		return verbs[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "ringwall: '%s' has no verb '%s'\n", argv[0], argv[1]);
	return usage(verbs, n, argv[0], stderr, RW_EXIT_USAGE);
}

static error_t on_json(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	*(bool *)state->input = true;
	return 0;
}

bool rw_cmd_wants_json(int argc, char **argv, const char *doc)
{
	static const struct argp_option options[] = {{"json", 'j', NULL, 0, "print JSON", 0}, {0}};
	const struct argp argp = {.options = options, .parser = on_json, .doc = doc};
	bool json = false;

	argp_parse(&argp, argc, argv, 0, NULL, &json);
	return json;
}

int rw_cmd_end(int rc, const struct rw_error *e)
{
	if (rc >= 0)
		return RW_EXIT_OK;
	fprintf(stderr, "ringwall: %s\n", e->text);
	return rc == RW_EPERM ? RW_EXIT_PERM : RW_EXIT_FAIL;
}
