/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands: each takes its own argc/argv (argv[0] is "ringwall NAME", for argp's
 * messages) and returns the process's exit status: 0 done, 1 failed or "no" as an answer,
 * 2 wrong usage, 77 no privilege. What it prints to standard output is its result, errors go to
 * standard error as "ringwall: ...".
 */
#ifndef RW_CMD_CMD_H
#define RW_CMD_CMD_H

enum { RW_EXIT_OK = 0, RW_EXIT_FAIL = 1, RW_EXIT_USAGE = 2, RW_EXIT_PERM = 77 };

int rw_cmd_serve(int argc, char **argv);
int rw_cmd_check(int argc, char **argv);
int rw_cmd_key(int argc, char **argv);
int rw_cmd_scan(int argc, char **argv);
int rw_cmd_rules(int argc, char **argv);
int rw_cmd_bench(int argc, char **argv);
int rw_cmd_kern(int argc, char **argv);
int rw_cmd_deny(int argc, char **argv);
int rw_cmd_feed(int argc, char **argv);
int rw_cmd_audit(int argc, char **argv);
int rw_cmd_top(int argc, char **argv);
int rw_cmd_doctor(int argc, char **argv);
int rw_cmd_stub(int argc, char **argv);
int rw_cmd_appliance(int argc, char **argv);
int rw_cmd_update(int argc, char **argv);

#endif
