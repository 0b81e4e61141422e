/* SPDX-License-Identifier: Apache-2.0 */
/* `ringwall kern events`, a verb of `ringwall kern`. */
#ifndef RW_CMD_EVENTS_H
#define RW_CMD_EVENTS_H

int rw_kern_events_verb(int argc, char **argv);

#endif
