/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern egress`, a verb of `ringwall kern` with verbs of its own. */
#ifndef RW_CMD_EGRESS_H
#define RW_CMD_EGRESS_H

/* argv[0] is "ringwall kern egress". */
int rw_cmd_kern_egress(int argc, char **argv);

#endif
