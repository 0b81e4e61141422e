/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands, in one table. */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *does;
} commands[] = {
	{"serve", rw_cmd_serve, "run the gateway"},
	{"check", rw_cmd_check, "read a configuration and say what is wrong with it"},
	{"key", rw_cmd_key, "add, list and revoke API keys"},
	{"scan", rw_cmd_scan, "scan text and print a verdict"},
	{"rules", rw_cmd_rules, "list, show and test the rules, lint packs of rules"},
	{"bench", rw_cmd_bench, "measure what scanning costs"},
	{"kern", rw_cmd_kern, "attach, detach and show the kernel side"},
	{"deny", rw_cmd_deny, "ban addresses in the kernel, list and lift bans"},
	{"feed", rw_cmd_feed, "load lists of addresses to drop, list and clear them"},
	{"audit", rw_cmd_audit, "say whether the audit log is whole, explain a request"},
	{"top", rw_cmd_top, "watch kernel and engine counters"},
	{"doctor", rw_cmd_doctor, "say what this host's kernel can do, and what to do without it"},
	{"appliance", rw_cmd_appliance, "what the appliance's image runs at boot"},
	{"update", rw_cmd_update, "update the appliance's system, or go back"},
	{"stub", rw_cmd_stub, "run a small OpenAI-compatible server for tests"},
};

static int usage(FILE *to, int status)
{
	fputs("Usage: ringwall COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].does);
	fputs("\n`ringwall COMMAND --help` tells the options.\n", to);
	return status;
}

int main(int argc, char **argv)
{
	char name[64];

	argp_err_exit_status = RW_EXIT_USAGE;
	if (argc < 2)
		return usage(stderr, RW_EXIT_USAGE);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return usage(stdout, RW_EXIT_OK);
	if (!strcmp(argv[1], "--version")) {
		puts("ringwall " RW_VERSION);
		return RW_EXIT_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof(name), "ringwall %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "ringwall: there is no command '%s'\n", argv[1]);
	return usage(stderr, RW_EXIT_USAGE);
}
