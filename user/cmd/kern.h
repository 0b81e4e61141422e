/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of `ringwall kern` that have files of their own. Each returns the exit status. */
#ifndef RW_CMD_KERN_H
#define RW_CMD_KERN_H

#include "kern/kern.h"

int rw_cmd_attach(int argc, char **argv);
int rw_cmd_set(int argc, char **argv);
int rw_cmd_detach(int argc, char **argv);
int rw_cmd_status(int argc, char **argv);
int rw_cmd_events(int argc, char **argv);

/* Mode, ports and rates, a line each. */
void rw_cmd_print_config(const struct rw_kern_cfg *cfg);

#endif
