/* SPDX-License-Identifier: Apache-2.0 */
/* Where commands find what belongs to the gateway. */
#ifndef RW_CMD_STATE_H
#define RW_CMD_STATE_H

#include "base/err.h"

/*
 * As `serve` looks for it, so that both mean the same: state where it is not NULL, else what the
 * configuration says, the usual one's where config is NULL, else the default. *dir is malloc'd.
 */
int rw_cmd_state_dir(const char *config, const char *state, char **dir, struct rw_error *e);

#endif
