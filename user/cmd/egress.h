/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern egress`, a verb of `ringwall kern` with verbs of its own. */
#ifndef RW_CMD_EGRESS_H
#define RW_CMD_EGRESS_H

#include "base/buf.h"

/* argv[0] is "ringwall kern egress". */
int rw_cmd_kern_egress(int argc, char **argv);
/* For `ringwall kern status`: one line, or one member of the JSON. */
void rw_cmd_egress_line(void);
int rw_cmd_egress_member(struct rw_buf *b);

#endif
