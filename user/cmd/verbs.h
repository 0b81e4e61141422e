/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that have verbs (`ringwall deny add`), what those have for options that only print, and
 * how commands end. */
#ifndef RW_CMD_VERBS_H
#define RW_CMD_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct rw_verb {
	const char *name;
	/* argv[0] is "ringwall COMMAND VERB"; returns the exit status. */
	int (*run)(int argc, char **argv);
	const char *does;
};

/* Runs the verb named by argv[1], or tells which there are. command: "ringwall deny". */
int rw_verbs_run(const struct rw_verb *verbs, size_t n, int argc, char **argv);
/* The options of a command that only prints: --json, and --help, which prints doc. Ends the process
 * where there are others. */
bool rw_cmd_wants_json(int argc, char **argv, const char *doc);
/* Prints *e where rc is negative; returns the exit status for rc. */
int rw_cmd_end(int rc, const struct rw_error *e);

#endif
